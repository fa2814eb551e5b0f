//! What agents say in the benches of frames: fleets at work, and the largest report.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::Range;

use langdeck_console::net::{BaseUrl, Client};
use langdeck_shared::{FleetUpdate, Investigation, ReplicaUpdate};
use serde_json::{Value, json};

/// An answer of a replica with samples of these seconds, in which these moved.
pub(crate) fn update(replica: usize, seconds: Range<usize>, investigations: Vec<Investigation>) -> ReplicaUpdate {
    let samples: Vec<Value> = seconds
        .map(|second| json!({"second": second, "requests": 1, "errors": 0, "tokens": second * 7 % 400, "cost_usd": 0.0003}))
        .collect();
    let mut update: ReplicaUpdate = serde_json::from_value(json!({
        "cursor": "1", "reset": false, "more": false, "missed": 0,
        "replica": format!("langchain-free-7d9c-{replica:05}"), "boot_id": format!("boot-{replica}"),
        "status": "ready", "version": "0.1.0", "model": "simulated-gpt-4", "tool_mode": "sequential",
        "started_at": "2026-01-01T00:00:00Z", "now": "2026-01-01T00:05:00Z", "uptime_ms": 300_000,
        "totals": {
            "requests": 300, "succeeded": 290, "partial": 8, "failed": 2, "cancelled": 0, "tools_executed": 900,
            "spend": {"calls": 1500, "tokens": 47_100, "input_tokens": 30_000, "output_tokens": 17_100, "cost_usd": 0.0942},
        },
        "latency": {"count": 300, "p50_ms": 231, "p95_ms": 239, "p99_ms": 260},
        "running": 2, "queued": 1, "samples": samples, "investigations": [], "memory": {"services": 0, "patterns": []},
    }))
    .unwrap();
    update.investigations = investigations;
    update
}

/// What the first of these replicas tells of its fleet.
pub(crate) fn fleet(replicas: Vec<ReplicaUpdate>) -> FleetUpdate {
    FleetUpdate {
        cursor: "1".to_owned(),
        reset: false,
        more: false,
        replica: "langchain-free-7d9c-00000".to_owned(),
        boot_id: "boot-0".to_owned(),
        replicas,
        problems: None,
    }
}

/// One of a replica; every twentieth still runs.
pub(crate) fn investigation(replica: usize, number: usize) -> Investigation {
    const SERVICES: [&str; 4] = ["checkout-api", "payment-api", "search", "ledger"];
    let status = if number.is_multiple_of(20) { "running" } else { "succeeded" };
    let second = number % 60;
    let step = |name: &str, kind: &str, start: usize| {
        json!({
            "name": name, "kind": kind, "status": "succeeded", "start_offset_ms": start, "duration_ms": 45,
            "tokens": 12, "input_tokens": 8, "output_tokens": 4, "cost_usd": 0.000024,
        })
    };
    serde_json::from_value(json!({
        "investigation_id": format!("inv_boot{replica}_{number}"), "replica": format!("langchain-free-7d9c-{replica:05}"),
        "status": status,
        "alert": {
            "alert_type": "high_latency", "service": SERVICES[number % 4], "severity": "critical",
            "timestamp": "2026-01-01T00:00:00Z",
        },
        "accepted_at": format!("2026-01-01T00:00:{second:02}Z"), "started_at": format!("2026-01-01T00:00:{second:02}Z"),
        "elapsed_ms": 234, "tokens": 157, "cost_usd": 0.000314, "confidence": 0.85,
        "root_cause": "database connection pool exhaustion",
        "steps": [
            step("planner", "planner", 0), step("check_pods", "tool", 45), step("get_metrics", "tool", 90),
            step("get_logs", "tool", 135), step("reasoner", "reasoner", 180),
        ],
    }))
    .unwrap()
}

/// The first investigation of the first replica, with as much text as an answer may have.
pub(crate) fn largest() -> String {
    let mut whole = serde_json::to_value(investigation(0, 0)).unwrap();
    let lines = "connection to the database timed out after 30 s; 数据库 ".repeat(256);
    for step in whole["steps"].as_array_mut().unwrap() {
        step["output"] = json!(vec![&lines; 60]);
    }
    let reasoner = json!({
        "summary": lines, "root_cause": lines, "recommendations": vec![&lines; 60], "confidence": 0.85, "tokens_used": 67,
    });
    whole["report"] = json!({
        "investigation_id": whole["investigation_id"], "replica": "a", "status": "succeeded", "alert": whole["alert"],
        "chain_execution": {
            "planner": {"plan": ["check_pods"], "reasoning": lines, "tokens_used": 45},
            "executor": {"mode": "sequential", "steps": [], "total_tokens": 45},
            "reasoner": reasoner,
        },
        "cost_tracking": {
            "total_tokens": 157, "breakdown": {"planner": 45, "executor": 45, "reasoner": 67}, "cost_usd": 0.000314,
            "model": "simulated-gpt-4",
        },
        "execution_time_ms": 234, "memory_updated": true,
    });
    let text = whole.to_string();
    assert!((4 << 20..8 << 20).contains(&text.len()), "{} bytes", text.len());
    text
}

/// An answer as the console gets it: over HTTP, cleaned, cut and checked.
pub(crate) fn fetched(body: String) -> Investigation {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: BaseUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let agent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _head = stream.read(&mut request).unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(std::slice::from_ref(&url)).unwrap();
    let whole = runtime.block_on(client.investigation(&url, "inv_boot0_0")).unwrap();
    agent.join().unwrap();
    whole
}

//! What agents say in the benches of frames: fleets at work, their costs, and the largest report.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::Range;

use langdeck_console::net::{BaseUrl, Client};
use langdeck_shared::{Costs, FleetUpdate, Investigation, ReplicaUpdate};
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

/// What a fleet of so many replicas has spent: a thousand services and alert types each, as many of its replicas at most,
/// some models, steps and budgets, and as many steps that stand out as an answer has.
pub(crate) fn costs(replicas: usize) -> Costs {
    const KEYS: usize = 1_000;
    const OUTLIERS: usize = 20;
    let spend = |share: usize| {
        json!({
            "calls": 5 * share, "tokens": 157 * share, "input_tokens": 100 * share, "cached_input_tokens": 10 * share,
            "output_tokens": 57 * share, "cost_usd": 0.000314 * share as f64, "unpriced_tokens": 3 * share,
        })
    };
    let shares = |count: usize, key: &dyn Fn(usize) -> String| -> Vec<Value> {
        let share = |number: usize| {
            let mut share = spend(count - number);
            share["key"] = json!(key(number));
            share
        };
        (0..count).map(share).collect()
    };
    let budget = |scope: String| {
        json!({
            "scope": scope, "limit_usd": 5.0, "window": "day", "resets_at": "2026-01-02T00:00:00Z", "spent_usd": 4.2,
            "reserved_usd": 0.1, "threshold_percent": 80, "state": "warning", "at_limit": "degrade",
            "exhausted_at": "2026-01-01T12:00:00Z", "counted": "each replica, its life", "replicas": replicas,
        })
    };
    let outlier = |number: usize| {
        json!({
            "at": "2026-01-01T00:04:00Z", "investigation_id": format!("inv_boot0_{number}"), "step": "reasoner",
            "attempt": 1, "model": "simulated-gpt-4", "service": "checkout-api", "alert_type": "high_latency",
            "input_tokens": 1_200 + number, "output_tokens": 90, "cost_usd": 0.00258, "basis": "reported",
            "median_tokens": 67,
        })
    };
    let what_if = |number: usize| json!({"model": format!("model-{number}"), "cost_usd": 0.3 * number as f64});
    serde_json::from_value(json!({
        "replica": "langchain-free-7d9c-00000", "boot_id": "boot-0", "since": "2026-01-01T00:00:00Z",
        "totals": spend(KEYS * KEYS / 2),
        "by_replica": shares(replicas.min(KEYS), &|number| format!("langchain-free-7d9c-{number:05}")),
        "by_service": shares(KEYS, &|number| format!("service-{number}")),
        "by_alert_type": shares(KEYS, &|number| format!("alert_type_{number}")),
        "by_model": shares(8, &|number| format!("model-{number}")),
        "by_step": shares(12, &|number| format!("tool_{number}")),
        "burn": {"last_5m_usd_per_hour": 3.6, "last_60m_usd_per_hour": 2.9}, "month_usd": 2_088.0,
        "what_if": (0..8).map(what_if).collect::<Vec<_>>(),
        "budgets": (0..50).map(|number| budget(format!("service:service-{number}"))).collect::<Vec<_>>(),
        "outliers": (0..OUTLIERS).map(outlier).collect::<Vec<_>>(),
    }))
    .unwrap()
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

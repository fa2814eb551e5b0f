//! Submitting alerts: waiting or not, under a key or not, with and without a place for them.

use jiff::Timestamp;
use langdeck_agent::Config;
use langdeck_shared::{Accepted, Report, Status, StepStatus};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{REPLICA, Server, alert, config, eventually, problem};

#[tokio::test]
async fn every_answer_says_who_answered_which_request() {
    let server = Server::start().await;
    let request = server.request("POST", "/investigate").json(&alert("high_cpu", "api"));
    let response = request.header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine-1");
    assert_eq!(response.headers()["x-agent-replica"], REPLICA);
    let (first, second) = (server.get("/health").await, server.get("/health").await);
    assert_ne!(first.headers()["x-request-id"], second.headers()["x-request-id"]);
}

#[tokio::test]
async fn an_alert_that_is_not_waited_for_can_be_followed() {
    let server = Server::start().await;
    let body = json!({
        "alert_type": "HighLatency", "service": "checkout-api", "severity": "critical", "description": "p95 \u{1b}[31m",
        "labels": { "team": "shop" }, "timestamp": "2026-01-15T10:30:00Z", "unknown": [1],
    });
    let response = server.post("/v1/investigations", &body).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let accepted: Accepted = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/investigations/{}", accepted.investigation_id));
    assert!(accepted.investigation_id.starts_with(&format!("inv_{}_", server.agent.boot_id())));
    assert_eq!(&*accepted.replica, REPLICA);

    let ended = server.ended(&accepted.investigation_id).await;
    assert_eq!(ended.status, Status::Succeeded);
    assert_eq!(ended.alert.alert_type, "high_latency");
    assert_eq!(ended.alert.original_alert_type.as_deref(), Some("HighLatency"));
    assert_eq!(ended.alert.description.as_deref(), Some("p95 \u{1b}[31m"));
    assert_eq!(ended.alert.labels["team"], "shop");
    assert_eq!(ended.alert.timestamp, "2026-01-15T10:30:00Z".parse().unwrap());
    assert_eq!(ended.report.unwrap().investigation_id, accepted.investigation_id);
}

#[tokio::test]
async fn a_failing_tool_makes_the_answer_partial() {
    let server = Server::start().await;
    let report: Report = serde_json::from_value(server.investigate("disk_full", "ledger").await).unwrap();
    assert_eq!(report.status, Status::Partial);
    let failed: Vec<_> =
        report.chain_execution.executor.steps.iter().filter(|step| step.status == StepStatus::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&*failed[0].tool, failed[0].tokens_used), ("get_logs", 15));
    assert!(failed[0].result.contains("no space left on device"), "{}", failed[0].result);
    assert!(report.chain_execution.reasoner.confidence < 0.72);
    assert!(report.chain_execution.reasoner.summary.contains("without get_logs"));
    let totals = server.replica(None).await.totals;
    assert_eq!((totals.partial, totals.failed, totals.tools_executed), (1, 0, 3));
}

#[tokio::test]
async fn a_failed_investigation_is_a_bad_gateway_that_can_be_looked_up() {
    let (server, _gate) = Server::gated(config()).await;
    let response = server.post("/investigate", &alert("unplannable", "api")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let problem = problem(response).await;
    assert_eq!(problem.kind, "urn:langdeck:problem:investigation-failed");
    let failed = server.investigation(&problem.investigation_id.unwrap()).await;
    assert_eq!(failed.status, Status::Failed);
    assert!(failed.error.unwrap().contains("out of order"));
    assert!(failed.report.is_none());
    assert_eq!(server.replica(None).await.totals.failed, 1);
    assert!(server.get("/metrics").await.text().await.unwrap().contains("\nagent_errors_total 1\n"));
}

#[tokio::test]
async fn steps_are_seen_while_they_run() {
    let (server, gate) = Server::gated(config()).await;
    let id = server.submit("high_cpu", "api").await;
    gate.entered().await;

    let live = server.investigation(&id).await;
    assert_eq!(live.status, Status::Running);
    let steps: Vec<_> = live.steps.iter().map(|step| (&*step.name, step.status)).collect();
    let expected =
        [("planner", StepStatus::Succeeded), ("gate", StepStatus::Running), ("reasoner", StepStatus::Waiting)];
    assert_eq!(steps, expected);
    assert_eq!(live.steps[1].input, Some(json!({ "knock": true })));
    assert_eq!((&live.steps[1].output, live.steps[1].duration_ms), (&None, None));
    assert_eq!(live.tokens, 6);
    assert_eq!(live.unpriced_tokens, 6);
    let update = server.replica(None).await;
    assert_eq!((update.running, update.queued), (1, 0));
    assert_eq!(update.investigations[0].steps[1].status, StepStatus::Running);
    assert_eq!((&update.investigations[0].steps[1].input, &update.investigations[0].report), (&None, &None));
    assert!(server.get("/metrics").await.text().await.unwrap().contains("\nagent_investigations_in_flight 1\n"));

    gate.open(1);
    let ended = server.ended(&id).await;
    assert_eq!(ended.steps[1].output, Some(json!("open")));
    assert_eq!(ended.steps[2].input, Some(json!({ "findings": [{ "tool": "gate", "result": "open" }] })));
    assert_eq!(ended.steps[2].output.as_ref().unwrap()["root_cause"], "somebody opened it");
    let report = ended.report.unwrap();
    assert_eq!((report.cost_tracking.total_tokens, report.cost_tracking.unpriced_tokens), (9, 9));
}

#[tokio::test]
async fn the_planner_is_given_what_memory_recalls_once_there_is_something() {
    let server = Server::start().await;
    let mut given = Vec::new();
    for _ in 0..2 {
        let report = server.investigate("high_cpu", "api").await;
        let planner = server.investigation(report["investigation_id"].as_str().unwrap()).await.steps.remove(0);
        given.push(planner.input.unwrap());
    }
    assert_eq!(given[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["alert"]);
    assert_eq!(given[1]["memory"]["same_type"], 1);
}

/// Every time in an answer, with the path that leads to it.
fn times(path: &str, value: &Value, found: &mut Vec<(String, Timestamp)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| times(&format!("{path}.{key}"), value, found)),
        Value::Array(values) => values.iter().for_each(|value| times(path, value, found)),
        Value::String(text) => found.extend(text.parse().map(|time| (path.to_owned(), time))),
        _ => {}
    }
}

#[tokio::test]
async fn the_agents_own_times_have_milliseconds_and_a_clients_stay_as_they_are() {
    let server = Server::start().await;
    for _ in 0..2 {
        server.investigate("high_cpu", "api").await;
    }
    let own = server.submit("high_cpu", "api").await;
    server.ended(&own).await;
    let mut found = Vec::new();
    for path in ["/v1/replica", "/v1/costs", "/v1/memory", "/v1/investigations", &format!("/v1/investigations/{own}")] {
        times(path, &server.read(path).await, &mut found);
    }
    let named = |name: &str| found.iter().any(|(path, _)| path.ends_with(name));
    for name in ["started_at", "now", "since", "accepted_at", "ended_at", "alert.timestamp", "last_seen"] {
        assert!(named(name), "no {name} in {found:?}");
    }
    for (path, time) in found {
        assert_eq!(time.subsec_nanosecond() % 1_000_000, 0, "{path}: {time}");
    }

    let clients = "2026-01-15T10:30:00.123456789Z";
    let body = json!({ "alert_type": "high_cpu", "service": "api", "timestamp": clients });
    let report: Value = server.post("/investigate", &body).await.json().await.unwrap();
    assert_eq!(report["alert"]["timestamp"], clients);
}

#[tokio::test]
async fn an_investigation_goes_on_when_its_client_leaves() {
    let (server, gate) = Server::gated(config()).await;
    let mut client = TcpStream::connect(server.agent.local_addr()).await.unwrap();
    let body = r#"{"alert_type":"high_cpu","service":"api"}"#;
    let request = format!(
        "POST /investigate HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    gate.entered().await;
    drop(client);
    gate.open(1);
    let update = eventually("the investigation ends", async || {
        let update = server.replica(None).await;
        (update.totals.succeeded == 1).then_some(update)
    })
    .await;
    assert_eq!((update.running, update.queued), (0, 0));
    assert_eq!(update.memory.patterns[0].service, "api");
}

#[tokio::test]
async fn beyond_its_places_a_replica_refuses_at_once() {
    let (server, gate) = Server::gated(Config { max_running: 1, max_queued: 1, ..config() }).await;
    let first = server.submit("high_cpu", "a").await;
    gate.entered().await;
    let second = server.submit("high_cpu", "b").await;
    assert_eq!(server.investigation(&second).await.status, Status::Queued);
    let update = server.replica(None).await;
    assert_eq!((update.running, update.queued), (1, 1));

    for door in ["/investigate", "/v1/investigations"] {
        let response = server.post(door, &alert("high_cpu", "c")).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(problem(response).await.kind, "urn:langdeck:problem:full");
    }
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("agent_requests_refused_total{reason=\"full\"} 2"), "{metrics}");

    gate.open(2);
    for id in [first, second] {
        assert_eq!(server.ended(&id).await.status, Status::Succeeded);
    }
    let update = server.replica(None).await;
    assert_eq!((update.running, update.queued, update.totals.requests), (0, 0, 2));
}

async fn submit_with_key(server: &Server, door: &str, key: &str, body: &str) -> Response {
    let request = server.request("POST", door).header("content-type", "application/json").body(body.to_owned());
    request.header("idempotency-key", key).send().await.unwrap()
}

#[tokio::test]
async fn one_key_leads_to_one_investigation_by_any_door() {
    let server = Server::start().await;
    let body = r#"{"alert_type":"high_cpu","service":"api"}"#;
    let same = r#" { "service" : "api" , "alert_type" : "high_cpu" } "#;
    let first: Value = submit_with_key(&server, "/investigate", "key-1", body).await.json().await.unwrap();
    let again: Value = submit_with_key(&server, "/investigate", "key-1", same).await.json().await.unwrap();
    assert_eq!(first, again);
    let accepted: Accepted = submit_with_key(&server, "/v1/investigations", "key-1", body).await.json().await.unwrap();
    assert_eq!(
        (accepted.investigation_id.as_str(), accepted.status),
        (first["investigation_id"].as_str().unwrap(), Status::Succeeded)
    );

    let response =
        submit_with_key(&server, "/investigate", "key-1", r#"{"alert_type":"high_cpu","service":"b"}"#).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let problem = problem(response).await;
    assert_eq!(problem.kind, "urn:langdeck:problem:conflict");
    assert_eq!(problem.investigation_id.as_deref(), first["investigation_id"].as_str());
    assert_eq!(server.replica(None).await.totals.requests, 1);
}

#[tokio::test]
async fn parallel_tools_begin_together() {
    let server =
        Server::with(Config { tool_mode: langdeck_agent::ToolMode::Parallel, sim_delay: 1.0, ..config() }).await;
    let report = server.investigate("high_latency", "checkout-api").await;
    assert_eq!(report.pointer("/chain_execution/executor/mode").unwrap(), "parallel");
    let id = report["investigation_id"].as_str().unwrap();
    let steps = server.investigation(id).await.steps;
    let begins: Vec<_> = steps[1..4].iter().map(|step| step.start_offset_ms.unwrap()).collect();
    let first_end = steps[1..4].iter().map(|step| step.start_offset_ms.unwrap() + step.duration_ms.unwrap()).min();
    assert!(begins.iter().all(|begin| Some(*begin) < first_end), "{steps:#?}");
}

#[tokio::test]
async fn several_agents_live_in_one_process_and_share_nothing() {
    let (one, other) = (Server::start().await, Server::start().await);
    let id = one.submit("high_cpu", "api").await;
    one.ended(&id).await;
    assert_ne!(one.agent.boot_id(), other.agent.boot_id());
    assert_eq!(other.get(&format!("/v1/investigations/{id}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(other.replica(None).await.totals.requests, 0);
    assert!(other.get("/metrics").await.text().await.unwrap().contains("\nagent_requests_total 0\n"));
    one.agent.shutdown().await;
    assert_eq!(other.get("/health").await.status(), StatusCode::OK);
}

//! Health, readiness, metrics, and an agent that does not start.

use std::collections::BTreeMap;

use langdeck_agent::{Agent, AtLimit, Config, StartError};
use langdeck_shared::{Health, ReplicaStatus};
use reqwest::StatusCode;
use serde_json::json;

use crate::costs::policy;
use crate::support::{REPLICA, Server, alert, config};

#[tokio::test]
async fn a_healthy_agent_says_so() {
    let server = Server::start().await;
    for path in ["/health", "/livez", "/readyz"] {
        let health: Health = server.read(path).await;
        assert_eq!((health.status.as_str(), health.readiness), ("healthy", ReplicaStatus::Ready), "{path}");
        assert_eq!((health.replica.as_str(), health.boot_id.as_str()), (REPLICA, server.agent.boot_id()));
    }
}

#[tokio::test]
async fn metrics_break_down_what_they_sum_up_and_take_no_label_from_an_alert() {
    let server = Server::start().await;
    server.investigate("high_latency", "checkout-api").await;
    server.investigate("disk_full", "ledger").await;
    server.investigate("my_own_alert_type", "my_own_service").await;
    let response = server.get("/metrics").await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = response.text().await.unwrap();
    for line in [
        "agent_requests_total 3",
        "agent_errors_total 0",
        "agent_tools_executed_total 9",
        "agent_step_tokens_total{step=\"planner\"} 133",
        "agent_tool_calls_total{outcome=\"failed\",tool=\"get_logs\"} 1",
        "agent_tool_calls_total{outcome=\"succeeded\",tool=\"get_logs\"} 2",
        "agent_investigations_in_flight 0",
        "agent_investigations_queued 0",
        "agent_latency_seconds_count 3",
    ] {
        assert!(text.lines().any(|actual| actual == line), "{line:?} is not in:\n{text}");
    }
    for word in ["my_own", "ledger", "checkout", "disk_full", REPLICA] {
        assert!(!text.contains(word), "{word} became a label");
    }
}

#[tokio::test]
async fn metrics_tell_by_their_end_investigations_that_succeeded_failed_and_were_cancelled() {
    let (server, gate) = Server::gated(config()).await;
    let before = series(&server).await;
    let unplannable = server.post("/investigate", &alert("unplannable", "a")).await;
    assert_eq!(unplannable.status(), StatusCode::BAD_GATEWAY);
    let cancelled = server.submit("high_cpu", "b").await;
    gate.entered().await;
    // Whoever watches a queue cannot wait until the investigations have ended.
    assert_eq!(series(&server).await["agent_queue_wait_seconds_count"], "2");
    server.post(&format!("/v1/investigations/{cancelled}/cancel"), &json!({})).await;
    server.ended(&cancelled).await;
    gate.open(1);
    server.investigate("high_cpu", "c").await;
    let after = series(&server).await;
    for (name, value) in [
        ("agent_requests_total", 3),
        ("agent_errors_total", 1),
        ("agent_investigations_ended_total{status=\"succeeded\"}", 1),
        ("agent_investigations_ended_total{status=\"partial\"}", 0),
        ("agent_investigations_ended_total{status=\"failed\"}", 1),
        ("agent_investigations_ended_total{status=\"cancelled\"}", 1),
        // How long one took that was cancelled says nothing; how long it waited does.
        ("agent_latency_seconds_count", 2),
        ("agent_queue_wait_seconds_count", 3),
        ("agent_step_latency_seconds_count{step=\"gate\"}", 1),
        ("agent_tools_executed_total", 2),
        ("agent_tool_calls_total{outcome=\"cancelled\",tool=\"gate\"}", 1),
        ("agent_tool_calls_total{outcome=\"succeeded\",tool=\"gate\"}", 1),
        ("agent_model_retries_total", 2),
        // The model has no price: five answers of three tokens.
        ("agent_tokens_total", 15),
        ("agent_unpriced_tokens_total", 15),
        ("agent_cost_total", 0),
    ] {
        assert_eq!(after.get(name), Some(&value.to_string()), "{name} in {after:#?}");
    }
    // Whoever asks for a rate sees the first of each.
    let new: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert!(new.is_empty(), "{new:?}");
}

#[tokio::test]
async fn each_model_that_may_be_asked_stands_at_nothing_from_the_start() {
    let of_models = async |config| {
        let series = series(&Server::with(config).await).await.into_iter();
        series.filter(|(name, _)| name.starts_with("agent_model_cost_usd_total")).collect::<Vec<_>>()
    };
    let zero = |model: &str| (format!("agent_model_cost_usd_total{{model=\"{model}\"}}"), "0".to_owned());
    assert_eq!(of_models(config()).await, [zero("simulated-gpt-4")]);
    let both = [zero("simulated-gpt-3.5"), zero("simulated-gpt-4")];
    let budget_usd = Some("1".parse().unwrap());
    assert_eq!(of_models(Config { budget_usd, budget_at_limit: AtLimit::Degrade, ..config() }).await, both);
    let file = policy("[[route]]\nseverity = \"info\"\nmodel = \"simulated-gpt-3.5\"");
    assert_eq!(of_models(Config { policy: Some(file.path().into()), ..config() }).await, both);
}

/// Every series and its value.
async fn series(server: &Server) -> BTreeMap<String, String> {
    let text = server.get("/metrics").await.text().await.unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()).collect()
}

#[tokio::test]
async fn an_agent_does_not_start_with_a_bad_setting_or_a_taken_port() {
    let bad = Agent::start(Config { history: 0, ..config() }).await.err().unwrap();
    assert!(bad.is_usage());
    assert!(bad.to_string().contains("--history") && bad.to_string().contains("LANGDECK_HISTORY"), "{bad}");

    let missing = Agent::start(Config { scenarios: Some("/nowhere.toml".into()), ..config() }).await.err().unwrap();
    assert!(missing.is_usage());

    let server = Server::start().await;
    let listen = server.agent.local_addr();
    let taken = Agent::start(Config { listen, ..config() }).await.err().unwrap();
    assert!(matches!(taken, StartError::Listen { address, .. } if address == listen) && !taken.is_usage());
    assert!(taken.to_string().contains(&listen.to_string()) && taken.to_string().contains("--listen"), "{taken}");
}

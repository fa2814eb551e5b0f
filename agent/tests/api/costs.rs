//! What was spent: the ledger's entries, its spans, and the prices that a policy says.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use langdeck_agent::{Agent, Config};
use langdeck_shared::{Basis, Costs, Report, Usd};
use reqwest::StatusCode;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::support::{Server, config, problem};

/// A policy file with this text.
pub(crate) fn policy(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const DEARER: &str = r#"
[[price]]
model = "simulated-gpt-4"
from = 2025-06-01
input = 3
cached_input = 3
output = 5.5
source = "the test"
"#;

#[tokio::test]
async fn every_call_of_an_investigation_is_an_entry_with_its_price() {
    let server = Server::start().await;
    let id = server.investigate("high_latency", "checkout-api").await["investigation_id"].as_str().unwrap().to_owned();
    server.investigate("high_cpu", "other").await;
    let costs: Costs = server.read("/v1/costs?entries=200").await;
    costs.check().unwrap();
    let first: Vec<_> = costs.entries.iter().rev().filter(|entry| entry.investigation_id == id).collect();
    let calls: Vec<_> =
        first.iter().map(|entry| (entry.step.as_str(), entry.input_tokens, entry.output_tokens)).collect();
    let tools = [("check_pods", 8, 4), ("get_metrics", 10, 5), ("get_logs", 12, 6)];
    assert_eq!(calls, [&[("planner", 30, 15)], &tools[..], &[("reasoner", 40, 27)]].concat());
    for entry in &first {
        assert_eq!((entry.model.as_str(), entry.basis, entry.attempt), ("simulated-gpt-4", Basis::Reported, 1));
        assert_eq!((entry.service.as_str(), entry.alert_type.as_str()), ("checkout-api", "high_latency"));
        assert_eq!(entry.price.as_deref(), Some("2025-01-01 built in"));
    }
    let sum: Usd = costs.entries.iter().filter_map(|entry| entry.cost_usd).sum();
    assert_eq!(sum, costs.totals.cost_usd);
    assert_eq!(first.iter().filter_map(|entry| entry.cost_usd).sum::<Usd>(), Usd::from_nanos(314_000));
    let three: Costs = server.read("/v1/costs?entries=3").await;
    assert_eq!(three.entries, costs.entries[..3]);
    assert!(server.read::<Costs>("/v1/costs").await.entries.is_empty());
}

#[tokio::test]
async fn a_span_holds_what_was_spent_in_it() {
    let server = Server::start().await;
    let before = Timestamp::now() - SignedDuration::from_mins(1);
    server.investigate("high_latency", "checkout-api").await;
    let after = Timestamp::now() + SignedDuration::from_mins(1);
    let costs: Costs = server.read(&format!("/v1/costs?from={before}&to={after}")).await;
    assert_eq!(costs.span.unwrap().spend, costs.totals);
    let costs: Costs = server.read(&format!("/v1/costs?to={before}")).await;
    assert_eq!(costs.span.unwrap().spend.calls, 0);
    assert_eq!(server.read::<Costs>("/v1/costs").await.span, None);
    for query in ["from=yesterday", "entries=0", "entries=201"] {
        let refused = server.get(&format!("/v1/costs?{query}")).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(problem(refused).await.kind.ends_with("invalid-query"));
    }
}

#[tokio::test]
async fn a_policy_says_what_a_model_costs() {
    let file = policy(DEARER);
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let report = server.investigate("high_latency", "checkout-api").await;
    // 100 tokens read at 3 USD per million, 57 written at 5.50.
    assert_eq!(report["cost_tracking"]["cost_usd"].to_string(), "0.0006135");
    let costs: Costs = server.read("/v1/costs?entries=1").await;
    assert_eq!(costs.entries[0].price.as_deref(), Some("2025-06-01 the test"));
}

#[tokio::test]
async fn the_example_of_a_policy_is_one() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/policy.toml");
    Server::with(Config { policy: Some(example.into()), ..config() }).await.investigate("high_cpu", "a").await;
}

#[tokio::test]
async fn an_agent_does_not_start_with_a_bad_policy() {
    let file = policy(&DEARER.replace("input = 3\n", "input = -3\n"));
    let bad = Agent::start(Config { policy: Some(file.path().into()), ..config() }).await.err().unwrap();
    assert!(bad.is_usage());
    let said = format!("{}, line 5: input: -3 is no amount in USD", file.path().display());
    assert!(bad.to_string().starts_with(&said), "{bad}");

    let missing = Agent::start(Config { policy: Some("/nowhere.toml".into()), ..config() }).await.err().unwrap();
    assert!(missing.is_usage() && missing.to_string().contains("--policy (LANGDECK_POLICY)"), "{missing}");
}

#[tokio::test]
async fn a_route_chooses_the_model_and_what_it_saves_is_counted() {
    let file = policy(
        "[[route]]\nalert_type = \"HighLatency\"\nseverity = \"info\"\nmodel = \"simulated-gpt-3.5\"\n\
         [[route]]\nservice = \"checkout-api\"\nmodel = \"simulated-gpt-4\"\n\
         [[route]]\nalert_type = \"high_latency\"\nmodel = \"simulated-gpt-3.5\"\n",
    );
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let mut models = Vec::new();
    for (service, severity) in [("checkout-api", "info"), ("checkout-api", "critical"), ("other", "critical")] {
        let alert = json!({"alert_type": "high_latency", "service": service, "severity": severity});
        let report: Report = server.post("/investigate", &alert).await.json().await.unwrap();
        models.push(report.cost_tracking.model.to_string());
    }
    assert_eq!(models, ["simulated-gpt-3.5", "simulated-gpt-4", "simulated-gpt-3.5"]);
    let costs: Costs = server.read("/v1/costs").await;
    assert_eq!(costs.totals.cost_usd, Usd::from_nanos(314_000 + 2 * 31_400));
    assert_eq!(costs.savings.models_usd, Usd::from_nanos(2 * (314_000 - 31_400)));
}

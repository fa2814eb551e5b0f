//! What was spent: the ledger's entries, its spans, and the prices that a policy says.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use langdeck_agent::{Agent, Config};
use langdeck_shared::{Attribution, Basis, CostShare, Costs, Report, ReportedUsage, Usd};
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
        let reported = ReportedUsage {
            prompt_tokens: Some(entry.input_tokens),
            completion_tokens: Some(entry.output_tokens),
            total_tokens: Some(entry.input_tokens + entry.output_tokens),
            cached_tokens: None,
        };
        assert_eq!(entry.reported, Some(reported));
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
    let span = costs.span.unwrap();
    assert_eq!((span.spend, span.by), (costs.totals, costs.by));
    let costs: Costs = server.read(&format!("/v1/costs?to={before}")).await;
    let span = costs.span.unwrap();
    assert_eq!((span.spend.calls, span.by.by_service), (0, Vec::new()));
    assert_eq!(server.read::<Costs>("/v1/costs").await.span, None);
    let backwards = format!("from={after}&to={before}");
    for query in ["from=yesterday", "entries=0", "entries=201", &backwards] {
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
    let said = format!(
        "--policy (environment: LANGDECK_POLICY): {}, line 5: input: -3 is no amount in USD",
        file.path().display()
    );
    assert!(bad.to_string().starts_with(&said), "{bad}");

    let missing = Agent::start(Config { policy: Some("/nowhere.toml".into()), ..config() }).await.err().unwrap();
    assert!(missing.is_usage() && missing.to_string().contains("--policy (environment: LANGDECK_POLICY)"), "{missing}");
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
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("\nagent_models_saved_usd_total 0.0005652\n"), "{metrics}");
}

/// Which lists hold something, in the order of the wire.
fn told(by: &Attribution) -> [bool; 5] {
    let lists = [&by.by_replica, &by.by_step, &by.by_model, &by.by_service, &by.by_alert_type];
    lists.map(|list: &Vec<CostShare>| !list.is_empty())
}

#[tokio::test]
async fn only_the_lists_that_were_asked_for_are_told() {
    let server = Server::start().await;
    server.investigate("high_latency", "checkout-api").await;
    for (query, expected) in [
        ("", [true; 5]),
        ("by=replica,step,model,service,alert_type", [true; 5]),
        ("by=service", [false, false, false, true, false]),
        ("by=alert_type,replica&from=2026-01-01T00:00:00Z", [true, false, false, false, true]),
    ] {
        let costs: Costs = server.read(&format!("/v1/costs?{query}")).await;
        assert_eq!(told(&costs.by), expected, "{query}");
        assert!(costs.span.is_none_or(|span| told(&span.by) == expected), "{query}");
    }
    let refused = problem(server.get("/v1/costs?by=service,planet").await).await;
    assert_eq!(refused.detail, "by: expected one of replica, step, model, service, alert_type, found \"planet\"");
}

#[tokio::test]
async fn the_forecast_goes_on_from_what_was_spent() {
    let file = policy("replica_hour_usd = \"3.6\"\n[[budget]]\nlimit_usd = \"0.000628\"\nwindow = \"month\"");
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let idle: Costs = server.read("/v1/costs").await;
    assert_eq!((idle.month_usd, idle.budgets[0].exhausted_at), (Usd::ZERO, None));
    server.investigate("high_latency", "checkout-api").await;
    let costs: Costs = server.read("/v1/costs").await;
    costs.check().unwrap();
    // A life of less than a minute counts as one.
    let rates = [costs.burn.last_5m_usd_per_hour, costs.burn.last_60m_usd_per_hour];
    assert_eq!(rates, [Usd::from_nanos(314_000 * 60); 2]);
    assert_eq!(costs.budgets[0].burn, costs.burn);
    assert!(costs.month_usd > costs.totals.cost_usd, "{}", costs.month_usd);
    // As much again is left; at the end of a month there is no minute for it.
    let resets_at = costs.budgets[0].resets_at;
    if let Some(at) = costs.budgets[0].exhausted_at {
        assert!(at < resets_at && at - SignedDuration::from_mins(1) <= Timestamp::now(), "{at}");
    } else {
        assert!(resets_at - SignedDuration::from_mins(1) <= Timestamp::now(), "{resets_at}");
    }
    let what_if: Vec<_> = costs.what_if.iter().map(|what| (what.model.as_str(), what.cost_usd.nanos())).collect();
    assert_eq!(what_if, [("simulated-gpt-3.5", 31_400), ("simulated-gpt-4", 314_000)]);
    let infrastructure = costs.infrastructure.unwrap();
    assert_eq!(infrastructure.usd_per_hour, Usd::from_nanos(3_600_000_000));
    // A thousandth of a cent each millisecond.
    let lived_ms = Timestamp::now().duration_since(costs.since).as_millis() as u64 + 1;
    assert!((1..=lived_ms * 1_000_000).contains(&infrastructure.cost_usd.nanos()), "{}", infrastructure.cost_usd);
}

/// The rows of a file, each key with the rest of its row.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn costs_come_as_csv_that_no_spreadsheet_reckons_with() {
    let server = Server::start().await;
    let hostile = "=HYPERLINK(\"http://evil\",\"a, b\")";
    server.investigate("high_latency", hostile).await;
    let response = server.get("/v1/costs?format=csv").await;
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(
        lines[..3],
        [
            "dimension,key,calls,tokens,input_tokens,cached_input_tokens,output_tokens,cost_usd,unpriced_tokens",
            "total,,5,157,100,0,57,0.000314,0",
            "replica,test-replica,5,157,100,0,57,0.000314,0",
        ]
    );
    let whole = rows(&text);
    let keys: Vec<_> = whole.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    let service = ("service", &*format!("'{hostile}"));
    for key in [("step", "planner"), ("model", "simulated-gpt-4"), service, ("alert_type", "high_latency")] {
        assert!(keys.contains(&key), "{key:?} is not in {keys:?}");
    }
    let accepts = server.request("GET", "/v1/costs?by=step").header("accept", "text/csv");
    let steps = rows(&accepts.send().await.unwrap().text().await.unwrap());
    assert_eq!(steps.len(), 2 + 5);
    assert_eq!(steps[2], ["step", "reasoner", "1", "67", "40", "0", "27", "0.000134", "0"]);
    let before = server.get("/v1/costs?format=csv&to=2026-01-01T00:00:00Z").await.text().await.unwrap();
    assert_eq!(rows(&before)[1][..3], ["total", "", "0"], "of the span, where there is one");
    let json = server.request("GET", "/v1/costs?format=json").header("accept", "text/csv").send().await.unwrap();
    assert_eq!(json.headers()["content-type"], "application/json");
    assert_eq!(server.get("/v1/costs?format=xml").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

/// Planners that take ten times as many tokens.
const WORDY: &str = r#"
[[scenario]]
alert_type = "wordy"
planner = { reasoning = "r", tokens = { input = 400, output = 50 }, duration_ms = 0 }
reasoner = { summary = "s", root_cause = "c", recommendations = ["r"], confidence = 0.5, tokens = { input = 40, cached_input = 10, output = 27 }, duration_ms = 0 }
[[scenario.tools]]
tool = "get_logs"
arguments = {}
finding = "f"
tokens = { input = 10, output = 2, estimated = true }
duration_ms = 0
"#;

#[tokio::test]
async fn a_prompt_grown_long_stands_out_once_it_is_known_what_is_usual() {
    let file = policy(WORDY);
    let server = Server::with(Config { scenarios: Some(file.path().into()), ..config() }).await;
    for _ in 0..18 {
        server.investigate("high_latency", "checkout-api").await;
    }
    let early = server.investigate("wordy", "api").await["investigation_id"].as_str().unwrap().to_owned();
    assert!(server.read::<Costs>("/v1/costs").await.outliers.is_empty(), "19 are too few");
    assert_eq!(server.investigation(&early).await.steps[0].median_tokens, None);
    let late = server.investigate("wordy", "api").await["investigation_id"].as_str().unwrap().to_owned();
    let costs: Costs = server.read("/v1/costs?entries=1").await;
    let found: Vec<_> = costs
        .outliers
        .iter()
        .map(|outlier| (outlier.entry.investigation_id.clone(), outlier.entry.step.as_str(), outlier.median_tokens))
        .collect();
    assert_eq!(found, [(late.clone(), "planner", 45), (early.clone(), "planner", 45)]);
    let medians: Vec<_> = server.investigation(&late).await.steps.iter().map(|step| step.median_tokens).collect();
    assert_eq!(medians, [Some(45), Some(18), Some(67)]);
    // What a cache gave is said in the provider's words and in ours.
    let entry = &costs.entries[0];
    assert_eq!((entry.step.as_str(), entry.cached_input_tokens, entry.basis), ("reasoner", 10, Basis::Reported));
    assert_eq!(entry.reported.and_then(|reported| reported.cached_tokens), Some(10));
    let costs: Costs = server.read("/v1/costs?entries=2").await;
    assert_eq!((costs.entries[1].basis, costs.entries[1].reported), (Basis::Estimated, None));
}

//! The documented example: `contract/` is what the system's specification shows for one call.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Server, config};

const REQUEST: &str = include_str!("../contract/investigate.request.json");
const RESPONSE: &str = include_str!("../contract/investigate.response.json");
const METRICS: &str = include_str!("../contract/metrics.txt");

/// Every key of the documented value is there with a value of its type. More keys are allowed, more elements are not.
fn assert_shape(path: &str, documented: &Value, actual: &Value) {
    match (documented, actual) {
        (Value::Object(documented), Value::Object(actual)) => {
            for (key, value) in documented {
                let path = format!("{path}.{key}");
                assert_shape(&path, value, actual.get(key).unwrap_or_else(|| panic!("{path} is missing")));
            }
        }
        (Value::Array(documented), Value::Array(actual)) => {
            assert_eq!(documented.len(), actual.len(), "{path}");
            for (documented, actual) in documented.iter().zip(actual) {
                assert_shape(path, documented, actual);
            }
        }
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::Number(documented), Value::Number(actual)) => {
            assert_eq!(documented.is_u64(), actual.is_u64(), "{path}: {actual}");
        }
        _ => panic!("{path}: {actual} is not of the type of {documented}"),
    }
}

/// The documented values that do not vary from call to call.
const FIXED: [&str; 16] = [
    "/alert/alert_type",
    "/alert/service",
    "/chain_execution/planner/plan",
    "/chain_execution/planner/tokens_used",
    "/chain_execution/executor/steps/0/tool",
    "/chain_execution/executor/steps/0/tokens_used",
    "/chain_execution/executor/steps/1/tool",
    "/chain_execution/executor/steps/1/tokens_used",
    "/chain_execution/executor/steps/2/tool",
    "/chain_execution/executor/steps/2/tokens_used",
    "/chain_execution/executor/total_tokens",
    "/chain_execution/reasoner/root_cause",
    "/chain_execution/reasoner/confidence",
    "/chain_execution/reasoner/tokens_used",
    "/cost_tracking",
    "/memory_updated",
];

/// The facts that the documented prose states, wherever an answer of our own wording says them.
const FACTS: [(&str, &[&str]); 8] = [
    ("/chain_execution/executor/steps/0/result", &["[SIMULATED] ", "3 pods", "checkout-api-2"]),
    ("/chain_execution/executor/steps/1/result", &["[SIMULATED] ", "p50=120ms", "p95=480ms", "p99=890ms", "200ms"]),
    ("/chain_execution/executor/steps/2/result", &["[SIMULATED] ", "database connection timeout", "5000ms", "45/50"]),
    ("/chain_execution/reasoner/summary", &["checkout-api", "480ms", "200ms", "45/50"]),
    ("/chain_execution/reasoner/recommendations/0", &["50", "100"]),
    ("/chain_execution/reasoner/recommendations/1", &["connection timeouts"]),
    ("/chain_execution/reasoner/recommendations/2", &["slow queries"]),
    ("/chain_execution/reasoner/recommendations/3", &["application layer"]),
];

#[tokio::test]
async fn the_documented_call_gets_the_documented_answer() {
    let server = Server::with(langdeck_agent::Config { sim_delay: 1.0, ..config() }).await;
    let request: Value = serde_json::from_str(REQUEST).unwrap();
    let documented: Value = serde_json::from_str(RESPONSE).unwrap();

    let actual: Value = server.post("/investigate", &request).await.json().await.unwrap();

    assert_shape("", &documented, &actual);
    for pointer in FIXED {
        assert_eq!(actual.pointer(pointer), documented.pointer(pointer), "{pointer}");
    }
    for (pointer, facts) in FACTS {
        let text = actual.pointer(pointer).unwrap().as_str().unwrap();
        for fact in facts {
            assert!(text.contains(fact), "{pointer} does not say {fact:?}: {text}");
        }
    }
    // The simulated work takes its time; how much more a busy machine takes is not ours to say.
    let at_least =
        |pointer: &str| actual.pointer(pointer).unwrap().as_u64() >= documented.pointer(pointer).unwrap().as_u64();
    assert!(at_least("/execution_time_ms"));
    for step in 0..3 {
        assert!(at_least(&format!("/chain_execution/executor/steps/{step}/duration_ms")));
    }

    let exposition = server.get("/metrics").await.text().await.unwrap();
    assert_documented_metrics(&exposition, actual["execution_time_ms"].as_u64().unwrap());
}

/// Samples by name and labels, in the spelling of their line; a bucket's bound as a number.
fn samples(exposition: &str) -> BTreeMap<String, f64> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.replace("le=\"1.0\"", "le=\"1\""), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

fn assert_documented_metrics(exposition: &str, execution_time_ms: u64) {
    for line in METRICS.lines().filter(|line| line.starts_with('#')) {
        assert!(exposition.lines().any(|actual| actual == line), "{line:?} is not in:\n{exposition}");
    }
    let actual = samples(exposition);
    for (name, documented) in samples(METRICS) {
        let value = *actual.get(&name).unwrap_or_else(|| panic!("{name} is not in:\n{exposition}"));
        match name.as_str() {
            // Measured times vary; they are the report's.
            "agent_latency_seconds_sum" => {
                let millis = u128::from(execution_time_ms);
                assert_eq!(std::time::Duration::from_secs_f64(value).as_millis(), millis, "{name}");
            }
            name if name.starts_with("agent_latency_seconds_bucket") && execution_time_ms >= 500 => {}
            _ => assert!((value - documented).abs() < f64::EPSILON, "{name} is {value}"),
        }
    }
    let more =
        [("agent_errors_total", 0.0), ("agent_tools_executed_total", 3.0), ("agent_investigations_in_flight", 0.0)];
    for (name, expected) in more {
        assert!((actual[name] - expected).abs() < f64::EPSILON, "{name} is {}", actual[name]);
    }
}

#[tokio::test]
async fn the_same_call_gets_the_same_answer_but_for_ids_times_and_what_memory_recalls() {
    let server = Server::start().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut answer = server.investigate("high_latency", "checkout-api").await;
        let reasoning = answer.pointer_mut("/chain_execution/planner/reasoning").unwrap().take();
        for pointer in ["/investigation_id", "/alert/timestamp", "/execution_time_ms"] {
            answer.pointer_mut(pointer).unwrap().take();
        }
        for step in answer.pointer_mut("/chain_execution/executor/steps").unwrap().as_array_mut().unwrap() {
            step["duration_ms"].take();
        }
        answers.push((answer, reasoning.as_str().unwrap().to_owned()));
    }
    let [(first, planned), (second, again), (third, more)] = answers.try_into().unwrap();
    assert_eq!((&first, &first), (&second, &third));
    let cause = "most often: database connection pool exhaustion";
    assert_eq!(again, format!("{planned}; seen once before on this service, {cause}"));
    assert_eq!(more, format!("{planned}; seen 2 times before on this service, {cause}"));
}

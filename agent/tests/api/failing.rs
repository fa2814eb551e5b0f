//! Tools that hang, flap and fail, and runs that have no more time: what their clients and Prometheus see of it.

use std::path::PathBuf;
use std::time::Duration;

use langdeck_agent::Config;
use langdeck_shared::{Report, Status, StepStatus};

use crate::support::{Server, config};

/// One tool that hangs, one that recovers at its third attempt, one that fails each time, one that is forbidden.
const TROUBLE: &str = r#"
[[scenario]]
alert_type = "trouble"
planner = { reasoning = "all of them", tokens = { input = 1, output = 1 }, duration_ms = 1 }
reasoner = { summary = "trouble", root_cause = "c", recommendations = ["r"], confidence = 0.9, tokens = { input = 1, output = 1 }, duration_ms = 1 }
[[scenario.tools]]
tool = "check_pods"
arguments = {}
finding = "never"
tokens = { input = 2, output = 1 }
duration_ms = 60000
timeout_ms = 100
[[scenario.tools]]
tool = "get_metrics"
arguments = {}
error = "not yet"
finding = "at last"
fails_first = 2
tokens = { input = 3, output = 1 }
duration_ms = 1
[[scenario.tools]]
tool = "get_logs"
arguments = {}
error = "refused"
tokens = { input = 4, output = 1 }
duration_ms = 1

[[scenario]]
alert_type = "forbidden"
planner = { reasoning = "the logs", tokens = { input = 1, output = 1 }, duration_ms = 1 }
reasoner = { summary = "s", root_cause = "c", recommendations = ["r"], confidence = 0.9, tokens = { input = 1, output = 1 }, duration_ms = 1 }
[[scenario.tools]]
tool = "get_logs"
arguments = {}
error = "not allowed"
permanent = true
tokens = { input = 4, output = 1 }
duration_ms = 1
"#;

/// A file that is gone when the test is over.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("langdeck-failing-{}.toml", fastrand::u64(..)));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

async fn troubled() -> Server {
    let file = File::new(TROUBLE);
    Server::with(Config { scenarios: Some(file.0.clone()), ..config() }).await
}

#[tokio::test]
async fn tools_that_hang_flap_and_fail_are_tried_again_and_what_is_missing_is_said() {
    let server = troubled().await;
    let report: Report = serde_json::from_value(server.investigate("trouble", "ledger").await).unwrap();
    assert_eq!(report.status, Status::Partial);
    let tools = report.chain_execution.executor.steps.iter();
    let tools: Vec<_> = tools.map(|step| (&*step.tool, step.status, step.attempts, &*step.result)).collect();
    let expected = [
        ("check_pods", StepStatus::Failed, 3, "no result in time"),
        ("get_metrics", StepStatus::Succeeded, 3, "[SIMULATED] at last"),
        ("get_logs", StepStatus::Failed, 3, "[SIMULATED] refused"),
    ];
    assert_eq!(tools, expected);
    let reasoner = &report.chain_execution.reasoner;
    assert_eq!(
        &*reasoner.summary,
        "trouble; without check_pods: no result in time; without get_logs: [SIMULATED] refused"
    );
    assert!((reasoner.confidence - 0.3).abs() < 1e-9, "{}", reasoner.confidence);
    // Each tool's arguments were chosen once.
    assert_eq!(report.cost_tracking.total_tokens, 2 + 3 + 4 + 5 + 2);

    let investigation = server.investigation(&report.investigation_id).await;
    let retried: Vec<_> = investigation.steps.iter().map(|step| (step.attempts, step.last_error.as_deref())).collect();
    let expected = [
        (1, None),
        (3, Some("no result in time")),
        (3, Some("[SIMULATED] not yet")),
        (3, Some("[SIMULATED] refused")),
        (1, None),
    ];
    assert_eq!(retried, expected);
    assert_eq!(investigation.steps[2].error, None);
}

#[tokio::test]
async fn what_is_forbidden_is_not_tried_again() {
    let server = troubled().await;
    let report: Report = serde_json::from_value(server.investigate("forbidden", "ledger").await).unwrap();
    let step = &report.chain_execution.executor.steps[0];
    assert_eq!((step.status, step.attempts), (StepStatus::Failed, 1));
}

#[tokio::test]
async fn prometheus_sees_outcomes_retries_and_how_long_steps_took() {
    let server = troubled().await;
    server.investigate("trouble", "ledger").await;
    let text = server.get("/metrics").await.text().await.unwrap();
    for line in [
        "agent_tools_executed_total 3",
        "agent_errors_total 0",
        "agent_investigations_ended_total{status=\"partial\"} 1",
        "agent_latency_seconds_count 1",
        "agent_tool_calls_total{outcome=\"timed_out\",tool=\"check_pods\"} 1",
        "agent_tool_calls_total{outcome=\"succeeded\",tool=\"get_metrics\"} 1",
        "agent_tool_calls_total{outcome=\"failed\",tool=\"get_logs\"} 1",
        "agent_tool_retries_total{tool=\"check_pods\"} 2",
        "agent_tool_retries_total{tool=\"get_metrics\"} 2",
        "agent_tool_retries_total{tool=\"get_logs\"} 2",
        "agent_model_retries_total 0",
        "agent_step_latency_seconds_count{step=\"planner\"} 1",
        "agent_step_latency_seconds_count{step=\"get_metrics\"} 1",
        "agent_step_latency_seconds_count{step=\"reasoner\"} 1",
        "agent_queue_wait_seconds_count 1",
        "agent_requests_refused_total{reason=\"full\"} 0",
    ] {
        assert!(text.lines().any(|actual| actual == line), "{line:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_retry_is_seen_while_it_runs() {
    let (server, gate) = Server::gated_from_attempt(2, config()).await;
    let id = server.submit("high_cpu", "api").await;
    gate.entered().await;
    let live = server.investigation(&id).await;
    let step = &live.steps[1];
    assert_eq!((step.status, step.attempts), (StepStatus::Running, 2));
    assert_eq!((step.last_error.as_deref(), &step.error), (Some("the gate is not there yet"), &None));
    gate.open(1);
    let ended = server.ended(&id).await;
    assert_eq!((ended.status, ended.steps[1].attempts), (Status::Succeeded, 2));
}

#[tokio::test]
async fn at_its_deadline_a_run_answers_with_what_it_has() {
    let (server, _closed) = Server::gated(Config { run_deadline: Duration::from_secs(2), ..config() }).await;
    let report: Report = serde_json::from_value(server.investigate("high_cpu", "api").await).unwrap();
    assert_eq!(report.status, Status::Partial);
    assert_eq!(report.chain_execution.reasoner.confidence, 0.0);
    let step = &report.chain_execution.executor.steps[0];
    assert_eq!(step.status, StepStatus::Failed);
    assert_eq!(&*step.result, "the time for tools is over, the run's deadline of 2s is near");
}

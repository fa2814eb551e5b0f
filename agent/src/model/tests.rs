//! Scenarios: that the built-in ones can be believed, that others are checked, and what the simulated model makes of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use langdeck_shared::Alert;

use super::scenarios::Scenarios;
use super::{
    ArgumentsRequest, Conclusion, ConclusionRequest, Finding, Model, Plan, PlanRequest, SIMULATED_MODELS,
    SimulatedModel,
};
use crate::memory::Recall;
use crate::testing::alert;
use crate::tools::{SIMULATED_TOOLS, ToolCall, ToolError, simulated_tools};

const SCENARIOS: [&str; 6] =
    ["high_latency", "high_cpu", "high_error_rate", "memory_leak", "pod_crash_loop", "disk_full"];

fn built_in() -> Arc<Scenarios> {
    Arc::new(Scenarios::load(None).unwrap())
}

async fn plan(alert: &Alert, recall: Option<&Recall>) -> (Plan, u64) {
    let model = SimulatedModel::new(SIMULATED_MODELS[0], built_in(), 0.0);
    let answer = model.plan(PlanRequest { alert, recall, tools: &[] }).await.unwrap();
    (answer.value, answer.call.usage.input + answer.call.usage.output)
}

async fn conclude(alert: &Alert, findings: &[Finding]) -> Conclusion {
    let model = SimulatedModel::new(SIMULATED_MODELS[0], built_in(), 0.0);
    model.conclude(ConclusionRequest { alert, findings }).await.unwrap().value
}

#[tokio::test]
async fn every_scenario_is_about_the_alerts_service_and_says_that_it_is_simulated() {
    let scenarios = built_in();
    let model = SimulatedModel::new(SIMULATED_MODELS[0], Arc::clone(&scenarios), 0.0);
    let tools = simulated_tools(&scenarios, 0.0);
    for alert_type in SCENARIOS.iter().chain(&["unheard_of"]) {
        let alert = alert(alert_type, "ledger");
        let (plan, _) = plan(&alert, None).await;
        let mut texts = vec![conclude(&alert, &[]).await.summary.to_string()];
        for name in &plan.tools {
            let arguments = model.arguments(ArgumentsRequest { alert: &alert, tool: name }).await.unwrap().value;
            let object: serde_json::Value = serde_json::from_str(&arguments.0).unwrap();
            assert_eq!(object["service"], "ledger", "{alert_type}, {name}");
            let tool = tools.iter().find(|tool| *tool.name() == **name).unwrap();
            let result = tool.run(ToolCall { alert: &alert, arguments: &arguments, attempt: 1 }).await;
            let text = result.unwrap_or_else(|error| error.to_string());
            assert!(text.starts_with("[SIMULATED] "), "{alert_type}, {name}: {text}");
            texts.push(text);
        }
        assert!(texts.iter().any(|text| text.contains("ledger")), "{alert_type}: {texts:#?}");
        let left = texts.iter().find(|text| text.contains("{service}") || text.contains("{alert_type}"));
        assert_eq!(left, None, "{alert_type}");
    }
}

#[tokio::test]
async fn only_a_full_disk_keeps_a_tool_from_its_work() {
    let scenarios = built_in();
    let tools = simulated_tools(&scenarios, 0.0);
    let mut failed = Vec::new();
    for alert_type in SCENARIOS {
        let alert = alert(alert_type, "ledger");
        let arguments = super::Arguments("{}".into());
        for name in plan(&alert, None).await.0.tools {
            let tool = tools.iter().find(|tool| *tool.name() == *name).unwrap();
            if tool.run(ToolCall { alert: &alert, arguments: &arguments, attempt: 1 }).await.is_err() {
                failed.push((alert_type, name.to_string()));
            }
        }
    }
    assert_eq!(failed, [("disk_full", "get_logs".to_owned())]);
}

#[test]
fn tools_that_hang_flap_and_fail_do_so_at_any_pace() {
    let scenarios = built_in();
    // Per attempt: whether something is found, or none when the attempt hangs.
    let expected = [
        ("upstream_timeout", "get_metrics", [None, None, None]),
        ("target_flapping", "get_metrics", [Some(false), Some(false), Some(true)]),
        ("log_store_down", "get_logs", [Some(false), Some(false), Some(false)]),
    ];
    let tools = simulated_tools(&scenarios, 0.0);
    for (alert_type, name, attempts) in expected {
        let alert = alert(alert_type, "ledger");
        let tool = tools.iter().find(|tool| tool.name() == name).unwrap();
        let arguments = super::Arguments("{}".into());
        let seen = [1, 2, 3].map(|attempt| {
            let ended = tool.run(ToolCall { alert: &alert, arguments: &arguments, attempt }).now_or_never();
            ended.map(|result| match result {
                Ok(_) => true,
                Err(ToolError::Transient(reason)) if reason.starts_with("[SIMULATED] ") => false,
                Err(error) => panic!("{alert_type}: {error:?}"),
            })
        });
        assert_eq!(seen, attempts, "{alert_type}");
    }
    let slow = alert("upstream_timeout", "ledger");
    for (delay, timeout_ms) in [(0.0, 0), (1.0, 80), (8.0, 640)] {
        let tool = &simulated_tools(&scenarios, delay)[1];
        assert_eq!(tool.policy(&slow).timeout, Duration::from_millis(timeout_ms));
    }
}

#[tokio::test]
async fn an_unknown_alert_type_gets_a_whole_plan_and_an_honest_confidence() {
    let alert = alert("unheard_of", "ledger");
    let (plan, _) = plan(&alert, None).await;
    assert_eq!(plan.tools.iter().map(|tool| &**tool).collect::<Vec<_>>(), SIMULATED_TOOLS);
    assert!(plan.reasoning.contains("unheard_of"), "{}", plan.reasoning);
    let conclusion = conclude(&alert, &[]).await;
    assert!(conclusion.confidence <= 0.3);
    assert_eq!(&*conclusion.root_cause, "unknown");
}

#[tokio::test]
async fn a_recurring_alerts_reasoning_says_what_memory_recalls_for_no_more_tokens() {
    let alert = alert("high_latency", "checkout-api");
    let recall = |same_type, root_cause: Option<&str>| Recall {
        investigations: 5,
        same_type,
        root_cause: root_cause.map(Into::into),
        last_seen: Timestamp::UNIX_EPOCH,
    };
    let (first, tokens) = plan(&alert, None).await;
    let cases = [
        (recall(3, Some("pool exhaustion")), "seen 3 times before on this service, most often: pool exhaustion"),
        (recall(1, None), "seen once before on this service"),
        (recall(0, None), "memory knows the service from 5 other investigations"),
    ];
    for (recall, said) in cases {
        let (again, tokens_again) = plan(&alert, Some(&recall)).await;
        assert_eq!(*again.reasoning, *format!("{}; {said}", first.reasoning));
        assert_eq!(tokens_again, tokens);
    }
}

#[tokio::test]
async fn the_conclusion_says_which_findings_are_missing() {
    let findings = [
        Finding { tool: "check_pods".into(), result: Ok("fine".into()) },
        Finding { tool: "get_logs".into(), result: Err("no space".into()) },
    ];
    let summary = conclude(&alert("disk_full", "ledger"), &findings).await.summary;
    assert!(summary.ends_with("; without get_logs: no space") && !summary.contains("check_pods"), "{summary}");
}

#[test]
fn aliases_stand_for_their_alert_type_and_nothing_else_does() {
    let scenarios = built_in();
    let aliases = [("HighLatency", "high_latency"), ("HighCPU", "high_cpu"), ("KubePodCrashLooping", "pod_crash_loop")];
    for (alias, alert_type) in aliases {
        assert_eq!(scenarios.resolve(alias).map(|name| &**name), Some(alert_type));
    }
    assert_eq!(scenarios.resolve("high_latency"), None);
    assert_eq!(scenarios.resolve("unheard_of"), None);
}

const OWN: &str = r#"
[[scenario]]
alert_type = "high_latency"
aliases = ["Slow"]
planner = { reasoning = "ours for {service}", tokens = { input = 1, output = 2 }, duration_ms = 3 }
reasoner = { summary = "s", root_cause = "c", recommendations = ["r"], confidence = 0.5, tokens = { input = 1, output = 1 }, duration_ms = 1 }
[[scenario.tools]]
tool = "get_logs"
arguments = {}
finding = "f"
tokens = { input = 1, output = 1 }
duration_ms = 1
"#;

/// The scenarios with a file that holds this, or why they were refused.
fn with_file(text: &str) -> Result<Scenarios, String> {
    let path = std::env::temp_dir().join(format!("langdeck-scenarios-{}.toml", fastrand::u64(..)));
    std::fs::write(&path, text).unwrap();
    let loaded = Scenarios::load(Some(&path));
    std::fs::remove_file(&path).unwrap();
    loaded.map_err(|error| {
        let message = error.to_string();
        assert!(message.contains(&path.display().to_string()), "the file is not named: {message}");
        message
    })
}

#[test]
fn a_file_goes_before_what_is_built_in() {
    let scenarios = with_file(OWN).unwrap();
    let planner = |name| scenarios.of(name).planner.reasoning.render(&alert("t", "ledger"));
    assert_eq!(planner("high_latency"), "ours for ledger");
    assert_eq!(planner("Slow"), "ours for ledger");
    assert_eq!(scenarios.resolve("Slow").map(|name| &**name), Some("high_latency"));
    assert_eq!(scenarios.resolve("HighLatency").map(|name| &**name), Some("high_latency"));
    assert!(planner("high_cpu").starts_with("metrics first"));
}

#[test]
fn a_scenario_that_says_something_else_is_another_version_of_it_alone() {
    let version = |text: &str, alert_type: &str| {
        let scenarios = Arc::new(with_file(text).unwrap());
        SimulatedModel::new(SIMULATED_MODELS[0], scenarios, 0.0).prompt_version(&alert(alert_type, "ledger"))
    };
    let own = version(OWN, "high_latency");
    assert_eq!(own, version(OWN, "high_latency"));
    for (before, after) in [
        ("ours for", "theirs for"),
        ("confidence = 0.5", "confidence = 0.6"),
        (r#"finding = "f""#, r#"finding = "g""#),
        (r#"finding = "f""#, r#"error = "f""#),
        ("arguments = {}", "arguments = { lines = 1 }"),
        (r#"recommendations = ["r"]"#, r#"recommendations = ["r", "s"]"#),
    ] {
        let changed = OWN.replace(before, after);
        assert_ne!(own, version(&changed, "high_latency"), "{after}");
        assert_eq!(version(OWN, "high_cpu"), version(&changed, "high_cpu"), "{after}");
        assert_eq!(version(OWN, "unheard_of"), version(&changed, "unheard_of"), "{after}");
    }
    assert_ne!(version(OWN, "high_cpu"), version(OWN, "unheard_of"));
}

#[test]
fn what_cannot_be_is_refused_with_its_scenario_field_and_reason() {
    let broken = [
        ("confidence = 0.5", "confidence = 1.5", "field `reasoner.confidence`: 1.5 is not between 0 and 1"),
        (r#"tool = "get_logs""#, r#"tool = "rm_rf""#, "field `tools.tool`: `rm_rf` is no simulated tool"),
        (r#"finding = "f""#, "", "field `tools.get_logs`: needs either a `finding` or an `error`"),
        (r#"aliases = ["Slow"]"#, r#"aliases = ["high_latency"]"#, "the name `high_latency` stands twice"),
        (r#"aliases = ["Slow"]"#, "aliases = [\" \"]", "must not be blank"),
        (r#"recommendations = ["r"]"#, "recommendations = []", "field `reasoner.recommendations`"),
        ("duration_ms = 3", "duration_ms = 600001", "field `planner.duration_ms`: 600001 is more than 600000"),
        (r#"finding = "f""#, "finding = \"f\"\nerror = \"e\"", "needs either a `finding` or an `error`, or both"),
        (
            r#"finding = "f""#,
            "finding = \"f\"\nerror = \"e\"\nfails_first = 3",
            "field `tools.get_logs.fails_first`: 3 is not between 1 and 2",
        ),
        (
            r#"finding = "f""#,
            "finding = \"f\"\nfails_first = 1",
            "field `tools.get_logs.fails_first`: needs a `finding`",
        ),
        (r#"finding = "f""#, "finding = \"f\"\npermanent = true", "field `tools.get_logs.permanent`"),
        (r#"finding = "f""#, "finding = \"f\"\ntimeout_ms = 0", "field `tools.get_logs.timeout_ms`: 0 is not between"),
        ("arguments = {}", r#"arguments = { pod = "{servce}" }"#, "field `tools.get_logs.arguments`: `{servce}`"),
    ];
    for (good, bad, message) in broken {
        let error = with_file(&OWN.replace(good, bad)).expect_err(bad);
        assert!(error.contains("scenario `high_latency`") && error.contains(message), "{bad}: {error}");
    }
}

#[test]
fn what_has_not_the_shape_of_scenarios_is_refused_with_its_line() {
    for (good, bad) in [("{service}", "{servce}"), ("aliases", "alias"), ("tokens = { input = 1, output = 2 },", "")] {
        let error = with_file(&OWN.replacen(good, bad, 1)).expect_err(bad);
        assert!(error.contains("line "), "{bad}: {error}");
    }
    assert!(with_file("[[scenario").is_err());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Scenarios::load(Some("/nowhere/scenarios.toml".as_ref())).unwrap_err().to_string();
    assert!(error.contains("--scenarios") && error.contains("/nowhere/scenarios.toml"), "{error}");
}

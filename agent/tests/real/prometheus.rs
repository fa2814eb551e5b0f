//! A real Prometheus scrapes the agent, and says what the agent's books say.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use langdeck_agent::{Config, Usd};
use langdeck_shared::Totals;
use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::program::{Program, example, find};
use crate::support::{Server, eventually};

const PACKAGE: &str = "prometheus";
/// Families of the contract, a histogram by one of its series.
const FAMILIES: [&str; 6] = [
    "agent_requests_total",
    "agent_tokens_total",
    "agent_cost_total",
    "agent_errors_total",
    "agent_tools_executed_total",
    "agent_latency_seconds_count",
];

/// The committed configuration for an agent elsewhere, with no time lost.
fn quick_config(server: &Server, replaced: &[(&str, &str)]) -> String {
    let agent = server.agent.local_addr().to_string();
    let here = [("127.0.0.1:8000", agent.as_str()), ("scrape_interval: 15s", "scrape_interval: 200ms")];
    example("prometheus.yml", &[&here, replaced].concat())
}

struct Prometheus {
    program: Program,
    client: reqwest::Client,
}

impl Prometheus {
    /// One that scrapes this agent by the committed configuration, but often.
    fn start(server: &Server) -> Option<Self> {
        let program = find(&["prometheus"], PACKAGE)?;
        let program = Program::start(&program, &quick_config(server, &[]), "--storage.tsdb.path", &[]);
        Some(Self { program, client: server.client.clone() })
    }

    /// The value that a query gives, as the text that Prometheus makes of it; none while there is not exactly one.
    async fn value(&self, query: &str) -> Option<String> {
        let request = self.client.get(format!("{}/api/v1/query", self.program.url)).query(&[("query", query)]);
        let answer: Value = request.send().await.ok()?.error_for_status().ok()?.json().await.ok()?;
        match answer["data"]["result"].as_array()?.as_slice() {
            [only] => Some(only["value"][1].as_str()?.to_owned()),
            _ => None,
        }
    }

    /// Waits until a query gives a value.
    async fn until(&self, query: &str, expected: &str) {
        eventually(&format!("{query} is {expected}"), async || {
            (self.value(query).await.as_deref() == Some(expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn prometheus_says_what_the_books_say_to_the_last_digit() {
    let server = Server::start().await;
    let Some(prometheus) = Prometheus::start(&server) else { return };
    prometheus.until("up", "1").await;
    for alert_type in ["high_latency", "high_cpu", "disk_full", "high_latency", "no_such_type", "memory_leak"] {
        let alert = json!({ "alert_type": alert_type, "service": "checkout-api" });
        let response = server.client.post(server.url("/investigate")).json(&alert).send().await.unwrap();
        response.error_for_status().unwrap();
    }
    let Totals { requests, failed, tools_executed, spend, .. } = server.totals().await;
    assert_eq!(requests, 6);
    prometheus.until("agent_cost_total", &spend.cost_usd.to_string()).await;
    let expected = [requests, spend.tokens, failed, tools_executed, requests].map(|count| count.to_string());
    let counted = FAMILIES.iter().filter(|family| **family != "agent_cost_total");
    for (family, expected) in counted.zip(expected) {
        prometheus.until(family, &expected).await;
    }
    assert_eq!(prometheus.value("sum(agent_model_cost_usd_total)").await, Some(spend.cost_usd.to_string()));
    assert_eq!(prometheus.value("up").await.as_deref(), Some("1"));
}

/// An alert that fires from the first look on.
const RULES: &str = r#"
groups:
  - name: checkout
    interval: 200ms
    rules:
      - alert: HighLatency
        expr: vector(0.48) > 0.2
        labels: { service: checkout-api, severity: critical }
        annotations: { summary: "p95 is {{ $value }}s" }
"#;

#[tokio::test]
async fn what_prometheus_finds_reaches_the_agent_through_alertmanager() {
    let server = Server::start().await;
    let Some(prometheus) = find(&["prometheus"], PACKAGE) else { return };
    let Some(alertmanager) = Alertmanager::start(&server.agent.url()).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, RULES).unwrap();
    let replaced = [
        ("127.0.0.1:9093", alertmanager.program.url.trim_start_matches("http://")),
        ("[alerts.yml]", &*format!("[{}]", rules.display())),
    ];
    let config = quick_config(&server, &replaced);
    // What it finds before it knows of Alertmanager is told again a minute later by default.
    let soon = ["--rules.alert.resend-delay=1s"];
    let _prometheus = Program::start(&prometheus, &config, "--storage.tsdb.path", &soon);
    let [ended] = server.ended(1).await.try_into().unwrap();
    assert_eq!((ended.alert.alert_type.as_str(), ended.alert.service.as_str()), ("high_latency", "checkout-api"));
    assert_eq!(ended.alert.severity.as_deref(), Some("critical"));
    assert_eq!(ended.alert.description.as_deref(), Some("p95 is 0.48s"));
}

/// What `promtool check metrics` says to a page.
fn check(promtool: &Path, page: &str) -> Output {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn promtool_finds_nothing_to_say_about_the_metrics() {
    let Some(promtool) = find(&["promtool"], PACKAGE) else { return };
    let server = Server::start().await;
    for traffic in [false, true] {
        if traffic {
            let alert = json!({ "alert_type": "disk_full", "service": "ledger" });
            server.client.post(server.url("/investigate")).json(&alert).send().await.unwrap();
        }
        let page = server.client.get(server.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let checked = check(&promtool, &page);
        let said = [checked.stdout, checked.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(checked.status.success() && said.is_empty(), "{said}\n{page}");
    }
    let nameless = check(&promtool, "requests 1\n");
    assert!(!nameless.status.success(), "promtool takes anything");
}

#[test]
fn the_committed_configuration_is_one() {
    let Some(promtool) = find(&["promtool"], PACKAGE) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, example("prometheus.yml", &[])).unwrap();
    std::fs::write(folder.path().join("alerts.yml"), example("alerts.yml", &[])).unwrap();
    let checked = Command::new(promtool).args(["check", "config"]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// What `promtool test rules` says to the committed rules, with these texts replaced.
fn test_rules(promtool: &Path, replaced: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let tests = folder.path().join("alerts.test.yml");
    std::fs::write(folder.path().join("alerts.yml"), example("alerts.yml", replaced)).unwrap();
    std::fs::write(&tests, include_str!("alerts.test.yml")).unwrap();
    Command::new(promtool).args(["test", "rules"]).arg(tests).output().unwrap()
}

#[test]
fn the_alerting_rules_find_what_they_should_and_nothing_else() {
    let Some(promtool) = find(&["promtool"], PACKAGE) else { return };
    let tested = test_rules(&promtool, &[]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&[tested.stdout, tested.stderr].concat()));
    for broken in [
        ("agent_budget_limit_usd * agent_budget_threshold_ratio", "agent_budget_limit_usd * 0.9"),
        ("expr: agent_budget_exceeded == 1", "expr: agent_budget_spent_usd >= agent_budget_limit_usd"),
        ("rate(agent_budget_spent_usd[1h])", "rate(agent_budget_spent_usd[5m])"),
        ("rate(agent_budget_spent_usd[5m])", "rate(agent_budget_spent_usd[1h])"),
        ("for: 5m", "for: 2h"),
        ("increase(agent_unpriced_tokens_total[15m]) > 0", "agent_unpriced_tokens_total > 0"),
    ] {
        assert!(!test_rules(&promtool, &[broken]).status.success(), "nothing notices {broken:?}");
    }
}

#[tokio::test]
async fn the_alerting_rules_look_at_families_that_there_are() {
    let budget = Some(Usd::from_nanos(1_000_000_000));
    let config = Config { budget_usd: budget, ..Config::default() };
    let server = Server::with(config, ([127, 0, 0, 1], 0).into()).await;
    let page = server.client.get(server.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let rules = example("alerts.yml", &[]);
    let names = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("agent_"));
    let mut seen = 0;
    for name in names {
        assert!(page.contains(&format!("\n# TYPE {name} ")), "the agent has no {name}");
        seen += 1;
    }
    assert!(seen > 10, "{seen} names");
}

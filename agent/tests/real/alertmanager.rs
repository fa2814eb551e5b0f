//! A real Alertmanager delivers: firing, again and again, resolved; to an agent that is full or not there; in pairs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use jiff::{Timestamp, ToSpan};
use langdeck_agent::Config;
use langdeck_shared::Status;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::program::{Program, example, find};
use crate::support::{DEADLINE, Server, client, eventually};

const PACKAGE: &str = "prometheus-alertmanager";
const WEBHOOK: &str = r#"integration="webhook""#;
const REQUESTS: &str = "alertmanager_notification_requests_total";
const FAILED: &str = "alertmanager_notification_requests_failed_total";

/// The committed configuration for an agent elsewhere, with no time lost.
fn quick_config(agent: &str) -> String {
    example(
        "alertmanager.yml",
        &[
            ("http://127.0.0.1:8000", agent),
            ("group_wait: 10s", "group_wait: 0s"),
            ("group_interval: 1m", "group_interval: 1s"),
            ("repeat_interval: 4h", "repeat_interval: 1s"),
        ],
    )
}

pub(crate) struct Alertmanager {
    pub(crate) program: Program,
    client: reqwest::Client,
}

impl Alertmanager {
    /// One that delivers to this agent; none where the program is not installed.
    pub(crate) async fn start(agent: &str) -> Option<Self> {
        let program = find(&["prometheus-alertmanager", "alertmanager"], PACKAGE)?;
        let more = ["--cluster.listen-address="];
        let program = Program::start(&program, &quick_config(agent), "--storage.path", &more);
        let started = Self { program, client: client() };
        eventually("Alertmanager is ready", async || {
            let answer = started.client.get(format!("{}/-/ready", started.program.url)).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        Some(started)
    }

    async fn tell(&self, alerts: &[Value]) {
        let url = format!("{}/api/v2/alerts", self.program.url);
        self.client.post(url).json(alerts).send().await.unwrap().error_for_status().unwrap();
    }

    /// How many webhook requests got a 2xx, and how many did not.
    async fn counts(&self) -> Counts {
        let page = self.client.get(format!("{}/metrics", self.program.url)).send().await.unwrap();
        let page = page.error_for_status().unwrap().text().await.unwrap();
        let count = |family: &str| {
            let samples = page.lines().filter(|line| line.starts_with(family) && line.contains(WEBHOOK));
            samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
        };
        let (requests, failed): (u64, u64) = (count(REQUESTS), count(FAILED));
        Counts { delivered: requests - failed, failed }
    }

    /// Waits until so many more were delivered.
    async fn delivers(&self, more: u64) {
        let least = self.counts().await.delivered + more;
        eventually("a delivery", async || (self.counts().await.delivered >= least).then_some(())).await;
    }
}

struct Counts {
    delivered: u64,
    failed: u64,
}

fn firing(service: &str, starts_at: Timestamp) -> Value {
    json!({
        "labels": { "alertname": "HighLatency", "service": service, "severity": "critical" },
        "annotations": { "summary": "p95 above 200ms for 5m" },
        "startsAt": starts_at,
        "generatorURL": "http://prometheus.example:9090/graph",
    })
}

/// A moment that survives every rendering: whole milliseconds.
fn moment(seconds_ago: i64) -> Timestamp {
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    now - seconds_ago.seconds()
}

#[tokio::test]
async fn an_alert_is_investigated_once_however_often_it_is_sent_and_its_end_is_noted() {
    let server = Server::start().await;
    let Some(alertmanager) = Alertmanager::start(&server.agent.url()).await else { return };
    let starts_at = moment(60);
    alertmanager.tell(&[firing("checkout-api", starts_at)]).await;
    let [ended] = server.ended(1).await.try_into().unwrap();
    assert_eq!((ended.status, ended.resolved_at), (Status::Succeeded, None));
    assert_eq!((ended.alert.alert_type.as_str(), ended.alert.service.as_str()), ("high_latency", "checkout-api"));
    assert_eq!(ended.alert.original_alert_type.as_deref(), Some("HighLatency"));
    assert_eq!(ended.alert.description.as_deref(), Some("p95 above 200ms for 5m"));
    assert_eq!(ended.alert.timestamp, starts_at);

    let spent = server.totals().await;
    assert_eq!((spent.requests, spent.spend.tokens > 0), (1, true));
    alertmanager.delivers(2).await;
    assert_eq!(server.totals().await, spent, "a resend is paid for");

    let ends_at = moment(0);
    let mut over = firing("checkout-api", starts_at);
    over["endsAt"] = json!(ends_at);
    alertmanager.tell(&[over]).await;
    let resolved_at = eventually("the end is noted", async || server.investigations().await[0].resolved_at).await;
    assert_eq!(resolved_at, ends_at);
    assert_eq!(server.totals().await, spent);

    // The same alert, but another time that it fires.
    alertmanager.tell(&[firing("checkout-api", moment(0))]).await;
    assert_eq!(server.ended(2).await.len(), 2);
    assert_eq!(alertmanager.counts().await.failed, 0);
}

#[tokio::test]
async fn what_found_no_room_comes_again_and_each_alert_is_investigated_once() {
    let config = Config { sim_delay: 5.0, max_running: 1, max_queued: 0, ..Config::default() };
    let server = Server::with(config, SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let Some(alertmanager) = Alertmanager::start(&server.agent.url()).await else { return };
    let starts_at = moment(60);
    let alerts = ["a", "b", "c"].map(|service| firing(service, starts_at));
    alertmanager.tell(&alerts).await;
    let services: BTreeSet<_> =
        server.ended(3).await.into_iter().map(|investigation| investigation.alert.service.clone()).collect();
    assert_eq!(services, ["a", "b", "c"].map(str::to_owned).into());
    assert!(alertmanager.counts().await.failed > 0, "there was room for all at once");
    alertmanager.delivers(1).await;
    assert_eq!(server.totals().await.requests, 3);
}

#[tokio::test]
async fn an_agent_that_was_not_there_gets_the_alert_once_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let Some(alertmanager) = Alertmanager::start(&format!("http://{address}")).await else { return };
    alertmanager.tell(&[firing("checkout-api", moment(60))]).await;
    // It comes, and nobody answers.
    drop(timeout(DEADLINE, listener.accept()).await.expect("a delivery").unwrap());
    eventually("the delivery fails", async || (alertmanager.counts().await.failed > 0).then_some(())).await;
    drop(listener);
    let config = Config { sim_delay: 0.0, ..Config::default() };
    let server = Server::with(config, address).await;
    assert_eq!(server.ended(1).await[0].alert.service, "checkout-api");
    alertmanager.delivers(1).await;
    assert_eq!(server.totals().await.requests, 1);
}

#[tokio::test]
async fn a_pair_that_does_not_know_of_each_other_gets_one_investigation() {
    let server = Server::start().await;
    let url = server.agent.url();
    let (Some(one), Some(other)) = (Alertmanager::start(&url).await, Alertmanager::start(&url).await) else { return };
    let alerts = [firing("checkout-api", moment(60)), firing("payment-api", moment(60))];
    tokio::join!(one.tell(&alerts), other.tell(&alerts));
    for alertmanager in [&one, &other] {
        alertmanager.delivers(2).await;
        assert_eq!(alertmanager.counts().await.failed, 0);
    }
    assert_eq!(server.ended(2).await.len(), 2);
    assert_eq!(server.totals().await.requests, 2);
}

#[test]
fn the_committed_configuration_is_one() {
    let Some(amtool) = find(&["amtool"], PACKAGE) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertmanager.yml");
    std::fs::write(&file, example("alertmanager.yml", &[])).unwrap();
    let checked = Command::new(amtool).arg("check-config").arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

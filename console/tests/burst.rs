//! Many alerts: `langdeck fire --count` and the burst of the console, the real binary against scripted and real agents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod pty;
mod support;

use std::collections::BTreeSet;
use std::process::Child;
use std::time::Duration;

use langdeck_agent::Config;
use langdeck_shared::BudgetWindow;
use pty::{LANGDECK, Pty};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::command::{Ran, ended, langdeck};
use support::{Reply, Scripted, alone, nobody, real, snapshot, within};

/// A fleet of replicas that take every alert, as one of them tells of it; each alert is said to be taken by the replica
/// that was asked for.
async fn fleet(replicas: &'static [(&'static str, &'static str, &'static str)]) -> Scripted {
    Scripted::start(move |request| {
        if request.starts_with("GET /v1/fleet") {
            let told = replicas.iter().map(|(name, boot_id, status)| {
                let mut told = snapshot(name, "1");
                told["boot_id"] = json!(boot_id);
                told["status"] = json!(status);
                told
            });
            let told: Vec<Value> = told.collect();
            let answer =
                json!({"cursor": "f1", "reset": true, "more": false, "replica": "a", "boot_id": "b", "replicas": told});
            return Reply::Json(200, answer);
        }
        if !request.starts_with("POST") {
            return Reply::Json(200, alone(snapshot("a", "1")));
        }
        let asked = request.split_once("?replica=").and_then(|(_, rest)| rest.split(' ').next());
        Reply::Json(202, json!({"investigation_id": "inv_1", "replica": asked.unwrap_or("a"), "status": "queued"}))
    })
    .await
}

/// A replica that is full.
async fn full() -> Scripted {
    Scripted::start(|request| {
        if !request.starts_with("POST") {
            return Reply::Json(200, alone(snapshot("pod-full", "1")));
        }
        let problem = json!({
            "type": "urn:langdeck:problem:overloaded", "title": "Too much to do", "status": 503,
            "detail": "128 investigations wait already", "request_id": "req_1",
        });
        Reply::Json(503, problem)
    })
    .await
}

/// The alerts that an agent was sent: their keys.
fn keys(agent: &Scripted) -> Vec<String> {
    let posts = agent.requests().into_iter().filter(|request| request.starts_with("POST"));
    posts.map(|post| post.split_once("idempotency-key: ").unwrap().1.lines().next().unwrap().to_owned()).collect()
}

fn start(url: &str, args: &[&str]) -> Child {
    langdeck(&[["fire", "high_cpu", "api", "--url", url].as_slice(), args].concat()).spawn().unwrap()
}

async fn fire(url: &str, args: &[&str]) -> (i32, String, String) {
    end_of(start(url, args)).await
}

/// How a command ended: exit code, standard output, standard error.
async fn end_of(child: Child) -> (i32, String, String) {
    let Ran { code, out, err } = ended(child).await;
    (code, out, err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_alert_is_sent_once_and_all_is_summed_up() {
    let agent = fleet(&[]).await;
    let (code, out, err) = fire(&agent.url().to_string(), &["--count", "25", "--rate", "1000"]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("25 of 25 sent in ") && out.contains(": 25 accepted\n"), "{out}");
    assert!(out.contains("accepted in  p50 ") && out.contains("     25 accepted by a\n"), "{out}");
    let keys = keys(&agent);
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (25, 25), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spread_alerts_go_to_the_ready_replicas_by_turns() {
    let agent = fleet(&[
        ("pod-b", "boot-b", "ready"),
        ("pod-a", "boot-a", "ready"),
        ("twin", "boot-1", "ready"),
        ("twin", "boot-2", "ready"),
        ("pod-c", "boot-c", "draining"),
        ("pod-d", "boot-d", "unreachable"),
    ])
    .await;
    let args = ["--count", "8", "--rate", "1000", "--spread", "--json"];
    let (code, out, err) = fire(&agent.url().to_string(), &args).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["accepted_by"], json!({"pod-a": 2, "pod-b": 2, "boot-1": 2, "boot-2": 2}));
    let figures = ["count", "sent", "accepted", "refused", "failed"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(figures, [8, 8, 8, 0, 0]);
    assert_eq!((&summary["stopped"], &summary["latency"]["count"]), (&json!(false), &json!(8)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_alert_can_be_fired_at_a_replica_too() {
    let agent = fleet(&[]).await;
    let (code, out, _) = fire(&agent.url().to_string(), &["--replica", "pod-b&x", "--no-wait"]).await;
    assert_eq!(code, 0);
    assert!(out.starts_with("inv_1 on pod-b%26x\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_counted_and_none_is_sent_again() {
    let agent = full().await;
    let (code, out, _) = fire(&agent.url().to_string(), &["--count", "12", "--rate", "500"]).await;
    assert_eq!(code, 1);
    assert!(out.contains(": 0 accepted, 12 refused\n"), "{out}");
    assert!(out.contains("     12 not accepted: 128 investigations wait already\n"), "{out}");
    assert_eq!(keys(&agent).len(), 12);

    let (code, out, _) = fire(&nobody().await.to_string(), &["--count", "3", "--rate", "1000"]).await;
    assert_eq!(code, 1);
    assert!(out.contains(": 0 accepted, 3 failed\n      3 not accepted: connection refused\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_cache_answers_and_what_a_budget_refuses_is_counted_as_such() {
    let cached = Config { cache_ttl: Some(Duration::from_secs(600)), ..real::config("pod-a") };
    let agent = real::start(cached).await;
    // One after the other: the first is investigated, and all others get its report.
    assert_eq!(fire(&agent.url(), &[]).await.0, 0);
    let (code, out, _) = fire(&agent.url(), &["--count", "7", "--rate", "1000"]).await;
    assert!(code == 0 && out.contains(": 7 accepted (7 cached)\n"), "{out}");

    // Room for three of these alerts; what the agent says of the others names other figures each time.
    let budget_usd = Some("0.0008".parse().unwrap());
    let spent = Config { budget_usd, budget_window: BudgetWindow::Month, ..real::config("pod-b") };
    let agent = real::start(spent).await;
    let (code, out, _) = fire(&agent.url(), &["--count", "9", "--rate", "1000", "--json"]).await;
    assert_eq!(code, 1);
    let summary: Value = serde_json::from_str(&out).unwrap();
    let figures = ["new", "cached", "joined", "over_budget", "refused", "failed"];
    assert_eq!(figures.map(|name| summary[name].as_u64().unwrap()), [3, 0, 0, 6, 0, 0], "{out}");
    let [reason] = summary["reasons"].as_array().unwrap().as_slice() else { panic!("{out}") };
    assert!(
        reason["reason"].as_str().unwrap().starts_with("the budget `total` of 0.0008 USD per month (UTC) has no room")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_spread_over_is_said() {
    let agent = fleet(&[("pod-a", "boot-a", "draining")]).await;
    let url = agent.url().to_string();
    let (code, out, err) = fire(&url, &["--count", "2", "--spread"]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, format!("langdeck: no replica of the fleet behind {url} is ready\n"));
    assert!(keys(&agent).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_c_sends_no_more_and_sums_up() {
    let agent = fleet(&[]).await;
    let child = start(&agent.url().to_string(), &["--count", "10000", "--rate", "100", "--json"]);
    let sent = async {
        while keys(&agent).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("some alerts", sent).await;
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
    let (code, out, _) = end_of(child).await;
    assert_eq!(code, 130);
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["stopped"], json!(true));
    let sent = summary["sent"].as_u64().unwrap();
    assert!((3..10_000).contains(&sent), "{out}");
    assert_eq!((summary["accepted"].as_u64().unwrap(), keys(&agent).len() as u64), (sent, sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_progress_stays_in_one_line() {
    let agent = fleet(&[]).await;
    let url = agent.url().to_string();
    let mut pty =
        Pty::spawn(LANGDECK, &["fire", "a", "b", "--count", "20", "--rate", "20", "--url", &url], &[], 60, 10);
    pty.wait("progress", |screen| screen.contents().contains(" of 20: ") && screen.contents().contains(" left"));
    assert_eq!(pty.ended().exit_code(), 0);
    pty.see("20 of 20 sent in ");
    assert_eq!(pty.text().matches(" of 20").count(), 1, "the line has gone:\n{}", pty.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_from_the_keyboard_runs_hidden_and_is_seen_to_its_end() {
    let agent = real::agent("pod-a").await;
    let mut pty = Pty::langdeck(&["--url", &agent.url()], 120, 40);
    pty.see("ready");
    pty.send("b");
    pty.see("Fire a burst");
    // The third field: 100 becomes 20.
    pty.send("\t\t\u{7f}\u{7f}\u{7f}20\r");
    pty.see(" of 20");
    pty.send("\u{1b}");
    pty.see_gone("Burst · high_latency");
    pty.see("burst done: 20 accepted");
    pty.see("burst done 20/20");
    pty.send("b");
    pty.see("20 accepted, 0 refused, 0 failed");
    assert!(pty.text().contains("pod-a 20"), "{}", pty.text());
    pty.send("\u{1b}");
    pty.see_gone("Burst · high_latency");
    assert!(!pty.text().contains("burst done 20/20"), "seen, it is told no more");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_at_a_full_replica_shows_refusals_and_stops_when_told() {
    let agent = full().await;
    let mut pty = Pty::langdeck(&["--url", &agent.url().to_string()], 80, 24);
    pty.see("busy");
    pty.send("b\r");
    pty.wait("refusals", |screen| {
        let text = screen.contents();
        text.contains("0 accepted, ") && text.contains(" refused") && text.contains("128 investigations wait already")
    });
    pty.send("x");
    pty.see("burst stopped: 0 accepted, ");
    let sent = keys(&agent).len();
    assert!((1..100).contains(&sent), "{sent} sent");
    pty.see(&format!("{sent} of 100"));
    pty.send("\u{1b}");
    pty.see_gone("Burst · high_latency");
    pty.quit();
}

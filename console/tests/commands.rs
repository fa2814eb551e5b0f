//! The commands that print, run as people run them: the real binary, real agents, real exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use langdeck_agent::Config;
use langdeck_shared::{Report, Usd};
use serde_json::{Value, json};
use support::command::{ended, langdeck, run};
use support::real::{agent, config, start};
use support::{Reply, Scripted, nobody, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_prints_the_documented_report() {
    let agent = agent("pod-a").await;
    let ran = run(&["fire", "high_latency", "checkout-api", "--url", &agent.url()]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    for expected in [
        "high_latency on checkout-api: succeeded",
        "157 tokens · $0.000314 · simulated-gpt-4",
        "pod-a",
        "database connection pool exhaustion (confidence 85 %)",
        "4. ",
        "get_metrics  succeeded",
    ] {
        assert!(ran.out.contains(expected), "{expected:?} is missing:\n{}", ran.out);
    }
    assert_eq!(ran.err, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_json_is_the_report_and_nothing_else() {
    let agent = agent("pod-a").await;
    let args = ["fire", "HighLatency", "checkout-api", "--json", "--severity", "critical", "--label", "pod=x=y"];
    let ran = run(&[args.as_slice(), &["--description", "slow since noon", "--url", &agent.url()]].concat()).await;
    let report: Report = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((report.alert.alert_type.as_str(), report.cost_tracking.total_tokens), ("high_latency", 157));
    assert_eq!(report.alert.severity.as_deref(), Some("critical"));
    assert_eq!(report.alert.description.as_deref(), Some("slow since noon"));
    assert_eq!(report.alert.labels["pod"], "x=y");
    assert!(ran.out.contains("\"cost_usd\": 0.000314"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_says_of_an_answer_from_the_cache_that_it_is_one() {
    let cache_ttl = Some(Duration::from_secs(3600));
    let agent = start(Config { cache_ttl, ..config("pod-a") }).await;
    let fire = ["fire", "high_latency", "checkout-api", "--url", &agent.url()];
    let first = run(&fire).await;
    assert!(!first.out.contains("cache"), "{}", first.out);
    let again = run(&fire).await;
    assert_eq!(again.code, 0, "{}", again.err);
    for expected in ["· 0 tokens · $0", "\nfrom the cache, ", " after its end; it had cost $0.000314\n"] {
        assert!(again.out.contains(expected), "{expected:?} is missing:\n{}", again.out);
    }
    let json = run(&[&fire[..], &["--json"]].concat()).await;
    let tracking = serde_json::from_str::<Report>(&json.out).unwrap().cost_tracking;
    assert_eq!((tracking.cached, tracking.total_tokens, tracking.cost_usd), (true, 0, Usd::ZERO));
    assert_eq!(tracking.saved_usd, Some(Usd::from_nanos(314_000)));
    let unwaited = run(&[&fire[..], &["--no-wait"]].concat()).await;
    assert!(unwaited.out.contains(" on pod-a, from its cache\n"), "{}", unwaited.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_without_waiting_says_where_to_look() {
    let agent = agent("pod-a").await;
    let ran = run(&["fire", "high_cpu", "api", "--no-wait", "--url", &agent.url()]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("inv_") && ran.out.contains(" on pod-a\n"), "{}", ran.out);
    let id = ran.out.split_whitespace().next().unwrap();
    assert!(ran.out.contains(&format!("{}/v1/investigations/{id}\n", agent.url())), "{}", ran.out);
    let ran = run(&["fire", "high_cpu", "api", "--no-wait", "--json", "--url", &agent.url()]).await;
    let accepted: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(accepted["replica"], "pod-a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partial_report_is_a_report() {
    let agent = agent("pod-a").await;
    let ran = run(&["fire", "disk_full", "ledger", "--url", &agent.url()]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("partial (a step failed)") && ran.out.contains("failed"), "{}", ran.out);
}

/// An agent whose only investigation stands as given, for ever.
async fn stuck_at(status: &'static str) -> Scripted {
    Scripted::start(move |request| {
        if request.starts_with("POST") {
            return Reply::Json(202, json!({"investigation_id": "inv_1", "replica": "a", "status": "queued"}));
        }
        let error = (status == "failed").then_some("the model does not answer");
        Reply::Json(
            200,
            json!({
                "investigation_id": "inv_1", "replica": "a", "status": status, "error": error,
                "alert": {"alert_type": "high_cpu", "service": "api", "timestamp": "2026-01-01T00:00:00Z"},
                "accepted_at": "2026-01-01T00:00:00Z", "elapsed_ms": 5, "tokens": 0, "cost_usd": 0, "steps": [],
            }),
        )
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_investigation_is_exit_code_1_and_says_why() {
    let agent = stuck_at("failed").await;
    let ran = run(&["fire", "high_cpu", "api", "--url", &agent.url().to_string()]).await;
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(ran.err, "langdeck: inv_1 ended as failed: the model does not answer\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_ends_with_its_time_and_the_run_goes_on() {
    let agent = stuck_at("running").await;
    let ran = run(&["fire", "high_cpu", "api", "--timeout", "0", "--url", &agent.url().to_string()]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("inv_1 goes on without you"), "{}", ran.err);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_c_leaves_the_run_going_and_says_so() {
    use rustix::process::{Pid, Signal, kill_process};

    let agent = stuck_at("running").await;
    let mut command = langdeck(&["fire", "high_cpu", "api", "--url", &agent.url().to_string()]);
    let child = command.spawn().unwrap();
    let looked = async {
        while agent.requests().iter().filter(|request| request.starts_with("GET")).count() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within("it follows", looked).await;
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
    let ran = ended(child).await;
    assert_eq!(ran.code, 130);
    assert!(ran.err.contains("inv_1 goes on without you; see http://"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_sent_once_under_a_key_of_its_own() {
    let agent = stuck_at("failed").await;
    for _ in 0..2 {
        run(&["fire", "high_cpu", "api", "--url", &agent.url().to_string()]).await;
    }
    let requests = agent.requests();
    let keys: Vec<_> = requests.iter().filter_map(|request| request.split("idempotency-key: ").nth(1)).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0].lines().next(), keys[1].lines().next());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_does_not_end_the_following() {
    let count = AtomicU64::new(0);
    let agent = Scripted::start(move |request| {
        if request.starts_with("POST") {
            return Reply::Json(202, json!({"investigation_id": "inv_1", "replica": "a", "status": "queued"}));
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0..3 => Reply::Raw(Vec::new()),
            _ => Reply::Json(
                200,
                json!({
                    "investigation_id": "inv_1", "replica": "a", "status": "cancelled", "error": "someone stopped it",
                    "alert": {"alert_type": "high_cpu", "service": "api", "timestamp": "2026-01-01T00:00:00Z"},
                    "accepted_at": "2026-01-01T00:00:00Z", "elapsed_ms": 5, "tokens": 0, "cost_usd": 0, "steps": [],
                }),
            ),
        }
    })
    .await;
    let ran = run(&["fire", "high_cpu", "api", "--url", &agent.url().to_string()]).await;
    assert_eq!(ran.err, "langdeck: inv_1 ended as cancelled: someone stopped it\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_agent_would_take_is_not_sent() {
    let agent = stuck_at("failed").await;
    let ran = run(&["fire", "high_cpu", "a\u{1b}[31m", "--url", &agent.url().to_string()]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("service: must not contain control characters"), "{}", ran.err);
    assert!(agent.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_shows_who_answers_and_who_does_not() {
    let (a, b) = (agent("pod-a").await, agent("pod-b").await);
    run(&["fire", "high_latency", "checkout-api", "--url", &a.url()]).await;
    let nobody = nobody().await.to_string();
    let ran = run(&["status", "--url", &a.url(), "--url", &b.url(), "--url", &nobody]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("REPLICA  STATE        RUN  QUEUED  DONE  ERR"), "{}", ran.out);
    assert!(lines[1].starts_with("pod-a    ready") && lines[1].contains("$0.000314"), "{}", ran.out);
    assert!(lines[2].starts_with("pod-b    ready") && lines[2].ends_with(&b.url()), "{}", ran.out);
    assert!(lines[3].starts_with("–        unreachable"), "{}", ran.out);
    assert!(ran.out.contains("2 of 3 answer") && ran.out.contains(&format!("{nobody}: connection refused")));
    let begins = |line: &str| line.chars().count() - line.split("  ").last().unwrap_or_default().chars().count();
    let columns: Vec<usize> = lines[..4].iter().map(|line| begins(line)).collect();
    assert!(columns.iter().all(|&column| column == columns[0]), "columns do not align:\n{}", ran.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_are_printed_with_their_reasons_and_filtered() {
    let (a, b) = (agent("pod-a").await, agent("pod-b").await);
    for url in [a.url(), b.url()] {
        run(&["fire", "log_store_down", "ledger", "--url", &url]).await;
    }
    let ran = run(&["decisions", "--url", &a.url(), "--url", &b.url()]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out.lines().count(), 10, "{}", ran.out);
    let first = ran.out.lines().next().unwrap();
    assert!(first.contains("  pod-a  planner    plan_chosen        inv_"), "{first}");
    let ran = run(&["decisions", "--code", "retry", "--actor", "executor", "--url", &a.url()]).await;
    assert_eq!(ran.out.lines().count(), 2, "{}", ran.out);
    let line = ran.out.lines().next().unwrap();
    for part in ["  try get_logs again, not give up on get_logs: ", "(attempt 1, wait_ms 0)"] {
        assert!(line.contains(part), "{part:?} is missing: {line}");
    }
    let ran = run(&["decisions", "--json", "--investigation", "inv_of_another_life", "--url", &a.url()]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    let ran = run(&["decisions", "--json", "--code", "partial_report", "--url", &a.url()]).await;
    let decision: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&decision["replica"], &decision["figures"]["tools_found"]), (&json!("pod-a"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_that_cannot_be_asked_for_say_why() {
    let agent = agent("pod-a").await;
    let ran = run(&["decisions", "--code", "whatever", "--url", &agent.url()]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("code: expected one of plan_chosen, "), "{}", ran.err);
    let nobody = nobody().await.to_string();
    let ran = run(&["decisions", "--follow", "--url", &nobody]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("connection refused"), "{}", ran.err);
    let ran = run(&["decisions", "--url", &agent.url(), "--url", &nobody]).await;
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("connection refused"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_are_followed_through_a_restart_and_a_gap_and_each_comes_once() {
    let decision = |boot_id: &str, seq: u64| {
        json!({
            "seq": seq, "time": "2026-01-15T10:30:00Z", "replica": "a", "boot_id": boot_id, "actor": "budget",
            "code": "budget_exceeded", "choice": format!("{boot_id}\u{1b}[31m{seq}"), "reason": "spent",
        })
    };
    let page = |decisions: Value, cursor: &str, reset: bool, missed: u64| {
        let page = json!({
            "decisions": decisions, "cursor": cursor, "reset": reset, "more": cursor == "one.1", "missed": missed,
        });
        Reply::Json(200, page)
    };
    let server = Scripted::start(move |request| {
        let after = |cursor: &str| request.contains(&format!("cursor={cursor} "));
        if after("one.1") {
            page(json!([decision("one", 5)]), "one.5", false, 3)
        } else if after("one.5") {
            page(json!([decision("two", 1)]), "two.1", true, 0)
        } else if after("two.1") {
            page(json!([]), "two.1", false, 0)
        } else {
            page(json!([decision("one", 1)]), "one.1", false, 0)
        }
    })
    .await;
    let mut command = langdeck(&["decisions", "--follow", "--url", &server.url().to_string()]);
    let mut child = command.spawn().unwrap();
    within("another look after the restart", async {
        while server.requests().iter().filter(|request| request.contains("cursor=two.1 ")).count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    child.kill().unwrap();
    let ran = ended(child).await;
    let choices: Vec<_> = ran.out.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(choices, ["one1: spent", "one5: spent", "two1: spent"], "{}", ran.out);
    assert!(ran.err.contains("3 decisions are missing") && ran.err.contains("started anew"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_json_is_for_programs() {
    let (a, nobody) = (agent("pod-a").await, nobody().await.to_string());
    run(&["fire", "high_latency", "checkout-api", "--url", &a.url()]).await;
    let mut command = langdeck(&["status", "--json"]);
    command.env("LANGDECK_URL", format!("{}/, {nobody},", a.url()));
    let ran = ended(command.spawn().unwrap()).await;
    let fleet: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(fleet["replicas"][0]["replica"], "pod-a");
    assert_eq!(fleet["replicas"][0]["totals"]["spend"]["cost_usd"], 0.000314);
    assert_eq!(fleet["replicas"][1]["status"], "unreachable");
    assert_eq!(fleet["replicas"][1]["error"], "connection refused");
    assert_eq!((&fleet["totals"]["answering"], &fleet["totals"]["tokens"]), (&json!(1), &json!(157)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_said_with_the_way_out() {
    let url = nobody().await.to_string();
    for args in [["status", "--url", url.as_str()].as_slice(), &["fire", "a", "b", "--url", &url]] {
        let ran = run(args).await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        for expected in [
            format!("langdeck: nothing listens on {url} (connection refused)"),
            "kubectl -n langchain-free port-forward svc/langchain-free 8000:8000".to_owned(),
            if cfg!(feature = "demo") { "langdeck demo".to_owned() } else { String::new() },
        ] {
            assert!(ran.err.contains(&expected), "{expected:?} is missing: {}", ran.err);
        }
    }
    let ran = run(&["status", "--json", "--url", &url]).await;
    assert_eq!(ran.code, 1);
    assert!(serde_json::from_str::<Value>(&ran.out).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_else_listening_is_said_too() {
    let web = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>".to_vec();
    let server = Scripted::start(move |_| Reply::Raw(web.clone())).await;
    let ran = run(&["status", "--url", &server.url().to_string()]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("a web page; something else listens there"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_none_are_usage_errors() {
    for (url, reason) in
        [("localhost:8000", "did you mean http://localhost:8000?"), ("ftp://x", "expected http or https")]
    {
        let ran = run(&["status", "--url", url]).await;
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(reason), "{}", ran.err);
        let mut command = langdeck(&["status"]);
        command.env("LANGDECK_URL", url);
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(reason) && ran.err.contains("LANGDECK_URL"), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_needs_a_terminal_and_says_what_does_not() {
    for args in [[].as_slice(), &["--url", "http://localhost:1"]] {
        let ran = run(args).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        assert!(ran.err.contains("not a terminal") && ran.err.contains("langdeck status"), "{}", ran.err);
    }
}

#[cfg(feature = "demo")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piped_demo_prints_a_report_and_the_fleet() {
    let ran = run(&["demo", "--sim-delay", "0"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("high_latency on checkout-api: succeeded"), "{}", ran.out);
    assert!(ran.out.contains("157 tokens · $0.000314"), "{}", ran.out);
    assert!(ran.out.contains("langchain-free-7d9c-x2kqp  ready") && ran.out.contains("3 of 3 answer"), "{}", ran.out);
    assert_eq!(ran.err, "");
    let ran = run(&["demo", "--replicas", "1", "--sim-delay", "0", "--tool-mode", "parallel"]).await;
    assert!(ran.out.contains("1 of 1 answer"), "{}", ran.out);
    let ran = run(&["demo", "--chaos"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("leave out --chaos"), "{}", ran.err);
    let ran = run(&["--url", "http://localhost:8000", "demo"]).await;
    assert_eq!(ran.code, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_are_scripts() {
    for (shell, sign) in
        [("bash", "complete -F _langdeck"), ("zsh", "#compdef langdeck"), ("fish", "complete -c langdeck")]
    {
        let ran = run(&["completions", shell]).await;
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains(sign), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_has_seen_enough_is_no_panic() {
    let mut command = langdeck(&["completions", "zsh"]);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ran = ended(child).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

//! Money in the real binary: a budget that comes to its end before the eyes of a person, an agent that does not say what
//! it has spent, and costs that are printed.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod pty;
mod support;

use langdeck_agent::{Agent, AtLimit, Config};
use pty::Pty;
use serde_json::{Value, json};
use support::command::run;
use support::real::{agent, config, start};
use support::{Reply, Scripted, alone, nobody, snapshot, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_comes_to_its_end_is_seen_on_every_screen() {
    let config = Config {
        // Room for three of the documented alert.
        budget_usd: Some("0.001".parse().unwrap()),
        budget_at_limit: AtLimit::Degrade,
        ..config("pod-a")
    };
    let agent = start(config).await;
    let mut pty = Pty::langdeck(&["--url", &agent.url()], 120, 40);
    pty.wait("the gauge", |screen| screen.contents().contains("today UTC $0 ────────── 0 % of $0.001"));
    for spent in ["31 %", "63 %", "94 %"] {
        pty.send("f\r");
        pty.wait(spent, |screen| screen.rows(0, 120).next().unwrap_or_default().contains(spent));
    }
    let warned = |screen: &vt100::Screen| {
        screen.contents().contains("◐ budget total per day at 94 %: $0.000942 of $0.00100 spent today UTC, resets in")
    };
    pty.wait("the warning", warned);
    pty.send("f\r");
    let exceeded = |screen: &vt100::Screen| {
        screen.contents().contains("✗ budget total per day exceeded: alerts go to the cheaper model for ")
    };
    pty.wait("its end, and what happens now", exceeded);
    pty.send("2");
    pty.wait("what it was spent on", |screen| {
        let screen = screen.contents();
        ["Spent by service", "checkout-api", "$0.000973", "✗ exceeded", "cheaper model"]
            .iter()
            .all(|part| screen.contains(part))
    });
    pty.wait("the end on that screen too", exceeded);
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_that_never_come_hold_up_no_key_and_are_asked_for_on_their_screen_only() {
    let agent = Scripted::start(|request| {
        if request.starts_with("GET /v1/costs") {
            return Reply::Hang;
        }
        let mut pod = snapshot("pod-a", "1");
        pod["running"] = json!(0);
        Reply::Json(200, alone(pod))
    })
    .await;
    let asked = || agent.requests().iter().filter(|request| request.starts_with("GET /v1/costs?scope=fleet")).count();
    let mut pty = Pty::langdeck(&["--url", &agent.url().to_string()], 120, 40);
    pty.wait("the replica", |screen| screen.contents().contains("pod-a"));
    assert_eq!(asked(), 0);
    pty.send("2");
    pty.wait("the empty screen", |screen| screen.contents().contains("asking the agents"));
    pty.send("s\x1b[Cs");
    pty.wait("keys all the same", |screen| screen.contents().contains("Spent by alert type"));
    pty.wait("why there is nothing", |screen| screen.contents().contains("(no answer within 5 s)"));
    assert!(asked() > 0);
    pty.send("1");
    pty.wait("the overview", |screen| screen.contents().contains("Investigations"));
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_are_printed_of_every_fleet_once_and_as_json() {
    let [a, b] = [agent("pod-a").await, agent("pod-b").await];
    for (agent, alerts) in [(&a, 2), (&b, 1)] {
        for _ in 0..alerts {
            assert_eq!(run(&["fire", "high_latency", "checkout-api", "--url", &agent.url()]).await.code, 0);
        }
    }
    let nobody = nobody().await.to_string();
    // One of them twice: by its name and by its number.
    let again = a.url().replace("127.0.0.1", "localhost");
    let urls = ["--url", &a.url(), "--url", &again, "--url", &b.url(), "--url", &nobody];
    let ran = run(&[["costs", "--by", "step"].as_slice(), &urls].concat()).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    for said in ["STEP", "reasoner", "$0.000942 since ", &format!("without {nobody}: connection refused\n")] {
        assert!(ran.out.contains(said), "{said:?}\n{}", ran.out);
    }
    let ran = run(&[["costs", "--json"].as_slice(), &urls].concat()).await;
    let costs: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&costs["totals"]["cost_usd"], &costs["totals"]["calls"]), (&json!(0.000942), &json!(15)));
    assert_eq!(costs["missing"][0]["replica"], nobody);
    let ran = run(&[["costs", "--csv"].as_slice(), &urls].concat()).await;
    assert_eq!((ran.code, ran.err), (0, format!("without {nobody}: connection refused\n")));
    for row in ["total,,15,471,300,0,171,0.000942,0\r\n", &format!("missing,{nobody},,,,,,,\r\n")] {
        assert!(ran.out.contains(row), "{row:?}\n{}", ran.out);
    }
    let ran = run(&["costs", "--url", &nobody]).await;
    assert!(ran.code == 1 && ran.err.contains("nothing listens on"), "{} {}", ran.code, ran.err);
    let ran = run(&["costs", "--json", "--url", &nobody]).await;
    assert_eq!((ran.code, ran.err.as_str()), (1, "langdeck: no agent answers\n"));
}

/// The body that an agent answers with.
async fn get(agent: &Agent, path: &str) -> String {
    let mut stream = TcpStream::connect(agent.url().strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_as_csv_are_those_of_the_agent_itself() {
    let agent = agent("pod-a").await;
    for (alert_type, service) in
        [("high_latency", "checkout-api"), ("disk_full", "=cmd|'/c calc'!A1"), ("odd", "a,\"b\"")]
    {
        assert_eq!(run(&["fire", alert_type, service, "--url", &agent.url()]).await.code, 0);
    }
    let span = "from=2026-01-01T00:00:00Z";
    for (args, query) in [
        (["--csv"].as_slice(), ""),
        (&["--csv", "--by", "alert-type"], "&by=alert_type"),
        (&["--csv", "--by", "service", "--from", "2026-01-01T00:00:00Z"], &format!("&by=service&{span}")),
    ] {
        let ran = run(&[["costs", "--url", &agent.url()].as_slice(), args].concat()).await;
        let answer = get(&agent, &format!("/v1/costs?scope=fleet&format=csv{query}")).await;
        assert_eq!((ran.code, ran.err.as_str(), ran.out), (0, "", answer), "{args:?}");
    }
}

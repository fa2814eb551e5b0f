//! Money in the real binary: a budget that comes to its end before the eyes of a person, and an agent that does not say
//! what it has spent.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod pty;
mod support;

use langdeck_agent::{Agent, AtLimit, Config};
use pty::Pty;
use serde_json::json;
use support::{Reply, Scripted, alone, snapshot};

fn quit(mut pty: Pty) {
    pty.send("q");
    pty.ended_restored(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_comes_to_its_end_is_seen_on_every_screen() {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        replica_name: "pod-a".to_owned(),
        sim_delay: 0.0,
        // Room for three of the documented alert.
        budget_usd: Some("0.001".parse().unwrap()),
        budget_at_limit: AtLimit::Degrade,
        ..Config::default()
    };
    let agent = Agent::start(config).await.unwrap();
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
    quit(pty);
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
    quit(pty);
}

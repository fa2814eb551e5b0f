//! The whole path on the real binary: open, fire, watch it run, look inside, filter, quit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod pty;
mod support;

use langdeck_agent::{Agent, Config};
use pty::{LANGDECK, Pty};
use support::real::{config, start};

/// Slow enough that every state is on the screen for a few frames, quick enough for a test.
const SIM_DELAY: f64 = 4.0;

async fn agent(name: &str, sim_delay: f64) -> Agent {
    start(Config { sim_delay, ..config(name) }).await
}

/// A console on one agent that has done nothing yet.
async fn opened(env: &[(&str, &str)]) -> (Agent, Pty) {
    let agent = agent("pod-a", SIM_DELAY).await;
    let pty = Pty::spawn(LANGDECK, &["--url", &agent.url()], env, 120, 40);
    pty.see("pod-a");
    (agent, pty)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_watch_open_and_quit() {
    let (_agent, mut pty) = opened(&[]).await;
    pty.see("ready");

    pty.send("f");
    pty.see("Fire a test alert");
    pty.send("\r");
    // The waterfall grows: a step that runs, one that waits, then the end with what was found.
    pty.wait("a run under way", |screen| {
        let text = screen.contents();
        text.contains("high_latency") && text.contains("running") && text.contains("waiting")
    });
    pty.wait("its end", |screen| {
        let text = screen.contents();
        text.contains("done") && text.contains("database connection pool") && text.contains("$0.000314")
    });
    assert!(pty.text().contains("checkout-api"));

    pty.send("\r");
    pty.wait("the investigation from inside", |screen| {
        let text = screen.contents();
        text.contains("planner") && text.contains("reasoner") && !text.contains("Fleet")
    });
    pty.send("\u{1b}");
    pty.see("Fleet");

    pty.send("?");
    pty.see("Keys");
    pty.send("\u{1b}");
    pty.see_gone("Fire a test alert, chosen from a list");

    pty.send("/");
    pty.send("nothing-is-called-so");
    pty.see("nothing-is-called-so");
    pty.send("\u{1b}");
    pty.see_gone("nothing-is-called-so");

    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_investigation_that_someone_else_fires_appears() {
    let (agent, pty) = opened(&[]).await;
    let fired = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(LANGDECK);
        command.args(["fire", "memory_leak", "search", "--no-wait", "--url", &agent.url()]).output().map(|_| agent)
    });
    let _agent = fired.await.unwrap().unwrap();
    pty.see("memory_leak");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_told_while_its_step_is_at_work() {
    let agent = agent("pod-a", 3.0 * SIM_DELAY).await;
    let mut pty = Pty::langdeck(&["--url", &agent.url()], 120, 40);
    pty.see("pod-a");
    let fired = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(LANGDECK);
        command.args(["fire", "target_flapping", "ledger", "--no-wait", "--url", &agent.url()]).output().map(|_| agent)
    });
    let _agent = fired.await.unwrap().unwrap();
    pty.see("target_flapping");
    pty.send("\r");
    pty.wait("a retry that goes on", |screen| {
        let text = screen.contents();
        text.contains("try get_metrics again") && text.contains("attempt 1") && text.contains("waiting")
    });
    pty.send("\t");
    pty.wait("the next one, and the end", |screen| {
        let text = screen.contents();
        text.contains("attempt 2") && text.contains("done") && text.contains("Tab steps")
    });
    pty.send("g");
    pty.see("check_pods, get_metrics");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_is_heard_though_nothing_else_happens() {
    let (_agent, mut pty) = opened(&[]).await;
    // Paused, it asks nobody, and no clock moves anything: only keys wake it.
    pty.send("p");
    pty.see("paused");
    for _ in 0..3 {
        pty.send("?");
        pty.see("j and k scroll");
        pty.send("\u{1b}");
        pty.see_gone("j and k scroll");
    }
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_goes_and_comes_back_is_told_as_such() {
    let first = agent("pod-a", 0.0).await;
    let (address, url) = (first.local_addr(), first.url());
    let pty = Pty::langdeck(&["--url", &url], 120, 40);
    pty.see("ready");
    first.shutdown().await;
    sees_what_to_do(&pty, &url);
    assert!(pty.text().contains("pod-a"), "what was known is gone:\n{}", pty.text());
    let _second = agent_at(address).await;
    pty.see_gone("connection refused");
    pty.see("restarted");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_comes_late_is_found() {
    let gone = agent("pod-a", 0.0).await;
    let (address, url) = (gone.local_addr(), gone.url());
    gone.shutdown().await;
    let pty = Pty::langdeck(&["--url", &url], 120, 40);
    pty.see("No agent answers");
    sees_what_to_do(&pty, &url);
    let _late = agent_at(address).await;
    pty.see("pod-a");
    pty.see("ready");
    // A frame may be here in part only.
    pty.see_gone("No agent answers");
    pty.quit();
}

async fn agent_at(listen: std::net::SocketAddr) -> Agent {
    let config = Config { listen, replica_name: "pod-a".to_owned(), ..Config::default() };
    Agent::start(config).await.unwrap()
}

/// Which address, since when, why, what is being tried, and what to type.
fn sees_what_to_do(pty: &Pty, url: &str) {
    pty.wait("all that there is to say", |screen| {
        let text = screen.contents();
        let said =
            ["down ", "retry in ", "connection refused", "kubectl -n langchain-free port-forward", "langdeck demo"];
        text.contains(url) && said.iter().all(|said| text.contains(said))
    });
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_is_alive_by_itself() {
    let pty = Pty::langdeck(&["demo"], 120, 40);
    for replica in ["langchain-free-7d9c-x2kqp", "langchain-free-7d9c-p8mvd", "langchain-free-7d9c-q4tzn"] {
        pty.see(replica);
    }
    pty.wait("its first alert under way", |screen| {
        let text = screen.contents();
        text.contains("high_latency") && text.contains("checkout-api") && text.contains("running")
    });
    pty.see("done");
    pty.see("partial");
    pty.quit();
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_fires_what_a_person_asks_for() {
    let mut pty = Pty::langdeck(&["demo", "--replicas", "1"], 120, 40);
    pty.see("langchain-free-7d9c-x2kqp");
    pty.send("f");
    pty.see("Fire a test alert");
    // The third of the list: one that the demo never fires by itself.
    pty.send("jj\r");
    pty.see_gone("Fire a test alert");
    pty.see("cart-api");
    pty.quit();
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_ends_at_once_with_everything_under_way() {
    let mut pty = Pty::langdeck(&["demo", "--sim-delay", "1000"], 120, 40);
    pty.see("running");
    pty.signal(rustix::process::Signal::TERM);
    pty.ended_restored(143);
}

#[cfg(feature = "demo")]
#[test]
fn a_demo_in_which_things_go_wrong_shows_it_and_ends_like_any_other() {
    let pty = Pty::langdeck(&["demo", "--replicas", "1", "--chaos=4"], 120, 40);
    pty.see("ready");
    pty.wait("its replica in trouble", |screen| {
        let text = screen.contents();
        ["stale", "unreachable", "restarted", "connection refused", "no answer"].iter().any(|word| text.contains(word))
    });
    pty.quit();
}

#[cfg(feature = "demo")]
#[test]
fn a_small_demo_is_a_demo() {
    let pty = Pty::langdeck(&["demo", "--ascii"], 80, 24);
    pty.see("high_latency");
    let foreign: Vec<char> = pty.text().chars().filter(|c| !c.is_ascii()).collect();
    assert!(foreign.is_empty(), "not ASCII: {foreign:?}");
    pty.quit();
}

#[cfg(feature = "demo")]
#[test]
fn a_dumb_terminal_gets_text() {
    let mut pty = Pty::spawn(LANGDECK, &["demo", "--sim-delay", "0"], &[("TERM", "dumb")], 120, 60);
    pty.ended_restored(0);
    assert!(pty.text().contains("3 of 3 answer"), "{}", pty.text());
    let mut pty = Pty::spawn(LANGDECK, &[], &[("TERM", "dumb")], 120, 40);
    pty.ended_restored(2);
    assert!(pty.text().contains("langdeck status"), "{}", pty.text());
}

//! The real binary in a terminal, on agents that play scenarios from files: what is shown is true, whatever they do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod pty;
mod support;

use std::cell::Cell;
use std::time::{Duration, Instant};

use pty::Pty;
use support::scenario::{Player, Scenario};
use vt100::{Color, Screen};

/// A console on a replica that is well, `pod-good`, and one that plays a scenario, `pod-x`.
async fn beside_a_good_one(scenario: Scenario) -> (Player, Player, Pty) {
    let good = Scenario::read("well").play("pod-good").await;
    let played = scenario.play("pod-x").await;
    let pty = Pty::langdeck(&["--url", &good.url(), "--url", &played.url()], 200, 50);
    pty.wait("the good one", |screen| answers(screen, "pod-good"));
    (good, played, pty)
}

/// The row of the fleet's table in which this stands; nothing where there is none.
fn row(screen: &Screen, name: &str) -> String {
    let name = format!("{name} ");
    screen.rows(0, screen.size().1.get()).skip(1).find(|row| row.contains(&name)).unwrap_or_default()
}

/// Whether a replica is told to be there, at work or not.
fn answers(screen: &Screen, name: &str) -> bool {
    let row = row(screen, name);
    ["ready", "busy", "restarted"].iter().any(|word| row.contains(word))
}

/// The colour of a name in the fleet's table, and whether it is dim.
fn look(screen: &Screen, name: &str) -> Option<(Color, bool)> {
    let (line, text) = screen.rows(0, screen.size().1.get()).enumerate().find(|(_, row)| row.contains(name))?;
    let before = text[..text.find(name)?].chars().count();
    let cell = screen.cell(u16::try_from(line).ok()?, u16::try_from(before).ok()?)?;
    Some((cell.fgcolor(), cell.dim()))
}

/// For how many seconds a replica is said to have been silent; after ten it is unreachable.
fn stale_for(screen: &Screen, name: &str) -> Option<u32> {
    let row = row(screen, name);
    if row.contains("unreachable") {
        return Some(10);
    }
    let (_, age) = row.split_once("stale ")?;
    age.split_once('s')?.0.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_true_makes_one_replica_faulty_and_touches_no_other() {
    for name in Scenario::all_in("faulty") {
        let scenario = Scenario::read(&name);
        let reason = scenario.reason.clone();
        let (_good, bad, pty) = beside_a_good_one(scenario).await;
        pty.wait("its truthful answer", |screen| answers(screen, "pod-x"));
        bad.next();
        pty.wait(&format!("{name}: faulty, and why: {reason}"), |screen| {
            row(screen, "pod-x").contains("faulty") && screen.contents().contains(&reason)
        });
        pty.wait("the other one and the sums as they were", |screen| {
            let sums = screen.contents();
            answers(screen, "pod-good") && sums.contains("942 tokens") && sums.contains("1 faulty")
        });
        pty.quit();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_is_grey_with_its_age_and_comes_back_by_itself() {
    let (_good, silent, pty) = beside_a_good_one(Scenario::read("silent")).await;
    pty.wait("its latency", |screen| row(screen, "pod-x").contains("239ms"));
    let mut fresh = None;
    pty.wait("its look while it is fresh", |screen| look(screen, "pod-x").is_some_and(|(_, dim)| !dim));
    pty.look(|screen| fresh = look(screen, "pod-x"));
    silent.next();
    let first = Cell::new(None);
    pty.wait("stale, with its age", |screen| {
        first.set(stale_for(screen, "pod-x"));
        first.get().is_some()
    });
    pty.wait("an age that grows", |screen| stale_for(screen, "pod-x") > first.get());
    pty.wait("another look than before", |screen| look(screen, "pod-x") != fresh && look(screen, "pod-x").is_some());
    pty.wait("what was known, but not what it does now", |screen| {
        let row = row(screen, "pod-x");
        row.contains("239ms") && row.contains('–')
    });
    pty.see("no answer within 5 s");
    silent.next();
    pty.wait("ready again", |screen| answers(screen, "pod-x") && look(screen, "pod-x") == fresh);
    pty.see_gone("no answer within 5 s");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_came_is_a_dash_and_no_zero() {
    let (_good, _idle, pty) = beside_a_good_one(Scenario::read("without_figures")).await;
    pty.wait("dashes for both latencies and the spending per hour", |screen| {
        row(screen, "pod-x").matches('–').count() == 3 && !row(screen, "pod-x").contains("0ms")
    });
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_no_total_fall() {
    let (_good, restarting, pty) = beside_a_good_one(Scenario::read("restarting")).await;
    // The good one has ended three, for 0.000942 USD.
    pty.see("43 done");
    restarting.next();
    pty.wait("restarted, with both lives in the sums", |screen| {
        let text = screen.contents();
        row(screen, "pod-x").contains("restarted") && text.contains("45 done") && text.contains("$0.751 spent")
    });
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_that_fall_make_no_total_fall() {
    let (_good, falling, pty) = beside_a_good_one(Scenario::read("falling")).await;
    pty.see("43 done");
    falling.next();
    pty.see("8 running");
    assert!(pty.text().contains("43 done") && pty.text().contains("$0.501 spent"), "{}", pty.text());
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_flaps_is_told_each_time_and_recovers_each_time() {
    let (_good, flapping, pty) = beside_a_good_one(Scenario::read("flapping")).await;
    pty.wait("its first answer", |screen| answers(screen, "pod-x"));
    for _ in 0..2 {
        flapping.next();
        pty.wait("lost, with what is known and what is tried", |screen| {
            let text = screen.contents();
            text.contains("connection lost") && text.contains(&flapping.url()) && row(screen, "pod-x").contains("pod-x")
        });
        flapping.next();
        pty.see_gone("connection lost");
        pty.wait("ready", |screen| answers(screen, "pod-x"));
    }
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_one_holds_up_no_other() {
    let (good, slow, pty) = beside_a_good_one(Scenario::read("slow")).await;
    pty.wait("its answer, and how long it took", |screen| {
        answers(screen, "pod-x") && screen.contents().contains("live 7")
    });
    assert!(good.asked() > 2 * slow.asked(), "{} and {}", good.asked(), slow.asked());
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_bend_nothing() {
    let (_good, _skewed, pty) = beside_a_good_one(Scenario::read("skewed")).await;
    pty.wait("seconds since it was accepted, as its own clock has it", |screen| {
        let row = row(screen, "▸ ✓ done");
        let age = row.split_whitespace().find_map(|word| word.strip_suffix('s')?.parse::<u32>().ok());
        row.contains("checkout-api") && age.is_some_and(|age| (2..60).contains(&age))
    });
    pty.wait("an axis of seconds under its one bar", |screen| {
        screen.contents().contains("planner █") && screen.contents().contains("0.5s")
    });
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_which_nothing_can_be_seen_is_seen() {
    let (_good, _unseen, pty) = beside_a_good_one(Scenario::read("unseen")).await;
    pty.wait("a name for it", |screen| answers(screen, "(blank)"));
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_replica_hung_keys_are_heard_and_the_end_comes() {
    let agents = [Scenario::read("silent").play("pod-a").await, Scenario::read("silent").play("pod-b").await];
    let mut pty = Pty::langdeck(&["--url", &agents[0].url(), "--url", &agents[1].url()], 200, 50);
    pty.wait("both", |screen| ["pod-a", "pod-b"].iter().all(|name| answers(screen, name)));
    agents.iter().for_each(Player::next);
    let asked = async {
        while agents.iter().any(|agent| agent.asked() == 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    support::within("questions that nobody answers", asked).await;
    let began = Instant::now();
    for (key, shown) in [("?", "j and k scroll"), ("\u{1b}", "Fleet"), ("f", "Fire a test alert")] {
        pty.send(key);
        pty.see(shown);
    }
    pty.send("\u{1b}");
    pty.see_gone("Fire a test alert");
    pty.quit();
    // The network is waited for five seconds.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// A console on one address with a fleet behind it.
async fn on_a_fleet(name: &str) -> (Player, Pty) {
    let played = Scenario::read(&format!("fleet/{name}")).play("pod-a").await;
    let pty = Pty::langdeck(&["--url", &played.url()], 200, 50);
    pty.wait("the one that answers", |screen| answers(screen, "pod-a"));
    (played, pty)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_shows_every_replica_as_it_is() {
    let (fleet, pty) = on_a_fleet("of_many").await;
    pty.wait("all of them well, through one of them", |screen| {
        let text = screen.contents();
        text.contains("6 of 6 replicas answer") && text.contains("via pod-a")
    });
    fleet.next();
    pty.wait("each as it is", |screen| {
        let says = |name: &str, words: &[&str]| words.iter().all(|word| row(screen, name).contains(word));
        says("pod-a", &["busy"])
            && says("pod-stale", &["stale"])
            && says("pod-dead", &["unreachable"])
            && says("pod-gone", &["gone 1m"])
            && says("pod-again", &["restarted"])
            && says("pod-liar", &["faulty"])
    });
    let text = pty.text();
    assert_eq!(text.matches("pod-again ").count(), 1, "one row for both lives\n{text}");
    assert!(text.contains("pod-liar is faulty: totals.spend.tokens: 18446744073709551615 is more"), "{text}");
    assert!(text.contains("2 of 6 replicas answer, 1 stale, 1 unreachable, 1 gone, 1 faulty"), "{text}");
    // Three investigations of each of seven lives, and nothing of the lie.
    assert!(text.contains("21 done") && text.contains("3.3k tokens"), "{text}");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_odd_about_a_fleet_is_said_and_goes_when_it_is_mended() {
    let (fleet, pty) = on_a_fleet("of_two_names").await;
    pty.wait("two rows of one name, each marked", |screen| {
        let rows: Vec<String> = screen.rows(0, screen.size().1.get()).collect();
        rows.iter().filter(|row| row.contains("pod-same ") && row.contains("same name")).count() == 2
    });
    pty.see("two living replicas call themselves pod-same; --replica-name must differ");
    pty.wait("the address that never answered", |screen| {
        let row = row(screen, "http://10.1.2.3:8000");
        row.contains("unreachable 12s") && row.contains("connection refused")
    });
    pty.see("dns://agents.example:8000 does not resolve for ");
    pty.see("3 of 4 replicas answer, 1 unreachable");
    fleet.next();
    for gone in ["does not resolve", "http://10.1.2.3:8000", "two living replicas"] {
        pty.see_gone(gone);
    }
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_address_greys_all_and_another_pod_behind_it_brings_them_back() {
    let (fleet, pty) = on_a_fleet("quiet").await;
    pty.see("2 of 2 replicas answer");
    fleet.next();
    let asked = async {
        // Longer than a replica of which nothing is heard stays fresh.
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(3_500) {
            pty.wait("the quiet one, confirmed by every answer", |screen| answers(screen, "pod-quiet"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    support::within("answers that do not list it", asked).await;
    fleet.next();
    pty.see("connection lost");
    pty.wait("all of it grey, with its age", |screen| {
        ["pod-a", "pod-quiet"].iter().all(|name| stale_for(screen, name).is_some())
    });
    fleet.next();
    pty.wait("the way through the other one, and the first still known", |screen| {
        let text = screen.contents();
        answers(screen, "pod-quiet")
            && answers(screen, "pod-b")
            && !answers(screen, "pod-a")
            && text.contains("via pod-b")
    });
    pty.see("9 done");
    pty.quit();
}

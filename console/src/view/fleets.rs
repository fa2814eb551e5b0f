//! The overview of whole fleets behind one address, under snapshots.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{FailureKind, Latency, PeerFailure, PeerProblem, ReplicaStatus, ReplicaUpdate, Status};
use ratatui::layout::{Position, Rect};

use super::screens::{SIZES, draw, snapshot, theme};
use super::theme::{ColorDepth, Theme};
use crate::app::testing::{answer_fleet, app, fleet_answer, idle, investigation, press, samples, totals};
use crate::app::{App, FleetOrder, Target};

const SECOND: Duration = Duration::from_secs(1);

fn pod(number: usize) -> ReplicaUpdate {
    const SUFFIXES: [&str; 12] =
        ["2kqp8", "4tznw", "5xm2c", "6vbdr", "7hq9s", "8fjlk", "9wgtp", "bz5n4", "c8rxv", "dk2mq", "f7pzh", "g4lsb"];
    let name = SUFFIXES.get(number).map_or_else(|| format!("{number:05}"), |suffix| (*suffix).to_owned());
    let mut pod = idle(&format!("langchain-free-7d9c-{name}"), &format!("b{number}"));
    let done = 40 + 13 * number as u64 % 97;
    pod.totals = totals(done, 0, u64::from(number % 5 == 2));
    let p95_ms = 236 + 7 * number as u64 % 31;
    pod.latency = Some(Latency { count: done, p50_ms: 231, p95_ms, p99_ms: p95_ms + 21 });
    pod.samples = samples(number as u64);
    pod
}

fn silent(number: usize, status: ReplicaStatus, age: Duration, failure: PeerFailure) -> ReplicaUpdate {
    let age_ms = u64::try_from(age.as_millis()).unwrap();
    ReplicaUpdate { status, age_ms, failure: Some(failure), ..pod(number) }
}

/// Twelve through one address: one stale, one unreachable, one gone, one at work, one restarted.
fn of_twelve(now: Instant) -> App {
    let late = || PeerFailure::new(FailureKind::TimedOut, "no answer within 2 s");
    let refused = PeerFailure::new(FailureKind::Refused, "connection refused");
    let mut app = app(&["http://localhost:8000"], now - 60 * SECOND);
    let all: Vec<_> = (0..12).map(pod).collect();
    let first = all[0].clone();
    answer_fleet(&mut app, 0, fleet_answer(&first.replica, "b0", all), now - 50 * SECOND);
    let mut replicas: Vec<_> = [0, 1, 2, 3, 5, 6, 9, 10, 11].map(pod).into();
    replicas.push(silent(4, ReplicaStatus::Stale, 6 * SECOND, late()));
    replicas.push(silent(7, ReplicaStatus::Unreachable, 2 * SECOND, refused.clone()));
    replicas.push(silent(8, ReplicaStatus::Gone, 75 * SECOND, late()));
    replicas[1].running = 1;
    replicas[1].investigations = vec![investigation(
        "inv_b1_1",
        &replicas[1].replica,
        ("high_latency", "checkout-api"),
        Status::Running,
        Duration::from_millis(1150),
    )];
    let ended = PeerFailure::new(FailureKind::Ended, "another life answers at its address");
    replicas.push(silent(2, ReplicaStatus::Gone, 3 * SECOND, ended));
    let again = ReplicaUpdate { boot_id: "b2-again".to_owned(), uptime_ms: 2_400, totals: totals(2, 0, 0), ..pod(2) };
    replicas[2] = ReplicaUpdate { samples: Vec::new(), ..again };
    let mut answer = fleet_answer(&first.replica, "b0", replicas);
    answer.update.problems = Some(vec![
        PeerProblem { peer: "http://10.244.1.17:8000".to_owned(), age_ms: 12_000, failure: refused },
        PeerProblem {
            peer: "dns://langchain-free-peers:8000".to_owned(),
            age_ms: 9_000,
            failure: PeerFailure::new(FailureKind::Unresolved, "no such host"),
        },
    ]);
    answer_fleet(&mut app, 0, answer, now);
    app
}

fn of_a_thousand(now: Instant) -> App {
    let mut app = app(&["http://localhost:8000"], now);
    let pods: Vec<_> = (0..1_000).map(pod).collect();
    answer_fleet(&mut app, 0, fleet_answer("langchain-free-7d9c-2kqp8", "b0", pods), now);
    app
}

#[test]
fn a_fleet_of_twelve_through_one_address() {
    let now = Instant::now();
    let app = of_twelve(now);
    for size in SIZES {
        snapshot("fleet_of_12", &app, size, &theme(), now);
    }
    snapshot("fleet_of_12_ascii", &app, (120, 40), &Theme::new(ColorDepth::None, true), now);
}

#[test]
fn a_fleet_of_a_thousand_with_the_marker_far_down() {
    let now = Instant::now();
    let mut app = of_a_thousand(now);
    press(&mut app, KeyCode::Tab, now);
    for _ in 0..50 {
        press(&mut app, KeyCode::PageDown, now);
    }
    assert_eq!(app.replica_row(), 500);
    press(&mut app, KeyCode::Char('s'), now);
    press(&mut app, KeyCode::Char('P'), now);
    for size in SIZES {
        snapshot("fleet_of_1000", &app, size, &theme(), now);
    }
}

#[test]
fn two_of_one_name_are_marked_and_the_warning_names_them() {
    let now = Instant::now();
    let mut app = of_twelve(now);
    let mut twin = pod(1);
    "twin".clone_into(&mut twin.boot_id);
    let mut answer = fleet_answer("langchain-free-7d9c-2kqp8", "b0", vec![twin]);
    answer.update.reset = false;
    answer_fleet(&mut app, 0, answer, now);
    snapshot("namesakes", &app, (80, 24), &theme(), now);
}

#[test]
fn a_narrow_head_keeps_the_burst_and_what_it_costs_and_lets_go_of_states() {
    let now = Instant::now();
    let mut app = of_twelve(now);
    for key in [KeyCode::Char('b'), KeyCode::Enter, KeyCode::Esc] {
        press(&mut app, key, now);
    }
    let screen = super::testing::render(&draw(&app, (80, 24), &theme(), now));
    let head = screen.lines().next().unwrap();
    assert!(["burst 0/100", "9 of 13 answer", "1 running"].iter().all(|part| head.contains(part)), "{head}");
    assert!(!head.contains("stale"), "{head}");
}

#[test]
fn the_words_of_the_head_keep_apart_at_every_width() {
    let now = Instant::now();
    let app = of_twelve(now);
    for width in 60..=240 {
        let screen = super::testing::render(&draw(&app, (width, 24), &theme(), now));
        let head = screen.lines().next().unwrap();
        for word in ["via ", "● live"] {
            let before = head.split_once(word).map(|(before, _)| before);
            assert!(before.is_none_or(|before| before.ends_with("  ")), "{width}: {head}");
        }
    }
}

#[test]
fn the_mouse_finds_the_heads_of_the_columns() {
    let now = Instant::now();
    let app = of_twelve(now);
    let buffer = draw(&app, (120, 40), &theme(), now);
    let line = |y: u16| (0..120).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let (row, heads) = (0..40).map(|y| (y, line(y))).find(|(_, line)| line.contains("REPLICA")).unwrap();
    for (head, order) in [("REPLICA", FleetOrder::Name), ("COST", FleetOrder::Cost), ("P95", FleetOrder::Latency)] {
        let before = heads[..heads.find(head).unwrap()].chars().count();
        let at = Position::new(u16::try_from(before).unwrap(), row);
        assert_eq!(super::target(&app, Rect::new(0, 0, 120, 40), at), Target::Head(order), "{head}");
    }
}

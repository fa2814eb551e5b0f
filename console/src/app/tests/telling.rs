//! What agents tell, and what they do not: lives, silence, sums, memory, pace.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{MemoryDelta, ReplicaStatus, Status, Usd};

use super::SECOND;
use crate::app::testing::{answer, app, busy_fleet, idle, investigation, pattern, press, samples, totals};
use crate::app::{App, Link, Loss, Message, Pace, SourceId};
use crate::net::NetError;

#[test]
fn a_restart_never_makes_totals_fall_and_loses_what_ran() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut first = idle("a", "one");
    first.totals = totals(10, 0, 0);
    first.investigations = vec![investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Running, SECOND)];
    answer(&mut app, 0, first, now);

    let mut second = idle("a", "two");
    second.totals = totals(1, 0, 0);
    second.uptime_ms = 500;
    answer(&mut app, 0, second, now + 4 * SECOND);

    assert_eq!(app.fleet.replicas().len(), 1);
    assert_eq!(app.fleet.totals().succeeded, 11);
    assert_eq!(app.fleet.totals().spend.cost_usd, Usd::from_nanos(11 * 314_000));
    assert!(app.fleet.replicas()[0].restarted_lately(now + 5 * SECOND));
    let lost = app.shown(0).unwrap();
    assert!(lost.lost == Some(Loss::Ended) && !lost.is_moving());
    assert_eq!(lost.elapsed(now + 100 * SECOND), SECOND, "the clock of a lost run stands still");
}

#[test]
fn counters_that_fall_within_one_life_make_no_total_fall() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    for (source, done) in [(0, 10), (1, 4), (0, 9)] {
        let mut update = idle("a", "one");
        update.totals = totals(done, 0, 0);
        answer(&mut app, source, update, now);
        assert_eq!(app.fleet.totals(), totals(10, 0, 0));
    }
}

#[test]
fn one_name_with_two_lives_at_two_addresses_is_two_rows() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    answer(&mut app, 0, idle("same", "one"), now);
    answer(&mut app, 1, idle("same", "two"), now);
    assert_eq!(app.fleet.replicas().len(), 2);
    assert!(app.fleet.ambiguous() == ["same"]);
}

#[test]
fn two_replicas_of_one_name_that_answer_by_turns_are_two_rows_and_counted_once() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    for boot_id in ["one", "two", "one", "two", "one", "two"] {
        let mut update = idle("same", boot_id);
        update.totals = totals(10, 0, 0);
        answer(&mut app, 0, update, now);
    }
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (2, 20));
    assert!(app.fleet.ambiguous() == ["same"]);
    assert!(!app.fleet.replicas().iter().any(|replica| replica.restarted_lately(now)), "neither has restarted");

    let mut third = idle("same", "three");
    third.totals = totals(1, 0, 0);
    answer(&mut app, 0, third, now + SECOND);
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (2, 21), "one of them has");
}

#[test]
fn many_restarts_stay_counted() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    for life in 0..50 {
        let mut update = idle("a", &format!("life-{life}"));
        update.totals = totals(2, 0, 0);
        answer(&mut app, 0, update, now);
    }
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (1, 100));
}

#[test]
fn an_agent_that_makes_up_names_does_not_fill_the_memory() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut last = 0;
    for number in 0..2_100 {
        let name = format!("pod-{number}");
        let mut update = idle(&name, &name);
        update.totals = totals(1, 0, 0);
        update.investigations =
            vec![investigation(&format!("inv_{number}"), &name, ("high_cpu", "api"), Status::Running, SECOND)];
        update.memory =
            MemoryDelta { services: 1, patterns: vec![pattern("api", "high_cpu", 1, "a cause", Duration::ZERO)] };
        answer(&mut app, 0, update, now + Duration::from_millis(number));
        last = number + 1;
    }
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (2_000, last));
    assert_eq!(app.memory.recall()[0].investigations, 2_000, "what a forgotten replica remembered went with it");
    assert!(app.fleet.by_boot_id("pod-99").is_none() && app.fleet.by_boot_id("pod-100").is_some());
}

#[test]
fn one_replica_behind_two_addresses_is_one_row() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    for source in 0..2 {
        let mut update = idle("same", "one");
        update.totals = totals(3, 0, 0);
        answer(&mut app, source, update, now);
    }
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (1, 3));
}

#[test]
fn silence_ages_a_replica_as_the_contract_says() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    let status = |app: &App, after: u32| app.fleet.replicas()[0].status(now + SECOND * after);
    let expected = [
        (2, ReplicaStatus::Ready),
        (3, ReplicaStatus::Stale),
        (10, ReplicaStatus::Unreachable),
        (60, ReplicaStatus::Gone),
    ];
    for (after, expected) in expected {
        assert_eq!(status(&app, after), expected, "after {after} s");
    }
    let refused = Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: now + SECOND };
    app.update(refused, now);
    assert_eq!(status(&app, 0), ReplicaStatus::Unreachable, "a refused connection needs no patience");
    answer(&mut app, 0, idle("a", "one"), now);
    assert_eq!(status(&app, 0), ReplicaStatus::Ready);
}

#[test]
fn a_replica_whose_answer_is_none_is_faulty_until_it_does_better() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    answer(&mut app, 1, idle("b", "two"), now);
    let fail = |app: &mut App, error| {
        app.update(Message::PollFailed { source: SourceId(0), error, next_try: now + SECOND }, now);
        let faulty = |replica: &crate::app::Replica| (replica.is_faulty(), replica.is_fresh(now));
        (faulty(&app.fleet.replicas()[0]), faulty(&app.fleet.replicas()[1]))
    };
    assert_eq!(fail(&mut app, NetError::Malformed("no".to_owned())), ((true, false), (false, true)));
    assert_eq!(fail(&mut app, NetError::TimedOut(5)), ((false, true), (false, true)), "now it is only silent");
    fail(&mut app, NetError::Malformed("no".to_owned()));
    answer(&mut app, 0, idle("a", "one"), now);
    assert!(!app.fleet.replicas()[0].is_faulty());
}

#[test]
fn a_source_says_since_when_it_is_down() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    for after in [5, 9] {
        let at = now + after * SECOND;
        app.update(Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: at + SECOND }, at);
    }
    let Link::Down { since, .. } = app.sources[0].link else { panic!("the source should be down") };
    assert_eq!(since, now + 5 * SECOND);
}

#[test]
fn clocks_that_differ_do_not_bend_an_elapsed_time() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut update = idle("a", "one");
    let mut running = investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Running, SECOND);
    running.accepted_at = "2031-01-01T00:00:00Z".parse().unwrap();
    update.investigations = vec![running];
    answer(&mut app, 0, update, now);
    assert_eq!(app.shown(0).unwrap().elapsed(now + SECOND), 2 * SECOND);
}

#[test]
fn what_ended_without_a_word_does_not_run_for_ever() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let running =
        |number: u32| investigation(&format!("inv_one_{number}"), "a", ("high_cpu", "api"), Status::Running, SECOND);
    let mut update = idle("a", "one");
    update.running = 3;
    update.investigations = (1..=3).map(running).collect();
    answer(&mut app, 0, update.clone(), now);

    // More happened than two answers hold: one of the three still runs, and it is the one that was told of.
    (update.running, update.missed, update.more) = (1, 500, true);
    update.investigations = vec![running(2)];
    answer(&mut app, 0, update.clone(), now + SECOND);
    let lost = |app: &App| -> Vec<bool> {
        (1..=3).map(|number| app.investigations.get(&format!("inv_one_{number}")).unwrap().lost.is_some()).collect()
    };
    assert_eq!(lost(&app), [false; 3], "there is more to come");
    (update.missed, update.more) = (0, false);
    update.investigations.clear();
    answer(&mut app, 0, update.clone(), now + SECOND);
    assert_eq!(lost(&app), [true, false, true]);

    update.investigations = vec![running(3)];
    answer(&mut app, 0, update, now + 2 * SECOND);
    assert_eq!(lost(&app), [true, false, false], "a word of it is a sign of life");
}

#[test]
fn the_sources_are_asked_quickly_while_something_runs_and_after_firing() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    assert_eq!(app.pace(now), Pace::Idle);

    press(&mut app, KeyCode::Char('f'), now);
    press(&mut app, KeyCode::Enter, now);
    assert_eq!(app.pace(now + SECOND), Pace::Busy);
    assert_eq!(app.pace(now + 2 * SECOND), Pace::Idle);

    let mut running = idle("a", "one");
    running.running = 1;
    answer(&mut app, 0, running, now + 2 * SECOND);
    assert_eq!(app.pace(now + 2 * SECOND), Pace::Busy);
    assert_eq!(app.pace(now + 6 * SECOND), Pace::Idle, "a replica that no longer answers hurries nobody");

    press(&mut app, KeyCode::Char('p'), now + 2 * SECOND);
    assert_eq!(app.pace(now + 2 * SECOND), Pace::Paused);
    assert_eq!(app.shown_at(now + 90 * SECOND), now + 2 * SECOND, "ages stand still with the screen");
}

#[test]
fn an_idle_console_has_no_reason_to_wake_before_a_replica_would_be_stale() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    assert_eq!(app.next_tick(now), Some(now + 3 * SECOND));
    assert!(app.take_dirty());
    assert!(!app.take_dirty(), "nothing has happened since");
}

#[test]
fn memories_of_all_replicas_stand_together_and_go_with_their_process() {
    let (mut app, now) = busy_fleet(Instant::now());
    let mut update = idle("langchain-free-7d9c-p8mvd", "b1");
    update.memory =
        MemoryDelta { services: 1, patterns: vec![pattern("checkout-api", "high_cpu", 1, "something else", SECOND)] };
    answer(&mut app, 0, update, now);
    let recalled = app.memory.recall();
    assert_eq!(recalled.iter().map(|r| r.service).collect::<Vec<_>>(), ["checkout-api", "payment-api", "search"]);
    assert_eq!((recalled[0].investigations, recalled[0].last_alert_type), (8, "high_cpu"));
    assert_eq!(recalled[0].root_cause, Some("database connection pool exhaustion"));

    answer(&mut app, 2, idle("langchain-free-7d9c-x2kqp", "b9"), now);
    assert_eq!(app.memory.recall()[0].root_cause, Some("something else"));
}

#[test]
fn a_replica_spends_per_hour_what_its_last_minute_says() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut update = idle("a", "one");
    (update.samples, update.uptime_ms) = (samples(1).into_iter().take(5).collect(), 4_500);
    answer(&mut app, 0, update.clone(), now);
    assert_eq!(app.fleet.replicas()[0].hourly(), None, "five seconds say nothing about an hour");
    (update.samples, update.uptime_ms) = (samples(1), 120_000);
    for sample in &mut update.samples {
        sample.cost_usd = Usd::from_nanos(1_000);
    }
    answer(&mut app, 0, update, now);
    assert_eq!(app.fleet.replicas()[0].hourly(), Some(Usd::from_nanos(3_600_000)));
}

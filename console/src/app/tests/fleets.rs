//! What a whole fleet is known to be through one address and through several: rows, lives, silence, sums.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{
    FailureKind, PeerFailure, PeerProblem, ReplicaStatus, ReplicaUpdate, Sample, Status, Totals, Usd,
};

use super::SECOND;
use crate::app::testing::{answer, answer_fleet, app, fleet_answer, idle, investigation, press, totals, write};
use crate::app::{App, FleetOrder, FleetRow, Gesture, Message, SourceId, Target};
use crate::net::{EntryFault, FleetAnswer, NetError};

/// What `a` in its life `a1` tells of its fleet, changed since its snapshot.
fn news(replicas: Vec<ReplicaUpdate>) -> FleetAnswer {
    let mut answer = fleet_answer("a", "a1", replicas);
    answer.update.reset = false;
    answer
}

fn silent(name: &str, boot_id: &str, status: ReplicaStatus, age: Duration) -> ReplicaUpdate {
    let mut update = idle(name, boot_id);
    (update.status, update.age_ms) = (status, u64::try_from(age.as_millis()).unwrap());
    update.failure = Some(PeerFailure::new(FailureKind::TimedOut, "no answer within 2 s"));
    update
}

fn done(name: &str, boot_id: &str, done: u64) -> ReplicaUpdate {
    let mut update = idle(name, boot_id);
    update.totals = totals(done, 0, 0);
    update
}

fn statuses(app: &App, now: Instant) -> Vec<(&str, ReplicaStatus)> {
    app.fleet.replicas().iter().map(|replica| (replica.name.as_str(), replica.status(now))).collect()
}

#[test]
fn an_answer_confirms_those_that_it_does_not_list_and_answered() {
    use ReplicaStatus::{Ready, Stale, Unreachable};
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let replicas = vec![idle("a", "a1"), idle("b", "b1"), silent("c", "c1", Stale, 5 * SECOND)];
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", replicas), now);
    for second in 1..=8 {
        answer_fleet(&mut app, 0, news(vec![idle("a", "a1")]), now + second * SECOND);
    }
    let then = now + 8 * SECOND;
    assert_eq!(statuses(&app, then), [("a", Ready), ("b", Ready), ("c", Stale)]);
    assert_eq!(app.fleet.by_boot_id("b1").unwrap().age(then), Duration::ZERO);
    assert_eq!(app.fleet.by_boot_id("c1").unwrap().age(then), 13 * SECOND, "with the age that was told");
    answer_fleet(&mut app, 0, news(vec![silent("c", "c1", Unreachable, 13 * SECOND)]), then);
    assert_eq!(statuses(&app, then)[2].1, Unreachable);
    assert_eq!(statuses(&app, then + 5 * SECOND)[2].1, Unreachable, "and not stale after a while");

    // A snapshot begins anew: who is not in it is not confirmed by it.
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1")]), then + SECOND);
    answer_fleet(&mut app, 0, news(vec![]), then + 3 * SECOND);
    assert_eq!(statuses(&app, then + 3 * SECOND)[..2], [("a", Ready), ("b", Stale)]);
}

#[test]
fn of_pages_only_the_last_confirms() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), idle("b", "b1")]), now);
    let mut page = news(vec![]);
    page.update.more = true;
    answer_fleet(&mut app, 0, page, now + 4 * SECOND);
    assert_eq!(statuses(&app, now + 4 * SECOND)[1].1, ReplicaStatus::Stale);
    answer_fleet(&mut app, 0, news(vec![]), now + 4 * SECOND);
    assert_eq!(statuses(&app, now + 4 * SECOND)[1].1, ReplicaStatus::Ready);
}

#[test]
fn seconds_in_which_nothing_happened_are_zeros_and_those_nobody_covers_are_gaps() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut busy = idle("b", "b1");
    busy.uptime_ms = 100_500;
    busy.samples = vec![Sample { second: 98, tokens: 7, ..Sample::default() }];
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), busy.clone()]), now);
    let tokens = |app: &App, seconds| -> Vec<Option<u64>> {
        let replica = app.fleet.by_boot_id("b1").unwrap();
        replica.series.last(seconds).map(|slot| slot.map(|second| second.tokens)).collect()
    };
    assert_eq!(tokens(&app, 4), [Some(0), Some(7), Some(0), Some(0)]);
    answer_fleet(&mut app, 0, news(vec![]), now + 2 * SECOND);
    assert_eq!(tokens(&app, 4), [Some(0); 4], "two more are covered, without a word of it");

    // It said nothing after second 100, as is learnt now.
    (busy.status, busy.age_ms, busy.samples) = (ReplicaStatus::Stale, 4_000, Vec::new());
    answer_fleet(&mut app, 0, news(vec![busy.clone()]), now + 4 * SECOND);
    assert_eq!(tokens(&app, 3), [Some(7), Some(0), Some(0)]);
    let charts = app.fleet.charts(8, now + 4 * SECOND);
    let with_both = charts.iter().map(|second| second.map(|second| second.tokens)).collect::<Vec<_>>();
    assert_eq!(with_both[1..4], [Some(7), Some(0), Some(0)], "its last word stands where it was said: {with_both:?}");
}

#[test]
fn an_older_word_takes_nothing_back() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    let run = |status, age| investigation("inv_c1_1", "c", ("high_cpu", "api"), status, age);
    let mut newer = done("c", "c1", 10);
    (newer.uptime_ms, newer.running) = (60_000, 0);
    newer.investigations = vec![run(Status::Succeeded, 2 * SECOND)];
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), newer]), now);
    let mut older = done("c", "c1", 9);
    (older.uptime_ms, older.age_ms, older.running) = (58_000, 2_000, 1);
    older.investigations = vec![run(Status::Running, SECOND)];
    answer_fleet(&mut app, 1, fleet_answer("b", "b1", vec![idle("b", "b1"), older]), now);

    let replica = app.fleet.by_boot_id("c1").unwrap();
    assert_eq!((replica.totals().succeeded, replica.running, replica.uptime(now)), (10, 0, 60 * SECOND));
    assert_eq!(app.investigations.get("inv_c1_1").unwrap().investigation.status, Status::Succeeded);
}

#[test]
fn a_replica_seen_through_two_addresses_is_one_row_and_the_freshest_word_wins() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), done("c", "c1", 3)]), now);
    let mut cut_off = silent("c", "c1", ReplicaStatus::Unreachable, 11 * SECOND);
    cut_off.totals = totals(2, 0, 0);
    answer_fleet(&mut app, 1, fleet_answer("b", "b1", vec![idle("b", "b1"), cut_off]), now);
    assert_eq!(statuses(&app, now).iter().filter(|(_, status)| *status == ReplicaStatus::Ready).count(), 3);
    assert_eq!((app.fleet.replicas().len(), app.fleet.totals().succeeded), (3, 3));
    // The one that reaches it is lost: nobody has a fresh word of it any more.
    let refused = Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: now + SECOND };
    app.update(refused, now + SECOND);
    assert_eq!(app.fleet.by_boot_id("c1").unwrap().status(now + SECOND), ReplicaStatus::Unreachable);
    assert_eq!(app.fleet.by_boot_id("b1").unwrap().status(now + SECOND), ReplicaStatus::Ready);
}

#[test]
fn an_entry_that_cannot_be_true_makes_its_replica_faulty_and_no_other() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), idle("b", "b1")]), now);
    let fault = |boot_id: Option<&str>, replica: &str| EntryFault {
        boot_id: boot_id.map(str::to_owned),
        replica: Some(replica.to_owned()),
        reason: "totals.requests: is more".to_owned(),
    };
    let faulty = |app: &App| app.fleet.replicas().iter().map(crate::app::Replica::is_faulty).collect::<Vec<_>>();
    for entry in [fault(Some("b1"), "b"), fault(None, "b")] {
        let mut told = news(vec![idle("a", "a1")]);
        told.faults = vec![entry];
        answer_fleet(&mut app, 0, told, now + SECOND);
        assert_eq!(faulty(&app), [false, true]);
        answer_fleet(&mut app, 0, news(vec![]), now + SECOND);
        assert_eq!(faulty(&app), [false, true], "that nothing has changed mends nothing");
        answer_fleet(&mut app, 0, news(vec![idle("b", "b1")]), now + SECOND);
        assert_eq!(faulty(&app), [false, false]);
    }
    // One that nothing is known of is a row without figures, until it does better.
    let mut told = news(vec![]);
    told.faults = vec![fault(Some("c1"), "c")];
    answer_fleet(&mut app, 0, told, now + SECOND);
    assert_eq!((app.fleet.row_count(), app.fleet.silent()[0].word()), (3, "faulty"));
    answer_fleet(&mut app, 0, news(vec![idle("c", "c1")]), now + SECOND);
    assert_eq!((app.fleet.row_count(), app.fleet.silent().len()), (3, 0));

    let mut told = idle("b", "b1");
    told.failure = Some(PeerFailure::new(FailureKind::Faulty, "expected a JSON object"));
    answer_fleet(&mut app, 0, news(vec![told]), now + SECOND);
    assert_eq!(faulty(&app), [false, true, false], "as another replica tells");
}

#[test]
fn a_life_that_gave_way_is_one_row_with_the_next_and_comes_back_when_it_answers() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), done("b", "b1", 5)]), now);
    let mut next = done("b", "b2", 2);
    next.uptime_ms = 800;
    let lost = silent("b", "b1", ReplicaStatus::Unreachable, 2 * SECOND);
    answer_fleet(&mut app, 0, news(vec![lost, next]), now + 2 * SECOND);
    let row = &app.fleet.replicas()[1];
    assert_eq!((app.fleet.replicas().len(), row.boot_id.as_str(), row.totals().succeeded), (2, "b2", 7));
    assert!(row.restarted_lately(now + 31 * SECOND) && !row.restarted_lately(now + 33 * SECOND));
    assert!(app.fleet.by_boot_id("b1").is_none());

    answer_fleet(&mut app, 0, news(vec![done("b", "b1", 6)]), now + 3 * SECOND);
    let counts: Vec<u64> = app.fleet.replicas().iter().map(|row| row.totals().succeeded).collect();
    assert_eq!((counts, app.fleet.totals().succeeded), (vec![0, 6, 2], 8), "two rows, and nothing twice");
    assert_eq!(app.fleet.ambiguous(), ["b"]);
    assert!(!app.fleet.replicas().iter().any(|row| row.restarted_lately(now + 3 * SECOND)));
}

#[test]
fn the_end_of_a_life_is_taken_from_whoever_knows_it() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut ended = silent("b", "b1", ReplicaStatus::Gone, SECOND);
    ended.failure = Some(PeerFailure::new(FailureKind::Ended, "another life answers at its address"));
    ended.totals = totals(4, 0, 0);
    let mut next = done("b", "b2", 1);
    next.uptime_ms = 600;
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![idle("a", "a1"), ended, next]), now);
    assert_eq!((app.fleet.replicas().len(), app.fleet.replicas()[1].totals().succeeded), (2, 5));
    assert!(app.fleet.replicas()[1].restarted_lately(now), "it began 0.6 s ago");
}

#[test]
fn what_is_gone_stays_for_a_while_and_then_only_in_the_sums() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let gone = ReplicaUpdate { totals: totals(3, 0, 0), ..silent("b", "b1", ReplicaStatus::Gone, 61 * SECOND) };
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![done("a", "a1", 1), gone]), now);
    let after = |app: &mut App, seconds| {
        answer_fleet(app, 0, news(vec![]), now + seconds * SECOND);
        (app.fleet.replicas().len(), app.fleet.left(), app.fleet.totals().succeeded)
    };
    assert_eq!(after(&mut app, 599), (2, 0, 4));
    assert_eq!(after(&mut app, 600), (1, 1, 4));
}

#[test]
fn another_pod_behind_the_same_address_loses_no_history() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", vec![done("a", "a1", 2), done("b", "b1", 3)]), now);
    let refused = Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: now + SECOND };
    app.update(refused, now + SECOND);
    assert!(app.fleet.replicas().iter().all(|row| row.status(now + SECOND) == ReplicaStatus::Unreachable));
    assert_eq!(app.fleet.running(now + SECOND), 0);
    // It has not heard of the pod that was lost.
    answer_fleet(&mut app, 0, fleet_answer("b", "b1", vec![done("b", "b1", 4)]), now + 2 * SECOND);
    assert_eq!(
        statuses(&app, now + 2 * SECOND),
        [("a", ReplicaStatus::Unreachable), ("b", ReplicaStatus::Ready)],
        "what nobody tells of stays as it was"
    );
    assert_eq!((app.fleet.totals().succeeded, app.fleet.via(SourceId(0))), (6, Some("b")));
}

#[test]
fn peers_that_never_answered_are_rows_and_names_that_lead_nowhere_are_not() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    let problem =
        |peer: &str, kind| PeerProblem { peer: peer.to_owned(), age_ms: 4_000, failure: PeerFailure::new(kind, "why") };
    let problems = vec![
        problem("http://10.0.0.9:8000", FailureKind::Refused),
        problem("dns://agents:8000", FailureKind::Unresolved),
    ];
    for source in 0..2 {
        let mut told = fleet_answer("a", "a1", vec![idle("a", "a1")]);
        told.update.problems = Some(problems.clone());
        answer_fleet(&mut app, source, told, now);
    }
    assert_eq!((app.fleet.row_count(), app.fleet.silent().len()), (2, 2));
    let Some(FleetRow::Silent(silent)) = app.fleet.row(1) else { panic!("a row without a replica") };
    assert_eq!((silent.peer.as_str(), silent.since), ("http://10.0.0.9:8000", now - 4 * SECOND));
    for source in 0..2 {
        answer_fleet(&mut app, source, news(vec![]), now);
    }
    assert_eq!(app.fleet.silent().len(), 2, "left out, they have not changed");
    for source in 0..2 {
        let mut told = news(vec![]);
        told.update.problems = Some(Vec::new());
        answer_fleet(&mut app, source, told, now);
    }
    assert_eq!(app.fleet.row_count(), 1);
}

#[test]
fn rows_are_ordered_turned_pinned_and_filtered_and_the_marker_stays_on_its_replica() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let replicas = vec![done("a", "a1", 2), done("b", "b1", 9), silent("c", "c1", ReplicaStatus::Gone, 70 * SECOND)];
    answer_fleet(&mut app, 0, fleet_answer("a", "a1", replicas), now);
    let names = |app: &App| -> String {
        let rows = (0..app.fleet.row_count()).filter_map(|row| app.fleet.row(row));
        rows.map(|row| row.key().chars().next().unwrap()).collect()
    };
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Char('j'), now);
    assert_eq!(app.replica().unwrap().boot_id, "b1");
    press(&mut app, KeyCode::Char('s'), now);
    assert_eq!((names(&app).as_str(), app.replica_row()), ("bac", 0));
    press(&mut app, KeyCode::Char('S'), now);
    assert_eq!((names(&app).as_str(), app.replica_row()), ("cab", 2));
    press(&mut app, KeyCode::Char('P'), now);
    assert_eq!((names(&app).as_str(), app.replica_row()), ("bca", 0));
    press(&mut app, KeyCode::Char('/'), now);
    write(&mut app, "GONE", now);
    assert_eq!((names(&app).as_str(), app.fleet.known_count(), app.investigations.len()), ("c", 3, 0));
    press(&mut app, KeyCode::Enter, now);
    answer_fleet(&mut app, 0, news(vec![]), now + SECOND);
    assert_eq!(names(&app), "c", "kept while answers come");
    press(&mut app, KeyCode::Esc, now);
    assert_eq!((names(&app).as_str(), app.replica().unwrap().boot_id.as_str()), ("bca", "b1"));

    for (order, expected) in [(FleetOrder::State, "bca"), (FleetOrder::State, "bac"), (FleetOrder::Name, "bac")] {
        app.update(Message::Pointed(Gesture::Press, Target::Head(order)), now);
        assert_eq!(names(&app), expected, "{order:?}");
    }
    press(&mut app, KeyCode::Char('P'), now);
    assert_eq!(names(&app), "abc");
}

#[test]
fn every_column_can_be_ordered_by() {
    let mut order = FleetOrder::default();
    for expected in FleetOrder::ALL {
        assert_eq!(order, expected);
        order = order.next();
    }
    assert_eq!(order, FleetOrder::default());
}

#[test]
fn a_life_that_is_heard_again_after_it_was_let_go_is_counted_once() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    for number in 0..2_001 {
        let name = format!("pod-{number}");
        answer(&mut app, 0, done(&name, &name, 1), now + Duration::from_millis(number));
    }
    assert_eq!(app.fleet.totals().succeeded, 2_001);
    answer(&mut app, 0, done("pod-0", "pod-0", 3), now + 3 * SECOND);
    let spent = Totals { ..totals(2_003, 0, 0) }.spend.cost_usd;
    assert_eq!((app.fleet.totals().succeeded, app.fleet.totals().spend.cost_usd), (2_003, spent));
    assert!(spent > Usd::from_nanos(0));
}

//! Whatever replicas say and however a reader reads, in the end the reader knows what they said, and was told of
//! everything that it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{
    AtLimit, BudgetWindow, FailureKind, FleetUpdate, Investigation, MemoryDelta, PeerFailure, ReplicaStatus,
    ReplicaUpdate, Sample, ServicePattern, Status, ToolMode, Totals, Usd,
};
use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::cost::{BudgetStore, LocalBudgets, Quote, Rule};
use crate::testing::alert;

const OWN: &str = "own";

fn said(boot_id: &str, requests: u64) -> ReplicaUpdate {
    ReplicaUpdate {
        cursor: "c".to_owned(),
        reset: false,
        more: false,
        missed: 0,
        replica: format!("replica-{boot_id}"),
        boot_id: boot_id.to_owned(),
        status: ReplicaStatus::Ready,
        version: "0.1.0".to_owned(),
        model: "m".to_owned(),
        tool_mode: ToolMode::Sequential,
        started_at: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        uptime_ms: 10_000,
        totals: Totals { requests, ..Totals::default() },
        running: 0,
        queued: 0,
        budgets: Vec::new(),
        latency: None,
        samples: Vec::new(),
        investigations: Vec::new(),
        memory: MemoryDelta::default(),
        age_ms: 0,
        failure: None,
    }
}

fn investigation(id: &str, tokens: u64) -> Investigation {
    Investigation {
        investigation_id: id.to_owned(),
        replica: "r".into(),
        status: Status::Running,
        alert: Arc::new(alert("high_cpu", "api")),
        accepted_at: Timestamp::UNIX_EPOCH,
        started_at: Some(Timestamp::UNIX_EPOCH),
        ended_at: None,
        resolved_at: None,
        elapsed_ms: 5,
        tokens,
        cost_usd: Usd::default(),
        unpriced_tokens: 0,
        degraded_by: None,
        degraded_window: None,
        capped: false,
        confidence: None,
        root_cause: None,
        error: None,
        steps: Vec::new(),
        decisions: Vec::new(),
        decisions_left_out: 0,
        report: None,
    }
}

fn pattern(service: &str) -> ServicePattern {
    ServicePattern {
        service: service.to_owned(),
        investigations: 1,
        alert_types: BTreeMap::new(),
        last_seen: Timestamp::UNIX_EPOCH,
        last_alert_type: "high_cpu".to_owned(),
        most_frequent_root_cause: None,
        mean_cost_usd: Usd::default(),
        mean_confidence: 0.5,
    }
}

fn hear(mirror: &mut Mirror, update: ReplicaUpdate, at: Instant) {
    mirror.take(Heard { update, at });
}

fn read(mirror: &mut Mirror, cursor: Option<&str>, now: Instant) -> FleetUpdate {
    mirror.read("r", OWN, cursor, now)
}

fn names(update: &FleetUpdate) -> Vec<&str> {
    update.replicas.iter().map(|replica| replica.boot_id.as_str()).collect()
}

#[test]
fn who_has_not_changed_is_not_told_of_again() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 1), now);
    hear(&mut mirror, said("b", 1), now);
    let first = read(&mut mirror, None, now);
    assert_eq!((first.reset, names(&first)), (true, vec!["a", "b"]));

    let mut later = said("a", 1);
    (later.uptime_ms, later.cursor) = (11_000, "another".to_owned());
    later.samples = vec![Sample { second: 11, ..Sample::default() }];
    hear(&mut mirror, later, now + Duration::from_secs(1));
    hear(&mut mirror, said("b", 2), now + Duration::from_secs(1));
    let second = read(&mut mirror, Some(&first.cursor), now + Duration::from_secs(1));
    assert_eq!((second.reset, names(&second)), (false, vec!["b"]));
    assert!(!second.replicas[0].reset);
    assert_eq!(mirror.cursor("a"), Some("another"));
    assert_eq!(names(&read(&mut mirror, Some(&second.cursor), now)), Vec::<&str>::new());
}

/// That it turned an alert away moves nothing else; that its rate is another one says only that time has passed.
#[test]
fn a_budget_is_told_of_when_it_stands_otherwise() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    let rule = Rule::total(Usd::from_nanos(100), BudgetWindow::Hour, AtLimit::Reject);
    let mut budgets = LocalBudgets::new(vec![rule], Timestamp::UNIX_EPOCH);
    let with = |budgets: &LocalBudgets| ReplicaUpdate { budgets: budgets.tell(Timestamp::UNIX_EPOCH), ..said("a", 1) };
    hear(&mut mirror, with(&budgets), now);
    let first = read(&mut mirror, None, now);

    let mut slower = with(&budgets);
    slower.budgets[0].burn.last_5m_usd_per_hour = Usd::from_nanos(7);
    hear(&mut mirror, slower, now);
    let second = read(&mut mirror, Some(&first.cursor), now);
    assert_eq!(names(&second), Vec::<&str>::new());

    let quote = Quote { usual: Usd::from_nanos(101), cheaper: None };
    budgets.reserve(&alert("high_cpu", "api"), quote, Timestamp::UNIX_EPOCH).unwrap_err();
    hear(&mut mirror, with(&budgets), now);
    let third = read(&mut mirror, Some(&second.cursor), now);
    assert_eq!(third.replicas[0].budgets[0].rejections, 1);
}

#[test]
fn seconds_without_anything_are_left_out_and_one_that_grew_comes_again() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    let second = |second, tokens| Sample { second, tokens, ..Sample::default() };
    let mut update = said("a", 1);
    update.samples = vec![second(7, 0), second(8, 5), second(9, 0), second(10, 2)];
    hear(&mut mirror, update, now);
    let first = read(&mut mirror, None, now);
    assert_eq!(first.replicas[0].samples, [second(8, 5), second(10, 2)]);
    let mut update = said("a", 1);
    update.samples = vec![second(10, 3), second(11, 0)];
    hear(&mut mirror, update, now);
    assert_eq!(read(&mut mirror, Some(&first.cursor), now).replicas[0].samples, [second(10, 3)]);
}

#[tokio::test]
async fn silence_becomes_stale_then_unreachable_then_gone_and_is_told_each_time() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 1), now);
    let mut cursor = read(&mut mirror, None, now).cursor;
    let mut heard = Vec::new();
    for second in 1..=61 {
        let update = read(&mut mirror, Some(&cursor), now + Duration::from_secs(second));
        heard.extend(update.replicas.iter().map(|replica| (second, replica.status, replica.age_ms)));
        cursor = update.cursor;
    }
    use ReplicaStatus::{Gone, Stale, Unreachable};
    assert_eq!(heard, [(3, Stale, 3000), (10, Unreachable, 10_000), (60, Gone, 60_000)]);

    hear(&mut mirror, said("a", 1), now + Duration::from_secs(62));
    let back = read(&mut mirror, Some(&cursor), now + Duration::from_secs(62));
    assert_eq!(back.replicas[0].status, ReplicaStatus::Ready);

    let long_after = now + Duration::from_secs(62) + GONE_AFTER + REMEMBERED + Duration::from_secs(1);
    assert_eq!(names(&read(&mut mirror, None, long_after)), Vec::<&str>::new(), "who went long ago is forgotten");
    assert!(mirror.by_boot_id.is_empty() && mirror.parts.is_empty() && mirror.bytes == 0);
}

#[test]
fn that_nobody_asked_says_nothing_about_a_replica() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 1), now);
    let asleep = Duration::from_secs(3600);
    mirror.slept(asleep);
    let update = read(&mut mirror, None, now + asleep);
    assert_eq!((update.replicas[0].status, update.replicas[0].age_ms), (ReplicaStatus::Ready, 3_600_000));
}

#[test]
fn a_failure_is_told_once_and_an_ended_life_is_gone_at_once() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 1), now);
    let cursor = read(&mut mirror, None, now).cursor;
    let refused = PeerFailure::new(FailureKind::Refused, "connection refused");
    mirror.fail("a", refused.clone());
    let told = read(&mut mirror, Some(&cursor), now);
    assert_eq!(
        (told.replicas[0].status, &told.replicas[0].failure),
        (ReplicaStatus::Unreachable, &Some(refused.clone()))
    );
    mirror.fail("a", refused);
    let again = read(&mut mirror, Some(&told.cursor), now);
    assert_eq!(names(&again), Vec::<&str>::new());
    mirror.end("a");
    assert_eq!(read(&mut mirror, Some(&again.cursor), now).replicas[0].status, ReplicaStatus::Gone);
}

#[test]
fn a_run_has_gone_on_until_its_replicas_last_answer_and_not_further() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    let mut update = said("a", 1);
    update.investigations = vec![investigation("inv_a_1", 1)];
    hear(&mut mirror, update, now);
    hear(&mut mirror, said("a", 1), now + Duration::from_secs(2));
    let told = read(&mut mirror, None, now + Duration::from_secs(9));
    assert_eq!((told.replicas[0].investigations[0].elapsed_ms, told.replicas[0].age_ms), (2005, 7000));
}

#[test]
fn an_older_answer_that_comes_late_changes_nothing() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 2), now + Duration::from_secs(1));
    hear(&mut mirror, said("a", 1), now);
    assert_eq!(read(&mut mirror, None, now).replicas[0].totals.requests, 2);
}

#[test]
fn problems_are_told_when_they_change_and_to_who_knows_nothing() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    let failure = PeerFailure::new(FailureKind::Unresolved, "no such name");
    let problem = Problem { peer: "agents".to_owned(), since: Timestamp::UNIX_EPOCH, failure: failure.clone() };
    assert_eq!(read(&mut mirror, None, now).problems, None);
    mirror.report(vec![problem.clone()]);
    let told = read(&mut mirror, None, now);
    assert_eq!(told.problems.as_ref().map(|problems| &problems[0].failure), Some(&failure));
    mirror.report(vec![problem]);
    assert_eq!(read(&mut mirror, Some(&told.cursor), now).problems, None);
    mirror.report(Vec::new());
    assert_eq!(read(&mut mirror, Some(&told.cursor), now).problems, Some(Vec::new()));
    assert_eq!(read(&mut mirror, None, now).problems, None);
}

#[test]
fn a_cursor_that_is_none_of_this_life_begins_anew() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    hear(&mut mirror, said("a", 1), now);
    for cursor in ["", "own", "own.", "own.99", "own.1.0.1", "own.0.1", "own.0.9.1", "own.01", "other.1", "own.1.1.1.1"]
    {
        assert!(read(&mut mirror, Some(cursor), now).reset, "{cursor:?}");
    }
}

#[test]
fn memory_is_bounded_per_replica_and_in_all() {
    let (mut mirror, now) = (Mirror::new(), Instant::now());
    for replica in 0..30 {
        for page in 0..8 {
            let mut update = said(&format!("boot{replica}"), 1);
            update.investigations =
                (0..200).map(|number| investigation(&format!("inv_{replica}_{page}_{number}"), 1)).collect();
            hear(&mut mirror, update, now);
        }
    }
    let kept: usize = mirror.replicas.values().map(|known| known.bytes()).sum();
    assert_eq!(mirror.bytes, kept);
    assert!(mirror.parts.len() <= MOST_PARTS && mirror.bytes <= MOST_BYTES);
    let update = read(&mut mirror, None, now);
    assert!(update.more && update.replicas.iter().all(|one| one.investigations.len() <= 1_000));
    assert_eq!(update.replicas[0].missed + update.replicas[0].investigations.len() as u64, 1_600);
}

#[derive(Debug, Clone)]
enum Event {
    Says { replica: u8, investigations: BTreeSet<u8>, service: Option<u8>, second: Option<(u64, u64)>, requests: u64 },
    Resets { replica: u8, investigations: BTreeSet<u8> },
    Fails { replica: u8 },
    Reads,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let replica = 0..4_u8;
    let moved = || proptest::collection::btree_set(0..6_u8, 0..4);
    let event = prop_oneof![
        4 => (replica.clone(), moved(), proptest::option::of(0..3_u8), proptest::option::of((0..10_u64, 0..3_u64)), 0..3_u64)
            .prop_map(|(replica, investigations, service, second, requests)| {
                Event::Says { replica, investigations, service, second, requests }
            }),
        1 => (replica.clone(), moved())
            .prop_map(|(replica, investigations)| Event::Resets { replica, investigations }),
        1 => replica.prop_map(|replica| Event::Fails { replica }),
        3 => Just(Event::Reads),
    ];
    proptest::collection::vec(event, 1..60)
}

/// What a reader has put together of one replica.
#[derive(Debug, Default, PartialEq)]
struct Picture {
    requests: u64,
    failed: bool,
    investigations: BTreeMap<String, u64>,
    services: BTreeSet<String>,
    seconds: BTreeMap<u64, u64>,
}

impl Picture {
    fn take(&mut self, entry: &ReplicaUpdate) {
        if entry.reset {
            *self = Self::default();
        }
        self.requests = entry.totals.requests;
        self.failed = entry.failure.is_some();
        for one in &entry.investigations {
            let before = self.investigations.insert(one.investigation_id.clone(), one.tokens);
            assert_ne!(before, Some(one.tokens), "told twice");
        }
        self.services.extend(entry.memory.patterns.iter().map(|pattern| pattern.service.clone()));
        self.seconds.extend(entry.samples.iter().map(|sample| (sample.second, sample.tokens)));
    }
}

/// Reads on by one page; whether that led any further.
fn read_page(
    mirror: &mut Mirror,
    cursor: &mut Option<String>,
    reader: &mut BTreeMap<String, Picture>,
    small: bool,
    now: Instant,
) -> bool {
    let most = if small { 1 } else { PAGE_BYTES };
    let update = mirror.page("r", OWN, cursor.as_deref(), now, most);
    for entry in &update.replicas {
        reader.entry(entry.boot_id.clone()).or_default().take(entry);
    }
    let before = cursor.replace(update.cursor);
    before != *cursor
}

proptest! {
    #[test]
    fn a_reader_that_reads_to_the_end_knows_what_was_said(events in events(), small_pages in any::<bool>()) {
        let (mut mirror, mut now) = (Mirror::new(), Instant::now());
        let (mut truth, mut reader): (BTreeMap<String, Picture>, BTreeMap<String, Picture>) = Default::default();
        let mut cursor: Option<String> = None;
        // With each turn what is told of an investigation is another thing, so that telling it twice shows.
        for (event, turn) in events.into_iter().zip(1..) {
            now += Duration::from_millis(1);
            match event {
                Event::Says { replica, investigations, service, second, requests } => {
                    let mut update = said(&format!("b{replica}"), requests);
                    update.investigations =
                        investigations.into_iter().map(|id| investigation(&format!("inv_{id}"), turn)).collect();
                    update.memory.patterns = service.map(|service| pattern(&format!("s{service}"))).into_iter().collect();
                    update.samples = second
                        .map(|(second, tokens)| Sample { second, tokens: tokens + 1, ..Sample::default() })
                        .into_iter()
                        .collect();
                    truth.entry(update.boot_id.clone()).or_default().take(&update);
                    hear(&mut mirror, update, now);
                }
                Event::Resets { replica, investigations } => {
                    let mut update = said(&format!("b{replica}"), 0);
                    update.reset = true;
                    update.investigations =
                        investigations.into_iter().map(|id| investigation(&format!("inv_{id}"), turn)).collect();
                    truth.entry(update.boot_id.clone()).or_default().take(&update);
                    hear(&mut mirror, update, now);
                }
                Event::Fails { replica } => {
                    let boot_id = format!("b{replica}");
                    mirror.fail(&boot_id, PeerFailure::new(FailureKind::TimedOut, "no answer"));
                    truth.entry(boot_id).and_modify(|picture| picture.failed = true);
                }
                Event::Reads => {
                    read_page(&mut mirror, &mut cursor, &mut reader, small_pages, now);
                }
            }
        }
        while read_page(&mut mirror, &mut cursor, &mut reader, small_pages, now) {}
        prop_assert_eq!(reader, truth);
    }
}

//! The feed under any order of writing and reading: nothing is lost unannounced, and nothing comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Alert, Status};
use proptest::prelude::*;
use tokio::time::Instant;

use super::investigations::Changes;
use super::{Investigations, ListFilter, Record};
use crate::testing::alert;

const HISTORY: usize = 4;
const COUNTED: usize = 6;
const PAGE: usize = 3;

#[derive(Debug, Clone)]
enum Action {
    Accept,
    /// One of the live ones, by its place among them.
    Change(usize),
    End(usize),
    /// Any one that was ever accepted.
    Amend(usize),
    ReadPage,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Accept),
        4 => any::<usize>().prop_map(Action::Change),
        3 => any::<usize>().prop_map(Action::End),
        1 => any::<usize>().prop_map(Action::Amend),
        2 => Just(Action::ReadPage),
    ]
}

fn record() -> Record {
    Record::accepted(Arc::new(alert("high_cpu", "api")), Timestamp::UNIX_EPOCH, Instant::now())
}

/// What a reader makes of the feed's answers.
#[derive(Default)]
struct Reader {
    cursor: Option<u64>,
    /// The last change that it saw of each investigation since its last snapshot.
    known: BTreeMap<u64, u64>,
    /// Where its last snapshot stood, and how many remembered ones that left out.
    snapshot: (u64, u64),
    missed: u64,
}

impl Reader {
    /// Reads one page; whether there is more.
    fn read(&mut self, feed: &Investigations) -> bool {
        let changes = self.cursor.and_then(|since| Some((since, feed.changes_since(since, PAGE)?)));
        let Changes { records, upto, more } = match changes {
            Some((since, changes)) => {
                self.missed += feed.missed(since, changes.upto);
                assert!(changes.records.iter().all(|record| since < record.changed && record.changed <= changes.upto));
                changes
            }
            None => {
                let (changes, left_out) = feed.snapshot(PAGE);
                self.known.clear();
                self.missed = 0;
                self.snapshot = (changes.upto, left_out);
                changes
            }
        };
        assert!(records.len() <= PAGE);
        assert!(records.is_sorted_by_key(|record| record.changed));
        for record in records {
            let before = self.known.insert(record.number, record.changed);
            assert!(before < Some(record.changed), "{} came twice", record.number);
        }
        self.cursor = Some(upto);
        if !more {
            self.is_up_to_date(feed, upto);
        }
        more
    }

    /// What is remembered is known as it stands, unless the snapshot left it out.
    fn is_up_to_date(&self, feed: &Investigations, upto: u64) {
        let (snapshot, _) = self.snapshot;
        for record in feed.list(u64::MAX, 1_000, &ListFilter::default()).0 {
            let known = self.known.get(&record.number) == Some(&record.changed);
            assert!(known || record.changed <= snapshot, "{} changed before {upto} and was not told", record.number);
        }
    }
}

/// Every investigation's last change, also of those that are forgotten.
type Truth = BTreeMap<u64, u64>;

fn act(action: &Action, feed: &mut Investigations, live: &mut Vec<u64>, truth: &mut Truth, reader: &mut Reader) {
    let changed = match *action {
        Action::Accept => {
            let number = feed.insert(record());
            live.push(number);
            feed.get(number)
        }
        Action::Change(place) if !live.is_empty() => {
            let number = live[place % live.len()];
            feed.change(number, |_| ()).unwrap();
            feed.get(number)
        }
        Action::End(place) if !live.is_empty() => {
            feed.end(live.remove(place % live.len()), |_| ()).map(|ended| ended.record)
        }
        Action::Amend(place) if !truth.is_empty() => {
            let number = (place % truth.len()) as u64 + 1;
            let remembered = feed.get(number).is_some();
            assert_eq!(feed.amend(number, |_| ()), remembered);
            feed.get(number)
        }
        Action::ReadPage => {
            reader.read(feed);
            None
        }
        Action::Change(_) | Action::End(_) | Action::Amend(_) => None,
    };
    if let Some(record) = changed {
        truth.insert(record.number, record.changed);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_unannounced_and_nothing_comes_twice(actions in prop::collection::vec(action(), 0..120)) {
        let mut feed = Investigations::with_bounds(HISTORY, COUNTED);
        let (mut live, mut truth, mut reader) = (Vec::new(), Truth::new(), Reader::default());
        for action in &actions {
            act(action, &mut feed, &mut live, &mut truth, &mut reader);
        }
        while reader.read(&feed) {}

        // What moved after the reader's snapshot is known as it is, or announced as missed once it is forgotten.
        let (snapshot, left_out) = reader.snapshot;
        let lost: Vec<_> = truth.iter().filter(|(number, changed)| reader.known.get(number) != Some(changed)).collect();
        let forgotten = lost.iter().filter(|(number, changed)| feed.get(**number).is_none() && **changed > snapshot);
        prop_assert_eq!(forgotten.count() as u64, reader.missed);
        // What is remembered and not known had moved last before the snapshot, which said that it left it out.
        let old: Vec<_> = lost.iter().filter(|(number, _)| feed.get(**number).is_some()).collect();
        prop_assert!(old.iter().all(|(_, changed)| **changed <= snapshot));
        prop_assert!(old.len() as u64 <= left_out);
    }

    #[test]
    fn pages_of_the_list_hold_every_investigation_once_newest_first(
        actions in prop::collection::vec(action(), 0..80),
        limit in 1usize..5,
    ) {
        let mut feed = Investigations::with_bounds(HISTORY, COUNTED);
        let (mut live, mut truth) = (Vec::new(), Truth::new());
        for action in &actions {
            act(action, &mut feed, &mut live, &mut truth, &mut Reader::default());
        }
        let (mut listed, mut before, mut more) = (Vec::new(), u64::MAX, true);
        while more {
            let (page, rest) = feed.list(before, limit, &ListFilter::default());
            prop_assert!(page.len() <= limit && (!rest || page.len() == limit));
            before = page.last().map_or(0, |record| record.number);
            listed.extend(page.iter().map(|record| record.number));
            more = rest;
        }
        let remembered: BTreeSet<_> = truth.keys().copied().filter(|number| feed.get(*number).is_some()).collect();
        prop_assert_eq!(listed, remembered.iter().rev().copied().collect::<Vec<_>>());
        prop_assert!(live.iter().all(|number| remembered.contains(number)), "a live one was forgotten");
        prop_assert!(remembered.len() <= live.len() + HISTORY);
    }
}

#[test]
fn a_snapshot_holds_what_runs_however_long_nothing_happened_in_it() {
    let mut feed = Investigations::with_bounds(HISTORY, COUNTED);
    let running = feed.insert(record());
    feed.change(running, |record| record.status = Status::Running);
    for _ in 0..HISTORY {
        let number = feed.insert(record());
        feed.end(number, |record| record.status = Status::Succeeded);
    }
    let (changes, left_out) = feed.snapshot(PAGE);
    assert_eq!(changes.records.iter().map(|record| record.number).collect::<Vec<_>>(), [1, 4, 5]);
    assert_eq!(left_out, 2);
}

#[test]
fn a_reader_that_is_too_far_behind_or_ahead_is_told_to_start_again() {
    let mut feed = Investigations::with_bounds(1, 2);
    for _ in 0..5 {
        let number = feed.insert(record());
        feed.end(number, |_| ());
    }
    // Four are forgotten, of which the last two, with changes 6 and 8, are still counted.
    assert!(feed.changes_since(3, PAGE).is_none());
    assert_eq!(feed.missed(4, feed.changes_since(4, PAGE).unwrap().upto), 2);
    assert!(feed.changes_since(10, PAGE).unwrap().records.is_empty());
    assert!(feed.changes_since(11, PAGE).is_none());
}

#[test]
fn pages_are_bounded_by_what_their_alerts_weigh() {
    let mut feed = Investigations::with_bounds(HISTORY, COUNTED);
    let half_a_page = Alert { description: Some("x".repeat(600 * 1024)), ..alert("high_cpu", "api") };
    let too_much = Alert { description: Some("x".repeat(2 * 1024 * 1024)), ..alert("high_cpu", "api") };
    for alert in [too_much, half_a_page.clone(), half_a_page] {
        let number = feed.insert(Record::accepted(Arc::new(alert), Timestamp::UNIX_EPOCH, Instant::now()));
        feed.end(number, |_| ());
    }
    let numbers = |records: &[Arc<Record>]| records.iter().map(|record| record.number).collect::<Vec<_>>();
    let (mut since, mut pages, mut more) = (0, Vec::new(), true);
    while more {
        let changes = feed.changes_since(since, PAGE).unwrap();
        pages.push(numbers(&changes.records));
        (since, more) = (changes.upto, changes.more);
    }
    assert_eq!(pages, [[1], [2], [3]]);
    let (snapshot, left_out) = feed.snapshot(PAGE);
    assert_eq!((numbers(&snapshot.records), left_out), (vec![3], 2));
    let (listed, more) = feed.list(u64::MAX, PAGE, &ListFilter::default());
    assert_eq!((numbers(&listed), more), (vec![3], true));
}

//! Pages under any order of deciding and reading: nothing is lost unannounced, and nothing comes twice.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Actor, DecisionCode, ToolMode};
use proptest::prelude::*;

use super::ring::Bounds;
use super::{Choice, Decisions, Filter, Wanted};
use crate::identity::Identity;

const BOUNDS: Bounds = Bounds { entries: 5, bytes: 20_000 };

fn decisions() -> Decisions {
    Decisions::with_bounds(Arc::new(Identity::new("r", "m", ToolMode::Sequential)), &[], BOUNDS, BOUNDS)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[derive(Debug, Clone)]
enum Action {
    /// A decision with this many bytes.
    Fail(usize),
    Resolve,
    Read,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![(0..9_000_usize).prop_map(Action::Fail), Just(Action::Resolve), Just(Action::Read)]
}

/// Somebody who follows, perhaps only some of the decisions.
struct Reader {
    filter: Filter,
    cursor: String,
    read: Vec<u64>,
    missed: u64,
}

impl Reader {
    fn new(decisions: &Decisions, code: Option<DecisionCode>) -> Self {
        let filter = Filter { code, ..Filter::default() };
        Self { filter, cursor: decisions.cursor(0), read: Vec::new(), missed: 0 }
    }

    /// Reads one page of two; whether there is more.
    fn read(&mut self, decisions: &Decisions) -> bool {
        let page = decisions.page(Some(&self.cursor), &self.filter, 2);
        assert!(!page.reset && page.decisions.len() <= 2);
        assert!(page.decisions.len() == 2 || !page.more);
        self.missed += page.missed;
        self.read.extend(page.decisions.iter().map(|decision| decision.seq));
        self.cursor = decisions.cursor(page.upto);
        page.more
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_unannounced_and_nothing_comes_twice(actions in prop::collection::vec(action(), 0..80)) {
        let decisions = decisions();
        let mut every = Reader::new(&decisions, None);
        let mut resolved = Reader::new(&decisions, Some(DecisionCode::Resolved));
        let mut made = Vec::new();
        for (second, action) in (0..).zip(actions) {
            let choice = match action {
                Action::Fail(bytes) => Choice::Fail { by: Actor::Planner, reason: "x".repeat(bytes).into() },
                Action::Resolve => Choice::Resolve,
                Action::Read => {
                    every.read(&decisions);
                    resolved.read(&decisions);
                    continue;
                }
            };
            made.push(choice.code());
            prop_assert_eq!(decisions.record(at(second), None, choice).seq, made.len() as u64);
        }
        while every.read(&decisions) {}
        while resolved.read(&decisions) {}
        let mut once = every.read.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(&once, &every.read, "in order, each once");
        prop_assert_eq!(every.read.len() as u64 + every.missed, made.len() as u64);
        // Whoever reads some of them misses none that those who read all did not miss.
        let of_them = |seq: &&u64| made[usize::try_from(**seq).unwrap() - 1] == DecisionCode::Resolved;
        let expected: Vec<u64> = every.read.iter().filter(of_them).copied().collect();
        prop_assert!(expected.iter().all(|seq| resolved.read.contains(seq)));
        prop_assert!(resolved.read.iter().all(|seq| of_them(&seq)));
        prop_assert!(resolved.read.is_sorted_by(|a, b| a < b));
        for (code, count) in decisions.counts() {
            prop_assert_eq!(count, made.iter().filter(|made| **made == code).count() as u64);
        }
    }
}

/// Seven decisions, of which the last five are remembered, a second apart from 1.
fn seven() -> Decisions {
    let decisions = decisions();
    for number in 1..=7 {
        let investigation = Some(number % 2);
        decisions.record(at(i64::try_from(number).unwrap()), investigation, Choice::JoinKey);
    }
    decisions
}

fn numbers(decisions: &Decisions, cursor: Option<&str>, filter: &Filter, limit: usize) -> (Vec<u64>, u64, bool) {
    let page = decisions.page(cursor, filter, limit);
    (page.decisions.iter().map(|decision| decision.seq).collect(), page.missed, page.more)
}

#[test]
fn without_a_cursor_the_last_ones_come_and_what_would_fit_besides_is_missed() {
    let decisions = seven();
    let all = Filter::default();
    assert_eq!(numbers(&decisions, None, &all, 2), (vec![6, 7], 0, false));
    assert_eq!(numbers(&decisions, None, &all, 50), (vec![3, 4, 5, 6, 7], 2, false));
}

#[test]
fn each_filter_narrows_and_from_begins_at_its_time() {
    let decisions = seven();
    let odd = Filter { investigation: Some(Wanted::Number(1)), ..Filter::default() };
    assert_eq!(numbers(&decisions, None, &odd, 2), (vec![5, 7], 0, false));
    let not_ours = Filter { investigation: Some(Wanted::NotOurs), ..Filter::default() };
    assert!(numbers(&decisions, None, &not_ours, 2).0.is_empty());
    let planner = Filter { actor: Some(Actor::Planner), ..Filter::default() };
    assert!(numbers(&decisions, None, &planner, 2).0.is_empty());
    let from = Filter { from: Some(at(4)), to: Some(at(6)), ..Filter::default() };
    assert_eq!(numbers(&decisions, None, &from, 2), (vec![4, 5], 0, true));
    assert_eq!(numbers(&decisions, Some(&decisions.cursor(5)), &from, 2), (vec![6], 0, false));
    let early = Filter { from: Some(at(1)), ..Filter::default() };
    assert_eq!(numbers(&decisions, None, &early, 2), (vec![3, 4], 2, true));
}

#[test]
fn a_cursor_of_another_life_or_of_the_future_starts_again() {
    let (decisions, other) = (seven(), seven());
    for cursor in [other.cursor(6), decisions.cursor(8), "x".to_owned(), String::new()] {
        let page = decisions.page(Some(&cursor), &Filter::default(), 2);
        assert!(page.reset, "{cursor}");
        assert_eq!(page.decisions.iter().map(|decision| decision.seq).collect::<Vec<_>>(), [6, 7]);
    }
    let page = decisions.page(Some(&decisions.cursor(7)), &Filter::default(), 2);
    assert!(!page.reset && page.decisions.is_empty() && page.upto == 7);
}

#[test]
fn the_ring_is_bounded_in_bytes_and_always_has_the_last_one() {
    let decisions = decisions();
    for _ in 0..3 {
        let reason = "x".repeat(BOUNDS.bytes * 2).into();
        decisions.record(at(1), None, Choice::Fail { by: Actor::Planner, reason });
    }
    assert_eq!(numbers(&decisions, None, &Filter::default(), 50), (vec![3], 2, false));
}

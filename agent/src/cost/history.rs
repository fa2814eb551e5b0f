//! The ledger's history: the last entries whole, and before them sums per minute, then per hour, then one of all the rest.

use std::collections::{BTreeMap, VecDeque};

use langdeck_shared::Spend;

use super::forecast::{HOUR_MS, MINUTE_MS};
use super::ledger::Entry;
use super::sums::{BySlot, Sums};

/// How many entries are kept whole: those of about 200 investigations. All of them are written in turn, so more of them
/// would take the place of everything else in the processor's cache.
const MOST_ENTRIES: usize = 1024;
/// As many as the rates of the last hour need, and to spare.
const MOST_MINUTES: usize = 2 * 60;
/// A month of hours.
const MOST_HOURS: usize = 31 * 24;

/// Everything that was ever entered, ever coarser the longer ago. What leaves one part goes into the next, so that all
/// together are always the whole.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Oldest first.
    entries: VecDeque<Entry>,
    /// By the minute's start, in milliseconds since 1970.
    minutes: BTreeMap<i64, Sums>,
    /// By the hour's start.
    hours: BTreeMap<i64, Sums>,
    /// What is older than all hours, and the end of the last of them.
    older: Sums,
    older_until: Option<i64>,
}

/// What was spent in a span of time, and how far the span reaches that is known so exactly; milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<T> {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) spent: T,
}

/// A part of a span.
enum Part<'a> {
    Entry(&'a Entry),
    Sums(&'a Sums),
}

impl History {
    pub(super) fn enter(&mut self, entry: Entry) {
        if self.entries.len() == MOST_ENTRIES
            && let Some(oldest) = self.entries.pop_front()
        {
            self.fold(&oldest);
        }
        self.entries.push_back(entry);
    }

    fn fold(&mut self, entry: &Entry) {
        let minute = self.minutes.entry(start_of(entry.at_ms, MINUTE_MS)).or_default();
        minute.add(entry.slots, entry.charge.spend());
        if self.minutes.len() > MOST_MINUTES
            && let Some((minute, sums)) = self.minutes.pop_first()
        {
            self.hours.entry(start_of(minute, HOUR_MS)).or_default().absorb(&sums);
        }
        if self.hours.len() > MOST_HOURS
            && let Some((hour, sums)) = self.hours.pop_first()
        {
            self.older.absorb(&sums);
            self.older_until = self.older_until.max(Some(hour + HOUR_MS));
        }
    }

    /// The last entries, newest first.
    pub(super) fn last(&self, most: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take(most)
    }

    /// What was spent from an instant until before another, and on what. A minute or an hour that is known as a sum only,
    /// and of which the span has a part, counts as a whole; the span that comes back is as much longer.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> Span<BySlot> {
        let mut spent = BySlot::default();
        let (from_ms, to_ms) = self.visit(from_ms, to_ms, |part| match part {
            Part::Entry(entry) => spent.add(entry.slots, entry.charge.spend()),
            Part::Sums(sums) => spent.absorb(sums),
        });
        Span { from_ms, to_ms, spent }
    }

    /// The same without on what.
    pub(super) fn spent(&self, from_ms: i64, to_ms: i64) -> Span<Spend> {
        let mut spent = Spend::default();
        let (from_ms, to_ms) = self.visit(from_ms, to_ms, |part| {
            spent += match part {
                Part::Entry(entry) => entry.charge.spend(),
                Part::Sums(sums) => sums.spend,
            };
        });
        Span { from_ms, to_ms, spent }
    }

    /// Shows every part of a span, and says how far these reach.
    fn visit(&self, from_ms: i64, to_ms: i64, mut show: impl FnMut(Part<'_>)) -> (i64, i64) {
        let (mut first_ms, mut last_ms) = (from_ms, to_ms);
        if from_ms >= to_ms {
            return (from_ms, to_ms);
        }
        self.entries.iter().filter(|entry| (from_ms..to_ms).contains(&entry.at_ms)).for_each(|entry| {
            show(Part::Entry(entry));
        });
        let mut show_sums = |start: i64, end: i64, sums| {
            (first_ms, last_ms) = (first_ms.min(start), last_ms.max(end));
            show(Part::Sums(sums));
        };
        for (sums, length) in [(&self.minutes, MINUTE_MS), (&self.hours, HOUR_MS)] {
            for (&start, sums) in sums.range(start_of(from_ms, length)..to_ms) {
                show_sums(start, start + length, sums);
            }
        }
        if let Some(until) = self.older_until.filter(|until| from_ms < *until) {
            show_sums(from_ms, until, &self.older);
        }
        (first_ms, last_ms)
    }

    /// Everything.
    #[cfg(test)]
    pub(super) fn sum(&self) -> Spend {
        let entries = self.entries.iter().map(|entry| entry.charge.spend());
        let sums = self.minutes.values().chain(self.hours.values()).map(|sums| sums.spend);
        entries.chain(sums).chain([self.older.spend]).sum()
    }
}

fn start_of(at_ms: i64, length: i64) -> i64 {
    at_ms - at_ms.rem_euclid(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::dimension::{DIMENSIONS, Slot};
    use crate::cost::ledger::tests::entry;
    use crate::cost::sums::MOST_KEYS;

    /// Enters an amount of each of these times.
    fn history(times: impl IntoIterator<Item = i64>) -> History {
        let mut history = History::default();
        times.into_iter().for_each(|at_ms| history.enter(entry(at_ms, [Slot::REST; DIMENSIONS])));
        history
    }

    #[test]
    fn what_is_recent_is_known_exactly_and_what_is_older_by_the_minute() {
        let count = MOST_ENTRIES as i64;
        // One a second; a minute's worth more than fits.
        let history = history((0..count + 60).map(|second| second * 1000));
        let spent = history.between(30_000, 90_500);
        assert_eq!((spent.from_ms, spent.to_ms, spent.spent.spend.calls), (0, 90_500, 60 + 31));
        let recent = history.between(60_500, 61_500);
        assert_eq!((recent.from_ms, recent.to_ms, recent.spent.spend.calls), (60_500, 61_500, 1));
        assert_eq!(history.spent(5, 5).spent.calls, 0);
        assert_eq!(
            history.last(2).map(|entry| entry.at_ms).collect::<Vec<_>>(),
            [(count + 59) * 1000, (count + 58) * 1000]
        );
    }

    #[test]
    fn of_a_million_entries_over_years_a_bounded_part_is_kept_and_nothing_lost() {
        let history = history((0..1_000_000).map(|n| n * 77_000));
        assert_eq!(history.entries.len(), MOST_ENTRIES);
        assert_eq!((history.minutes.len(), history.hours.len()), (MOST_MINUTES, MOST_HOURS));
        assert_eq!(history.sum().calls, 1_000_000);
        let all = history.between(-1, i64::MAX);
        assert_eq!(all.spent.spend, history.sum());
    }

    proptest! {
        #[test]
        fn the_parts_are_always_the_whole_and_every_dimension_of_any_span_adds_up_to_it(
            gaps in proptest::collection::vec(prop_oneof![0..10_i64, 0..5_000_000_i64, -100_000..0_i64], 1..600),
            keys in proptest::collection::vec(proptest::array::uniform4(0..40_u16), 1..100),
            spans in proptest::collection::vec((0.0..1.2, 0.0..1.2), 1..10),
        ) {
            // Each many times over, so that entries leave; and clocks may go back.
            let start = 1_000_000_000_000;
            let mut at = start;
            let mut history = History::default();
            for (gap, keys) in gaps.iter().cycle().zip(keys.iter().cycle()).take(6000) {
                at += gap;
                history.enter(entry(at, keys.map(Slot)));
            }
            prop_assert_eq!(history.sum().calls, 6000);
            prop_assert_eq!(history.spent(i64::MIN / 2, i64::MAX / 2).spent, history.sum());
            let time = |part: f64| start + ((at - start) as f64 * part) as i64;
            for (from, to) in spans.into_iter().map(|(from, to)| (time(from), time(to))).chain([(0, i64::MAX / 2)]) {
                let (span, plain) = (history.between(from, to), history.spent(from, to));
                prop_assert!(span.from_ms <= from && span.to_ms >= to);
                prop_assert_eq!((span.from_ms, span.to_ms, span.spent.spend), (plain.from_ms, plain.to_ms, plain.spent));
                for sums in span.spent.by {
                    prop_assert_eq!(sums.into_iter().sum::<Spend>(), plain.spent);
                }
            }
        }
    }

    #[test]
    fn a_minute_knows_a_few_keys_by_name_and_the_rest_together() {
        let mut history = History::default();
        for key in 0..MOST_ENTRIES as u16 + 100 {
            history.enter(entry(0, [Slot(key + 1), Slot(1), Slot::REST, Slot(key % 2 + 1)]));
        }
        let minute = &history.minutes[&0];
        assert_eq!(minute.spend.calls, 100);
        let spent = history.between(0, 1).spent;
        let calls = |dimension: usize, slot: usize| spent.by[dimension][slot].calls;
        // Those that entries still know are known by name.
        assert_eq!((calls(0, 1), calls(0, MOST_KEYS - 1), calls(0, MOST_KEYS), calls(0, 101)), (1, 1, 0, 1));
        assert_eq!(calls(0, 0), 100 - (MOST_KEYS as u64 - 1));
        let all = MOST_ENTRIES as u64 + 100;
        assert_eq!((calls(1, 1), calls(2, 0), calls(3, 1)), (all, all, all / 2));
    }
}

//! The ledger's history: the last entries whole, and before them sums per minute, then per hour, then one of all the rest.

use std::collections::{BTreeMap, VecDeque};

use langdeck_shared::Spend;

use super::ledger::Entry;

/// How many entries are kept whole: those of about 800 investigations.
const MOST_ENTRIES: usize = 4096;
/// A day of minutes.
const MOST_MINUTES: usize = 24 * 60;
/// A month of hours.
const MOST_HOURS: usize = 31 * 24;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Everything that was ever entered, ever coarser the longer ago. What leaves one part goes into the next, so that all
/// together are always the whole.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Oldest first.
    entries: VecDeque<Entry>,
    /// By the minute's start, in milliseconds since 1970.
    minutes: BTreeMap<i64, Spend>,
    /// By the hour's start.
    hours: BTreeMap<i64, Spend>,
    /// What is older than all hours, and the end of the last of them.
    older: Spend,
    older_until: Option<i64>,
}

/// What was spent in a span of time, and how far the span reaches that is known so exactly; milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) spend: Spend,
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
        accumulate(&mut self.minutes, start_of(entry.at_ms, MINUTE_MS), entry.charge.spend);
        if self.minutes.len() > MOST_MINUTES
            && let Some((minute, spend)) = self.minutes.pop_first()
        {
            accumulate(&mut self.hours, start_of(minute, HOUR_MS), spend);
        }
        if self.hours.len() > MOST_HOURS
            && let Some((hour, spend)) = self.hours.pop_first()
        {
            self.older += spend;
            self.older_until = self.older_until.max(Some(hour + HOUR_MS));
        }
    }

    /// The last entries, newest first.
    pub(super) fn last(&self, most: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take(most)
    }

    /// What was spent from an instant until before another. A minute or an hour that is known as a sum only, and of which
    /// the span has a part, counts as a whole; the span that comes back is as much longer.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> Span {
        let mut spent = Span { from_ms, to_ms, spend: Spend::default() };
        if from_ms >= to_ms {
            return spent;
        }
        for entry in self.entries.iter().filter(|entry| (from_ms..to_ms).contains(&entry.at_ms)) {
            spent.spend += entry.charge.spend;
        }
        for (sums, length) in [(&self.minutes, MINUTE_MS), (&self.hours, HOUR_MS)] {
            for (&start, &sum) in sums.range(start_of(from_ms, length)..to_ms) {
                spent.add_sum(start, start + length, sum);
            }
        }
        if let Some(until) = self.older_until.filter(|until| from_ms < *until) {
            spent.add_sum(from_ms, until, self.older);
        }
        spent
    }

    /// Everything.
    #[cfg(test)]
    pub(super) fn sum(&self) -> Spend {
        let entries = self.entries.iter().map(|entry| entry.charge.spend);
        let sums = self.minutes.values().chain(self.hours.values()).copied();
        entries.chain(sums).chain([self.older]).sum()
    }
}

impl Span {
    fn add_sum(&mut self, start: i64, end: i64, sum: Spend) {
        self.spend += sum;
        self.from_ms = self.from_ms.min(start);
        self.to_ms = self.to_ms.max(end);
    }
}

fn accumulate(sums: &mut BTreeMap<i64, Spend>, start: i64, spend: Spend) {
    *sums.entry(start).or_default() += spend;
}

fn start_of(at_ms: i64, length: i64) -> i64 {
    at_ms - at_ms.rem_euclid(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::ledger::tests::entry;

    /// Enters an amount of each of these times.
    fn history(times: impl IntoIterator<Item = i64>) -> History {
        let mut history = History::default();
        times.into_iter().for_each(|at_ms| history.enter(entry(at_ms, 1)));
        history
    }

    #[test]
    fn what_is_recent_is_known_exactly_and_what_is_older_by_the_minute() {
        let count = MOST_ENTRIES as i64;
        // One a second; a minute's worth more than fits.
        let history = history((0..count + 60).map(|second| second * 1000));
        let spent = history.between(30_000, 90_500);
        assert_eq!((spent.from_ms, spent.to_ms, spent.spend.calls), (0, 90_500, 60 + 31));
        let recent = history.between(60_500, 61_500);
        assert_eq!((recent.from_ms, recent.to_ms, recent.spend.calls), (60_500, 61_500, 1));
        assert_eq!(history.between(5, 5).spend.calls, 0);
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
        assert_eq!(all.spend, history.sum());
    }

    proptest! {
        #[test]
        fn the_parts_are_always_the_whole(
            gaps in proptest::collection::vec(prop_oneof![0..10_i64, 0..5_000_000_i64, -100_000..0_i64], 1..600),
        ) {
            // Each many times over, so that entries leave; and clocks may go back.
            let mut at = 1_000_000_000_000;
            let times: Vec<_> = gaps.iter().cycle().take(6000).map(|gap| { at += gap; at }).collect();
            let history = history(times.iter().copied());
            prop_assert_eq!(history.sum().calls, times.len() as u64);
            prop_assert_eq!(history.between(i64::MIN / 2, i64::MAX / 2).spend, history.sum());
        }
    }
}

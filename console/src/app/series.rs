//! The per-second samples of one life of a replica, with gaps where nothing is known.

use std::collections::VecDeque;

use langdeck_shared::{Sample, Usd};

/// How many seconds of samples are kept for the charts.
pub const SECONDS: usize = 300;

/// An agent may say any number; beyond this one the axis ends, far from where its arithmetic could overflow.
const LAST_SECOND: u64 = u64::MAX / 2;

/// What the charts show of a second. Less than a whole sample, as those of a thousand replicas are read for every frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Second {
    /// Tokens spent.
    pub tokens: u64,
    /// Money spent.
    pub cost_usd: Usd,
}

/// Samples by the second of the uptime.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The second of the oldest slot.
    first: u64,
    slots: VecDeque<Option<Second>>,
    /// Up to which second everything is known.
    covered: Option<u64>,
}

impl Series {
    /// Takes the samples of one answer. What is known of a second only grows: an answer may have come a longer way.
    pub fn extend(&mut self, samples: &[Sample]) {
        for sample in samples {
            self.put(sample.second.min(LAST_SECOND), Second { tokens: sample.tokens, cost_usd: sample.cost_usd });
        }
    }

    /// Takes that nothing else happened up to and with this second, since it was known last.
    pub fn cover(&mut self, second: u64) {
        let second = second.min(LAST_SECOND);
        let kept = second.saturating_sub(SECONDS as u64 - 1);
        let from = self.covered.map_or(kept, |covered| kept.max(covered + 1));
        for at in from..=second {
            self.put(at, Second::default());
        }
        self.covered = self.covered.max(Some(second));
    }

    /// Takes back that anything is known after this second.
    pub fn end_at(&mut self, second: u64) {
        while self.end() > second.saturating_add(1) && self.slots.pop_back().is_some() {}
        self.covered = self.covered.min(Some(second));
    }

    /// The newest `seconds` slots, oldest first; none where nothing is known.
    pub fn last(&self, seconds: usize) -> impl DoubleEndedIterator<Item = Option<&Second>> {
        self.slots.range(self.slots.len().saturating_sub(seconds)..).map(Option::as_ref)
    }

    /// How many seconds the axis has, up to and with the newest slot.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn put(&mut self, at: u64, second: Second) {
        let end = self.end();
        if self.slots.is_empty() || at >= end + SECONDS as u64 {
            self.slots.clear();
            self.first = at;
        }
        let before = self.first.saturating_sub(at);
        if before + self.slots.len() as u64 > SECONDS as u64 {
            return;
        }
        for _ in 0..before {
            self.slots.push_front(None);
            self.first -= 1;
        }
        while self.end() <= at {
            self.slots.push_back(None);
        }
        if let Some(slot) = usize::try_from(at - self.first).ok().and_then(|index| self.slots.get_mut(index)) {
            let known = slot.unwrap_or_default();
            *slot =
                Some(Second { tokens: known.tokens.max(second.tokens), cost_usd: known.cost_usd.max(second.cost_usd) });
        }
        while self.slots.len() > SECONDS {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}

/// The sums of several replicas' newest `seconds`, oldest first; a gap where no replica knows anything. Beside each
/// series stands for how many seconds its replica has been silent: the newest second known is so long ago.
pub fn sum<'a>(all: impl Iterator<Item = (&'a Series, usize)>, seconds: usize) -> Vec<Option<Second>> {
    let mut sums = vec![None; seconds];
    for (series, silent) in all {
        for (slot, second) in sums.iter_mut().rev().skip(silent).zip(series.last(seconds).rev()) {
            if let Some(second) = second {
                let sum: &mut Second = slot.get_or_insert_default();
                sum.tokens = sum.tokens.saturating_add(second.tokens);
                sum.cost_usd += second.cost_usd;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: u64, tokens: u64) -> Sample {
        Sample { second, tokens, ..Sample::default() }
    }

    fn tokens(series: &Series, seconds: usize) -> Vec<Option<u64>> {
        series.last(seconds).map(|slot| slot.map(|sample| sample.tokens)).collect()
    }

    #[test]
    fn the_second_under_way_grows_instead_of_coming_twice() {
        let mut series = Series::default();
        series.extend(&[sample(7, 1), sample(8, 2)]);
        series.extend(&[sample(8, 5), sample(9, 0)]);
        assert_eq!(tokens(&series, 9), [Some(1), Some(5), Some(0)]);
    }

    #[test]
    fn what_never_came_is_a_gap_and_not_a_zero() {
        let mut series = Series::default();
        series.extend(&[sample(1, 1), sample(4, 4)]);
        assert_eq!(tokens(&series, 9), [Some(1), None, None, Some(4)]);
    }

    #[test]
    fn seconds_that_an_answer_covers_and_does_not_name_are_zeros() {
        let mut series = Series::default();
        series.extend(&[sample(398, 7)]);
        series.cover(400);
        assert_eq!(tokens(&series, 4), [Some(0), Some(7), Some(0), Some(0)]);
        assert_eq!(series.last(usize::MAX).count(), SECONDS, "all that is kept is known");
        series.cover(402);
        series.extend(&[sample(401, 3), sample(402, 9)]);
        series.cover(401);
        assert_eq!(tokens(&series, 4), [Some(0), Some(0), Some(3), Some(9)], "zeros take nothing back");
    }

    #[test]
    fn what_was_thought_quiet_and_was_not_known_becomes_a_gap() {
        let mut series = Series::default();
        series.extend(&[sample(5, 1)]);
        series.cover(9);
        series.end_at(6);
        assert_eq!(tokens(&series, 3), [Some(0), Some(1), Some(0)]);
        series.extend(&[sample(9, 4)]);
        assert_eq!(tokens(&series, 3), [None, None, Some(4)]);
        series.cover(9);
        assert_eq!(tokens(&series, 3), [Some(0), Some(0), Some(4)], "until it is known again");
    }

    #[test]
    fn only_so_many_seconds_are_kept_however_far_they_jump() {
        let mut series = Series::default();
        series.extend(&(0..1000).map(|second| sample(second, second)).collect::<Vec<_>>());
        assert_eq!(series.last(usize::MAX).count(), SECONDS);
        series.extend(&[sample(u64::MAX / 2, 1), sample(3, 1)]);
        assert_eq!(tokens(&series, 9), [Some(1)]);
    }

    #[test]
    fn sums_align_at_the_second_shown_and_keep_gaps() {
        let (mut a, mut b) = (Series::default(), Series::default());
        a.extend(&[sample(100, 1), sample(101, 2)]);
        b.extend(&[sample(5, 10)]);
        let tokens = |second: Option<Second>| second.map(|second| second.tokens);
        let sum = |silent| sum([(&a, silent), (&b, 0)].into_iter(), 3).into_iter().map(tokens).collect::<Vec<_>>();
        assert_eq!(sum(0), [None, Some(1), Some(12)]);
        assert_eq!(sum(1), [Some(1), Some(2), Some(10)]);
        assert_eq!(sum(usize::MAX), [None, None, Some(10)]);
    }
}

//! What happened second by second, and how long the last investigations took.

use std::collections::VecDeque;

use langdeck_shared::Sample;

/// How many seconds are kept.
const SECONDS: usize = 300;
/// On how many investigations the latency quantiles stand.
const LATENCIES: usize = 1024;

/// The last seconds of a replica's life, without gaps, the one under way last.
#[derive(Debug)]
pub(crate) struct Samples(VecDeque<Sample>);

impl Samples {
    pub(crate) fn new() -> Self {
        Self(VecDeque::with_capacity(SECONDS))
    }

    /// The sample of a second of the replica's uptime. A second that is over does not change any more: what comes late
    /// is counted in the one under way.
    pub(crate) fn at(&mut self, second: u64) -> &mut Sample {
        let newest = self.0.back().map(|sample| sample.second);
        let oldest_kept = second.saturating_sub(SECONDS as u64 - 1);
        let next = newest.map_or(0, |newest| newest + 1).max(oldest_kept);
        if newest.is_some_and(|newest| newest < oldest_kept) {
            self.0.clear();
        }
        for second in next..=second {
            if self.0.len() == SECONDS {
                self.0.pop_front();
            }
            self.0.push_back(Sample { second, ..Sample::default() });
        }
        let under_way = self.0.len() - 1;
        &mut self.0[under_way]
    }

    /// The samples from a second on, up to and with the second `now`.
    pub(crate) fn since(&mut self, second: u64, now: u64) -> Vec<Sample> {
        self.at(now);
        let first = self.0.partition_point(|sample| sample.second < second);
        self.0.range(first..).copied().collect()
    }
}

/// How long the last investigations took, in milliseconds.
#[derive(Debug)]
pub(crate) struct Latencies(VecDeque<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(crate) fn record(&mut self, millis: u64) {
        if self.0.len() == LATENCIES {
            self.0.pop_front();
        }
        self.0.push_back(millis);
    }

    /// The latencies in any order, to be sorted by whoever needs them.
    pub(crate) fn to_vec(&self) -> Vec<u64> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(samples: &[Sample]) -> Vec<u64> {
        samples.iter().map(|sample| sample.second).collect()
    }

    #[test]
    fn seconds_follow_each_other_without_gaps() {
        let mut samples = Samples::new();
        samples.at(0).requests = 1;
        samples.at(3).requests = 2;
        let all = samples.since(0, 4);
        assert_eq!(seconds(&all), [0, 1, 2, 3, 4]);
        assert_eq!(all.iter().map(|sample| sample.requests).collect::<Vec<_>>(), [1, 0, 0, 2, 0]);
    }

    #[test]
    fn a_reader_gets_the_second_under_way_again_and_nothing_before_it() {
        let mut samples = Samples::new();
        assert_eq!(seconds(&samples.since(0, 7)).last(), Some(&7));
        assert_eq!(seconds(&samples.since(7, 9)), [7, 8, 9]);
    }

    #[test]
    fn what_comes_late_does_not_change_a_second_that_is_over() {
        let mut samples = Samples::new();
        samples.at(5);
        samples.at(4).errors = 1;
        let all = samples.since(4, 5);
        assert_eq!((all[0].errors, all[1].errors), (0, 1));
    }

    #[test]
    fn a_long_sleep_leaves_the_last_seconds_only() {
        let mut samples = Samples::new();
        samples.at(0).requests = 9;
        let all = samples.since(0, 1_000_000);
        assert_eq!(all.len(), SECONDS);
        assert_eq!(seconds(&all).last(), Some(&1_000_000));
        assert!(all.windows(2).all(|pair| pair[1].second == pair[0].second + 1));
        assert!(all.iter().all(|sample| sample.requests == 0));
    }

    #[test]
    fn a_busy_life_keeps_a_bounded_number_of_seconds() {
        let mut samples = Samples::new();
        for second in 0..2 * SECONDS as u64 {
            samples.at(second).tokens += second;
        }
        let all = samples.since(0, 2 * SECONDS as u64 - 1);
        assert_eq!(all.len(), SECONDS);
        assert!(all.iter().all(|sample| sample.tokens == sample.second));
    }

    #[test]
    fn only_the_last_latencies_are_kept() {
        let mut latencies = Latencies::new();
        for millis in 0..10_000 {
            latencies.record(millis);
        }
        let kept = latencies.to_vec();
        assert_eq!(kept.len(), LATENCIES);
        assert!(kept.iter().all(|millis| *millis >= 10_000 - LATENCIES as u64));
    }
}

//! How long one thing took, time after time.

use std::time::{Duration, Instant};

use crate::report::{quantile, time};

/// Times in ascending order.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Does something that often; it says how long it took, and is given how often it was done before.
    pub(crate) fn of(rounds: usize, work: impl FnMut(usize) -> Duration) -> Self {
        (0..rounds).map(work).collect()
    }

    /// The middle, and what all but one in a hundred stay under.
    pub(crate) fn spread(&self) -> String {
        format!("p50 {}, p99 {}", time(quantile(&self.0, 0.5)), time(quantile(&self.0, 0.99)))
    }

    /// The same and the longest.
    pub(crate) fn whole(&self) -> String {
        format!("{}, at most {}", self.spread(), self.longest())
    }

    /// The middle and the longest, where there are too few for more.
    pub(crate) fn most(&self) -> String {
        format!("p50 {}, at most {}", time(quantile(&self.0, 0.5)), self.longest())
    }

    fn longest(&self) -> String {
        time(self.0.last().copied().unwrap_or_default())
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

/// How long something takes.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

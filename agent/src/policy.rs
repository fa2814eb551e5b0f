//! How a call of a model or a tool is bounded: the time of each attempt, and the retries.

use std::time::Duration;

/// How long one attempt of a call may take, and how often and after which waits it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallPolicy {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many attempts there are in all; 0 counts as 1.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with each attempt after that.
    pub backoff: Duration,
    /// What the longest wait does not grow beyond.
    pub max_backoff: Duration,
}

impl CallPolicy {
    /// Three attempts of up to `timeout` each, with waits of up to 100 and 200 ms between them.
    #[must_use]
    pub const fn with_timeout(timeout: Duration) -> Self {
        Self { timeout, attempts: 3, backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2) }
    }

    /// The same with all times multiplied, as simulated work is.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self {
            timeout: self.timeout.mul_f64(factor),
            backoff: self.backoff.mul_f64(factor),
            max_backoff: self.max_backoff.mul_f64(factor),
            ..self
        }
    }

    /// How long to wait after the attempt of this number, the first being 1: anything from nothing to the longest wait,
    /// so that calls which failed together do not come back together.
    pub(crate) fn wait_after(&self, attempt: u32) -> Duration {
        let longest = self.longest_wait_after(attempt);
        if longest.is_zero() { longest } else { longest.mul_f64(fastrand::f64()) }
    }

    fn longest_wait_after(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.backoff.saturating_mul(doubled).min(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: CallPolicy = CallPolicy::with_timeout(Duration::from_secs(10));

    #[test]
    fn the_longest_wait_doubles_up_to_its_bound() {
        let longest = |attempt| POLICY.longest_wait_after(attempt).as_millis();
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(longest), [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(longest(u32::MAX), 2000);
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        fastrand::seed(4711);
        let mut waits: Vec<_> = (0..1000).map(|_| POLICY.wait_after(2)).collect();
        waits.sort_unstable();
        assert!(waits[0] < Duration::from_millis(5) && waits[999] <= Duration::from_millis(200));
        let median = waits[500].as_millis();
        assert!((80..120).contains(&median), "{median}");
    }

    #[test]
    fn without_a_delay_nothing_waits() {
        assert_eq!(POLICY.scaled(0.0).wait_after(1), Duration::ZERO);
        assert_eq!(POLICY.scaled(8.0).timeout, Duration::from_secs(80));
    }
}

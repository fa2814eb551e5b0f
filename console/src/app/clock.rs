//! What time it is for the agents, whose clocks may differ from this machine's.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The time by an agent's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentClock {
    said: Timestamp,
    heard: Instant,
}

impl AgentClock {
    /// It was `said` o'clock there when it was this late here.
    #[must_use]
    pub const fn new(said: Timestamp, heard: Instant) -> Self {
        Self { said, heard }
    }

    /// How long it is at `now` until a time; none when that has passed.
    #[must_use]
    pub fn until(&self, time: Timestamp, now: Instant) -> Option<Duration> {
        let since = SignedDuration::try_from(now.saturating_duration_since(self.heard)).unwrap_or(SignedDuration::MAX);
        let left = time.duration_since(self.said).saturating_sub(since);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// How long a time is ago at `now`; no time when it is to come.
    #[must_use]
    pub fn since(&self, time: Timestamp, now: Instant) -> Duration {
        let since = SignedDuration::try_from(now.saturating_duration_since(self.heard)).unwrap_or(SignedDuration::MAX);
        Duration::try_from(self.said.duration_since(time).saturating_add(since)).unwrap_or_default()
    }

    /// The later word of two.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if other.heard > self.heard { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_reckoned_by_the_agents_clock_and_go_on_by_this_one() {
        let heard = Instant::now();
        let clock = AgentClock::new("2026-01-15T23:59:00Z".parse().unwrap(), heard);
        let midnight = "2026-01-16T00:00:00Z".parse().unwrap();
        let at = |seconds| heard + Duration::from_secs(seconds);
        assert_eq!(clock.until(midnight, at(0)), Some(Duration::from_secs(60)));
        assert_eq!(clock.until(midnight, at(59)), Some(Duration::from_secs(1)));
        assert_eq!(clock.until(midnight, at(60)), None);
        assert_eq!(clock.since(midnight, at(90)), Duration::from_secs(30));
        assert_eq!(clock.since(midnight, at(0)), Duration::ZERO);
        for time in [Timestamp::MIN, Timestamp::MAX] {
            let far = AgentClock::new(time, heard);
            assert!(far.until(Timestamp::MAX, at(1)).is_none_or(|left| left > Duration::from_secs(1)));
            assert!(far.since(Timestamp::MIN, at(1)) >= Duration::from_secs(1));
        }
    }
}

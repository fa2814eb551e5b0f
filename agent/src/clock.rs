//! Time as the wire shows it: whole milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    whole_millis(Timestamp::now())
}

/// A time of the wall clock `after` another.
pub(crate) fn later(than: Timestamp, after: Duration) -> Timestamp {
    than.checked_add(after).map_or(Timestamp::MAX, whole_millis)
}

/// Milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_smaller_than_a_millisecond_is_left_out() {
        let start: Timestamp = "2026-01-15T10:30:00.001999Z".parse().unwrap();
        assert_eq!(later(start, Duration::ZERO).to_string(), "2026-01-15T10:30:00.001Z");
        assert_eq!(later(start, Duration::from_micros(1)).to_string(), "2026-01-15T10:30:00.002Z");
        assert_eq!(now().subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn no_duration_is_too_long() {
        assert_eq!(later(Timestamp::UNIX_EPOCH, Duration::MAX), Timestamp::MAX);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}

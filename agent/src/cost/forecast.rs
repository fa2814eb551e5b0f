//! The forecast: how fast money is spent at present, and what comes of it if that goes on.

use jiff::Timestamp;
use langdeck_shared::{BurnRate, Usd};

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The rates at an instant, in milliseconds since 1970, of what began at another. `spent` says what was spent from an
/// instant on, and from which one it really knows that.
pub(super) fn burn(began_ms: i64, at_ms: i64, spent: impl Fn(i64) -> (i64, Usd)) -> BurnRate {
    let rate = |over_ms: i64| {
        let (from_ms, spent) = spent((at_ms - over_ms).max(began_ms));
        per_hour(spent, at_ms - from_ms.max(began_ms))
    };
    BurnRate { last_5m_usd_per_hour: rate(5 * MINUTE_MS), last_60m_usd_per_hour: rate(HOUR_MS) }
}

/// An amount that was spent in so many milliseconds, as a rate an hour; in a minute at least, since a second's spending
/// tells nothing of an hour.
fn per_hour(spent: Usd, took_ms: i64) -> Usd {
    let took = took_ms.max(MINUTE_MS).unsigned_abs();
    share(spent, HOUR_MS.unsigned_abs(), took)
}

/// What a rate an hour comes to over so many milliseconds.
pub(super) fn over(per_hour: Usd, ms: u64) -> Usd {
    share(per_hour, ms, HOUR_MS.unsigned_abs())
}

/// When what is left of a limit is spent at a rate an hour; none where that is not before `end`, or nothing is left.
pub(super) fn exhausted_at(left: Usd, per_hour: Usd, at: Timestamp, end: Timestamp) -> Option<Timestamp> {
    if left == Usd::ZERO {
        return None;
    }
    let nanos_ms = u128::from(left.nanos()) * u128::from(HOUR_MS.unsigned_abs());
    let ms = nanos_ms.checked_add(u128::from(per_hour.nanos()).checked_sub(1)?)? / u128::from(per_hour.nanos());
    let after = i64::try_from(ms).ok()?;
    let reached = Timestamp::from_millisecond(at.as_millisecond().checked_add(after)?).ok()?;
    (reached < end).then_some(reached)
}

/// An amount times `of` by `whole`, rounded to the nearest nano-dollar.
fn share(amount: Usd, of: u64, whole: u64) -> Usd {
    let whole = u128::from(whole.max(1));
    let nanos = (u128::from(amount.nanos()) * u128::from(of) + whole / 2) / whole;
    Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(nanos: u64) -> Usd {
        Usd::from_nanos(nanos)
    }

    #[test]
    fn a_rate_is_what_was_spent_by_the_time_that_is_known_but_by_a_minute_at_least() {
        let rates = |began_minute: i64, at_minute: i64, known_minute: i64| {
            let spent = |from_ms: i64| {
                assert_eq!(from_ms, from_ms.max(began_minute * MINUTE_MS));
                (from_ms.min(known_minute * MINUTE_MS), usd(6000))
            };
            let BurnRate { last_5m_usd_per_hour, last_60m_usd_per_hour } =
                burn(began_minute * MINUTE_MS, at_minute * MINUTE_MS, spent);
            (last_5m_usd_per_hour.nanos(), last_60m_usd_per_hour.nanos())
        };
        assert_eq!(rates(0, 100, 99), (72_000, 6000));
        // What is known only together with a minute before is spread over that too.
        assert_eq!(rates(0, 100, 94), (60_000, 6000));
        // Younger than that.
        assert_eq!(rates(90, 100, 0), (36_000, 36_000));
        assert_eq!(rates(100, 100, 0), (360_000, 360_000));
        // A clock that goes back.
        assert_eq!(rates(100, 40, 0), (360_000, 360_000));
    }

    #[test]
    fn a_limit_is_reached_when_what_is_left_is_spent_unless_the_window_ends_before() {
        let at: Timestamp = "2026-01-31T23:00:00Z".parse().unwrap();
        let end: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
        let reached = |left, rate| exhausted_at(usd(left), usd(rate), at, end).map(|at| at.to_string());
        assert_eq!(reached(500, 1000).as_deref(), Some("2026-01-31T23:30:00Z"));
        assert_eq!(reached(999_999, 1_000_000).as_deref(), Some("2026-01-31T23:59:59.997Z"));
        // Not a nano-dollar before the edge, nor at it.
        assert_eq!(reached(1000, 1000), None);
        assert_eq!(reached(1001, 1000), None);
        assert_eq!(reached(1, 0), None);
        assert_eq!(reached(0, 1000), None);
        assert_eq!(reached(u64::MAX, 1), None);
    }

    #[test]
    fn a_rate_over_a_time_is_exact_to_the_nano_dollar() {
        assert_eq!(over(usd(3_600_001), 1), usd(1));
        assert_eq!(over(usd(10), HOUR_MS.unsigned_abs() * 3 / 4), usd(8));
        assert_eq!(over(usd(u64::MAX), u64::MAX), usd(u64::MAX));
    }
}

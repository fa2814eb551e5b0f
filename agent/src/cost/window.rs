//! Windows: the hours, days and months, in UTC, over which budgets run.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use langdeck_shared::BudgetWindow;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A stretch of time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start_ms: i64,
    /// Not part of it.
    pub(super) end_ms: i64,
}

impl Stretch {
    /// The window in which an instant lies.
    pub(super) fn of(window: BudgetWindow, at: Timestamp) -> Self {
        let at_ms = at.as_millisecond();
        match window {
            // Unix time knows no leap seconds, and UTC no summer.
            BudgetWindow::Hour => Self::even(at_ms, HOUR_MS),
            BudgetWindow::Day => Self::even(at_ms, DAY_MS),
            BudgetWindow::Month => Self::month(at).unwrap_or_else(|| Self::even(at_ms, DAY_MS)),
        }
    }

    const fn even(at_ms: i64, length: i64) -> Self {
        let start_ms = at_ms - at_ms.rem_euclid(length);
        Self { start_ms, end_ms: start_ms + length }
    }

    /// None only at the end of all time.
    fn month(at: Timestamp) -> Option<Self> {
        let day = at.to_zoned(TimeZone::UTC).date();
        let first_ms = |day: jiff::civil::Date| {
            Some(day.first_of_month().to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
        };
        let next = day.last_of_month().tomorrow().ok()?;
        Some(Self { start_ms: first_ms(day)?, end_ms: first_ms(next)? })
    }

    /// Its end.
    pub(super) fn end(self) -> Timestamp {
        Timestamp::from_millisecond(self.end_ms).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_of_utc() {
        let bounds = |window, at: &str| {
            let Stretch { start_ms, end_ms } = Stretch::of(window, at.parse().unwrap());
            [start_ms, end_ms].map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string())
        };
        use BudgetWindow::{Day, Hour, Month};
        for (window, at, expected) in [
            (Hour, "2026-03-29T02:59:59.999Z", ["2026-03-29T02:00:00Z", "2026-03-29T03:00:00Z"]),
            (Hour, "2026-03-29T03:00:00Z", ["2026-03-29T03:00:00Z", "2026-03-29T04:00:00Z"]),
            (Day, "2026-03-29T00:30:00+02:00", ["2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z"]),
            (Day, "1969-12-31T23:00:00Z", ["1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"]),
            (Month, "2028-02-29T23:59:59Z", ["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"]),
            (Month, "2026-12-31T23:59:59Z", ["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
        ] {
            assert_eq!(bounds(window, at), expected, "{window} of {at}");
        }
    }
}

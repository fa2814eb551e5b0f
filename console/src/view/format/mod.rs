//! How money, counts, times and text are written on the screen.

#[cfg(test)]
mod tests;
mod width;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use langdeck_shared::Usd;

pub use width::{fit, fit_middle, fit_start, width};

const NANOS_PER_USD: u64 = 1_000_000_000;

/// Money with three significant figures below a dollar and cents above, at most nine characters until it is below a
/// millionth: `$0.000314`, `$0.0672`, `$12.40`, `$1.2k`.
#[must_use]
pub fn usd(amount: Usd) -> String {
    format!("${}", usd_figure(amount)).replace("$<", "<$")
}

/// The same without the currency sign, for a column or a title that names it: `0.012`.
#[must_use]
pub fn usd_figure(amount: Usd) -> String {
    let nanos = amount.nanos();
    if nanos == 0 {
        return "0".to_owned();
    }
    if nanos < 500 {
        return "<0.000001".to_owned();
    }
    // 999.995 and more would round to 1000.00.
    if nanos >= 1000 * NANOS_PER_USD - NANOS_PER_USD / 200 {
        return scaled((nanos.saturating_add(NANOS_PER_USD / 2)) / NANOS_PER_USD, ["k", "M", "B", "T", "", ""]);
    }
    usd_number(nanos, figure_decimals(nanos))
}

/// Decimals for three significant figures below a dollar, from 2 to 6.
fn figure_decimals(nanos: u64) -> u32 {
    let (mut decimals, mut floor) = (2, NANOS_PER_USD);
    while decimals < 6 && nanos < floor {
        floor /= 10;
        decimals += 1;
    }
    decimals
}

/// Nano-dollars rounded half up to a number of decimals, from 1 to 9.
fn usd_number(nanos: u64, decimals: u32) -> String {
    let whole = 10u64.pow(decimals);
    let unit = NANOS_PER_USD / whole;
    let units = nanos.saturating_add(unit / 2) / unit;
    format!("{}.{:0digits$}", units / whole, units % whole, digits = decimals as usize)
}

/// A count, short from a thousand on: `999`, `1.2k`, `33.6k`, `124k`, `1.2M`, `18.4E`.
#[must_use]
pub fn count(count: u64) -> String {
    scaled(count, ["k", "M", "G", "T", "P", "E"])
}

/// A number from a thousand on with one decimal below a hundred of a unit, and none above.
fn scaled(number: u64, units: [&str; 6]) -> String {
    if number < 1000 {
        return number.to_string();
    }
    let mut scale: u128 = 1000;
    let number = u128::from(number);
    for unit in units {
        let tenths = (number * 10 + scale / 2) / scale;
        if tenths < 1000 {
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
        let whole = (number + scale / 2) / scale;
        if whole < 1000 {
            return format!("{whole}{unit}");
        }
        scale *= 1000;
    }
    number.to_string()
}

/// How many times `usual` a number is, rounded down to a tenth below ten: `3.1×`, `42×`; `?×` of nothing.
#[must_use]
pub fn times(number: u64, usual: u64, sign: &str) -> String {
    match (u128::from(number) * 10).checked_div(u128::from(usual)) {
        None => format!("?{sign}"),
        Some(tenths) if tenths < 100 => format!("{}.{}{sign}", tenths / 10, tenths % 10),
        Some(tenths) => format!("{}{sign}", count(u64::try_from(tenths / 10).unwrap_or(u64::MAX))),
    }
}

/// A duration given in milliseconds: `45ms`, `1.9s`, `12.4s`, `1m 03s`, `2h 05m`, `3d 04h`.
#[must_use]
pub fn duration_ms(ms: u64) -> String {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    if ms < 1000 {
        format!("{ms}ms")
    } else if ms < MINUTE {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    } else if ms < HOUR {
        format!("{}m {:02}s", ms / MINUTE, ms % MINUTE / 1000)
    } else if ms < DAY {
        format!("{}h {:02}m", ms / HOUR, ms % HOUR / MINUTE)
    } else if ms < 100 * DAY {
        format!("{}d {:02}h", ms / DAY, ms % DAY / HOUR)
    } else {
        format!("{}d", count(ms / DAY))
    }
}

/// How long an answer took, given in whole milliseconds; none is no time at all: `<1ms`, `12ms`, `1.9s`.
#[must_use]
pub fn latency_ms(ms: u64) -> String {
    if ms == 0 { "<1ms".to_owned() } else { duration_ms(ms) }
}

/// How old something is, in one unit, so that it moves as seldom as it can: `0s`, `6s`, `2m`, `3h`, `4d`.
#[must_use]
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", count(seconds / 86_400)),
    }
}

/// Day and time with the zone: `2026-01-31 14:03:22 CET`.
#[must_use]
pub fn date_clock(time: Timestamp, zone: &TimeZone) -> String {
    jiff::fmt::strtime::format("%Y-%m-%d %H:%M:%S %Z", &time.to_zoned(zone.clone()))
        .unwrap_or_else(|_| time.to_string())
}

/// A fraction in percent. Only nothing is `0 %` and only all is `100 %`: `<1 %`, `42 %`, `99 %`, `>100 %`, `137 %`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked on the lines before the cast"
)]
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let between = |low: f64, high: f64| percent > low && percent < high;
    if percent.is_nan() {
        "? %".to_owned()
    } else if percent <= 0.0 {
        "0 %".to_owned()
    } else if between(0.0, 1.0) {
        "<1 %".to_owned()
    } else if between(99.0, 100.0) {
        "99 %".to_owned()
    } else if between(100.0, 101.0) {
        ">100 %".to_owned()
    } else if percent >= 1000.0 {
        ">999 %".to_owned()
    } else {
        // Rounded down past the limit as well: 999.6 has no fourth figure.
        let whole = if percent < 100.0 { percent.round() } else { percent.floor() };
        format!("{} %", whole as u64)
    }
}

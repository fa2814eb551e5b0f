//! How money, counts, times and text are written on the screen.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use langdeck_shared::Usd;
use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use ratatui::text::Span;

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

/// Money with a fixed number of decimals, at most nine, so that a column lines up; what would round to nothing says so:
/// `$0.0672`, `<$0.0001`. From a thousand dollars on it is short all the same.
#[must_use]
pub fn usd_fixed(amount: Usd, decimals: usize) -> String {
    let (nanos, decimals) = (amount.nanos(), decimals.min(9));
    let unit = 10u64.pow(9 - u32::try_from(decimals).unwrap_or(9));
    if nanos >= 1000 * NANOS_PER_USD - unit.div_ceil(2) {
        return usd(amount);
    }
    if nanos > 0 && nanos < unit.div_ceil(2) {
        return format!("<${}", usd_number(unit, decimals));
    }
    format!("${}", usd_number(nanos, decimals))
}

/// How many decimals [`usd_fixed`] needs to write a column whose largest amount this is with three significant figures.
#[must_use]
pub fn usd_decimals(largest: Usd) -> usize {
    if largest == Usd::ZERO { 2 } else { figure_decimals(largest.nanos()) }
}

/// Decimals for three significant figures below a dollar, from 2 to 6.
fn figure_decimals(nanos: u64) -> usize {
    let (mut decimals, mut floor) = (2, NANOS_PER_USD);
    while decimals < 6 && nanos < floor {
        floor /= 10;
        decimals += 1;
    }
    decimals
}

/// Nano-dollars rounded half up to a number of decimals, at most nine.
fn usd_number(nanos: u64, decimals: usize) -> String {
    let unit = 10u64.pow(9 - u32::try_from(decimals.min(9)).unwrap_or(9));
    let units = nanos.saturating_add(unit / 2) / unit;
    let whole = NANOS_PER_USD / unit;
    if decimals == 0 {
        return units.to_string();
    }
    format!("{}.{:0decimals$}", units / whole, units % whole)
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

/// How old something is, in one unit, so that it moves as seldom as it can: `0.2s`, `6s`, `2m`, `3h`, `4d`.
#[must_use]
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0 => format!("0.{}s", age.subsec_millis() / 100),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", count(seconds / 86_400)),
    }
}

/// The time of day with its zone: `14:03:22 CEST`.
#[must_use]
pub fn clock(time: Timestamp, zone: &TimeZone) -> String {
    zoned("%H:%M:%S %Z", time, zone)
}

/// Day and time with the zone: `2026-01-31 14:03:22 CET`.
#[must_use]
pub fn date_clock(time: Timestamp, zone: &TimeZone) -> String {
    zoned("%Y-%m-%d %H:%M:%S %Z", time, zone)
}

fn zoned(format: &str, time: Timestamp, zone: &TimeZone) -> String {
    jiff::fmt::strtime::format(format, &time.to_zoned(zone.clone())).unwrap_or_else(|_| time.to_string())
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

/// How often a second, as a bare number: `0.02`, `4.2`, `42`, `412`, `1.2k`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer saturates, and what is negative or no number is gone before it"
)]
pub fn rate(per_second: f64) -> String {
    if per_second.is_nan() {
        "?".to_owned()
    } else if per_second <= 0.0 {
        "0".to_owned()
    } else if per_second < 0.005 {
        "<0.01".to_owned()
    } else if per_second < 0.995 {
        format!("{per_second:.2}")
    } else if per_second < 9.95 {
        format!("{per_second:.1}")
    } else {
        count(per_second.round() as u64)
    }
}

/// How many cells a text takes in a buffer, which leaves control characters out.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    let span = Span::raw(text);
    graphemes(&span).map(|(_, width)| width).sum()
}

/// The text in at most `width` cells: its beginning and an ellipsis where it is longer.
#[must_use]
pub fn fit<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (room, 0))
}

/// The same, keeping the end: `…7d9c-x2kqp`. Replicas of one deployment differ there.
#[must_use]
pub fn fit_start<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (0, room))
}

/// The same, keeping both ends.
#[must_use]
pub fn fit_middle<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (room.div_ceil(2), room / 2))
}

/// Cuts a text that is too wide; `split` says how many cells of the room go to its beginning and how many to its end.
fn shorten<'a>(text: &'a str, room: usize, ellipsis: &str, split: impl Fn(usize) -> (usize, usize)) -> Cow<'a, str> {
    let whole = width(text);
    if whole <= room {
        return Cow::Borrowed(text);
    }
    let mark = width(ellipsis);
    if mark > room {
        return Cow::Borrowed("");
    }
    let (head, tail) = split(room - mark);
    let mut short = String::with_capacity(text.len().min(4 * room) + ellipsis.len());
    let span = Span::raw(text);
    let mut taken = 0;
    for (grapheme, width) in graphemes(&span) {
        taken += width;
        if taken > head {
            break;
        }
        short.push_str(grapheme);
    }
    short.push_str(ellipsis);
    if tail > 0 {
        let mut skipped = 0;
        for (grapheme, width) in graphemes(&span) {
            if skipped + tail >= whole {
                short.push_str(grapheme);
            } else {
                skipped += width;
            }
        }
    }
    Cow::Owned(short)
}

/// The graphemes that a buffer would place, with the cells that each takes there.
fn graphemes<'a>(span: &'a Span<'_>) -> impl Iterator<Item = (&'a str, usize)> {
    span.styled_graphemes(Style::new()).map(|grapheme| (grapheme.symbol, usize::from(grapheme.symbol.cell_width())))
}

/// Printable ASCII: as many cells as bytes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn money_reads_well_at_any_size() {
        for (nanos, text) in [
            (0, "$0"),
            (1, "<$0.000001"),
            (500, "$0.000001"),
            (45_000, "$0.000045"),
            (314_000, "$0.000314"),
            (1_234_000, "$0.00123"),
            (10_100_000, "$0.0101"),
            (67_200_000, "$0.0672"),
            (118_400_000, "$0.118"),
            (500_000_000, "$0.500"),
            (999_999_999, "$1.000"),
            (1_000_000_000, "$1.00"),
            (12_400_000_000, "$12.40"),
            (999_994_000_000, "$999.99"),
            (999_995_000_000, "$1.0k"),
            (1_234_000_000_000, "$1.2k"),
            (124_000_000_000_000, "$124k"),
            (u64::MAX, "$18.4B"),
        ] {
            assert_eq!(usd(Usd::from_nanos(nanos)), text, "{nanos}");
        }
    }

    #[test]
    fn a_column_of_money_lines_up() {
        let column = [67_200_000, 314_000, 10_000, 0].map(Usd::from_nanos);
        let decimals = usd_decimals(column[0]);
        assert_eq!(column.map(|amount| usd_fixed(amount, decimals)), ["$0.0672", "$0.0003", "<$0.0001", "$0.0000"]);
        assert_eq!(usd_decimals(Usd::ZERO), 2);
        assert_eq!(usd_decimals(Usd::from_nanos(12_000_000_000)), 2);
        assert_eq!(usd_fixed(Usd::from_nanos(118_400_000), 4), "$0.1184");
        assert_eq!(usd_fixed(Usd::from_nanos(12_400_000_000), 0), "$12");
        assert_eq!(usd_fixed(Usd::from_nanos(999_999_999_999), 2), "$1.0k");
    }

    #[test]
    fn counts_are_short() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (1234, "1.2k"),
            (33_600, "33.6k"),
            (99_949, "99.9k"),
            (99_950, "100k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (1_200_000, "1.2M"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, text) in [
            (0, "0ms"),
            (45, "45ms"),
            (234, "234ms"),
            (1999, "1.9s"),
            (12_400, "12.4s"),
            (59_999, "59.9s"),
            (63_000, "1m 03s"),
            (7_500_000, "2h 05m"),
            (273_600_000, "3d 04h"),
            (u64::MAX, "214Gd"),
        ] {
            assert_eq!(duration_ms(ms), text);
        }
    }

    #[test]
    fn ages_have_one_unit() {
        for (ms, text) in [
            (0, "0.0s"),
            (299, "0.2s"),
            (1000, "1s"),
            (6999, "6s"),
            (120_000, "2m"),
            (10_800_000, "3h"),
            (345_600_000, "4d"),
        ] {
            assert_eq!(age(Duration::from_millis(ms)), text);
        }
        assert_eq!(age(Duration::MAX), "214Td");
    }

    #[test]
    fn the_clock_names_its_zone() {
        let time: Timestamp = "2026-01-31T13:03:22Z".parse().unwrap();
        assert_eq!(clock(time, &TimeZone::UTC), "13:03:22 UTC");
        assert_eq!(date_clock(time, &TimeZone::fixed(jiff::tz::offset(1))), "2026-01-31 14:03:22 +01");
        for time in [Timestamp::MIN, Timestamp::MAX] {
            assert!(!clock(time, &TimeZone::fixed(jiff::tz::Offset::MAX)).is_empty());
        }
    }

    #[test]
    fn percents_do_not_round_to_nothing_nor_to_all() {
        for (fraction, text) in [
            (0.0, "0 %"),
            (-1.0, "0 %"),
            (0.001, "<1 %"),
            (0.42, "42 %"),
            (0.999, "99 %"),
            (1.0, "100 %"),
            (1.001, ">100 %"),
            (1.37, "137 %"),
            (1e9, ">999 %"),
            (f64::NAN, "? %"),
            (f64::INFINITY, ">999 %"),
        ] {
            assert_eq!(percent(fraction), text, "{fraction}");
        }
    }

    #[test]
    fn rates_keep_three_figures() {
        for (number, text) in [
            (0.0, "0"),
            (0.001, "<0.01"),
            (0.02, "0.02"),
            (0.996, "1.0"),
            (4.21, "4.2"),
            (9.96, "10"),
            (412.0, "412"),
            (1234.0, "1.2k"),
            (f64::INFINITY, "18.4E"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(rate(number), text, "{number}");
        }
    }

    #[test]
    fn text_is_cut_where_asked() {
        assert_eq!(fit("checkout-api", 12, "…"), "checkout-api");
        assert_eq!(fit("checkout-api", 6, "…"), "check…");
        assert_eq!(fit_start("langchain-free-7d9c-x2kqp", 11, "…"), "…7d9c-x2kqp");
        assert_eq!(fit_middle("langchain-free", 7, "…"), "lan…ree");
        assert_eq!(fit("abc", 1, "…"), "…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit("abc", 1, ".."), "");
    }

    #[test]
    fn wide_and_combined_characters_stay_whole() {
        assert_eq!(width("数据库"), 6);
        assert_eq!(fit("数据库", 4, "…"), "数…");
        assert_eq!(fit_start("数据库", 4, "…"), "…库");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2, "…"), "e\u{301}…");
        assert_eq!(width("👩‍👩‍👧"), 2);
        assert_eq!(fit_start("👩‍👩‍👧👩‍👩‍👧", 3, "…"), "…👩‍👩‍👧");
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[a-z\u{300}-\u{303}数据ﾞ👩\u{200d}\u{fe0f}🇩🇪\u{1}]{0,20}"]
    }

    proptest! {
        #[test]
        fn cut_text_is_never_wider_than_asked(text in text(), room in 0usize..30) {
            for short in [fit(&text, room, "…"), fit_start(&text, room, "…"), fit_middle(&text, room, "…")] {
                prop_assert!(width(&short) <= room, "{short:?}");
            }
        }

        #[test]
        fn the_width_is_what_a_buffer_takes(text in text()) {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 1));
            let (end, _) = buffer.set_stringn(0, 0, &text, 200, Style::new());
            prop_assert_eq!(usize::from(end), width(&text));
        }

        #[test]
        fn any_number_is_short(number in any::<u64>(), float in any::<f64>(), decimals in 0usize..20) {
            prop_assert!(usd(Usd::from_nanos(number)).len() <= 10);
            prop_assert!(usd_fixed(Usd::from_nanos(number), decimals).len() <= 15);
            prop_assert!(count(number).len() <= 5);
            prop_assert!(duration_ms(number).len() <= 7);
            prop_assert!(age(Duration::from_millis(number)).len() <= 6);
            prop_assert!(percent(float).len() <= 6);
            prop_assert!(rate(float).len() <= 5);
        }

        #[test]
        fn more_money_never_reads_as_less(nanos in 1u64..999_000_000_000, more in 0u64..1_000_000_000) {
            let value = |nanos| usd_figure(Usd::from_nanos(nanos)).trim_start_matches('<').parse::<f64>().unwrap();
            prop_assert!(value(nanos) <= value(nanos + more));
        }
    }
}

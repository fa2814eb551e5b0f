//! That money, counts, times and shares read well at any size.

use proptest::prelude::*;

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
    for (ms, text) in
        [(0, "0s"), (299, "0s"), (1000, "1s"), (6999, "6s"), (120_000, "2m"), (10_800_000, "3h"), (345_600_000, "4d")]
    {
        assert_eq!(age(Duration::from_millis(ms)), text);
    }
    assert_eq!(age(Duration::MAX), "214Td");
}

#[test]
fn the_clock_names_its_zone() {
    let time: Timestamp = "2026-01-31T13:03:22Z".parse().unwrap();
    assert_eq!(date_clock(time, &TimeZone::UTC), "2026-01-31 13:03:22 UTC");
    assert_eq!(date_clock(time, &TimeZone::fixed(jiff::tz::offset(1))), "2026-01-31 14:03:22 +01");
    for time in [Timestamp::MIN, Timestamp::MAX] {
        assert!(!date_clock(time, &TimeZone::fixed(jiff::tz::Offset::MAX)).is_empty());
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

proptest! {
    #[test]
    fn any_number_is_short(number in any::<u64>(), float in any::<f64>()) {
        prop_assert!(usd(Usd::from_nanos(number)).len() <= 10);
        prop_assert!(count(number).len() <= 5);
        prop_assert!(duration_ms(number).len() <= 7);
        prop_assert!(age(Duration::from_millis(number)).len() <= 6);
        prop_assert!(percent(float).len() <= 6);
    }

    #[test]
    fn more_money_never_reads_as_less(nanos in 1u64..999_000_000_000, more in 0u64..1_000_000_000) {
        let value = |nanos| usd_figure(Usd::from_nanos(nanos)).trim_start_matches('<').parse::<f64>().unwrap();
        prop_assert!(value(nanos) <= value(nanos + more));
    }
}

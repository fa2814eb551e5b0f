//! The time axis: a span that grows in steps, and ticks at round times.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::bar::cell_of;
use crate::view::format;
use crate::view::theme::Theme;
use crate::widgets::{cells, put, skip};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Round spans, in milliseconds; each is at most half as long again as the one before, so that a bar never shrinks much
/// when the scale changes. Longer ones are days, doubled.
const SPANS: [u64; 42] = [
    200,
    300,
    400,
    600,
    800,
    SECOND,
    1500,
    2 * SECOND,
    3 * SECOND,
    4 * SECOND,
    6 * SECOND,
    8 * SECOND,
    10 * SECOND,
    15 * SECOND,
    20 * SECOND,
    30 * SECOND,
    40 * SECOND,
    MINUTE,
    90 * SECOND,
    2 * MINUTE,
    3 * MINUTE,
    4 * MINUTE,
    6 * MINUTE,
    8 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    40 * MINUTE,
    HOUR,
    90 * MINUTE,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    8 * HOUR,
    12 * HOUR,
    16 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    8 * DAY,
];

/// Round times between two ticks, in milliseconds.
const STEPS: [u64; 24] = [
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
];

/// The time that the whole width stands for when a run has taken `now_ms`: the next round one, so that bars keep their
/// scale between its steps. Milliseconds, both.
#[must_use]
pub fn span_ms(now_ms: u64) -> u64 {
    let longest = SPANS[SPANS.len() - 1];
    SPANS.iter().copied().find(|span| *span >= now_ms).unwrap_or_else(|| {
        let mut span = longest;
        while span < now_ms {
            span = span.saturating_mul(2);
        }
        span
    })
}

/// More parts than this are noise, however wide the axis is.
const MOST_PARTS: u64 = 10;

/// The time between two ticks of an axis, so that each label has room and some air.
pub(super) fn step_ms(span_ms: u64, width: u16) -> u64 {
    let needed = |step: u64| cells(format::width(&label(span_ms, step, span_ms))).saturating_add(4);
    let has_room = |step: u64| u128::from(step) * u128::from(width) >= u128::from(needed(step)) * u128::from(span_ms);
    let fits = |step: u64| span_ms / step <= MOST_PARTS && has_room(step);
    // A step that ends at the end of the span is worth a little air.
    let round = STEPS.iter().copied().find(|step| fits(*step) && span_ms.is_multiple_of(*step));
    round.or_else(|| STEPS.iter().copied().find(|step| fits(*step))).unwrap_or(span_ms.max(1))
}

/// A time as the axis writes it: one unit for the whole axis, which its step and its span choose.
fn label(time: u64, step: u64, span: u64) -> String {
    let in_unit = |unit: u64, name: &str| format!("{}{name}", time / unit);
    if time == 0 {
        "0".to_owned()
    } else if span < SECOND {
        in_unit(1, "ms")
    } else if step.is_multiple_of(DAY) {
        in_unit(DAY, "d")
    } else if step.is_multiple_of(HOUR) {
        in_unit(HOUR, "h")
    } else if step.is_multiple_of(MINUTE) {
        in_unit(MINUTE, "m")
    } else if step.is_multiple_of(SECOND) {
        in_unit(SECOND, "s")
    } else if step.is_multiple_of(100) {
        format!("{}.{}s", time / SECOND, time % SECOND / 100)
    } else {
        format!("{}.{:02}s", time / SECOND, time % SECOND / 10)
    }
}

/// The ticks of an axis: their times and the columns they stand at. The last is the end of the span, past the width.
pub(super) fn ticks(span_ms: u64, width: u16) -> impl Iterator<Item = (u64, u16)> {
    let step = step_ms(span_ms, width);
    (0..=span_ms / step.max(1)).map(move |index| {
        let time = index * step;
        (time, cell_of(time, span_ms, width))
    })
}

/// Writes the labels of the ticks into the first row of `area`; one that finds no room is left out.
pub(super) fn draw(span_ms: u64, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let step = step_ms(span_ms, area.width);
    let mut free = 0;
    for (time, column) in ticks(span_ms, area.width) {
        let text = label(time, step, span_ms);
        let width = cells(format::width(&text));
        if column >= free && column.saturating_add(width) <= area.width {
            put(skip(area, column), &text, theme.dim, buffer);
            free = column.saturating_add(width).saturating_add(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(span: u64, width: u16) -> Vec<String> {
        let step = step_ms(span, width);
        ticks(span, width).map(|(time, _)| label(time, step, span)).collect()
    }

    #[test]
    fn spans_are_round_and_wait_before_they_grow() {
        for (now, span) in [(0, 200), (200, 200), (201, 300), (234, 300), (1900, 2000), (61_000, 90_000)] {
            assert_eq!(span_ms(now), span);
        }
    }

    #[test]
    fn ticks_are_round_and_in_one_unit() {
        assert_eq!(labels(2000, 43), ["0", "0.5s", "1.0s", "1.5s", "2.0s"]);
        assert_eq!(labels(300, 40), ["0", "100ms", "200ms", "300ms"]);
        assert_eq!(labels(6000, 60), ["0", "1s", "2s", "3s", "4s", "5s", "6s"]);
        assert_eq!(labels(90_000, 30), ["0", "30s", "60s", "90s"]);
        assert_eq!(labels(180_000, 30), ["0", "1m", "2m", "3m"]);
        assert_eq!(labels(1000, 200)[1], "0.1s");
    }

    proptest! {
        #[test]
        fn any_time_has_a_span_and_a_bounded_number_of_ticks(now in any::<u64>(), width in any::<u16>()) {
            let span = span_ms(now);
            prop_assert!(span >= now);
            prop_assert!(span <= now.saturating_mul(2).max(200));
            prop_assert!(ticks(span, width).count() <= usize::from(width) / 5 + 2);
        }
    }
}

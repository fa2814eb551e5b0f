//! A chart of one value a second, from one row up: `▁▂▂▃▅▇▆▅▃▂ ▁▁`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::view::theme::Theme;

/// How several values become one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resample {
    /// The largest of them: a spike stays a spike.
    #[default]
    Max,
    /// All of them together.
    Sum,
}

/// A chart of one value a second, the newest at the right end; the largest one shown reaches the top.
///
/// ```text
/// values 0 3 – 8 1   becomes   ▁▄ █▂     zero is a line at the foot, a gap is blank
/// ```
///
/// Where there are more values than cells, as many of them as needed share one. They are grouped by their number since
/// the beginning ([`Sparkline::end`]), so that a group keeps its members while the chart moves on.
#[derive(Debug, Clone, Copy)]
pub struct Sparkline<'a> {
    data: &'a [Option<u64>],
    end: u64,
    window: usize,
    resample: Resample,
    ramp: &'a [Style],
}

impl<'a> Sparkline<'a> {
    /// A chart of `data`, oldest first, `None` for a gap; drawn in the theme's sparkline styles.
    #[must_use]
    pub const fn new(data: &'a [Option<u64>]) -> Self {
        Self { data, end: data.len() as u64, window: data.len(), resample: Resample::Max, ramp: &[] }
    }

    /// How many values there have been since the beginning, those that `data` no longer holds included.
    #[must_use]
    pub const fn end(mut self, values: u64) -> Self {
        self.end = values;
        self
    }

    /// How many values the width shows at least; `data`'s own number if not said otherwise. Charts below each other that
    /// say the same have the same scale of time, however much each of them knows.
    #[must_use]
    pub const fn window(mut self, values: usize) -> Self {
        self.window = values;
        self
    }

    /// How several values become one cell; the largest of them if not said otherwise.
    #[must_use]
    pub const fn resample(mut self, resample: Resample) -> Self {
        self.resample = resample;
        self
    }

    /// Styles from the foot to the top, such as `theme.spark_money` or one style alone.
    #[must_use]
    pub const fn ramp(mut self, ramp: &'a [Style]) -> Self {
        self.ramp = ramp;
        self
    }

    /// Draws it over the whole of `area`, as high as that is.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buffer.area);
        if area.is_empty() || self.data.is_empty() {
            return;
        }
        let width = usize::from(area.width);
        // The largest is looked for among what is drawn, in a first walk over the same groups.
        let largest = self.groups(width).take(width).flatten().max().unwrap_or(0).max(1);
        let ramp = if self.ramp.is_empty() { &theme.spark[..] } else { self.ramp };
        for (value, x) in self.groups(width).zip((area.left()..area.right()).rev()) {
            if let Some(value) = value {
                draw_column(value, largest, Rect { x, width: 1, ..area }, ramp, buffer, theme);
            }
        }
    }

    /// The value of each cell, newest first.
    ///
    /// Value number n belongs to group n * width / window, so groups stay what they are while values come, though their
    /// sizes differ by one where the window is no multiple of the width.
    fn groups(&self, width: usize) -> impl Iterator<Item = Option<u64>> {
        let window = self.window.max(width).max(1) as u128;
        let group = move |number: u64| u128::from(number) * width as u128 / window;
        let mut rest = self.data;
        let mut end = self.end.max(rest.len() as u64);
        std::iter::from_fn(move || {
            let newest = group(end.checked_sub(1)?);
            let mut values = None;
            let mut counted = false;
            while let Some((value, older)) = rest.split_last() {
                let number = end.saturating_sub(1);
                if group(number) != newest {
                    break;
                }
                values = match (values, *value) {
                    (Some(known), Some(value)) => Some(match self.resample {
                        Resample::Max => value.max(known),
                        Resample::Sum => value.saturating_add(known),
                    }),
                    (known, value) => known.or(value),
                };
                rest = older;
                end = number;
                counted = true;
            }
            counted.then_some(values)
        })
    }
}

/// One value as a column of cells. Zero has the lowest level for itself, so that it is told from a little.
fn draw_column(value: u64, largest: u64, column: Rect, ramp: &[Style], buffer: &mut Buffer, theme: &Theme) {
    // A chart of one row leaves the top of it free, so that it does not run into the one above.
    let eighths = if column.height == 1 { 7 } else { u64::from(column.height) * 8 };
    let level = if value == 0 {
        1
    } else {
        let share = u128::from(value) * u128::from(eighths - 2) / u128::from(largest);
        2 + u64::try_from(share).unwrap_or(0)
    };
    for (index, y) in (column.top()..column.bottom()).rev().enumerate() {
        let below = index as u64 * 8;
        if level <= below {
            break;
        }
        let part = usize::try_from(level - below).unwrap_or(8).min(8);
        let style = if value == 0 {
            theme.faint
        } else {
            // A chart of one row shows height by level, a taller one by row.
            let height = if column.height == 1 { level } else { below + 8 };
            let step = (height.saturating_sub(1) * ramp.len() as u64 / eighths).min(ramp.len() as u64 - 1);
            usize::try_from(step).ok().and_then(|step| ramp.get(step)).copied().unwrap_or_default()
        };
        if let Some(cell) = buffer.cell_mut((column.x, y)) {
            cell.set_symbol(theme.glyphs.levels[part]).set_style(style);
        }
    }
}

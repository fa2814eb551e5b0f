//! How much of a limit is used, in one line: `▕█████▍     ▏ 42 %`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{put, skip};
use crate::view::theme::Theme;

/// A gauge in one line.
///
/// ```text
/// ▕█████▍     ▏ 42 % of $0.28     below the limit
/// ▕███████████▸ 137 % of $0.28    past it: the end says so without colour too
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Gauge<'a> {
    /// What is used, where 1 is the limit; past it more than 1. No number (NaN) draws an empty gauge.
    pub fraction: f64,
    /// From which fraction on it warns.
    pub warn_at: f64,
    /// What stands behind it, such as `42 % of $0.28`; may be empty.
    pub label: &'a str,
}

impl<'a> Gauge<'a> {
    /// A gauge that warns from 80 % on, without a label.
    #[must_use]
    pub const fn new(fraction: f64) -> Self {
        Self { fraction, warn_at: 0.8, label: "" }
    }

    /// Sets what stands behind it.
    #[must_use]
    pub const fn label(mut self, label: &'a str) -> Self {
        self.label = label;
        self
    }

    /// Sets from which fraction on it warns.
    #[must_use]
    pub const fn warn_at(mut self, fraction: f64) -> Self {
        self.warn_at = fraction;
        self
    }

    /// The style of its filled part, which also suits a figure beside it.
    #[must_use]
    pub fn style(&self, theme: &Theme) -> Style {
        if self.fraction >= 1.0 {
            theme.gauge_over
        } else if self.fraction >= self.warn_at {
            theme.gauge_warning
        } else {
            theme.gauge
        }
    }

    /// The gauge as text of exactly `width` cells (at least 3, or nothing), without the label, to stand within a line.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer saturates, and the result is bounded by the width"
    )]
    pub fn line(&self, width: u16, theme: &Theme) -> Line<'static> {
        if width < 3 {
            return Line::default();
        }
        let glyphs = theme.glyphs;
        let room = usize::from(width) - 2;
        let all = room * 8;
        let mut eighths = (self.fraction.max(0.0) * all as f64).round() as usize;
        // Neither empty nor full before it is.
        if self.fraction > 0.0 {
            eighths = eighths.max(1);
        }
        if self.fraction < 1.0 {
            eighths = eighths.min(all - 1);
        }
        let eighths = eighths.min(all);
        let (whole, part) = (eighths / 8, eighths % 8);
        let mut filled = glyphs.bar[8].repeat(whole);
        if part > 0 {
            filled.push_str(glyphs.bar[part]);
        }
        let rest = glyphs.gauge_rest.repeat(room - whole - usize::from(part > 0));
        let style = self.style(theme);
        let [left, right] = glyphs.gauge_caps;
        let end = if self.fraction > 1.0 {
            Span::styled(glyphs.gauge_over, style)
        } else {
            Span::styled(right, theme.gauge_rest)
        };
        Line::from(vec![
            Span::styled(left, theme.gauge_rest),
            Span::styled(filled, style),
            Span::styled(rest, theme.gauge_rest),
            end,
        ])
    }

    /// Draws gauge and label into the first row of `area`; the label goes first when it is narrow.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buffer.area);
        let label = super::cells(crate::view::format::width(self.label));
        let with_label = if label > 0 { label.saturating_add(1) } else { 0 };
        let label_fits = area.width >= with_label.saturating_add(6);
        let width = if label_fits { area.width - with_label } else { area.width };
        let mut rest = area;
        for span in self.line(width, theme) {
            rest = skip(rest, put(rest, &span.content, span.style, buffer));
        }
        if label_fits && label > 0 {
            put(skip(rest, 1), self.label, theme.text, buffer);
        }
    }
}

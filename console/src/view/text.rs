//! Text of many lines: wrapping and scrolling.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The text in lines of at most `width` cells; at least one line, even of nothing.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, width.max(1)).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Draws lines from the one at `scroll` on, or from as far down as leaves no space below the last.
pub(super) fn draw_lines(lines: &[Line<'_>], scroll: usize, area: Rect, buffer: &mut Buffer) {
    let beyond = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll.min(beyond))) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

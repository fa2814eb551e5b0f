//! How much of a whole is done, in one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{put, skip};
use crate::view::theme::Theme;

/// Draws how much of `whole` is done. It is empty only where nothing is, and full only where all is.
///
/// ```text
/// ━━━━━━━━━━━━╸────────────
/// ```
pub fn render(done: u64, whole: u64, style: Style, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let [filled, rest] = text(done, whole, area.width, theme);
    let end = put(area, &filled, style, buffer);
    put(skip(area, end), &rest, theme.faint, buffer);
}

/// The same as text: what is done, and the rest up to `width` cells.
pub fn text(done: u64, whole: u64, width: u16, theme: &Theme) -> [String; 2] {
    let (cells, done) = (usize::from(width), u128::from(done.min(whole)));
    let halves = (done * u128::from(width) * 2 / u128::from(whole.max(1))).max(done.min(1));
    // No more than there are cells, which is far below any limit.
    let halves = usize::try_from(halves).unwrap_or(usize::MAX).min(2 * cells);
    let [half, full, _] = theme.glyphs.strip;
    let mut filled = full.repeat(halves / 2);
    filled.push_str(if halves % 2 == 1 { half } else { "" });
    [filled, theme.glyphs.border.horizontal_top.repeat(cells - halves.div_ceil(2))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::theme::{ColorDepth, Theme};

    fn drawn(done: u64, whole: u64, width: u16, ascii: bool) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let theme = Theme::new(ColorDepth::Ansi16, ascii);
        render(done, whole, theme.running, buffer.area, &mut buffer, &theme);
        buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn a_gauge_is_empty_only_at_nothing_and_full_only_at_all() {
        assert_eq!(drawn(0, 100, 4, false), "────");
        assert_eq!(drawn(1, 10_000, 4, false), "╸───");
        assert_eq!(drawn(50, 100, 4, false), "━━──");
        assert_eq!(drawn(9_999, 10_000, 4, false), "━━━╸");
        assert_eq!(drawn(10_000, 10_000, 4, false), "━━━━");
        assert_eq!(drawn(u64::MAX, 0, 4, false), "────", "of nothing, nothing is done");
        assert_eq!(drawn(5, 10, 4, true), "==--");
        assert_eq!(drawn(1, 2, 0, false), "");
    }
}

//! How much of a whole is done, in one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::view::theme::Theme;

/// Draws how much of `whole` is done. It is empty only where nothing is, and full only where all is.
///
/// ```text
/// ━━━━━━━━━━━━╸────────────
/// ```
pub fn render(done: u64, whole: u64, style: Style, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let area = area.intersection(buffer.area);
    let halves = u128::from(area.width) * 2;
    if halves == 0 || area.height == 0 {
        return;
    }
    let done = u128::from(done.min(whole));
    let filled = (done * halves / u128::from(whole.max(1))).max(done.min(1));
    let [half, full, _] = theme.glyphs.strip;
    for x in 0..area.width {
        let (symbol, style) = match filled.saturating_sub(u128::from(x) * 2) {
            0 => (theme.glyphs.border.horizontal_top, theme.faint),
            1 => (half, style),
            _ => (full, style),
        };
        if let Some(cell) = buffer.cell_mut((area.x.saturating_add(x), area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
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

//! A frame with a title that carries figures: `╭ Investigations · 2 running · 377 done ── by cost ▾ ─╮`.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{cells, from_right, put, skip};
use crate::view::format;
use crate::view::theme::Theme;

/// A framed part of the screen.
///
/// ```text
/// ╭ title · figure · figure ─────── note ─╮
/// │ what `render` returns                 │
/// ╰───────────────────────────────────────╯
/// ```
///
/// When it is narrow the note goes first, then the figures from the last on, then the end of the title.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    title: Cow<'a, str>,
    figures: Vec<(Cow<'a, str>, Option<Style>)>,
    note: Cow<'a, str>,
    focused: bool,
    flush: bool,
}

impl<'a> Panel<'a> {
    /// A panel with a title.
    pub fn new(title: impl Into<Cow<'a, str>>) -> Self {
        Self { title: title.into(), figures: Vec::new(), note: Cow::Borrowed(""), focused: false, flush: false }
    }

    /// Adds a figure to the title; an empty one is left out.
    #[must_use]
    pub fn figure(self, figure: impl Into<Cow<'a, str>>) -> Self {
        self.push(figure.into(), None)
    }

    /// Adds a figure with a style of its own, such as money or what failed.
    #[must_use]
    pub fn styled_figure(self, figure: impl Into<Cow<'a, str>>, style: Style) -> Self {
        self.push(figure.into(), Some(style))
    }

    /// What stands at the right end of the title: how it is sorted, what is hidden.
    #[must_use]
    pub fn note(mut self, note: impl Into<Cow<'a, str>>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether keys go here.
    #[must_use]
    pub const fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// Lets the inside reach the right border, for a table, whose last column is its scrollbar's.
    #[must_use]
    pub const fn flush(mut self) -> Self {
        self.flush = true;
        self
    }

    fn push(mut self, figure: Cow<'a, str>, style: Option<Style>) -> Self {
        if !figure.is_empty() {
            self.figures.push((figure, style));
        }
        self
    }

    /// The inside of a panel drawn into `area`, without drawing it.
    #[must_use]
    pub const fn inner(&self, area: Rect) -> Rect {
        let right = if self.flush { 1 } else { 2 };
        Rect {
            x: area.x.saturating_add(2),
            y: area.y.saturating_add(1),
            width: area.width.saturating_sub(2 + right),
            height: area.height.saturating_sub(2),
        }
    }

    /// Draws the frame and returns its inside, a column away from the border on each side.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) -> Rect {
        let inner = self.inner(area).intersection(buffer.area);
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return Rect { width: 0, height: 0, ..area };
        }
        let border = if self.focused { theme.border_focused } else { theme.border };
        self.frame(area, border, buffer, theme);
        self.heading(Rect { height: 1, ..skip(area, 1) }, buffer, theme);
        inner
    }

    fn frame(&self, area: Rect, style: Style, buffer: &mut Buffer, theme: &Theme) {
        let set = &theme.glyphs.border;
        let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
        let mut cell = |x, y, symbol: &str| {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_symbol(symbol).set_style(style);
            }
        };
        for x in left..=right {
            cell(x, bottom, set.horizontal_bottom);
            cell(x, top, set.horizontal_top);
        }
        for y in top..=bottom {
            cell(left, y, set.vertical_left);
            cell(right, y, set.vertical_right);
        }
        cell(left, bottom, set.bottom_left);
        cell(right, bottom, set.bottom_right);
        cell(left, top, set.top_left);
        cell(right, top, set.top_right);
    }

    /// The title in the row of the upper border, from its second column on.
    fn heading(&self, row: Rect, buffer: &mut Buffer, theme: &Theme) {
        let room = usize::from(row.width.saturating_sub(4));
        let title = format::fit(&self.title, room, theme.glyphs.ellipsis);
        if title.is_empty() {
            return;
        }
        let mut used = format::width(&title);
        let mut shown = 0;
        for (figure, _) in &self.figures {
            let more = used + 3 + format::width(figure);
            if more > room {
                break;
            }
            used = more;
            shown += 1;
        }
        let title_style = if self.focused { theme.title.patch(theme.accent) } else { theme.title };
        let mut rest = clear(row, used + 2, buffer);
        let mut write = |text: &str, style, buffer: &mut Buffer| {
            rest = skip(rest, put(rest, text, style, buffer));
        };
        write(&title, title_style, buffer);
        for (figure, style) in &self.figures[..shown] {
            write(" ", theme.faint, buffer);
            write(theme.glyphs.dot, theme.faint, buffer);
            write(" ", theme.faint, buffer);
            write(figure, style.unwrap_or(theme.dim), buffer);
        }
        let note = format::width(&self.note);
        // A blank on both sides, a dash and the corner after it, and a few dashes before it.
        if shown == self.figures.len() && !self.note.is_empty() && used + note + 9 <= usize::from(row.width) {
            let place = clear(from_right(row, cells(note + 4)), note + 2, buffer);
            put(place, &self.note, theme.dim, buffer);
        }
    }
}

/// Takes cells out of the border, so that text there has none of its style; answers what follows the first of them.
fn clear(row: Rect, cells_to_clear: usize, buffer: &mut Buffer) -> Rect {
    for x in (row.left()..row.right()).take(cells_to_clear) {
        if let Some(cell) = buffer.cell_mut((x, row.y)) {
            cell.reset();
        }
    }
    skip(row, 1)
}

//! A table that shows the columns that fit and the rows that are visible, and touches no others.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{cells, from_right, put, put_right, row, skip};
use crate::view::format;
use crate::view::theme::Theme;

/// Cells before the first column: the selection's marker and a blank.
const GUTTER: u16 = 2;
/// Cells between two columns.
const GAP: u16 = 2;
/// Cells after the last column: the scrollbar's.
const SCROLLBAR: u16 = 1;

/// Where a cell's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// At the left end, as words do.
    #[default]
    Left,
    /// At the right end, as numbers do.
    Right,
}

/// Which part of a text is kept when it is wider than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// The beginning.
    #[default]
    Start,
    /// The end, where the names of replicas differ.
    End,
}

/// One column: what it is called, how wide it wants to be, and how much it matters.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    title: &'a str,
    min: u16,
    ideal: u16,
    align: Align,
    keep: Keep,
    priority: u8,
    flex: bool,
}

impl<'a> Column<'a> {
    /// A column of words, `min` cells wide at least, of which there is one, and `ideal` where there is room.
    #[must_use]
    pub const fn new(title: &'a str, min: u16, ideal: u16) -> Self {
        // One without a cell would find room anywhere, and nobody would see it or hear that it is hidden.
        let min = if min == 0 { 1 } else { min };
        let ideal = if ideal < min { min } else { ideal };
        Self { title, min, ideal, align: Align::Left, keep: Keep::Start, priority: 0, flex: false }
    }

    /// Puts title and cells at the right end, as numbers stand.
    #[must_use]
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// What is kept of a text that is too wide.
    #[must_use]
    pub const fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// When it goes: the column with the largest number goes first, one with 0 never.
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Whether it may be left out.
    pub(crate) const fn may_go(&self) -> bool {
        self.priority > 0
    }

    /// Lets it take what no other column wants, as a chart or a summary does; several of them share it.
    #[must_use]
    pub const fn flex(mut self) -> Self {
        self.flex = true;
        self
    }
}

/// A table over rows that only the caller knows: it draws the visible ones through a callback.
///
/// ```text
///   REPLICA        STATE      RUN     COST  LAST 60 S
/// ▸ …7d9c-x2kqp    ● ready      1  $0.0672  ▁▂▂▃▅▇▆▅▃▂ ▐
///   …7d9c-p8mvd    ● ready      1  $0.0411  ▁▁▂▂▃▃▂▂▁▁
/// ^^ gutter: the marker        ^^ gap                  ^ scrollbar, when rows exceed the height
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// All columns, in their order.
    pub columns: &'a [Column<'a>],
    /// How many rows there are, visible or not.
    pub rows: usize,
    /// The selected row.
    pub selected: Option<usize>,
    /// Whether keys go to this table.
    pub focused: bool,
    /// Whether the titles of the columns are drawn.
    pub header: bool,
}

/// Which rows a table draws, and where.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// Where the rows are.
    pub body: Rect,
    /// The first of them.
    pub first: usize,
    /// How many they are.
    pub count: usize,
}

impl Drawn {
    /// The row at a place of the screen, for the mouse.
    #[must_use]
    pub fn row_at(&self, x: u16, y: u16) -> Option<usize> {
        let inside = self.body.contains((x, y).into());
        let index = usize::from(y.saturating_sub(self.body.y));
        (inside && index < self.count).then_some(self.first + index)
    }
}

/// The first of `rows` rows to draw in `height` lines: the very first, or as many further down as it takes to have the
/// selected one in sight.
#[must_use]
pub fn first_row(selected: Option<usize>, height: usize, rows: usize) -> usize {
    selected.map_or(0, |selected| selected.saturating_add(1).saturating_sub(height)).min(rows.saturating_sub(height))
}

/// Where a table in `area` has its rows, and which ones. What is drawn and what the mouse finds both go by it.
#[must_use]
pub fn rows_in(area: Rect, header: bool, selected: Option<usize>, rows: usize) -> Drawn {
    let body =
        if header { Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area } } else { area };
    let height = usize::from(body.height);
    let first = first_row(selected, height, rows);
    Drawn { body, first, count: height.min(rows - first.min(rows)) }
}

/// The start and the width of each column's cells in `width` cells; none for a column without room.
///
/// The least important ones go first. What is left over goes to the most important ones until they have their ideal
/// width, then to the flexible ones.
#[must_use]
pub fn fit_columns(columns: &[Column<'_>], width: u16) -> Vec<Option<(u16, u16)>> {
    let mut widths: Vec<Option<u16>> = columns.iter().map(|column| Some(column.min)).collect();
    let needed = |widths: &[Option<u16>]| {
        let shown = widths.iter().flatten().count();
        let gaps = usize::from(GAP) * shown.saturating_sub(1);
        widths.iter().flatten().map(|width| usize::from(*width)).sum::<usize>() + gaps
    };
    let room = usize::from(width.saturating_sub(GUTTER + SCROLLBAR));
    while needed(&widths) > room {
        let least = columns.iter().enumerate().filter(|(index, column)| widths[*index].is_some() && column.may_go());
        let Some((index, _)) = least.max_by_key(|(index, column)| (column.priority, *index)) else { break };
        widths[index] = None;
    }
    let mut spare = room.saturating_sub(needed(&widths));
    let mut by_importance: Vec<usize> = (0..columns.len()).collect();
    by_importance.sort_by_key(|index| columns[*index].priority);
    for index in by_importance {
        if let Some(width) = &mut widths[index] {
            let more = usize::from(columns[index].ideal.saturating_sub(*width)).min(spare);
            *width += cells(more);
            spare -= more;
        }
    }
    let mut flexible = columns.iter().zip(&widths).filter(|(column, width)| column.flex && width.is_some()).count();
    for (column, width) in columns.iter().zip(&mut widths) {
        if let (true, Some(width)) = (column.flex, width) {
            let more = spare / flexible;
            *width = width.saturating_add(cells(more));
            spare -= more;
            flexible -= 1;
        }
    }
    let mut x = GUTTER;
    let mut place = |width: u16| {
        let start = x;
        x = x.saturating_add(width).saturating_add(GAP);
        (start, width)
    };
    widths.into_iter().map(|width| width.map(&mut place)).collect()
}

/// The column of a table in `area` whose title is at a place of the screen, for the mouse.
#[must_use]
pub fn head_at(columns: &[Column<'_>], area: Rect, x: u16, y: u16) -> Option<usize> {
    let on_heads = y == area.y && area.contains((x, y).into());
    let x = x.checked_sub(area.x).filter(|_| on_heads)?;
    let is_there = |place: &Option<(u16, u16)>| place.is_some_and(|(start, width)| (start..start + width).contains(&x));
    fit_columns(columns, area.width).iter().position(is_there)
}

/// What a title says of a table: `note`, and how many columns find no room in `width` cells.
#[must_use]
pub fn hidden(columns: &[Column<'_>], width: u16, note: &str) -> String {
    match fit_columns(columns, width).iter().filter(|place| place.is_none()).count() {
        0 => note.to_owned(),
        1 => format!("{note}, 1 column hidden"),
        count => format!("{note}, {count} columns hidden"),
    }
}

/// One visible row, to be filled column by column; columns are named by their place in [`Table::columns`], and those
/// without room are passed over.
#[derive(Debug)]
pub struct Row<'t, 'b> {
    columns: &'t [Column<'t>],
    places: &'t [Option<(u16, u16)>],
    area: Rect,
    buffer: &'b mut Buffer,
    ellipsis: &'static str,
}

impl Row<'_, '_> {
    /// Where a column's cell is; none when the column has no room.
    #[must_use]
    pub fn area(&self, column: usize) -> Option<Rect> {
        let (start, width) = (*self.places.get(column)?)?;
        let cell = skip(self.area, start);
        Some(Rect { width: width.min(cell.width), ..cell }).filter(|cell| !cell.is_empty())
    }

    /// Writes text, cut to the column and aligned as the column says.
    pub fn text(&mut self, column: usize, text: &str, style: Style) {
        let (Some(area), Some(column)) = (self.area(column), self.columns.get(column)) else { return };
        let room = usize::from(area.width);
        let text = match column.keep {
            Keep::Start => format::fit(text, room, self.ellipsis),
            Keep::End => format::fit_start(text, room, self.ellipsis),
        };
        match column.align {
            Align::Left => {
                put(area, &text, style, self.buffer);
            }
            Align::Right => put_right(area, &text, style, self.buffer),
        }
    }

    /// Draws over all cells from a column on, as for a sentence.
    pub fn rest(&mut self, column: usize, draw: impl FnOnce(Rect, &mut Buffer)) {
        if let Some(first) = (column..self.columns.len()).find_map(|column| self.area(column)) {
            let area = Rect { width: self.area.right().saturating_sub(first.x), ..first };
            draw(area, self.buffer);
        }
    }

    /// Draws anything else into the cell, such as a sparkline.
    pub fn draw(&mut self, column: usize, draw: impl FnOnce(Rect, &mut Buffer)) {
        if let Some(area) = self.area(column) {
            draw(area, self.buffer);
        }
    }
}

impl<'a> Table<'a> {
    /// A table with a header, without focus and selection.
    #[must_use]
    pub const fn new(columns: &'a [Column<'a>], rows: usize) -> Self {
        Self { columns, rows, selected: None, focused: false, header: true }
    }

    /// Draws header and visible rows; `draw` is called once for each of them, with its number.
    pub fn render(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        theme: &Theme,
        mut draw: impl FnMut(usize, &mut Row<'_, '_>),
    ) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let places = fit_columns(self.columns, area.width);
        let Drawn { body, first, count } = rows_in(area, self.header, self.selected, self.rows);
        if self.header {
            let mut header = Row { columns: self.columns, places: &places, area: row(area, 0), buffer, ellipsis: "" };
            for (index, column) in self.columns.iter().enumerate() {
                header.text(index, column.title, theme.dim);
            }
        }
        for (y, index) in (first..first + count).enumerate() {
            let line = row(body, cells(y));
            let cells_of_row = Rect { width: line.width.saturating_sub(SCROLLBAR), ..line };
            let mut cells_of_row = Row {
                columns: self.columns,
                places: &places,
                area: cells_of_row,
                buffer,
                ellipsis: theme.glyphs.ellipsis,
            };
            draw(index, &mut cells_of_row);
            if self.selected == Some(index) {
                let style = if self.focused { theme.accent } else { theme.dim };
                put(line, theme.glyphs.marker, style, buffer);
                theme.highlight(Rect { width: line.width.saturating_sub(SCROLLBAR), ..line }, self.focused, buffer);
            }
        }
        if self.rows > count && count > 0 {
            scrollbar(from_right(body, SCROLLBAR), first, count, self.rows, buffer, theme);
        }
    }
}

/// A thumb as long as the visible share of the rows, at least one cell, at its place.
fn scrollbar(track: Rect, first: usize, count: usize, rows: usize, buffer: &mut Buffer, theme: &Theme) {
    let height = u128::from(track.height);
    let share = |part: usize, of: usize, whole: u128| part as u128 * whole / (of as u128).max(1);
    let length = share(count, rows, height).clamp(1, height.max(1));
    let start = share(first, rows.saturating_sub(count), height - length.min(height));
    for y in 0..track.height {
        if (start..start + length).contains(&u128::from(y)) {
            put(row(track, y), theme.glyphs.scroll_thumb, theme.faint, buffer);
        }
    }
}

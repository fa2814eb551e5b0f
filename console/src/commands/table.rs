//! A table in plain text: columns as wide as what stands in them, and no wider than the terminal.

use std::io::IsTerminal;

use crate::view::format::{fit_middle, width};

/// Cells between two columns.
const GAP: usize = 2;
/// What a column that gives way keeps at least.
const NARROWEST: usize = 12;

/// How the entries of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Columns and rows of text.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    #[must_use]
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with an entry for each column.
    pub(super) fn row(&mut self, entries: Vec<String>) {
        debug_assert_eq!(entries.len(), self.columns.len(), "a row has an entry for each column");
        self.rows.push(entries);
    }

    /// The table as lines, in at most `room` cells where its words allow: the widest column of words gives way first.
    #[must_use]
    pub(super) fn render(&self, room: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| width(name)).collect();
        for row in &self.rows {
            for (wide, entry) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(width(entry));
            }
        }
        if let Some(room) = room {
            self.shrink(&mut widths, room);
        }
        let mut text = String::new();
        self.line(&mut text, &widths, self.columns.iter().map(|(name, _)| *name));
        for row in &self.rows {
            self.line(&mut text, &widths, row.iter().map(String::as_str));
        }
        text
    }

    fn shrink(&self, widths: &mut [usize], room: usize) {
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let words = self.columns.iter().enumerate().filter(|(_, (_, align))| *align == Align::Left);
            let widest = words.map(|(at, _)| at).max_by_key(|&at| widths[at]);
            let Some(at) = widest.filter(|&at| total > room && widths[at] > NARROWEST) else { return };
            widths[at] -= (total - room).min(widths[at] - NARROWEST).div_ceil(2).max(1);
        }
    }

    fn line<'a>(&self, text: &mut String, widths: &[usize], entries: impl Iterator<Item = &'a str>) {
        let start = text.len();
        for (((_, align), &wide), entry) in self.columns.iter().zip(widths).zip(entries) {
            if text.len() > start {
                text.push_str(&" ".repeat(GAP));
            }
            let entry = fit_middle(entry, wide, "…");
            let padding = " ".repeat(wide.saturating_sub(width(&entry)));
            match align {
                Align::Left => text.extend([&*entry, &padding]),
                Align::Right => text.extend([&*padding, &entry]),
            }
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
}

/// The cells of a line of standard output where that is a terminal; a file or a pipe has any number.
#[must_use]
pub(super) fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|&columns| columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("NAME", Align::Left), ("DONE", Align::Right), ("NOTE", Align::Left)]);
        table.row(vec!["支払い".to_owned(), "7".to_owned(), String::new()]);
        table.row(vec!["checkout-api-7d9c-x2kqp".to_owned(), "1234".to_owned(), "well".to_owned()]);
        table
    }

    #[test]
    fn columns_align_by_cells_and_lines_have_no_tail() {
        assert_eq!(
            table().render(None),
            "NAME                     DONE  NOTE\n支払い                      7\ncheckout-api-7d9c-x2kqp  1234  well\n"
        );
    }

    #[test]
    fn words_give_way_to_a_narrow_terminal() {
        let text = table().render(Some(28));
        assert!(text.lines().all(|line| width(line) <= 28), "{text}");
        assert!(text.contains("1234") && text.contains('…'), "{text}");
        assert!(!table().render(Some(1)).is_empty());
    }
}

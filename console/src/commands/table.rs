//! A table in plain text: columns as wide as what stands in them, and no wider than the terminal.

use std::io::IsTerminal;

use crate::view::format::{fit_middle, width};

/// Cells between two columns.
const GAP: usize = 2;
/// What a column that gives way keeps at least: enough to tell pods apart.
const NARROWEST: usize = 16;

/// How the entries of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A column: its name, how its entries stand, and how soon it is left out where there is no room; 0 is never, and the
/// highest goes first.
pub(super) type Column = (&'static str, Align, u8);

/// Columns and rows of text.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    #[must_use]
    pub(super) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with an entry for each column.
    pub(super) fn row(&mut self, entries: Vec<String>) {
        debug_assert_eq!(entries.len(), self.columns.len(), "a row has an entry for each column");
        self.rows.push(entries);
    }

    /// The table as lines, in at most `room` cells where that is possible: the widest column of words gives way first,
    /// then whole columns are left out, and a last line names them.
    #[must_use]
    pub(super) fn render(&self, room: Option<usize>) -> String {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut left_out = Vec::new();
        let mut widths = self.widths();
        if let Some(room) = room {
            self.shrink(&mut widths, &shown, room);
            while total(&widths, &shown) > room {
                let least = shown.iter().copied().filter(|&at| self.columns[at].2 > 0);
                let Some(least) = least.max_by_key(|&at| self.columns[at].2) else { break };
                shown.retain(|&at| at != least);
                left_out.push(self.columns[least].0);
                // What was left out may make room for words that gave way.
                widths = self.widths();
                self.shrink(&mut widths, &shown, room);
            }
        }
        let mut text = String::new();
        self.line(&mut text, &widths, &shown, |at| self.columns[at].0);
        for row in &self.rows {
            self.line(&mut text, &widths, &shown, |at| &row[at]);
        }
        if !left_out.is_empty() {
            text.push_str(&format!("(too narrow for {})\n", left_out.join(", ")));
        }
        text
    }

    /// What each column would need.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, ..)| width(name)).collect();
        for row in &self.rows {
            for (wide, entry) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(width(entry));
            }
        }
        widths
    }

    fn shrink(&self, widths: &mut [usize], shown: &[usize], room: usize) {
        while total(widths, shown) > room {
            let words = shown.iter().copied().filter(|&at| self.columns[at].1 == Align::Left);
            let Some(widest) = words.max_by_key(|&at| widths[at]).filter(|&at| widths[at] > NARROWEST) else { return };
            widths[widest] -= 1;
        }
    }

    fn line<'a>(&self, text: &mut String, widths: &[usize], shown: &[usize], entry: impl Fn(usize) -> &'a str) {
        let start = text.len();
        for &at in shown {
            if text.len() > start {
                text.push_str(&" ".repeat(GAP));
            }
            let entry = fit_middle(entry(at), widths[at], "…");
            let padding = " ".repeat(widths[at].saturating_sub(width(&entry)));
            match self.columns[at].1 {
                Align::Left => text.extend([&*entry, &padding]),
                Align::Right => text.extend([&*padding, &entry]),
            }
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
}

fn total(widths: &[usize], shown: &[usize]) -> usize {
    shown.iter().map(|&at| widths[at]).sum::<usize>() + GAP * shown.len().saturating_sub(1)
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
        let mut table = Table::new(&[("NAME", Align::Left, 0), ("DONE", Align::Right, 1), ("NOTE", Align::Left, 0)]);
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
        assert!(text.contains("1234") && text.contains('…') && text.contains("x2kqp"), "{text}");
    }

    #[test]
    fn what_matters_least_is_left_out_and_named() {
        let text = table().render(Some(24));
        assert!(text.lines().all(|line| width(line) <= 24), "{text}");
        assert!(!text.contains("1234") && text.ends_with("(too narrow for DONE)\n"), "{text}");
        assert!(!table().render(Some(1)).is_empty());
    }
}

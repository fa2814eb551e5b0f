//! Figures as people read them, and tables of them in Markdown that line up on a terminal too.

use std::fmt;
use std::time::Duration;

/// A table.
pub(crate) struct Table<const COLUMNS: usize> {
    head: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(head: [&'static str; COLUMNS]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = self.head.map(|cell| cell.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let rules = widths.map(|width| "-".repeat(width));
        line(f, &widths, &self.head)?;
        line(f, &widths, &rules)?;
        self.rows.iter().try_for_each(|row| line(f, &widths, row))
    }
}

fn line(f: &mut fmt::Formatter<'_>, widths: &[usize], cells: &[impl AsRef<str>]) -> fmt::Result {
    for (width, cell) in widths.iter().zip(cells) {
        write!(f, "| {:width$} ", cell.as_ref())?;
    }
    writeln!(f, "|")
}

/// The value in the middle; zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value that this share of all does not exceed, from 0 to 1; zero of none.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place among values that fit into memory"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// A whole number, with its thousands apart.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in the unit that suits it.
pub(crate) fn time(value: Duration) -> String {
    let micros = value.as_secs_f64() * 1e6;
    match micros {
        ..100.0 => format!("{micros:.1} µs"),
        100.0..1000.0 => format!("{micros:.0} µs"),
        1000.0..100_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", tenths(bytes, 1024 * 1024))
}

pub(crate) fn kibibytes(bytes: u64) -> String {
    format!("{} KiB", tenths(bytes, 1024))
}

fn tenths(bytes: u64, unit: u64) -> String {
    let tenths = bytes * 10 / unit;
    format!("{}.{}", tenths / 10, tenths % 10)
}

//! Programs in pseudo-terminals of the size of the figures.

use vt100::Screen;

use crate::pty::{LANGDECK, Pty};
use crate::{COLUMNS, ROWS};

/// The console on these addresses.
pub(crate) fn open(urls: &[String]) -> Pty {
    let args: Vec<_> = urls.iter().flat_map(|url| ["--url", url]).collect();
    Pty::spawn(LANGDECK, &args, &[], COLUMNS, ROWS)
}

/// Whether a frame is there to its last row, which comes last.
pub(crate) fn is_painted(screen: &Screen) -> bool {
    (0..COLUMNS).any(|column| screen.cell(ROWS - 1, column).is_some_and(vt100::Cell::has_contents))
}

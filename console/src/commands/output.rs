//! Writing as a good neighbour in a pipe: results to standard output, and what is under way to standard error.

use std::io::{self, IsTerminal, Write};

use crate::view::format::fit;

/// Prints text to standard output; whether anybody still reads. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
///
/// When it cannot be written for another reason, such as a full disk.
pub(super) fn print(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(io::Error::new(error.kind(), format!("cannot write the output: {error}"))),
    }
}

/// A line on standard error about what is under way, written anew again and again where that is a terminal.
#[derive(Debug)]
pub(super) struct Line {
    terminal: bool,
    drawn: bool,
}

impl Line {
    /// A line that is not there yet.
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), drawn: false }
    }

    /// Whether it can be written anew.
    pub(super) const fn is_on_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes whole lines in its place, and after them what stands in it now, as far as there is room; nothing takes it
    /// away. Only for terminals.
    pub(super) fn show(&mut self, above: &str, now: &str) {
        let room = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)).max(2) - 1;
        let before = if self.drawn { "\r\x1b[K" } else { "" };
        write_err(&format!("{before}{above}{}", fit(now, room, "…")));
        self.drawn = !now.is_empty();
    }

    /// Takes it away.
    pub(super) fn clear(&mut self) {
        if self.drawn {
            self.show("", "");
        }
    }
}

/// Writes to standard error.
pub(super) fn write_err(text: &str) {
    let mut err = io::stderr().lock();
    // A closed standard error only hides what is under way.
    let _hidden = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

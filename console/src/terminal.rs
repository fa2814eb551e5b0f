//! The terminal: entered once, and left as it was found however the console ends.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::{Frame, Terminal};

use crate::crash;

/// Whether the terminal is in the console's hands.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// What ends a frame, and makes the terminal show it.
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

/// The terminal in the console's hands. Dropping it restores the terminal; so does a panic, before anything is printed.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Frames>>,
    colour: bool,
    repaint: bool,
}

impl Screen {
    /// Takes the terminal over: raw mode, the alternate screen, the mouse, pasted text as one piece. Without `colour`
    /// nothing that is drawn emits a colour code, whatever the styles say.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or it does not let itself be set up; it is then left as it was.
    pub fn enter(colour: bool) -> io::Result<Self> {
        crash::install();
        take_over().inspect_err(|_| leave())?;
        let terminal = Terminal::new(CrosstermBackend::new(Frames::default())).inspect_err(|_| leave())?;
        Ok(Self { terminal, colour, repaint: false })
    }

    /// Draws one frame; the terminal shows it at once and as a whole, where it knows how.
    ///
    /// # Errors
    ///
    /// When the terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if std::mem::take(&mut self.repaint) {
            // Not `clear`, which asks the terminal where its cursor is and fails where none answers.
            self.terminal.resize(self.area())?;
        }
        let colour = self.colour;
        self.terminal.draw(|frame| {
            draw(frame);
            if !colour {
                // With NO_COLOR crossterm writes a colour as an empty sequence, which resets bold and reverse in the
                // middle of a row.
                for cell in &mut frame.buffer_mut().content {
                    cell.fg = Color::Reset;
                    cell.bg = Color::Reset;
                    cell.underline_color = Color::Reset;
                }
            }
        })?;
        let backend = self.terminal.backend_mut();
        backend.write_all(END_OF_FRAME)?;
        io::Write::flush(backend)
    }

    /// The whole screen.
    #[must_use]
    pub fn area(&self) -> Rect {
        self.terminal.size().map(|size| Rect::new(0, 0, size.width, size.height)).unwrap_or_default()
    }

    /// Makes the next frame draw every cell, whatever the terminal shows now.
    pub const fn repaint(&mut self) {
        self.repaint = true;
    }

    /// Forgets a frame that a panic has broken off.
    pub fn start_over(&mut self) {
        self.terminal.current_buffer_mut().reset();
        self.repaint();
    }

    /// Takes the terminal over again after it was left, or after someone else has changed its modes.
    ///
    /// # Errors
    ///
    /// As for [`Screen::enter`].
    pub fn reenter(&mut self) -> io::Result<()> {
        leave();
        take_over().inspect_err(|_| leave())?;
        self.repaint();
        Ok(())
    }
}

/// Gathers what is drawn until a frame is whole, and lets it go in one write. What is not whole is never written: a panic
/// in the middle of a frame leaves nothing behind.
#[derive(Debug, Default)]
struct Frames {
    frame: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// The backend flushes in the middle of a frame too, whenever it clears or moves the cursor.
    fn flush(&mut self) -> io::Result<()> {
        if !self.frame.ends_with(END_OF_FRAME) {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        // A panic of another thread may have given the terminal back, and this one not know of its end yet.
        let written = if is_entered() { out.write_all(&self.frame).and_then(|()| out.flush()) } else { Ok(()) };
        self.frame.clear();
        written
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Whether a full-screen console can open here; otherwise the reason, as a clause.
///
/// # Errors
///
/// Why it cannot.
pub fn can_open() -> Result<(), &'static str> {
    if !io::stdout().is_terminal() {
        Err("standard output is not a terminal")
    } else if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        Err("the terminal says that it is dumb (TERM=dumb)")
    } else {
        Ok(())
    }
}

/// Whether the terminal is in the console's hands.
#[must_use]
pub fn is_entered() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was found. Does nothing where it was not taken, or was given back already; can be called
/// from anywhere at any time. What fails is passed over: a terminal that is gone needs no restoring.
pub fn leave() {
    // Locked first, so that a frame on its way is out before, and none comes after.
    let mut out = io::stdout().lock();
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let _gone =
        execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _gone = disable_raw_mode();
}

/// Whether an error means that there is no terminal any more, because its window or its connection was closed.
#[must_use]
pub fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::BrokenPipe
}

fn take_over() -> io::Result<()> {
    ENTERED.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    enable_mouse(&mut out)
}

/// Presses and the wheel only. Crossterm's command asks for every movement too, and each would wake the console.
#[cfg(unix)]
fn enable_mouse(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\x1b[?1000h\x1b[?1006h")?;
    out.flush()
}

#[cfg(not(unix))]
fn enable_mouse(out: &mut impl Write) -> io::Result<()> {
    execute!(out, crossterm::event::EnableMouseCapture)
}

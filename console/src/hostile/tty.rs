//! A terminal to draw on, and whether it shows what was drawn and received nothing else.

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ratatui::backend::CrosstermBackend;
use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use unicode_width::UnicodeWidthChar;

use crate::app::App;
use crate::view::theme::{ColorDepth, Theme};
use crate::view::{self, Texts};

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// A terminal that takes each character for itself, as most do, and everything that was written to it.
pub(super) struct Tty {
    terminal: Terminal<CrosstermBackend<Wire>>,
    wire: Wire,
    emulator: vt100::Parser,
    theme: Theme,
    texts: Texts,
}

#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<u8>>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tty {
    pub(super) fn new((columns, rows): (u16, u16), ascii: bool) -> Self {
        let wire = Wire::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let terminal = Terminal::with_options(CrosstermBackend::new(wire.clone()), TerminalOptions { viewport })
            .expect("a terminal");
        let at_least_one = |count| NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN);
        let emulator = vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0);
        Self { terminal, wire, emulator, theme: Theme::new(ColorDepth::TrueColor, ascii), texts: Texts::default() }
    }

    /// Draws a frame over the one before; what is wrong with what reached the terminal, if anything.
    pub(super) fn draw(&mut self, app: &mut App, now: Instant) -> Result<(), String> {
        let mut beyond = 0;
        let frame = self.terminal.draw(|frame| beyond = view::draw(app, frame, &self.theme, &self.texts, now));
        let buffer = frame.map_err(|error| error.to_string())?.buffer.clone();
        app.limit_scroll(beyond);
        let bytes = std::mem::take(&mut *self.wire.0.lock().unwrap_or_else(PoisonError::into_inner));
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        ours(&text)?;
        // The emulator shows no replacement character; terminals do, as wide as this one.
        self.emulator.process(text.replace(REPLACEMENT, "?").as_bytes());
        same(&buffer, self.emulator.screen())
    }
}

/// Whether what was written holds no sequences but those that place, colour and hide, and no other control character.
fn ours(text: &str) -> Result<(), String> {
    let mut pieces = text.split('\u{1b}');
    let plain = pieces.next().unwrap_or_default();
    for piece in std::iter::once(plain).chain(pieces.map(|piece| {
        let parameters = piece.strip_prefix('[').unwrap_or("\u{0}");
        let rest = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | '?'));
        rest.strip_prefix(['H', 'm', 'J', 'h', 'l']).unwrap_or("\u{0}")
    })) {
        if let Some(foreign) = piece.chars().find(|c| c.is_control()) {
            return Err(format!("{foreign:?} reached the terminal in {text:?}"));
        }
    }
    Ok(())
}

/// Whether the terminal shows in each cell what was drawn there. Characters without a width are not compared.
fn same(buffer: &Buffer, screen: &vt100::Screen) -> Result<(), String> {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            let mut expected = cell.symbol().chars().filter(|c| c.width().unwrap_or(0) > 0).peekable();
            let end = x + cell.cell_width().max(1);
            while x < end {
                let seen = screen.cell(y, x).map(vt100::Cell::contents).unwrap_or_default();
                let seen = seen.chars().find(|c| c.width().unwrap_or(0) > 0).unwrap_or(' ');
                let wide = expected.next().map(|c| if c == REPLACEMENT { '?' } else { c });
                if seen != wide.unwrap_or(' ') {
                    return Err(format!(
                        "{seen:?} at {x},{y} and not {wide:?} of {:?}\n{}",
                        cell.symbol(),
                        screen.contents()
                    ));
                }
                x += u16::try_from(wide.and_then(char::width).unwrap_or(1)).unwrap_or(1);
            }
            if let Some(beyond) = expected.next() {
                return Err(format!("{:?} has no room for {beyond:?}", cell.symbol()));
            }
        }
    }
    Ok(())
}

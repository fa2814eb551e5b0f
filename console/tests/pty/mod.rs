//! The real binary in a pseudo-terminal: type keys, wait until the screen shows something, look at what is left behind.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolEncoding, MouseProtocolMode, Parser, Screen};

/// Far longer than anything takes; reached only when something is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The binary under test.
pub(crate) const LANGDECK: &str = env!("CARGO_BIN_EXE_langdeck");

/// What the terminal has received.
struct Received {
    parser: Parser,
    bytes: Vec<u8>,
    closed: bool,
}

/// A program in a pseudo-terminal. Killed when dropped.
pub(crate) struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    received: Arc<(Mutex<Received>, Condvar)>,
    modes_before: String,
}

impl Pty {
    /// Runs `langdeck` with these arguments in a terminal of this size, in a plain environment.
    pub(crate) fn langdeck(args: &[&str], columns: u16, rows: u16) -> Self {
        Self::spawn(LANGDECK, args, &[], columns, rows)
    }

    /// Runs a program with these arguments and more of an environment.
    pub(crate) fn spawn(program: &str, args: &[&str], env: &[(&str, &str)], columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        // What a developer has set must not decide what a test sees.
        for name in ["NO_COLOR", "COLORTERM", "LANGDECK_URL", "WT_SESSION", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in env {
            command.env(name, value);
        }
        let modes_before = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        // The terminal closes for us when the program has closed it.
        drop(pair.slave);
        let parser = Parser::new(at_least_one(rows), at_least_one(columns), 0);
        let received = Received { parser, bytes: Vec::new(), closed: false };
        let received = Arc::new((Mutex::new(received), Condvar::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shared = Arc::clone(&received);
        thread::spawn(move || {
            let (received, changed) = &*shared;
            let mut piece = [0; 16 * 1024];
            loop {
                let count = reader.read(&mut piece).unwrap_or(0);
                let mut received = received.lock().unwrap();
                received.closed = count == 0;
                received.parser.process(&piece[..count]);
                received.bytes.extend_from_slice(&piece[..count]);
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, master: pair.master, keys, received, modes_before }
    }

    /// Types something.
    pub(crate) fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.received.0.lock().unwrap().parser.screen_mut().set_size(at_least_one(rows), at_least_one(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// The program's process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends the program a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits until the screen is as wished; panics with the screen where it does not become so.
    pub(crate) fn wait(&self, what: &str, wish: impl Fn(&Screen) -> bool) {
        let (received, changed) = &*self.received;
        let until = Instant::now() + DEADLINE;
        let mut received = received.lock().unwrap();
        while !wish(received.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            if received.closed || left.is_zero() {
                let how = if received.closed { "the program has ended" } else { "waited in vain" };
                panic!("{how}: {what}\n{}", received.parser.screen().contents());
            }
            received = changed.wait_timeout(received, left).unwrap().0;
        }
    }

    /// Waits until the screen shows this text.
    pub(crate) fn see(&self, text: &str) {
        self.wait(&format!("{text:?} on the screen"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen does not show this text any more.
    pub(crate) fn see_gone(&self, text: &str) {
        self.wait(&format!("{text:?} gone from the screen"), |screen| !screen.contents().contains(text));
    }

    /// Looks at the screen as it is now.
    pub(crate) fn look(&self, look: impl FnOnce(&Screen)) {
        look(self.received.0.lock().unwrap().parser.screen());
    }

    /// What the screen shows now.
    pub(crate) fn text(&self) -> String {
        self.received.0.lock().unwrap().parser.screen().contents()
    }

    /// Everything that was written to the terminal so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.received.0.lock().unwrap().bytes.clone()
    }

    /// Waits until the program has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end\n{}", self.text());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Presses q, which ends a console at once and leaves the terminal as it was found.
    pub(crate) fn quit(mut self) {
        self.send("q");
        self.ended_restored(0);
    }

    /// Waits for the end, and checks the exit code and that the terminal is as it was found.
    pub(crate) fn ended_restored(&mut self, code: u32) {
        let status = self.ended();
        self.wait_closed();
        assert_eq!(status.exit_code(), code, "{status}\n{}", self.text());
        self.check_restored();
    }

    /// Whether the terminal is as it was found: its modes, the screen, the cursor, the mouse, pasting.
    pub(crate) fn check_restored(&self) {
        assert_eq!(modes(&*self.master), self.modes_before, "the terminal's modes");
        let received = self.received.0.lock().unwrap();
        let screen = received.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "pasted text is still bracketed");
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None, "the mouse is still captured");
        assert_eq!(
            screen.mouse_protocol_encoding(),
            MouseProtocolEncoding::Default,
            "the mouse still speaks otherwise"
        );
        assert!(!screen.inverse() && !screen.bold(), "a style is left behind");
    }

    /// Waits until everything that the program has written is here.
    fn wait_closed(&self) {
        let (received, changed) = &*self.received;
        let mut received = received.lock().unwrap();
        let until = Instant::now() + DEADLINE;
        while !received.closed {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the terminal is not closed");
            received = changed.wait_timeout(received, left).unwrap().0;
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// A terminal may claim to have no rows; the emulator does not believe it.
fn at_least_one(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

/// Raw or cooked, echo, signals: all that `stty -a` tells.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

/// Whether any cell of the screen is as wished.
pub(crate) fn any_cell(screen: &vt100::Screen, wish: impl Fn(&vt100::Cell) -> bool) -> bool {
    let (rows, columns) = screen.size();
    (0..rows.get()).any(|row| (0..columns.get()).any(|column| screen.cell(row, column).is_some_and(&wish)))
}

/// Every SGR parameter list that sets or resets a colour.
pub(crate) fn colour_codes(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let sequences = text.split("\u{1b}[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
        (rest[end..].starts_with('m')).then(|| rest[..end].to_owned())
    });
    let is_colour = |code: &str| code.parse::<u8>().is_ok_and(|code| matches!(code, 30..=59 | 90..=107));
    sequences.filter(|codes| codes.split([';', ':']).any(is_colour)).collect()
}

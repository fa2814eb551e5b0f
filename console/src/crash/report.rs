//! The report of a panic: what a bug's finder needs, in a file that only its owner reads.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::words;

/// The text of a report.
pub(super) struct Report(String);

impl Report {
    /// What is known of a panic of `what`, a task or a thread. `notes` are the console's last messages.
    pub(super) fn new(what: &str, info: &PanicHookInfo<'_>, notes: &[&str]) -> Self {
        let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let size = crossterm::terminal::size();
        let size = size.map_or_else(|_| "unknown".to_owned(), |(columns, rows)| format!("{columns}x{rows}"));
        let term = std::env::var("TERM").unwrap_or_default();
        let mut text = String::new();
        let lines = [
            ("langdeck", env!("CARGO_PKG_VERSION").to_owned()),
            ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
            ("time", Timestamp::now().to_string()),
            ("panicked", what.to_owned()),
            ("at", place),
            ("words", words(info.payload())),
            ("terminal", format!("{size} {}", crate::net::clean_text(&term))),
            ("last messages", notes.join(" ")),
        ];
        for (name, said) in lines {
            // Writing to a string does not fail.
            let _always = writeln!(text, "{name:<14}{said}");
        }
        let _always = writeln!(text, "\n{}", Backtrace::force_capture());
        Self(text)
    }

    /// Writes it to a new file; where that does not go anywhere, the text itself comes back.
    pub(super) fn write(self) -> Result<PathBuf, String> {
        let state = dirs::state_dir().or_else(dirs::data_local_dir).map(|folder| folder.join("langdeck"));
        let folders = state.into_iter().chain([std::env::temp_dir()]);
        folders.into_iter().find_map(|folder| self.write_into(&folder).ok()).ok_or(self.0)
    }

    fn write_into(&self, folder: &Path) -> io::Result<PathBuf> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        fs::create_dir_all(folder)?;
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("langdeck-panic-{time}-{}-{count}.txt", std::process::id()));
        let mut options = OpenOptions::new();
        // New, so that nobody who waits with a link in a folder shared by all has it written through.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(self.0.as_bytes())?;
        Ok(path)
    }
}

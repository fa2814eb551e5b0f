//! The commands, and how they fail.

pub mod completions;
pub mod console;
pub mod costs;
pub mod decisions;
#[cfg(feature = "demo")]
pub mod demo;
pub mod fire;
mod hint;
mod output;
mod report;
pub mod status;
mod table;

use std::fmt;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// Why a command ended without its work done, in a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// The thing itself failed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }

    /// It cannot be done so: the command was given wrongly, or in the wrong place.
    #[must_use]
    pub fn usage(text: impl Into<String>) -> Self {
        Self { code: 2, text: text.into() }
    }

    /// A person stopped it with Ctrl-C.
    #[must_use]
    pub fn interrupted(text: impl Into<String>) -> Self {
        Self { code: 130, text: text.into() }
    }

    /// The exit code that belongs to it.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// A runtime for a command. What a panic is told as goes by the name of its threads. Its caller ends it with `shutdown_background`, which waits for nobody.
fn runtime(thread_name: &str, workers: usize) -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().worker_threads(workers).thread_name(thread_name).enable_all().build();
    built.map_err(|error| Failure::new(format!("cannot start: {error}")))
}

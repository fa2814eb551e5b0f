//! A short word about what has just happened, and a longer one about what went wrong inside.

use std::time::{Duration, Instant};

use crate::crash::Panic;

/// How long a notice stays.
const SHOWN_FOR: Duration = Duration::from_secs(6);

/// How long a fault is shown: long enough to find the report that it names.
const FAULT_SHOWN_FOR: Duration = Duration::from_secs(60);

/// How a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went as asked.
    Good,
    /// It did not.
    Bad,
}

/// What has just happened, in a sentence, for a few seconds.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    since: Instant,
}

impl Notice {
    /// A notice that begins now.
    #[must_use]
    pub const fn new(tone: Tone, text: String, now: Instant) -> Self {
        Self { text, tone, since: now }
    }

    /// When it goes.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.since + SHOWN_FOR
    }
}

/// A fault of the console itself that did not end it.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What panicked, and where the report is.
    pub panic: Panic,
    since: Instant,
}

impl Fault {
    /// A fault that has just become known.
    #[must_use]
    pub const fn new(panic: Panic, now: Instant) -> Self {
        Self { panic, since: now }
    }

    /// Until when it is shown.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.since + FAULT_SHOWN_FOR
    }
}

//! A short word about what has just happened.

use std::time::{Duration, Instant};

/// How long a notice stays.
const SHOWN_FOR: Duration = Duration::from_secs(6);

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

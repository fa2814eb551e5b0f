//! The addresses that the console asks, and how each of them stands.

use std::time::Instant;

use crate::net::NetError;

/// One address.
#[derive(Debug, Clone)]
pub struct Source {
    /// The URL, as given.
    pub url: String,
    /// How it stands.
    pub link: Link,
}

/// How an address stands.
#[derive(Debug, Clone)]
pub enum Link {
    /// Asked, not answered yet.
    Connecting {
        /// Since when.
        since: Instant,
    },
    /// Answers.
    Up,
    /// Does not.
    Down {
        /// Since when.
        since: Instant,
        /// Why, the last time.
        error: NetError,
        /// When it is asked again.
        next_try: Instant,
    },
}

impl Source {
    /// An address that has just been asked for the first time.
    #[must_use]
    pub const fn new(url: String, now: Instant) -> Self {
        Self { url, link: Link::Connecting { since: now } }
    }

    /// Notes that it does not answer; since when stays what it was.
    pub fn fail(&mut self, error: NetError, next_try: Instant, now: Instant) {
        let since = match self.link {
            Link::Connecting { since } | Link::Down { since, .. } => since,
            Link::Up => now,
        };
        self.link = Link::Down { since, error, next_try };
    }

    /// Whether it answers.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.link, Link::Up)
    }

    /// Whether the last question to it was not answered as it should be.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        matches!(self.link, Link::Down { .. })
    }
}

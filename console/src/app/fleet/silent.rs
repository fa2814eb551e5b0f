//! Peers of which no replica is known: an address that never answered, a name that leads to none, an entry that cannot be
//! true.

use std::time::{Duration, Instant};

use langdeck_shared::{FailureKind, PeerFailure, PeerProblem};

/// How many entries that cannot be true are told apart, of replicas that nothing else is known of.
const MOST_UNREAD: usize = 64;

/// A peer without a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentPeer {
    /// Its address, or what it calls itself.
    pub peer: String,
    /// Since when, by the console's clock.
    pub since: Instant,
    /// What is wrong.
    pub failure: PeerFailure,
}

impl SilentPeer {
    fn new(problem: &PeerProblem, received: Instant) -> Self {
        let since = received.checked_sub(Duration::from_millis(problem.age_ms)).unwrap_or(received);
        Self { peer: problem.peer.clone(), since, failure: problem.failure.clone() }
    }

    /// Whether it is a name that leads to no address, and so no peer yet.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        self.failure.kind == FailureKind::Unresolved
    }

    /// Whether its address or what is wrong with it holds this word, which is in small letters.
    pub(super) fn says(&self, word: &str) -> bool {
        [self.peer.as_str(), self.word(), &self.failure.detail].iter().any(|text| text.to_lowercase().contains(word))
    }

    /// How it stands, in a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.failure.kind {
            FailureKind::Faulty => "faulty",
            FailureKind::Unresolved => "unresolved",
            _ => "unreachable",
        }
    }
}

/// What one address tells of such peers.
#[derive(Debug, Clone, Default)]
pub(super) struct Silence {
    told: Vec<SilentPeer>,
    unread: Vec<SilentPeer>,
}

impl Silence {
    /// Takes what an answer says of them: all, or nothing where nothing has changed since the one before.
    pub(super) fn take(&mut self, problems: Option<&[PeerProblem]>, is_snapshot: bool, received: Instant) {
        if is_snapshot {
            self.unread.clear();
        }
        match problems {
            Some(problems) => self.told = problems.iter().map(|problem| SilentPeer::new(problem, received)).collect(),
            None if is_snapshot => self.told.clear(),
            None => {}
        }
    }

    /// Notes an entry that cannot be true, of a replica that is not known.
    pub(super) fn note_unread(&mut self, name: &str, reason: &str, received: Instant) {
        let failure = PeerFailure::new(FailureKind::Faulty, reason);
        if let Some(known) = self.unread.iter_mut().find(|known| known.peer == name) {
            known.failure = failure;
        } else if self.unread.len() < MOST_UNREAD {
            self.unread.push(SilentPeer { peer: name.to_owned(), since: received, failure });
        }
    }

    /// A replica of this name, or in this life, has said something that can be true.
    pub(super) fn note_read(&mut self, name: &str, boot_id: &str) {
        self.unread.retain(|known| known.peer != name && known.peer != boot_id);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SilentPeer> {
        self.unread.iter().chain(&self.told)
    }
}

//! One peer as it is asked: when it is due, and how it answered.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{PeerFailure, ReplicaUpdate};
use tokio::time::Instant;

use super::Peer;
use super::mirror::Problem;
use crate::clock;

/// A fleet of up to so many peers is asked whenever somebody wants to know; of a larger one only those that are busy,
/// and the others once a second.
pub(super) const FEW: usize = 16;
/// Whoever wants to know within so long after another shares what that one was told.
pub(super) const SHARED: Duration = Duration::from_millis(50);
/// From question to question to a peer of a large fleet that has nothing to do; a little less than the pace of a console
/// that watches, so that each of its questions finds them due.
const AT_REST: Duration = Duration::from_millis(900);
/// For how long a peer counts as busy after something moved there.
const BUSY: Duration = Duration::from_secs(2);
/// From a failure to the next question; doubled by each further one.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(4);
/// How long an answer is waited for before who wants to know is told without it; at first longer, as there is nothing to
/// tell without it.
const PROMPT: Duration = Duration::from_millis(100);
const FIRST_PROMPT: Duration = Duration::from_secs(1);

/// What is known of the questions to one peer.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where to ask.
    pub(super) peer: Peer,
    /// When it failed first since it answered last.
    failing_since: Option<Timestamp>,
    /// When the last question was put.
    begun: Option<Instant>,
    under_way: bool,
    /// Not before then.
    next: Instant,
    /// The replica that answered last.
    life: Option<String>,
    /// Until when it counts as busy.
    busy: Option<Instant>,
    failures: u32,
    failure: Option<PeerFailure>,
}

impl Asked {
    pub(super) const fn new(peer: Peer, now: Instant) -> Self {
        Self {
            peer,
            failing_since: None,
            begun: None,
            under_way: false,
            next: now,
            life: None,
            busy: None,
            failures: 0,
            failure: None,
        }
    }

    pub(super) fn life(&self) -> Option<&str> {
        self.life.as_deref()
    }

    pub(super) fn is_life(&self, boot_id: &str) -> bool {
        self.life() == Some(boot_id)
    }

    /// Whether it answered the last question.
    pub(super) const fn answers(&self) -> bool {
        self.life.is_some() && self.failures == 0
    }

    /// Whether it is to be asked now, as one of a `few` or of many, by one who wants to know how it stood not longer than
    /// `age` ago.
    pub(super) fn is_due(&self, now: Instant, age: Duration, few: bool) -> bool {
        let busy = self.busy.is_some_and(|until| now < until);
        let pause = age.max(if few || busy { SHARED } else { AT_REST });
        let old = self.begun.is_none_or(|begun| now >= begun + pause);
        !self.under_way && old && now >= self.next
    }

    /// A question is put.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.begun, self.under_way) = (Some(now), true);
    }

    /// The question has ended, however.
    pub(super) fn end(&mut self) {
        self.under_way = false;
    }

    /// Until when the answer under way is worth waiting for; none where it is not, or not any more.
    pub(super) fn expected(&self, now: Instant) -> Option<Instant> {
        let first = self.life.is_none() && self.failures == 0;
        let until = self.begun.filter(|_| self.under_way)? + if first { FIRST_PROMPT } else { PROMPT };
        (now < until).then_some(until)
    }

    /// It answered; the life that answered here before, if that was another.
    pub(super) fn answered(&mut self, update: &ReplicaUpdate, now: Instant) -> Option<String> {
        if update.running > 0 || update.queued > 0 || !update.investigations.is_empty() {
            self.busy = Some(now + BUSY);
        }
        (self.failures, self.failing_since, self.failure) = (0, None, None);
        if self.is_life(&update.boot_id) {
            return None;
        }
        self.life.replace(update.boot_id.clone())
    }

    pub(super) fn failed(&mut self, failure: PeerFailure, now: Instant) {
        self.failing_since.get_or_insert_with(clock::now);
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_RETRY.saturating_mul(1 << (self.failures - 1).min(8));
        // Spread, so that replicas which watch the same peer do not come in step.
        self.next = now + doubled.min(LAST_RETRY).mul_f64(0.5 + fastrand::f64() / 2.0);
        self.failure = Some(failure);
    }

    /// What is wrong with a peer of which no replica is known.
    pub(super) fn problem(&self) -> Option<Problem> {
        let failure = self.failure.clone().filter(|_| self.life.is_none())?;
        Some(Problem { peer: format!("http://{}", self.peer.authority), since: self.failing_since?, failure })
    }
}

/// The peers that lead to a replica which another one leads to as well, and answers through that one.
pub(super) fn aliases(peers: &BTreeMap<Arc<str>, Asked>) -> HashSet<Arc<str>> {
    let mut lives = HashSet::new();
    let answering = peers.iter().filter(|(_, asked)| asked.answers());
    let second = answering.filter(|(_, asked)| asked.life().is_some_and(|life| !lives.insert(life)));
    second.map(|(authority, _)| Arc::clone(authority)).collect()
}

//! The schedule: which investigations run, which wait for a place, and whether more are taken.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use jiff::Timestamp;
use langdeck_shared::Alert;
use tokio::sync::SetOnce;
use tokio::time::Instant;

use super::admission::Terms;
use super::idempotency::{Claim, Keys};
use super::{CancelReason, Refusal, Submitted};
use crate::cost::Account;
use crate::memory::Record;

/// How many investigations run at once, and how many more may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) running: usize,
    pub(crate) queued: usize,
}

/// An accepted investigation, for those who wait for it or want to stop it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) alert: Arc<Alert>,
    pub(super) accepted: Instant,
    /// The same by the wall clock.
    pub(super) accepted_at: Timestamp,
    pub(super) account: Account,
    pub(super) terms: Terms,
    cancel: SetOnce<CancelReason>,
    ended: SetOnce<Arc<Record>>,
}

impl Run {
    pub(super) fn new(
        number: u64,
        alert: Arc<Alert>,
        accepted: Instant,
        accepted_at: Timestamp,
        account: Account,
        terms: Terms,
    ) -> Self {
        Self { number, alert, accepted, accepted_at, account, terms, cancel: SetOnce::new(), ended: SetOnce::new() }
    }

    /// The wall clock at an instant of it, in milliseconds since 1970, reckoned from its acceptance.
    pub(super) fn wall_clock_ms(&self, at: Instant) -> i64 {
        let since = i64::try_from(at.saturating_duration_since(self.accepted).as_millis()).unwrap_or(i64::MAX);
        self.accepted_at.as_millisecond().saturating_add(since)
    }

    /// Waits for its end; the record is its last state, whether or not the replica still remembers it.
    pub(crate) async fn wait(&self) -> &Arc<Record> {
        self.ended.wait().await
    }

    /// Its last state, once it has ended.
    pub(crate) fn ended(&self) -> Option<&Arc<Record>> {
        self.ended.get()
    }

    pub(super) fn end(&self, record: Arc<Record>) {
        // Only the one who took it off the schedule ends it, so this is the first time.
        let _ = self.ended.set(record);
    }

    /// Asks it to stop.
    pub(super) fn cancel(&self, reason: CancelReason) {
        // The first reason stands.
        let _ = self.cancel.set(reason);
    }

    /// Why it was asked to stop, if it was.
    pub(crate) fn cancel_reason(&self) -> Option<CancelReason> {
        self.cancel.get().copied()
    }

    /// Waits until it is asked to stop.
    pub(super) async fn cancelled(&self) -> CancelReason {
        *self.cancel.wait().await
    }
}

/// Every investigation that has not ended.
#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    closed: bool,
    live: HashMap<u64, Arc<Run>>,
    /// Those of the live ones that wait for a place, first come first served, and so in the order of their numbers.
    queue: VecDeque<Arc<Run>>,
    keys: Keys,
}

impl Schedule {
    pub(super) fn new(limits: Limits) -> Self {
        let keys = Keys::new(limits.running.saturating_add(limits.queued));
        Self { limits, closed: false, live: HashMap::new(), queue: VecDeque::new(), keys }
    }

    /// What this idempotency key led to before.
    pub(super) fn claimed(&self, claim: Option<&Claim>) -> Result<Option<Submitted>, Refusal> {
        claim.map_or(Ok(None), |claim| self.keys.find(claim))
    }

    /// Notes what an idempotency key led to, where there is one.
    pub(super) fn claim(&mut self, claim: Option<Claim>, submitted: &Submitted) {
        if let Some(claim) = claim {
            self.keys.insert(claim, submitted.clone());
        }
    }

    /// Whether one more may run at once, or has to wait.
    pub(super) fn admit(&self) -> Result<bool, Refusal> {
        if self.closed {
            return Err(Refusal::Draining);
        }
        let runs_now = self.running() < self.limits.running;
        if !runs_now && self.queue.len() >= self.limits.queued {
            return Err(Refusal::Full(self.limits));
        }
        Ok(runs_now)
    }

    pub(super) fn insert(&mut self, run: Arc<Run>) {
        self.live.insert(run.number, run);
    }

    pub(super) fn enqueue(&mut self, run: Arc<Run>) {
        self.queue.push_back(run);
    }

    /// Takes an investigation out of the queue; false when it does not wait there.
    pub(super) fn dequeue(&mut self, number: u64) -> bool {
        let place = self.queue.binary_search_by_key(&number, |run| run.number);
        place.is_ok_and(|place| self.queue.remove(place).is_some())
    }

    /// The next that may run, if one waits and there is a place.
    pub(super) fn next(&mut self) -> Option<Arc<Run>> {
        if self.running() < self.limits.running { self.queue.pop_front() } else { None }
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Run>> {
        self.live.get(&number).cloned()
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.live.remove(&number);
    }

    /// Those that have not ended, the newest first: who waits stands before who runs.
    pub(super) fn newest_first(&self) -> Vec<u64> {
        let mut numbers: Vec<_> = self.live.keys().copied().collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Investigations at work, and those that wait.
    pub(super) fn gauges(&self) -> (u64, u64) {
        (self.running() as u64, self.queue.len() as u64)
    }

    fn running(&self) -> usize {
        self.live.len() - self.queue.len()
    }
}

//! Decisions: why the agent planned, tried again, went without, refused or stopped. The last are in memory; all can go
//! into a log.

mod choice;
#[cfg(test)]
mod choice_tests;
mod output;
mod page;
#[cfg(test)]
mod page_tests;
mod ring;
mod writer;
#[cfg(test)]
mod writer_tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::DecisionCode;

use crate::identity::Identity;
use choice::Words;
pub(crate) use choice::{Choice, Refused};
pub(crate) use output::{Output, Rotation};
pub(crate) use page::{Filter, Page, Wanted};
use ring::{Bounds, Ring};
pub(crate) use writer::Writing;

/// How many decisions are remembered: about those of the investigations that are, by default. To let go of one that was
/// made long before the oldest investigation costs as much again as to let go of that, since both have left the cache.
pub(crate) const MOST_DECISIONS: usize = 1024;
const BOUNDS: Bounds = Bounds { entries: MOST_DECISIONS, bytes: 1024 * 1024 };
/// How many where they are logged, which is also how far the log may lag behind before it loses lines.
pub(crate) const MOST_LOGGED: usize = 4096;
const LOG_BOUNDS: Bounds = Bounds { entries: MOST_LOGGED, bytes: 4 * 1024 * 1024 };
const CODES: usize = DecisionCode::ALL.len();

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    /// Its place among the decisions of this life of the replica, from 1.
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    /// The number of the investigation that it is about.
    pub(crate) investigation: Option<u64>,
    pub(crate) choice: Choice,
}

/// The decisions of one life of a replica: the last of them, their number by code, and what their log has had.
#[derive(Debug)]
pub(crate) struct Decisions {
    identity: Arc<Identity>,
    boot_id: Arc<str>,
    /// What a plan can choose from.
    tools: Box<[Arc<str>]>,
    /// How many are remembered once there is a log.
    log_bounds: Bounds,
    state: Mutex<State>,
    /// For the writer of the log: there is something to write, or nothing more will come.
    news: Condvar,
}

#[derive(Debug)]
struct State {
    ring: Ring<Arc<Decision>>,
    /// By code, in the order of its declaration.
    counts: [u64; CODES],
    log: Option<Log>,
}

/// How far the log is.
#[derive(Debug, Default)]
struct Log {
    /// The last decision that its writer was handed.
    taken: u64,
    /// Decisions that it will never have.
    lost: u64,
    /// Whether its writer sleeps until there is one. To wake one that is awake would cost a system call each time.
    asleep: bool,
    /// Whether its writer is to come to an end.
    stopping: bool,
}

impl Decisions {
    /// None yet, of a replica with these tools.
    pub(crate) fn new(identity: Arc<Identity>, tools: &[Arc<str>]) -> Self {
        Self::with_bounds(identity, tools, BOUNDS, LOG_BOUNDS)
    }

    fn with_bounds(identity: Arc<Identity>, tools: &[Arc<str>], bounds: Bounds, log_bounds: Bounds) -> Self {
        let boot_id = identity.boot_id.as_str().into();
        let state = State { ring: Ring::new(bounds), counts: [0; CODES], log: None };
        Self { identity, boot_id, tools: tools.into(), log_bounds, state: Mutex::new(state), news: Condvar::new() }
    }

    /// Puts a decision on record.
    pub(crate) fn record(&self, at: Timestamp, investigation: Option<u64>, choice: Choice) -> Arc<Decision> {
        let (code, weight) = (choice.code() as usize, size_of::<Decision>() + choice.weight());
        let mut state = self.lock();
        let State { ring, counts, log } = &mut *state;
        let decision = Arc::new(Decision { seq: ring.last() + 1, at, investigation, choice });
        let forgotten = ring.forgotten();
        ring.push(Arc::clone(&decision), weight);
        counts[code] += 1;
        if let Some(log) = log {
            log.lost += ring.forgotten().saturating_sub(log.taken.max(forgotten));
            if std::mem::take(&mut log.asleep) {
                drop(state);
                self.news.notify_all();
            }
        }
        decision
    }

    /// How many there were, by code.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (DecisionCode, u64)> {
        let counts = self.lock().counts;
        DecisionCode::ALL.into_iter().map(move |code| (code, counts[code as usize]))
    }

    /// How many the log lacks.
    pub(crate) fn lost(&self) -> u64 {
        self.lock().log.as_ref().map_or(0, |log| log.lost)
    }

    /// Those after one of these, or the last, as a reader asks for them.
    pub(crate) fn page(&self, cursor: Option<&str>, filter: &Filter, limit: usize) -> Page {
        page::page(&self.lock().ring, cursor.map(|cursor| self.place(cursor)), filter, limit)
    }

    /// The decision after which a cursor of this life of the replica goes on.
    fn place(&self, cursor: &str) -> Option<u64> {
        crate::identity::plain_number(cursor.strip_prefix(&*self.boot_id)?.strip_prefix('.')?)
    }

    /// A cursor that goes on after a decision.
    pub(crate) fn cursor(&self, seq: u64) -> String {
        format!("{}.{seq}", self.boot_id)
    }

    /// A decision as the wire shows it.
    pub(crate) fn show(&self, decision: &Decision) -> langdeck_shared::Decision {
        let Decision { seq, at, investigation, choice } = decision;
        let Words { choice: words, alternatives, figures, reason } = choice.words(&self.identity.model, &self.tools);
        langdeck_shared::Decision {
            seq: *seq,
            time: *at,
            replica: Arc::clone(&self.identity.replica),
            boot_id: Arc::clone(&self.boot_id),
            investigation_id: investigation.map(|number| self.identity.investigation_id(number)),
            actor: choice.actor(),
            code: choice.code(),
            choice: words,
            alternatives,
            figures,
            reason,
        }
    }

    /// From here on there is a log: what it has not had when it is forgotten is lost.
    fn open_log(&self) {
        let mut state = self.lock();
        state.ring.widen(self.log_bounds);
        state.log.get_or_insert_default();
    }

    /// For the writer of the log, who has all from here on: up to `most` that it has not had yet. Waits until there are
    /// some; none means that it is to end.
    fn take(&self, most: usize) -> Vec<Arc<Decision>> {
        let mut state = self.lock();
        loop {
            let State { ring, log, .. } = &mut *state;
            let log = log.get_or_insert_default();
            let taken: Vec<_> = ring.after(log.taken).take(most).map(|(_, decision)| Arc::clone(decision)).collect();
            if let Some(last) = taken.last() {
                log.taken = last.seq;
                return taken;
            }
            if log.stopping {
                return taken;
            }
            log.asleep = true;
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For the writer: lets time pass, unless it is to end; whether it is.
    fn pause(&self, time: Duration) -> bool {
        let goes_on = |state: &mut State| !state.is_stopping();
        let waited = self.news.wait_timeout_while(self.lock(), time, goes_on);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_stopping()
    }

    /// For the writer, which gives up: what it was handed and did not write is lost, and so is what it was not handed.
    /// How many the log lacks then.
    fn give_up(&self, in_hand: usize) -> u64 {
        let mut state = self.lock();
        let State { ring, log, .. } = &mut *state;
        let log = log.get_or_insert_default();
        log.lost += in_hand as u64 + ring.after(log.taken).len() as u64;
        log.taken = ring.last();
        log.lost
    }

    /// Asks the writer to write what there is and end.
    fn stop(&self) {
        if let Some(log) = &mut self.lock().log {
            log.stopping = true;
        }
        self.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves numbers behind that are right, or one decision less.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stopping(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.stopping)
    }
}

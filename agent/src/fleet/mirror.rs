//! What is known of every replica of the fleet, and what of it a reader has not been told.
//!
//! Whatever changes takes the next number of one sequence. A cursor is a point of that sequence; where an answer has no
//! room for all, its cursor also says at which replica the next one goes on, so that nothing comes twice.

mod known;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use jiff::Timestamp;
use langdeck_shared::{FailureKind, FleetUpdate, GONE_AFTER, PeerFailure, PeerProblem, ReplicaStatus, ReplicaUpdate};
use tokio::time::Instant;

use crate::clock;
use crate::identity::plain_number;
use known::{Known, Part};

/// How many investigations and patterns are kept, of all replicas together; the one that has not changed for longest goes
/// first.
const MOST_PARTS: usize = 20_000;
/// What they may weigh, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What an answer may weigh, in bytes; it holds one replica at least.
const PAGE_BYTES: usize = 1024 * 1024;
/// How long a replica is told of after it has gone.
const REMEMBERED: Duration = Duration::from_secs(600);

/// All replicas that have answered, and the peers that never did.
#[derive(Debug)]
pub(crate) struct Mirror {
    /// The last number given out.
    seq: u64,
    /// Every replica by its place, in the order in which they were first heard of.
    replicas: BTreeMap<u64, Known>,
    last_place: u64,
    by_boot_id: HashMap<String, u64>,
    /// Whose part each is, by the part's last change.
    parts: BTreeMap<u64, u64>,
    bytes: usize,
    problems: Vec<Problem>,
    problems_changed: u64,
}

/// A peer that no replica is known of, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) peer: String,
    pub(crate) since: Timestamp,
    pub(crate) failure: PeerFailure,
}

/// An answer of a replica.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) update: ReplicaUpdate,
    pub(crate) at: Instant,
}

/// How far a reader has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    /// All changes up to here were told.
    since: u64,
    /// Where not all of a span was told: its end, and the first place that is still to be told.
    left: Option<(u64, u64)>,
}

impl Cursor {
    fn parse(text: &str, boot_id: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix(boot_id)?.strip_prefix('.')?.split('.').map(plain_number);
        let since = numbers.next()??;
        let left = match numbers.next() {
            None => None,
            Some(upto) => Some((upto?, numbers.next()??)),
        };
        let ordered = left.is_none_or(|(upto, _)| since <= upto);
        (ordered && numbers.next().is_none()).then_some(Self { since, left })
    }

    /// The last change that the reader has heard of, if in part.
    fn last(&self) -> u64 {
        self.left.map_or(self.since, |(upto, _)| upto)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.since)?;
        self.left.map_or(Ok(()), |(upto, place)| write!(f, ".{upto}.{place}"))
    }
}

impl Mirror {
    pub(crate) fn new() -> Self {
        Self {
            seq: 0,
            replicas: BTreeMap::new(),
            last_place: 0,
            by_boot_id: HashMap::new(),
            parts: BTreeMap::new(),
            bytes: 0,
            problems: Vec::new(),
            problems_changed: 0,
        }
    }

    /// The cursor of the replica's last answer, for the next question to it.
    pub(crate) fn cursor(&self, boot_id: &str) -> Option<&str> {
        self.known(boot_id).map(|known| known.state.cursor.as_str())
    }

    /// What every replica said last, apart from what moves; how it stands, and how long ago it answered.
    pub(crate) fn states(&self, now: Instant) -> impl Iterator<Item = (&ReplicaUpdate, ReplicaStatus, Duration)> {
        let age = move |known: &Known| now.saturating_duration_since(known.answered());
        self.replicas.values().map(move |known| (&known.state, known.status(now), age(known)))
    }

    /// Takes what a replica said; nothing happens where something later is known.
    pub(crate) fn take(&mut self, heard: Heard) {
        let Heard { mut update, at } = heard;
        if self.known(&update.boot_id).is_some_and(|known| at < known.answered()) {
            return;
        }
        let samples = std::mem::take(&mut update.samples);
        let investigations = std::mem::take(&mut update.investigations);
        let patterns = std::mem::take(&mut update.memory.patterns);
        let place = self.enter(update, at);
        let Some(known) = self.replicas.get_mut(&place) else { return };
        let before = known.bytes();
        for sample in samples {
            self.seq = known.sample(sample, self.seq);
        }
        let investigations = investigations.into_iter().map(|one| Part::Investigation(Box::new(one), at));
        let patterns = patterns.into_iter().map(|pattern| Part::Pattern(Box::new(pattern)));
        for part in investigations.chain(patterns) {
            self.seq += 1;
            if let Some(before) = known.put(part, self.seq) {
                self.parts.remove(&before);
            }
            self.parts.insert(self.seq, place);
        }
        while let Some(change) = known.excess() {
            known.lose(change);
            self.parts.remove(&change);
        }
        self.bytes = self.bytes - before + known.bytes();
        self.bound();
    }

    /// Takes a replica's state; its place.
    fn enter(&mut self, update: ReplicaUpdate, at: Instant) -> u64 {
        let known = self.by_boot_id.get(&update.boot_id).copied();
        self.seq += 1;
        let Some(place) = known else {
            self.last_place += 1;
            self.by_boot_id.insert(update.boot_id.clone(), self.last_place);
            self.replicas.insert(self.last_place, Known::new(update, at, self.seq));
            return self.last_place;
        };
        if update.reset {
            self.clear(place);
        }
        if let Some(known) = self.replicas.get_mut(&place) {
            known.say(update, at, self.seq);
        }
        place
    }

    /// Notes that a replica did not answer, and why.
    pub(crate) fn fail(&mut self, boot_id: &str, failure: PeerFailure) {
        let known = self.by_boot_id.get(boot_id).and_then(|place| self.replicas.get_mut(place));
        if let Some(known) = known {
            self.seq += 1;
            known.fail(failure, self.seq);
        }
    }

    /// Notes that a life has ended: another one answers where it did.
    pub(crate) fn end(&mut self, boot_id: &str) {
        self.fail(boot_id, PeerFailure::new(FailureKind::Ended, "another life answers at its address"));
    }

    /// Says which peers have never answered, and which names lead nowhere.
    pub(crate) fn report(&mut self, problems: Vec<Problem>) {
        if self.problems != problems {
            self.seq += 1;
            self.problems_changed = self.seq;
            self.problems = problems;
        }
    }

    /// Nobody has asked the peers for so long: that none of them answered meanwhile says nothing about them.
    pub(crate) fn slept(&mut self, asleep: Duration) {
        self.replicas.values_mut().for_each(|known| known.asleep += asleep);
    }

    /// What has moved since the cursor, for the reader whom this replica, in its life `boot_id`, answers.
    pub(crate) fn read(&mut self, replica: &str, boot_id: &str, cursor: Option<&str>, now: Instant) -> FleetUpdate {
        self.page(replica, boot_id, cursor, now, PAGE_BYTES)
    }

    fn page(&mut self, replica: &str, boot_id: &str, cursor: Option<&str>, now: Instant, most: usize) -> FleetUpdate {
        self.age(now);
        let cursor = cursor.and_then(|text| Cursor::parse(text, boot_id)).filter(|cursor| cursor.last() <= self.seq);
        let reset = cursor.is_none();
        let Cursor { since, left } = cursor.unwrap_or(Cursor { since: 0, left: None });
        let first_page = left.is_none();
        let (upto, from) = left.unwrap_or((self.seq, 0));
        let mut replicas = Vec::new();
        let mut bytes = 0;
        let mut next = Cursor { since: upto, left: None };
        for (&place, known) in self.replicas.range(from..) {
            let Some((entry, weight)) = known.news(since, upto, now) else { continue };
            bytes += weight;
            if bytes > most && !replicas.is_empty() {
                next = Cursor { since, left: Some((upto, place)) };
                break;
            }
            replicas.push(entry);
        }
        let news = if reset { !self.problems.is_empty() } else { (since + 1..=upto).contains(&self.problems_changed) };
        let problems = (first_page && news).then(|| self.problems.iter().map(Problem::told).collect());
        FleetUpdate {
            cursor: format!("{boot_id}.{next}"),
            reset,
            more: next.left.is_some(),
            replica: replica.to_owned(),
            boot_id: boot_id.to_owned(),
            replicas,
            problems,
        }
    }

    /// Counts as a change what time alone has changed, and lets go of who went long ago.
    fn age(&mut self, now: Instant) {
        let mut forgotten = Vec::new();
        for (&place, known) in &mut self.replicas {
            if known.has_aged(now) {
                self.seq += 1;
                known.changed = self.seq;
            }
            if known.silence(now) > GONE_AFTER + REMEMBERED {
                forgotten.push(place);
            }
        }
        for place in forgotten {
            self.clear(place);
            if let Some(known) = self.replicas.remove(&place) {
                self.by_boot_id.remove(&known.state.boot_id);
            }
        }
    }

    /// Lets go of all that a replica told apart from its state.
    fn clear(&mut self, place: u64) {
        let Some(known) = self.replicas.get_mut(&place) else { return };
        self.bytes -= known.bytes();
        for change in known.clear() {
            self.parts.remove(&change);
        }
    }

    fn bound(&mut self) {
        while self.parts.len() > MOST_PARTS || self.bytes > MOST_BYTES {
            let Some((change, place)) = self.parts.pop_first() else { return };
            let Some(known) = self.replicas.get_mut(&place) else { continue };
            let before = known.bytes();
            known.lose(change);
            self.bytes -= before - known.bytes();
        }
    }

    fn known(&self, boot_id: &str) -> Option<&Known> {
        self.replicas.get(self.by_boot_id.get(boot_id)?)
    }
}

impl Problem {
    fn told(&self) -> PeerProblem {
        let age = clock::now().duration_since(self.since);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(0);
        PeerProblem { peer: self.peer.clone(), age_ms, failure: self.failure.clone() }
    }
}

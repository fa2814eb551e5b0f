//! What a console needs of this replica, changed since its cursor.

use std::fmt;
use std::sync::Arc;

use langdeck_shared::{Latency, MemoryDelta, ReplicaStatus, ReplicaUpdate, ServicePattern};
use tokio::time::Instant;

use crate::clock::{self, millis};
use crate::identity::{Identity, plain_number};
use crate::memory::{Changes, Record};
use crate::runs::{self, Books, Detail, Runs};

/// The most investigations that one answer holds. Patterns are bounded by the number of services in memory.
pub(crate) const PAGE: usize = 200;

/// How far a reader has read. Opaque to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor<'a> {
    boot_id: &'a str,
    /// The last change that was read.
    seq: u64,
    /// The second whose sample was under way.
    second: u64,
}

impl<'a> Cursor<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (boot_id, rest) = text.split_once('.')?;
        let (seq, second) = rest.split_once('.')?;
        Some(Self { boot_id, seq: plain_number(seq)?, second: plain_number(second)? })
    }
}

impl fmt::Display for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.boot_id, self.seq, self.second)
    }
}

/// What moved: the part of an answer that depends on the cursor.
struct Moved {
    reset: bool,
    changes: Changes,
    missed: u64,
    patterns: Vec<ServicePattern>,
    /// The first second whose sample is told.
    from_second: u64,
}

/// The answer of `GET /v1/replica` with up to `limit` investigations: a snapshot without a cursor, or with one that is not of this life or too old.
pub(crate) fn update(runs: &Runs, identity: &Identity, since: Option<&str>, limit: usize) -> ReplicaUpdate {
    let cursor = since.and_then(Cursor::parse).filter(|cursor| cursor.boot_id == identity.boot_id);
    let now = Instant::now();
    let told_at = clock::now();
    let (moved, samples, totals, latencies, services, (running, queued), budgets) = runs.look(|state| {
        let (gauges, budgets) = (state.gauges(), state.budgets.tell(told_at));
        let books = &mut state.books;
        let second = books.second(now);
        let cursor = cursor.filter(|cursor| cursor.second <= second);
        let moved =
            cursor.and_then(|cursor| moved_since(books, cursor, limit)).unwrap_or_else(|| snapshot(books, limit));
        let samples = books.samples.since(moved.from_second, second);
        (moved, samples, books.totals(), books.latencies.to_vec(), books.patterns.services(), gauges, budgets)
    });
    let second = samples.last().map_or(0, |sample| sample.second);
    let Moved { reset, changes: Changes { records, upto, more }, missed, patterns, .. } = moved;
    let show = |record: &Arc<Record>| runs::investigation(record, identity, now, Detail::Brief);
    ReplicaUpdate {
        cursor: Cursor { boot_id: &identity.boot_id, seq: upto, second }.to_string(),
        reset,
        more,
        missed,
        replica: identity.replica.to_string(),
        boot_id: identity.boot_id.clone(),
        status: if runs.is_draining() { ReplicaStatus::Draining } else { ReplicaStatus::Ready },
        version: identity.version().to_owned(),
        model: identity.model.to_string(),
        tool_mode: identity.tool_mode,
        started_at: identity.started_at,
        now: told_at,
        uptime_ms: millis(identity.uptime(now)),
        totals,
        running,
        queued,
        budgets,
        latency: Latency::of(latencies),
        samples,
        investigations: records.iter().map(show).collect(),
        memory: MemoryDelta { services, patterns },
        age_ms: 0,
        failure: None,
    }
}

fn moved_since(books: &Books, cursor: Cursor<'_>, limit: usize) -> Option<Moved> {
    let changes = books.investigations.changes_since(cursor.seq, limit)?;
    Some(Moved {
        reset: false,
        missed: books.investigations.missed(cursor.seq, changes.upto),
        patterns: books.patterns.changed_within(cursor.seq, changes.upto).collect(),
        changes,
        from_second: cursor.second,
    })
}

fn snapshot(books: &Books, limit: usize) -> Moved {
    let (changes, missed) = books.investigations.snapshot(limit);
    Moved { reset: true, changes, missed, patterns: books.patterns.last_seen_first(), from_second: 0 }
}

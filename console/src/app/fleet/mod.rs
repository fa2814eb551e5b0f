//! The fleet: every replica that is known through any address, over all its lives.
//!
//! Each life stands for itself: whatever is said of it, by whom and in whichever order, its sums only grow and are counted
//! once. Which lives have a row of the table is worked out from that, anew with every answer.

mod budgets;
mod lives;
mod order;
mod replica;
mod silent;
mod totals;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use langdeck_shared::{ReplicaStatus, Totals};

use super::SourceId;
use super::costs::Reach;
use super::series::{self, Second};
use crate::net::{EntryFault, FleetAnswer, NetError};
pub use budgets::{FleetBudget, Worst};
pub(super) use lives::Change;
pub use order::FleetOrder;
use replica::Heard;
pub use replica::Replica;
pub(super) use replica::said;
use silent::Silence;
pub use silent::SilentPeer;
use totals::add;
pub use totals::hourly;

/// How many lives are kept; of those without a row first, the one that has been silent longest goes.
const KEPT: usize = 2_000;
/// Of how many lives that are no longer kept the sums are told apart, in case that one is heard again.
const PAST: usize = 8_192;

/// All replicas that are known.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Those with a row first, in their order.
    lives: Vec<Replica>,
    /// How many have one.
    shown: usize,
    /// The place of each life.
    index: HashMap<String, usize>,
    sources: Vec<Source>,
    /// Peers without a replica, of all addresses.
    silent: Vec<SilentPeer>,
    /// What of both the filter lets through.
    rows: Vec<RowId>,
    /// What a row must hold to be shown, in small letters.
    words: Vec<String>,
    order: FleetOrder,
    reversed: bool,
    /// The names of those that stay on top.
    pinned: HashSet<String>,
    /// What lives did that are no longer kept, the latest at the end.
    past: VecDeque<(String, Totals)>,
    /// What lives before those did.
    forgotten: Totals,
    totals: Totals,
    budgets: Vec<FleetBudget>,
}

/// How far an address has told.
#[derive(Debug, Clone, Default)]
struct Source {
    /// Counts its snapshots.
    epoch: u64,
    /// The replica that answers there: its life and its name.
    via: Option<(String, String)>,
    silence: Silence,
}

#[derive(Debug, Clone, Copy)]
enum RowId {
    Replica(usize),
    Silent(usize),
}

/// A row of the fleet's table.
#[derive(Debug, Clone, Copy)]
pub enum FleetRow<'a> {
    /// A replica.
    Replica(&'a Replica),
    /// A peer of which no replica is known.
    Silent(&'a SilentPeer),
}

impl<'a> FleetRow<'a> {
    /// What tells it from every other row.
    #[must_use]
    pub fn key(&self) -> &'a str {
        match self {
            Self::Replica(replica) => &replica.boot_id,
            Self::Silent(silent) => &silent.peer,
        }
    }
}

impl Fleet {
    /// Takes an answer; of each of its entries, whether nothing later was known. The rows are to be
    /// arranged after it.
    pub fn take(&mut self, source: SourceId, answer: &FleetAnswer, received: Instant, took: Duration) -> Vec<bool> {
        let update = &answer.update;
        self.answered_by(source, &update.boot_id, &update.replica);
        let standing = self.source(source);
        standing.epoch += u64::from(update.reset);
        standing.silence.take(update.problems.as_deref(), update.reset, received);
        let epoch = standing.epoch;
        let mut newer = Vec::with_capacity(update.replicas.len());
        for entry in &update.replicas {
            self.source(source).silence.note_read(&entry.replica, &entry.boot_id);
            let direct = update.boot_id == entry.boot_id;
            newer.push(self.hear(Heard { source, epoch, direct, update: entry, received, took }));
        }
        for fault in &answer.faults {
            self.break_contract(source, fault, received);
        }
        // Where there is more to come, what is not listed may have changed all the same.
        if !update.more {
            let told: HashSet<&str> = update.replicas.iter().map(|entry| entry.boot_id.as_str()).collect();
            let untold = self.lives.iter_mut().filter(|life| !told.contains(life.boot_id.as_str()));
            untold.for_each(|life| life.confirm(source, epoch, received, took));
        }
        newer
    }

    /// Notes who answers at an address. A life of the same name that answered there before has ended, unless this one was
    /// known: then two of one name answer by turns.
    fn answered_by(&mut self, source: SourceId, boot_id: &str, name: &str) {
        let via = Some((boot_id.to_owned(), name.to_owned()));
        let before = std::mem::replace(&mut self.source(source).via, via);
        let Some((before, _)) = before.filter(|(life, old)| life != boot_id && old == name) else { return };
        if !self.index.contains_key(boot_id)
            && let Some(life) = self.life_mut(&before)
        {
            life.end(source);
        }
    }

    fn hear(&mut self, heard: Heard<'_>) -> bool {
        if let Some(life) = self.life_mut(&heard.update.boot_id) {
            return life.take(heard);
        }
        let boot_id = &heard.update.boot_id;
        let past = self.past.iter().position(|(life, _)| life == boot_id).and_then(|at| self.past.remove(at));
        self.index.insert(boot_id.clone(), self.lives.len());
        self.lives.push(Replica::new(heard, past.map(|(_, did)| did).unwrap_or_default()));
        true
    }

    /// Finds whom an entry is about that cannot be true: a life, or the only one of a name.
    fn break_contract(&mut self, source: SourceId, fault: &EntryFault, received: Instant) {
        let (boot_id, name) = (fault.boot_id.as_deref(), fault.replica.as_deref());
        let mut named = self.lives.iter_mut().filter(|life| {
            Some(life.boot_id.as_str()) == boot_id
                || (boot_id.is_none()
                    && Some(life.name.as_str()) == name
                    && life.is_seen_through(source)
                    && !life.hidden)
        });
        match (named.next(), named.next()) {
            (Some(life), None) => life.break_contract(source, &fault.reason),
            _ => {
                let name = name.or(boot_id).unwrap_or("(no name)").to_owned();
                self.source(source).silence.note_unread(&name, &fault.reason, received);
            }
        }
    }

    /// Notes why an address did not answer. Where it refuses connections, nobody is reached through it any more; where it
    /// answers with something else than the contract says, who answered there last is faulty until it does better.
    pub fn failed(&mut self, source: SourceId, error: &NetError) {
        let refused = matches!(error, NetError::Refused);
        let faulty = if let NetError::Malformed(reason) = error { Some(reason.as_str()) } else { None };
        self.lives.iter_mut().for_each(|life| life.cut_off(source, refused, faulty));
    }

    /// Works out which lives have a row at `now`, and the order of the rows; what has become of whom.
    pub(super) fn arrange(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = self.match_lives(now);
        while self.lives.len() > KEPT {
            changes.extend(self.forget_one());
        }
        let all = self.lives.iter().map(|life| life.own).chain(self.past.iter().map(|(_, did)| *did));
        self.totals = all.fold(self.forgotten, add);
        self.silent.clear();
        for peer in self.sources.iter().flat_map(|source| source.silence.all()) {
            if !self.silent.iter().any(|known| known.peer == peer.peer) {
                self.silent.push(peer.clone());
            }
        }
        self.line_up(now);
        let living = self.replicas().iter().filter(|life| life.status(now) != ReplicaStatus::Gone);
        self.budgets = budgets::together(living, now);
        changes
    }

    /// Puts the rows into their order.
    fn line_up(&mut self, now: Instant) {
        let (order, reversed) = (self.order, self.reversed);
        for life in &mut self.lives {
            let rank = order.rank(life, now);
            // The largest comes first.
            life.rank = if reversed { rank } else { u64::MAX - rank };
            life.pinned = self.pinned.contains(&life.name);
        }
        let by_name = |a: &Replica, b: &Replica| {
            let names = a.name.cmp(&b.name);
            if reversed && order == FleetOrder::Name { names.reverse() } else { names }
        };
        let stand = |a: &Replica, b: &Replica| {
            let places = (a.hidden, !a.pinned, a.rank).cmp(&(b.hidden, !b.pinned, b.rank));
            places.then_with(|| by_name(a, b)).then_with(|| a.boot_id.cmp(&b.boot_id))
        };
        if !self.lives.is_sorted_by(|a, b| stand(a, b).is_le()) {
            self.lives.sort_by(stand);
            self.number();
        }
        self.shown = self.lives.partition_point(|life| !life.hidden);
        self.sift(now);
    }

    /// Lets a life go: one without a row, or the one that has been silent longest. What it did stays counted.
    fn forget_one(&mut self) -> Option<Change> {
        let lives = self.lives.iter().enumerate();
        let (at, _) = lives.min_by_key(|(_, life)| (!life.hidden, life.answered))?;
        let life = self.lives.remove(at);
        self.number();
        self.past.push_back((life.boot_id.clone(), life.own));
        if self.past.len() > PAST
            && let Some((_, did)) = self.past.pop_front()
        {
            self.forgotten = add(self.forgotten, did);
        }
        Some(Change::Left { boot_id: life.boot_id, successor: None })
    }

    /// Writes down anew where each life stands.
    fn number(&mut self) {
        self.index.clear();
        self.index.extend(self.lives.iter().enumerate().map(|(at, life)| (life.boot_id.clone(), at)));
    }

    /// Works out which rows the filter lets through.
    fn sift(&mut self, now: Instant) {
        self.rows.clear();
        let replicas = self.lives[..self.shown].iter().enumerate();
        let passing = replicas.filter(|(_, life)| self.words.iter().all(|word| life.says(word, now)));
        self.rows.extend(passing.map(|(at, _)| RowId::Replica(at)));
        let silent = self.silent.iter().enumerate().filter(|(_, silent)| !silent.is_unresolved());
        let passing = silent.filter(|(_, silent)| self.words.iter().all(|word| silent.says(word)));
        self.rows.extend(passing.map(|(at, _)| RowId::Silent(at)));
    }

    /// Shows only rows that hold all these words.
    pub fn filter(&mut self, words: &str, now: Instant) {
        self.words = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
        self.sift(now);
    }

    /// The replicas that have a row, filtered or not, in their order.
    #[must_use]
    pub fn replicas(&self) -> &[Replica] {
        &self.lives[..self.shown]
    }

    /// How many rows pass the filter.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// How many there are without a filter.
    #[must_use]
    pub fn known_count(&self) -> usize {
        self.shown + self.silent.iter().filter(|silent| !silent.is_unresolved()).count()
    }

    /// The row of the table at this place.
    #[must_use]
    pub fn row(&self, at: usize) -> Option<FleetRow<'_>> {
        match *self.rows.get(at)? {
            RowId::Replica(at) => self.lives.get(at).map(FleetRow::Replica),
            RowId::Silent(at) => self.silent.get(at).map(FleetRow::Silent),
        }
    }

    /// The place of the row with this key.
    #[must_use]
    pub fn row_of(&self, key: &str) -> Option<usize> {
        (0..self.rows.len()).find(|at| self.row(*at).is_some_and(|row| row.key() == key))
    }

    /// Peers of which no replica is known, and names that lead to none.
    #[must_use]
    pub fn silent(&self) -> &[SilentPeer] {
        &self.silent
    }

    /// How many replicas have left the table and were followed by no other life.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lives[self.shown..].iter().filter(|life| life.successor.is_none()).count()
    }

    /// The replica that answers at an address, by its name.
    #[must_use]
    pub fn via(&self, source: SourceId) -> Option<&str> {
        self.sources.get(source.0)?.via.as_ref().map(|(_, name)| name.as_str())
    }

    /// Whom an address leads to; none before it has answered.
    #[must_use]
    pub fn reach(&self, source: SourceId, answers: bool) -> Option<Reach<'_>> {
        let (via, _) = self.sources.get(source.0)?.via.as_ref()?;
        let told = self.replicas().iter().filter(|replica| replica.is_seen_through(source));
        Some(Reach { answers, via, lives: told.map(|replica| replica.boot_id.as_str()).collect() })
    }

    /// The replica in this life, if that has a row.
    #[must_use]
    pub fn by_boot_id(&self, boot_id: &str) -> Option<&Replica> {
        self.index.get(boot_id).and_then(|at| self.replicas().get(*at))
    }

    /// The replica of this name that answered last.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Replica> {
        self.replicas().iter().filter(|replica| replica.name == name).max_by_key(|replica| replica.answered)
    }

    /// The names that two living replicas go by.
    #[must_use]
    pub fn ambiguous(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .replicas()
            .iter()
            .filter(|replica| replica.has_namesake())
            .map(|replica| replica.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The newest `seconds` of a row's chart, over all lives of its replica.
    #[must_use]
    pub fn chart(&self, replica: &Replica, seconds: usize, now: Instant) -> Vec<Option<Second>> {
        let before = self.lives[self.shown..].iter().filter(|life| life.successor.as_ref() == Some(&replica.boot_id));
        let silence = replica.silent(now);
        let of_life = |life: &Replica| {
            let silent = usize::try_from(life.age(now).as_secs()).unwrap_or(usize::MAX);
            // Its own chart ends with its last word.
            silent.saturating_sub(silence)
        };
        let own = std::iter::once((&replica.series, 0));
        series::sum(own.chain(before.map(|life| (&life.series, of_life(life)))), seconds)
    }

    /// The newest `seconds` of all together.
    #[must_use]
    pub fn charts(&self, seconds: usize, now: Instant) -> Vec<Option<Second>> {
        series::sum(self.lives.iter().map(|life| (&life.series, life.silent(now))), seconds)
    }

    /// By which column the rows are ordered.
    #[must_use]
    pub const fn order(&self) -> FleetOrder {
        self.order
    }

    /// Whether the smallest come first.
    #[must_use]
    pub const fn rises(&self) -> bool {
        self.order.rises() != self.reversed
    }

    /// Puts the rows into the next order.
    pub fn order_by_next(&mut self, now: Instant) {
        self.order_by(self.order.next(), now);
    }

    /// Puts the rows into this order; turns them round where they stand in it.
    pub fn order_by(&mut self, order: FleetOrder, now: Instant) {
        self.reversed = order == self.order && !self.reversed;
        self.order = order;
        self.line_up(now);
    }

    /// Keeps a replica on top, in all its lives, or lets go of it.
    pub fn pin(&mut self, name: &str, now: Instant) {
        if !self.pinned.remove(name) {
            self.pinned.insert(name.to_owned());
        }
        self.line_up(now);
    }

    /// Sums over all replicas and all their lives.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Investigations at work on the replicas that answer.
    #[must_use]
    pub fn running(&self, now: Instant) -> u64 {
        self.replicas().iter().filter(|one| one.is_fresh(now)).fold(0, |sum, one| sum.saturating_add(one.running))
    }

    /// Whether any replica that answers has work, at work or waiting.
    #[must_use]
    pub fn is_busy(&self, now: Instant) -> bool {
        self.replicas().iter().any(|replica| replica.is_busy(now))
    }

    fn life_mut(&mut self, boot_id: &str) -> Option<&mut Replica> {
        self.index.get(boot_id).and_then(|at| self.lives.get_mut(*at))
    }

    fn source(&mut self, source: SourceId) -> &mut Source {
        if self.sources.len() <= source.0 {
            self.sources.resize_with(source.0 + 1, Source::default);
        }
        &mut self.sources[source.0]
    }
}

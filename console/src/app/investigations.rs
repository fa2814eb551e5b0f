//! The investigations that the console knows, newest first, from all replicas.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use langdeck_shared::{Investigation, ReplicaUpdate};

/// How many investigations are kept; the oldest ended ones go first.
pub(super) const KEPT: usize = 20_000;

/// One investigation as the console knows it.
#[derive(Debug, Clone)]
pub struct Known {
    /// What its replica said last.
    pub investigation: Investigation,
    /// The life of the replica that runs it.
    pub boot_id: String,
    /// When that was heard.
    pub received: Instant,
    /// Whether its replica restarted before it ended: nobody will ever say how it went.
    pub lost: bool,
    place: Place,
}

impl Known {
    /// How long its chain has run, or ran, at `now`, by the console's clock from the last word on.
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        let said = Duration::from_millis(self.investigation.elapsed_ms);
        if self.is_moving() && self.investigation.started_at.is_some() {
            said + now.saturating_duration_since(self.received)
        } else {
            said
        }
    }

    /// Whether it is still at work, or waiting to be.
    #[must_use]
    pub const fn is_moving(&self) -> bool {
        !self.investigation.status.has_ended() && !self.lost
    }
}

/// An investigation's place in the list: when it was accepted, by the console's clock in milliseconds since it began.
/// It is worked out once, from the replica's clock at the first word of it, and never moves again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place(i64, String);

/// All that are known, oldest first inside, newest first to those who look.
#[derive(Debug, Clone)]
pub struct Investigations {
    began: Instant,
    #[expect(clippy::vec_box, reason = "a late insertion shifts what comes after it, and pointers shift faster")]
    entries: Vec<Box<Known>>,
    places: HashMap<String, i64>,
}

impl Investigations {
    /// None yet. `began` is where the list's time begins.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, entries: Vec::new(), places: HashMap::new() }
    }

    /// When the list's time begins.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// How long ago an investigation was accepted, by the console's clock.
    #[must_use]
    pub fn age(&self, known: &Known, now: Instant) -> Duration {
        let now_ms = millis(now.saturating_duration_since(self.began));
        Duration::from_millis(u64::try_from(now_ms.saturating_sub(known.place.0)).unwrap_or(0))
    }

    /// Takes those that moved in an answer.
    pub fn take(&mut self, update: ReplicaUpdate, received: Instant) {
        let received_ms = millis(received.saturating_duration_since(self.began));
        for investigation in update.investigations {
            let age_ms = update.now.as_millisecond().saturating_sub(investigation.accepted_at.as_millisecond());
            let at = received_ms.saturating_sub(age_ms.max(0));
            self.put(investigation, &update.boot_id, at, received);
        }
        self.forget_oldest();
    }

    /// Marks what a life of a replica left unfinished.
    pub fn lose(&mut self, boot_id: &str) {
        for known in self.entries.iter_mut().filter(|known| known.boot_id == boot_id && known.is_moving()) {
            known.lost = true;
        }
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All, newest first.
    pub fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Known> + ExactSizeIterator {
        self.entries.iter().rev().map(Box::as_ref)
    }

    /// The one at a place counted from the newest.
    #[must_use]
    pub fn at(&self, from_newest: usize) -> Option<&Known> {
        self.entries.len().checked_sub(from_newest + 1).and_then(|index| self.entries.get(index)).map(Box::as_ref)
    }

    /// The one with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Known> {
        self.index(id).and_then(|index| self.entries.get(index)).map(Box::as_ref)
    }

    /// How many stand before this one, counted from the newest.
    #[must_use]
    pub fn rank(&self, id: &str) -> Option<usize> {
        self.index(id).map(|index| self.entries.len() - 1 - index)
    }

    fn index(&self, id: &str) -> Option<usize> {
        let at = *self.places.get(id)?;
        self.entries.binary_search_by(|known| (known.place.0, known.place.1.as_str()).cmp(&(at, id))).ok()
    }

    fn put(&mut self, investigation: Investigation, boot_id: &str, at: i64, received: Instant) {
        let id = investigation.investigation_id.clone();
        if let Some(known) = self.index(&id).and_then(|index| self.entries.get_mut(index)) {
            known.investigation = investigation;
            known.received = received;
            return;
        }
        let place = Place(at, id.clone());
        let index = self.entries.partition_point(|known| known.place < place);
        let boot_id = boot_id.to_owned();
        self.entries.insert(index, Box::new(Known { investigation, boot_id, received, lost: false, place }));
        self.places.insert(id, at);
    }

    fn forget_oldest(&mut self) {
        let mut excess = self.entries.len().saturating_sub(KEPT);
        if excess == 0 {
            return;
        }
        let places = &mut self.places;
        self.entries.retain(|known| {
            let forget = excess > 0 && !known.is_moving();
            if forget {
                excess -= 1;
                places.remove(&known.place.1);
            }
            !forget
        });
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

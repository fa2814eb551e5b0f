//! The investigations that the console knows, newest first, from all replicas.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use langdeck_shared::{Investigation, ReplicaUpdate, Step};

/// How many investigations are kept; the oldest ended ones go first, then the oldest.
pub(super) const KEPT: usize = 20_000;
/// How many bytes they may take together: twice what so many ordinary ones do.
const MOST_BYTES: usize = 96 * 1024 * 1024;

/// One investigation as the console knows it.
#[derive(Debug, Clone)]
pub struct Known {
    /// What its replica said last.
    pub investigation: Investigation,
    /// The life of the replica that runs it.
    pub boot_id: String,
    /// When that was heard.
    pub received: Instant,
    /// Why nobody will say how it went; none while somebody may.
    pub lost: Option<Loss>,
    place: Place,
    /// About how many bytes it takes.
    bytes: usize,
    /// All that a filter looks at, in small letters, a line each.
    texts: Box<str>,
}

/// Why nobody will say how an investigation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Its replica has ended before it did.
    Ended,
    /// Its replica told of more than one could hear.
    Missed,
}

impl Known {
    /// One that does not come from the list, and has no place there.
    pub(super) fn apart(investigation: Investigation, received: Instant) -> Self {
        let place = Place(0, investigation.investigation_id.clone());
        let (boot_id, texts) = (String::new(), Box::default());
        Self { investigation, boot_id, received, lost: None, place, bytes: 0, texts }
    }

    /// Whether any of its texts holds this word, which is in small letters.
    #[must_use]
    pub fn says(&self, word: &str) -> bool {
        self.texts.contains(word)
    }

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
        !self.investigation.status.has_ended() && self.lost.is_none()
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
    /// The lives that told of fewer changes than there were, since they were last told of to the end.
    gaps: HashSet<String>,
    /// About how many bytes all entries take.
    bytes: usize,
}

impl Investigations {
    /// None yet. `began` is where the list's time begins.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, entries: Vec::new(), places: HashMap::new(), gaps: HashSet::new(), bytes: 0 }
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

    /// Takes those that moved in an entry of a replica, which said it at `said`; `newest` is whether nothing later was
    /// known of it. The ids of those that are no longer known come back.
    pub fn take(&mut self, update: ReplicaUpdate, said: Instant, newest: bool) -> Vec<String> {
        let said_ms =
            millis(said.saturating_duration_since(self.began)) - millis(self.began.saturating_duration_since(said));
        for investigation in update.investigations {
            let age_ms = update.now.as_millisecond().saturating_sub(investigation.accepted_at.as_millisecond());
            let at = said_ms.saturating_sub(age_ms.max(0));
            self.put(investigation, &update.boot_id, at, said);
        }
        if update.missed > 0 {
            self.gaps.insert(update.boot_id.clone());
        }
        if newest && !update.more && self.gaps.remove(&update.boot_id) {
            self.lose_untold(&update.boot_id, update.running.saturating_add(update.queued));
        }
        self.forget_oldest()
    }

    /// Marks what a life of a replica left unfinished.
    pub fn lose(&mut self, boot_id: &str) {
        self.gaps.remove(boot_id);
        self.moving(boot_id).for_each(|known| known.lost = Some(Loss::Ended));
    }

    /// Takes that back: the life goes on.
    pub fn restore(&mut self, boot_id: &str) {
        let lost = self.entries.iter_mut().filter(|known| known.boot_id == boot_id && known.lost == Some(Loss::Ended));
        lost.for_each(|known| known.lost = None);
    }

    /// Marks those that have ended without a word of it: so many as there are more than the life has at work, those
    /// heard of longest ago.
    fn lose_untold(&mut self, boot_id: &str, at_work: u64) {
        let mut moving: Vec<&mut Known> = self.moving(boot_id).collect();
        let untold = moving.len().saturating_sub(usize::try_from(at_work).unwrap_or(usize::MAX));
        moving.sort_by_key(|known| known.received);
        moving.into_iter().take(untold).for_each(|known| known.lost = Some(Loss::Missed));
    }

    fn moving(&mut self, boot_id: &str) -> impl Iterator<Item = &mut Known> {
        self.entries.iter_mut().map(Box::as_mut).filter(move |known| known.boot_id == boot_id && known.is_moving())
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
        if self.get(&id).is_some_and(|known| is_older(&investigation, received, known)) {
            return;
        }
        let texts = texts_of(&investigation);
        let bytes = bytes_of(&investigation) + texts.len();
        self.bytes += bytes;
        if let Some(known) = self.index(&id).and_then(|index| self.entries.get_mut(index)) {
            self.bytes -= std::mem::replace(&mut known.bytes, bytes);
            known.investigation = investigation;
            boot_id.clone_into(&mut known.boot_id);
            known.received = received;
            known.lost = None;
            known.texts = texts;
            return;
        }
        let place = Place(at, id.clone());
        let index = self.entries.partition_point(|known| known.place < place);
        let boot_id = boot_id.to_owned();
        self.entries
            .insert(index, Box::new(Known { investigation, boot_id, received, lost: None, place, bytes, texts }));
        self.places.insert(id, at);
    }

    fn forget_oldest(&mut self) -> Vec<String> {
        let (mut count, mut bytes) = (self.entries.len(), self.bytes);
        let mut too_much = |known: &Known| {
            let forget = count > KEPT || bytes > MOST_BYTES;
            if forget {
                (count, bytes) = (count - 1, bytes - known.bytes);
            }
            forget
        };
        if self.entries.len() <= KEPT && self.bytes <= MOST_BYTES {
            return Vec::new();
        }
        let mut forgotten: Vec<_> =
            self.entries.extract_if(.., |known| !known.is_moving() && too_much(known)).collect();
        // An agent that only ever begins must not fill the memory either.
        forgotten.extend(self.entries.extract_if(.., |known| too_much(known)));
        let forget = |known: Box<Known>| {
            self.bytes -= known.bytes;
            self.places.remove(&known.place.1);
            known.place.1
        };
        forgotten.into_iter().map(forget).collect()
    }
}

/// Whether a word about an investigation is older than what is known of it: what has ended never runs again.
fn is_older(investigation: &Investigation, said: Instant, known: &Known) -> bool {
    match (known.investigation.status.has_ended(), investigation.status.has_ended()) {
        (ended, ends) if ended != ends => ended,
        _ => said < known.received,
    }
}

/// All that a filter looks at, in small letters, a line each.
fn texts_of(investigation: &Investigation) -> Box<str> {
    let alert = &investigation.alert;
    let texts = [
        investigation.investigation_id.as_str(),
        &investigation.replica,
        investigation.status.as_str(),
        &alert.alert_type,
        &alert.service,
        alert.severity.as_deref().unwrap_or_default(),
        investigation.root_cause.as_deref().unwrap_or_default(),
    ];
    texts.join("\n").to_lowercase().into()
}

/// About how many bytes an investigation takes.
fn bytes_of(investigation: &Investigation) -> usize {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_ref().map_or(0, |text| text.len());
    let of_step = |step: &Step| size_of::<Step>() + step.name.len() + text(&step.error) + text(&step.last_error);
    let alert = &investigation.alert;
    let labels = alert.labels.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>());
    let long = [&alert.severity, &alert.description].into_iter().flatten().map(String::len);
    // The id stands in three places.
    size_of::<Known>()
        + 3 * (investigation.investigation_id.len() + size_of::<String>())
        + alert.alert_type.len()
        + alert.service.len()
        + text(&investigation.root_cause)
        + text(&investigation.error)
        + investigation.steps.iter().map(of_step).sum::<usize>()
        + labels.sum::<usize>()
        + long.sum::<usize>()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use langdeck_shared::Status;

    use super::*;
    use crate::app::testing::{idle, investigation};

    #[test]
    fn the_list_is_bounded_whatever_is_at_work() {
        let now = Instant::now();
        let mut known = Investigations::new(now);
        for status in [Status::Running, Status::Succeeded, Status::Running] {
            let mut update = idle("a", "one");
            let id = |number| format!("inv_{status}_{}_{number}", known.len());
            let made_up = |number| investigation(&id(number), "a", ("high_cpu", "api"), status, Duration::ZERO);
            update.investigations = (0..KEPT / 2 + 10).map(made_up).collect();
            known.take(update, now, true);
        }
        assert_eq!((known.len(), known.places.len()), (KEPT, KEPT));
        assert!(known.newest_first().all(Known::is_moving), "what has ended goes first");
    }

    #[test]
    fn large_ones_are_fewer() {
        let now = Instant::now();
        let mut known = Investigations::new(now);
        for number in 0..10_000 {
            let mut update = idle("a", "one");
            let id = format!("inv_{number}");
            let mut large = investigation(&id, "a", ("high_cpu", "api"), Status::Failed, Duration::ZERO);
            large.error = Some("e".repeat(16 * 1024).into());
            update.investigations = vec![large];
            known.take(update, now + Duration::from_millis(number), true);
        }
        let held: usize = known.newest_first().map(|known| bytes_of(&known.investigation) + known.texts.len()).sum();
        assert!(held == known.bytes && held <= MOST_BYTES && held > MOST_BYTES - 20 * 1024, "{held}");
        assert_eq!(known.at(0).unwrap().investigation.investigation_id, "inv_9999");
        assert_eq!(known.len(), known.places.len());
        let ordinary = investigation("inv_07ci28lesb_4711", "a", ("high_cpu", "api"), Status::Partial, Duration::ZERO);
        assert!(2 * KEPT * bytes_of(&ordinary) <= MOST_BYTES, "{} bytes", bytes_of(&ordinary));
    }
}

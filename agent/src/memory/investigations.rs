//! The investigations that a replica knows, and the feed of what moved among them.
//!
//! Every change of an investigation takes the next number of one sequence. Ended ones stand in the order of their last
//! change; so what changed after any number is found without an index that each step of a live one would have to keep
//! up. Live ones are few, and looked through.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Alert, Status};

use super::Record;

/// How many forgotten investigations the feed can still count; a reader that is further behind gets a snapshot.
const COUNTED_EVICTIONS: usize = 16_384;

/// The most that the alerts of one page may weigh, in bytes. Written as JSON a text can be six times as long, and a
/// console reads up to 8 MiB.
const PAGE_BYTES: usize = 1024 * 1024;

/// Live investigations and a bounded number of ended ones.
#[derive(Debug)]
pub(crate) struct Investigations {
    history: usize,
    counted_evictions: usize,
    /// The last number given out.
    last_number: u64,
    /// The last change's sequence number.
    seq: u64,
    places: BTreeMap<u64, Place>,
    live: BTreeMap<u64, Record>,
    /// By last change.
    ended: BTreeMap<u64, Arc<Record>>,
    /// The last changes of those that were forgotten last, ascending.
    evicted_changes: VecDeque<u64>,
    /// The highest number that fell out of `evicted_changes`.
    uncounted: u64,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Live,
    /// Its last change.
    Ended(u64),
}

/// An investigation that has just ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) record: Arc<Record>,
    /// The one that made room for it. To free it takes longer than all the rest, and needs no lock.
    pub(crate) forgotten: Option<Arc<Record>>,
}

/// What a page of `GET /v1/investigations` shows.
#[derive(Debug, Default, Clone)]
pub(crate) struct ListFilter {
    pub(crate) status: Option<Status>,
    pub(crate) service: Option<String>,
    pub(crate) alert_type: Option<String>,
}

/// What moved after a point of the sequence.
#[derive(Debug)]
pub(crate) struct Changes {
    /// By last change, oldest first.
    pub(crate) records: Vec<Arc<Record>>,
    /// Where the next page goes on.
    pub(crate) upto: u64,
    /// Whether the page was too small for all.
    pub(crate) more: bool,
}

impl Investigations {
    /// Room for `history` ended investigations.
    pub(crate) fn new(history: usize) -> Self {
        Self::with_bounds(history, COUNTED_EVICTIONS)
    }

    pub(super) fn with_bounds(history: usize, counted_evictions: usize) -> Self {
        Self {
            history,
            counted_evictions,
            last_number: 0,
            seq: 0,
            places: BTreeMap::new(),
            live: BTreeMap::new(),
            ended: BTreeMap::new(),
            evicted_changes: VecDeque::new(),
            uncounted: 0,
        }
    }

    /// Takes a new investigation in and gives it its number.
    pub(crate) fn insert(&mut self, mut record: Record) -> u64 {
        self.last_number += 1;
        self.seq += 1;
        record.number = self.last_number;
        record.changed = self.seq;
        self.places.insert(self.last_number, Place::Live);
        self.live.insert(self.last_number, record);
        self.last_number
    }

    /// Changes a live investigation; nothing happens to one that has ended.
    pub(crate) fn change<T>(&mut self, number: u64, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let record = self.live.get_mut(&number)?;
        self.seq += 1;
        record.changed = self.seq;
        Some(change(record))
    }

    /// Moves a live investigation to those that have ended, with its last change, and forgets the oldest beyond the
    /// bound.
    pub(crate) fn end(&mut self, number: u64, change: impl FnOnce(&mut Record)) -> Option<Ended> {
        let mut record = self.live.remove(&number)?;
        self.seq += 1;
        record.changed = self.seq;
        change(&mut record);
        let record = self.shelve(Arc::new(record));
        let forgotten = if self.ended.len() > self.history { self.forget_oldest() } else { None };
        Some(Ended { record, forgotten })
    }

    /// Changes an investigation whether it is live or has ended; false for one that is not remembered.
    pub(crate) fn amend(&mut self, number: u64, change: impl FnOnce(&mut Record)) -> bool {
        match self.places.get(&number) {
            None => false,
            Some(Place::Live) => self.change(number, change).is_some(),
            Some(Place::Ended(changed)) => {
                let Some(mut record) = self.ended.remove(changed) else { return false };
                self.seq += 1;
                let amended = Arc::make_mut(&mut record);
                amended.changed = self.seq;
                change(amended);
                self.shelve(record);
                true
            }
        }
    }

    /// Changes what is seen only of a whole investigation, so that it has not moved.
    pub(crate) fn annotate(&mut self, number: u64, change: impl FnOnce(&mut Record)) {
        let record = match self.places.get(&number) {
            None => None,
            Some(Place::Live) => self.live.get_mut(&number),
            Some(Place::Ended(changed)) => self.ended.get_mut(changed).map(Arc::make_mut),
        };
        if let Some(record) = record {
            change(record);
        }
    }

    fn shelve(&mut self, record: Arc<Record>) -> Arc<Record> {
        self.places.insert(record.number, Place::Ended(record.changed));
        self.ended.insert(record.changed, Arc::clone(&record));
        record
    }

    /// The one that has not changed for longest makes room.
    fn forget_oldest(&mut self) -> Option<Arc<Record>> {
        let (_, oldest) = self.ended.pop_first()?;
        self.places.remove(&oldest.number);
        self.evicted_changes.push_back(oldest.changed);
        if self.evicted_changes.len() > self.counted_evictions
            && let Some(uncounted) = self.evicted_changes.pop_front()
        {
            self.uncounted = uncounted;
        }
        Some(oldest)
    }

    /// One investigation as it stands.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<Record>> {
        match *self.places.get(&number)? {
            Place::Live => self.live.get(&number).cloned().map(Arc::new),
            Place::Ended(changed) => self.ended.get(&changed).cloned(),
        }
    }

    /// A page of up to `limit` investigations that were accepted before number `before`, newest first, and whether there
    /// are more.
    pub(crate) fn list(&self, before: u64, limit: usize, filter: &ListFilter) -> (Vec<Arc<Record>>, bool) {
        let numbers = self.places.range(..before).rev().map(|(&number, _)| number);
        let matching = numbers.filter_map(|number| self.get(number).filter(|record| filter.fits(record)));
        let mut page: Vec<_> = matching.take(limit + 1).collect();
        let fit = fitting(&page, limit);
        let more = page.len() > fit;
        page.truncate(fit);
        (page, more)
    }

    /// A page of up to `limit` investigations of which `before` holds, by the time of their acceptance and their number,
    /// the last first; and whether there are more. The clock may have been set back between any two of them.
    pub(crate) fn list_by_time(
        &self,
        before: impl Fn(Timestamp, u64) -> bool,
        limit: usize,
        filter: &ListFilter,
    ) -> (Vec<Arc<Record>>, bool) {
        let all = self.places.keys().filter_map(|&number| self.get(number));
        let mut page: Vec<_> =
            all.filter(|record| before(record.accepted_at, record.number) && filter.fits(record)).collect();
        page.sort_unstable_by_key(|record| Reverse((record.accepted_at, record.number)));
        let fit = fitting(&page, limit);
        let more = page.len() > fit;
        page.truncate(fit);
        (page, more)
    }

    /// The ended investigations, last changed first.
    pub(crate) fn history(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.ended.values().rev()
    }

    /// What changed after `since`, up to `limit` investigations; none when the reader is too far behind, or ahead, to be
    /// told exactly.
    pub(crate) fn changes_since(&self, since: u64, limit: usize) -> Option<Changes> {
        if since < self.uncounted || since > self.seq {
            return None;
        }
        let mut records: Vec<_> =
            self.ended.range(since + 1..).map(|(_, record)| record).take(limit + 1).cloned().collect();
        records.extend(self.live.values().filter(|record| record.changed > since).cloned().map(Arc::new));
        records.sort_unstable_by_key(|record| record.changed);
        let fit = fitting(&records, limit);
        let more = records.len() > fit;
        records.truncate(fit);
        let upto = if more { records.last().map_or(since, |record| record.changed) } else { self.seq };
        Some(Changes { records, upto, more })
    }

    /// Those at work and those that changed last, up to `limit`, and how many are remembered besides.
    pub(crate) fn snapshot(&self, limit: usize) -> (Changes, u64) {
        let mut records: Vec<_> = self.ended.values().rev().take(limit).cloned().collect();
        records.extend(self.live.values().cloned().map(Arc::new));
        records.sort_unstable_by_key(|record| Reverse((record.status == Status::Running, record.changed)));
        records.truncate(fitting(&records, limit));
        records.sort_unstable_by_key(|record| record.changed);
        let left_out = (self.places.len() - records.len()) as u64;
        (Changes { records, upto: self.seq, more: false }, left_out)
    }

    /// How many investigations were forgotten whose last change lies after `since` and not after `upto`.
    pub(crate) fn missed(&self, since: u64, upto: u64) -> u64 {
        let position = |seq| self.evicted_changes.partition_point(|&changed| changed <= seq);
        (position(upto) - position(since)) as u64
    }
}

/// How many of the first records fit a page: at least one, up to `limit`.
fn fitting(records: &[Arc<Record>], limit: usize) -> usize {
    fit_a_page(records.iter().take(limit).map(|record| &*record.alert))
}

/// How many of the first investigations fit a page, by the weight of their alerts: at least one.
pub(crate) fn fit_a_page<'a>(alerts: impl Iterator<Item = &'a Alert>) -> usize {
    let mut bytes = 0_usize;
    let weighed = alerts.take_while(|alert| {
        bytes = bytes.saturating_add(weight(alert));
        bytes <= PAGE_BYTES
    });
    weighed.count().max(1)
}

/// How much of an alert its sender chose freely, in bytes.
fn weight(alert: &Alert) -> usize {
    let labels: usize = alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    labels + alert.description.as_ref().map_or(0, String::len)
}

impl ListFilter {
    fn fits(&self, record: &Record) -> bool {
        self.status.is_none_or(|status| record.status == status)
            && self.service.as_deref().is_none_or(|service| record.alert.service == service)
            && self.alert_type.as_deref().is_none_or(|alert_type| record.alert.alert_type == alert_type)
    }
}

//! The ring: the last entries of a numbered sequence, bounded in number and bytes.

use std::collections::VecDeque;

/// Entries with the numbers 1, 2, 3 and so on, of which only the last are kept.
#[derive(Debug)]
pub(super) struct Ring<T> {
    bounds: Bounds,
    entries: VecDeque<Entry<T>>,
    bytes: usize,
    /// The number of the last entry; 0 before the first.
    last: u64,
}

/// How much a ring holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    weight: usize,
}

impl<T> Ring<T> {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { bounds, entries: VecDeque::new(), bytes: 0, last: 0 }
    }

    /// Holds as much as this from now on, if it is more than before.
    pub(super) fn widen(&mut self, Bounds { entries, bytes }: Bounds) {
        self.bounds.entries = self.bounds.entries.max(entries);
        self.bounds.bytes = self.bounds.bytes.max(bytes);
    }

    /// Takes an entry in that weighs so many bytes. The oldest make room for it; the last one stays, whatever it weighs.
    pub(super) fn push(&mut self, value: T, weight: usize) {
        self.last += 1;
        self.bytes += weight;
        self.entries.push_back(Entry { value, weight });
        while self.entries.len() > 1 && (self.entries.len() > self.bounds.entries || self.bytes > self.bounds.bytes) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.weight;
            }
        }
    }

    /// The number of the last entry.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// How many entries were forgotten, which is the number of the last of them.
    pub(super) fn forgotten(&self) -> u64 {
        self.last - self.entries.len() as u64
    }

    /// The entries after a number, oldest first, each with its own.
    pub(super) fn after(&self, number: u64) -> impl DoubleEndedIterator<Item = (u64, &T)> + ExactSizeIterator {
        let forgotten = self.forgotten();
        let from = usize::try_from(number.saturating_sub(forgotten)).map_or(self.entries.len(), |from| from);
        let from = from.min(self.entries.len());
        let first = forgotten + from as u64 + 1;
        self.entries.range(from..).enumerate().map(move |(place, entry)| (first + place as u64, &entry.value))
    }
}

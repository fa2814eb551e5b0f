//! A live investigation: its record under a lock of its own, so that its steps are nothing to the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Record, StepRecord};

/// The sequence from which every change of every investigation takes its number.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequence(Arc<AtomicU64>);

/// An investigation that has not ended.
#[derive(Debug)]
pub(crate) struct Live {
    sequence: Sequence,
    /// None once it has ended.
    record: Mutex<Option<Record>>,
}

impl Sequence {
    /// The number of the last change.
    pub(super) fn last(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

impl Live {
    pub(super) fn new(sequence: &Sequence, record: Record) -> Self {
        Self { sequence: sequence.clone(), record: Mutex::new(Some(record)) }
    }

    /// Changes the record; nothing happens to one that has ended.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let mut record = self.lock();
        let record = record.as_mut()?;
        // Taken under the record's lock: who reads the sequence first and the record then misses no change in between.
        record.changed = self.sequence.next();
        Some(change(record))
    }

    /// Changes one of its steps.
    pub(crate) fn change_step<T>(&self, step: usize, change: impl FnOnce(&mut StepRecord) -> T) -> Option<T> {
        self.change(|record| record.steps.get_mut(step).map(change)).flatten()
    }

    /// The record as it stands, if it changed after `since` and not after `upto`.
    pub(super) fn changed_within(&self, since: u64, upto: u64) -> Option<Record> {
        self.lock().as_ref().filter(|record| since < record.changed && record.changed <= upto).cloned()
    }

    /// The record as it stands.
    pub(super) fn get(&self) -> Option<Record> {
        self.lock().clone()
    }

    /// Takes the record out: the investigation has ended.
    pub(super) fn end(&self) -> Option<Record> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Record>> {
        // A change that panics leaves a record that says less than it could, and nothing wrong.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

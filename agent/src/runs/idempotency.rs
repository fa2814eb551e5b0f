//! Idempotency keys: the same key and alert lead to the same investigation.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use langdeck_shared::AlertRequest;

use super::{Refusal, Run};

/// How many keys of ended investigations are remembered; beyond them the oldest is forgotten.
const MOST_ENDED: usize = 1024;

/// A key, and the alert that it was sent with.
#[derive(Debug)]
pub(crate) struct Claim {
    key: Arc<str>,
    fingerprint: u64,
}

impl Claim {
    /// A client's key for an alert. Alerts that mean the same are the same, however their JSON is written.
    pub(crate) fn new(key: &str, request: &AlertRequest) -> Result<Self, serde_json::Error> {
        let mut hasher = DefaultHasher::new();
        hasher.write(&serde_json::to_vec(request)?);
        Ok(Self { key: key.into(), fingerprint: hasher.finish() })
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// The keys of all live investigations that have one, and of the last ended ones.
#[derive(Debug)]
pub(super) struct Keys {
    most: usize,
    known: HashMap<Arc<str>, (u64, Arc<Run>)>,
    /// Oldest first.
    order: VecDeque<Arc<str>>,
}

impl Keys {
    /// Keys of up to `live` investigations that have not ended, and of ended ones besides.
    pub(super) fn new(live: usize) -> Self {
        Self { most: live.saturating_add(MOST_ENDED), known: HashMap::new(), order: VecDeque::new() }
    }

    /// The investigation that has the key, if one has; refused when it is of another alert.
    pub(super) fn find(&self, claim: &Claim) -> Result<Option<Arc<Run>>, Refusal> {
        match self.known.get(&claim.key) {
            None => Ok(None),
            Some((fingerprint, run)) if *fingerprint == claim.fingerprint => Ok(Some(Arc::clone(run))),
            Some((_, run)) => Err(Refusal::KeyReused { number: run.number }),
        }
    }

    pub(super) fn insert(&mut self, Claim { key, fingerprint }: Claim, run: Arc<Run>) {
        if self.order.len() >= self.most {
            self.forget_oldest();
        }
        self.order.push_back(Arc::clone(&key));
        self.known.insert(key, (fingerprint, run));
    }

    /// Forgets the oldest key whose investigation has ended. A live one keeps its key: its client may still ask again.
    fn forget_oldest(&mut self) {
        for _ in 0..self.order.len() {
            let Some(oldest) = self.order.pop_front() else { return };
            if self.known.get(&oldest).is_none_or(|(_, run)| run.ended().is_some()) {
                self.known.remove(&oldest);
                return;
            }
            self.order.push_back(oldest);
        }
    }
}

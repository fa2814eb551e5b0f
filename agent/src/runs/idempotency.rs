//! Idempotency keys: the same key and alert lead to the same investigation.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use langdeck_shared::AlertRequest;

use super::{Refusal, Run};

/// How many keys are remembered; beyond them the oldest is forgotten.
const MOST: usize = 1024;

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
}

/// The keys of the last investigations that had one.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: HashMap<Arc<str>, (u64, Arc<Run>)>,
    /// Oldest first.
    order: VecDeque<Arc<str>>,
}

impl Keys {
    /// The investigation that has the key, if one has; refused when it is of another alert.
    pub(super) fn find(&self, claim: &Claim) -> Result<Option<Arc<Run>>, Refusal> {
        match self.known.get(&claim.key) {
            None => Ok(None),
            Some((fingerprint, run)) if *fingerprint == claim.fingerprint => Ok(Some(Arc::clone(run))),
            Some((_, run)) => Err(Refusal::KeyReused { number: run.number }),
        }
    }

    pub(super) fn insert(&mut self, Claim { key, fingerprint }: Claim, run: Arc<Run>) {
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(Arc::clone(&key));
        self.known.insert(key, (fingerprint, run));
    }
}

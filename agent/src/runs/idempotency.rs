//! Idempotency keys: the same key and alert lead to the same investigation.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use langdeck_shared::AlertRequest;

use super::{Refusal, Submitted};

/// How many keys are remembered beside those of live investigations; beyond them the oldest is forgotten.
const MOST_OTHERS: usize = 1024;

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

/// The keys of all live investigations that have one, and of the last ended ones and those that were joined.
#[derive(Debug)]
pub(super) struct Keys {
    most: usize,
    known: HashMap<Arc<str>, (u64, Submitted)>,
    /// Oldest first.
    order: VecDeque<Arc<str>>,
}

impl Keys {
    /// Keys of up to `live` investigations that have not ended, and others besides.
    pub(super) fn new(live: usize) -> Self {
        Self { most: live.saturating_add(MOST_OTHERS), known: HashMap::new(), order: VecDeque::new() }
    }

    /// What the key led to, if it is known; refused when it came with another alert.
    pub(super) fn find(&self, claim: &Claim) -> Result<Option<Submitted>, Refusal> {
        match self.known.get(&claim.key) {
            None => Ok(None),
            Some((fingerprint, submitted)) if *fingerprint == claim.fingerprint => Ok(Some(submitted.clone())),
            Some((_, submitted)) => Err(Refusal::KeyReused { number: submitted.number() }),
        }
    }

    pub(super) fn insert(&mut self, Claim { key, fingerprint }: Claim, submitted: Submitted) {
        if self.order.len() >= self.most {
            self.forget_oldest();
        }
        self.order.push_back(Arc::clone(&key));
        self.known.insert(key, (fingerprint, submitted));
    }

    /// Forgets the oldest key whose investigation has ended or is another's. A live one keeps its own: its client may
    /// still ask again, where one that joined would join again.
    fn forget_oldest(&mut self) {
        for _ in 0..self.order.len() {
            let Some(oldest) = self.order.pop_front() else { return };
            let is_needed = |(_, submitted): &(_, Submitted)| submitted.is_new() && submitted.ended().is_none();
            if !self.known.get(&oldest).is_some_and(is_needed) {
                self.known.remove(&oldest);
                return;
            }
            self.order.push_back(oldest);
        }
    }
}

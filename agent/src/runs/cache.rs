//! The cache: an alert is answered with the report of an earlier one like it, or joins its investigation.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::{Alert, CostTracking, Status, Usd};
use lru::LruCache;
use tokio::time::Instant;

use super::{Arrival, CancelReason, Run, Runs, State};
use crate::chain::ModelId;
use crate::clock::millis;
use crate::decisions::Choice;
use crate::memory::Record;

/// What makes one alert's report another's: type and service, the model, and what that is told.
///
/// The names stand here as a number. Whoever finds something by it compares the names themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    names: u64,
    model: ModelId,
    prompts: u64,
}

/// The last investigation of each likeness, by its number. What became of it is looked up when it is needed, so that one
/// which is not remembered any more cannot be given again.
#[derive(Debug)]
pub(super) struct Cache {
    /// How old a report may be.
    ttl: Duration,
    last: LruCache<Likeness, u64>,
    caught: Caught,
}

/// How often the cache had something to say, and what that saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caught {
    /// Alerts that were answered with an earlier report.
    pub(crate) hits: u64,
    /// Alerts that joined an investigation under way.
    pub(crate) joins: u64,
    /// Alerts for which there was neither.
    pub(crate) misses: u64,
    /// What the reports that were given again had cost.
    pub(crate) saved: Usd,
}

/// What an alert led to.
#[derive(Debug, Clone)]
pub(crate) enum Submitted {
    /// An investigation of its own.
    New(Arc<Run>),
    /// An investigation of one like it, which was under way.
    Joined(Arc<Run>),
    /// The report of one like it.
    Cached(Cached),
}

/// A report that is given again.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    record: Arc<Record>,
    /// How long before it had ended.
    pub(crate) age: Duration,
}

impl Cache {
    /// For reports of up to this age, with room for `most` of them: more than are remembered would be in vain.
    pub(super) fn new(ttl: Duration, most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self { ttl, last: LruCache::sparse(most), caught: Caught::default() }
    }

    /// An investigation begins that others may join, and whose report may be given again.
    pub(super) fn begin(&mut self, likeness: Likeness, number: u64) {
        self.last.put(likeness, number);
    }

    /// How old a record's report is; none where it is not to be given again.
    fn age(&self, record: &Record, now: Instant) -> Option<Duration> {
        let is_whole = record.status == Status::Succeeded && !record.capped;
        let age = now.saturating_duration_since(record.ended?);
        (is_whole && age <= self.ttl).then_some(age)
    }
}

impl Submitted {
    /// The number of the investigation.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::New(run) | Self::Joined(run) => run.number,
            Self::Cached(cached) => cached.record.number,
        }
    }

    /// Waits for the investigation's end; the record is its last state.
    pub(crate) async fn wait(&self) -> &Arc<Record> {
        match self {
            Self::New(run) | Self::Joined(run) => run.wait().await,
            Self::Cached(cached) => &cached.record,
        }
    }

    /// Its last state, once it has ended.
    pub(crate) fn ended(&self) -> Option<&Arc<Record>> {
        match self {
            Self::New(run) | Self::Joined(run) => run.ended(),
            Self::Cached(cached) => Some(&cached.record),
        }
    }

    /// Why it was asked to stop, if it was.
    pub(crate) fn cancel_reason(&self) -> Option<CancelReason> {
        match self {
            Self::New(run) | Self::Joined(run) => run.cancel_reason(),
            Self::Cached(_) => None,
        }
    }

    /// How long before the alert the investigation had ended, where the answer comes from the cache.
    pub(crate) fn cached_age_ms(&self) -> Option<u64> {
        match self {
            Self::New(_) | Self::Joined(_) => None,
            Self::Cached(cached) => Some(millis(cached.age)),
        }
    }

    /// Whether it is the alert's own investigation.
    pub(crate) const fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }

    /// Whether the alert joined an investigation of one like it.
    pub(crate) const fn is_joined(&self) -> bool {
        matches!(self, Self::Joined(_))
    }

    /// What this alert is told of what the investigation cost.
    pub(crate) fn share(&self, tracking: CostTracking) -> CostTracking {
        match self {
            Self::New(_) => tracking,
            Self::Joined(_) => tracking.joined(),
            Self::Cached(cached) => tracking.cached(millis(cached.age)),
        }
    }
}

impl Runs {
    /// By what the cache knows an alert that this model would investigate; none without a cache.
    pub(super) fn likeness(&self, alert: &Alert, model: ModelId) -> Option<Likeness> {
        self.has_cache.then(|| {
            let mut hasher = DefaultHasher::new();
            (&alert.alert_type, &alert.service).hash(&mut hasher);
            Likeness { names: hasher.finish(), model, prompts: self.engine.model(model).prompt_version(alert) }
        })
    }
}

impl State {
    /// What the cache answers an alert with, if it can; nothing is set aside or spent for it then.
    pub(super) fn known_answer(&mut self, arrival: &Arrival) -> Option<Submitted> {
        let Self { books, schedule, cache, .. } = self;
        let cache = cache.as_mut()?;
        let number = cache.last.get(&arrival.likeness?).copied();
        let same =
            |alert: &Alert| alert.alert_type == arrival.alert.alert_type && alert.service == arrival.alert.service;
        let live = number.and_then(|number| schedule.get(number)).filter(|run| same(&run.alert));
        // Of one that is about to be cancelled nothing can be hoped for.
        if let Some(run) = live.filter(|run| run.cancel_reason().is_none()) {
            cache.caught.joins += 1;
            books.decided(run.number, Choice::JoinSame);
            return Some(Submitted::Joined(run));
        }
        let known = number.and_then(|number| books.investigations.get(number)).filter(|record| same(&record.alert));
        let fresh = known.and_then(|record| Some((cache.age(&record, arrival.now)?, record)));
        let Some((age, record)) = fresh else {
            cache.caught.misses += 1;
            return None;
        };
        let saved = record.spend().cost_usd;
        cache.caught.hits += 1;
        cache.caught.saved += saved;
        books.decided(record.number, Choice::AnswerFromCache { age, saved });
        Some(Submitted::Cached(Cached { record, age }))
    }

    /// How often the cache had something to say.
    pub(crate) fn caught(&self) -> Caught {
        self.cache.as_ref().map_or_else(Caught::default, |cache| cache.caught)
    }
}

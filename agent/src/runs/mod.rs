//! Runs: investigations that live on their own, from their admission to their end, whoever asked for them.

mod admission;
mod books;
mod cache;
#[cfg(test)]
mod cache_tests;
mod episodes;
mod idempotency;
#[cfg(test)]
mod money_tests;
mod recorder;
mod render;
mod schedule;
mod stopping;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use langdeck_shared::{Alert, AlertRequest, CostEntry, Investigation};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use admission::{Offer, Rules, Terms};
use books::Ending;
pub(crate) use books::{Books, ToolCalls};
use cache::{Cache, Likeness};
pub(crate) use cache::{Caught, Submitted};
use episodes::Episodes;
pub(crate) use episodes::{Episode, Firing, MOST_EPISODES};
pub(crate) use idempotency::Claim;
use recorder::{News, Recorder};
pub(crate) use render::{Detail, investigation, memory_entry, report};
use schedule::Schedule;
pub(crate) use schedule::{Limits, Run};
pub(crate) use stopping::{CancelReason, NotCancelled};

use crate::chain::{Engine, Job, Outcome};
use crate::clock::{self, millis};
use crate::cost::{BudgetStore, LocalBudgets, Policy, Prices, Purse, Spent, Told};
use crate::decisions::{Choice, Decisions};
use crate::identity::Identity;
use crate::memory::{Ended, Recall, Record};
use crate::metrics::Meters;
use crate::model::Scenarios;

/// Admits alerts, runs the chain over them and keeps the books.
pub(crate) struct Runs {
    engine: Engine,
    scenarios: Arc<Scenarios>,
    prices: Prices,
    rules: Rules,
    identity: Arc<Identity>,
    meters: Arc<Meters>,
    decisions: Arc<Decisions>,
    tasks: TaskTracker,
    draining: AtomicBool,
    has_cache: bool,
    /// One lock for everything that is known, so that every answer is of one moment. It is held for a few lines at a
    /// time and never across an await.
    state: Mutex<State>,
}

/// The books, and the schedule that goes with them.
pub(crate) struct State {
    pub(crate) books: Books,
    pub(crate) budgets: Box<dyn BudgetStore>,
    schedule: Schedule,
    episodes: Episodes,
    cache: Option<Cache>,
}

/// How much is taken in, and how much of it remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) limits: Limits,
    /// Ended investigations that are remembered.
    pub(crate) history: usize,
    /// For how long a report answers further alerts like its own; none where each is investigated.
    pub(crate) cache_ttl: Option<Duration>,
}

/// Why an alert was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// All places to run and to wait are taken.
    Full(Limits),
    /// The replica is about to stop.
    Draining,
    /// A budget has no room for its investigation.
    Spent(Box<Spent>),
    /// The idempotency key belongs to an investigation of another alert.
    KeyReused {
        /// That investigation's number.
        number: u64,
    },
}

/// An alert at the door.
struct Arrival {
    alert: Arc<Alert>,
    accepted_at: Timestamp,
    now: Instant,
    offer: Offer,
    /// Whether it is told of again when it is not taken.
    comes_again: bool,
    /// By what the cache knows it; none without a cache.
    likeness: Option<Likeness>,
}

/// An investigation whose chain is about to run.
struct Begun {
    run: Arc<Run>,
    recall: Option<Recall>,
    started: Instant,
}

impl Runs {
    pub(crate) fn new(
        engine: Engine,
        scenarios: Arc<Scenarios>,
        identity: Arc<Identity>,
        meters: Arc<Meters>,
        Room { limits, history, cache_ttl }: Room,
        policy: Policy,
    ) -> Arc<Self> {
        let decisions = Arc::new(Decisions::new(Arc::clone(&identity), engine.tools()));
        let books = Books::new(history, identity.started, Arc::clone(&decisions));
        let rules = Rules::new(&policy, &engine);
        let budgets = Box::new(LocalBudgets::new(policy.rules(), identity.started_at));
        let known = history.saturating_add(limits.running).saturating_add(limits.queued);
        let cache = cache_ttl.map(|ttl| Cache::new(ttl, known));
        let has_cache = cache.is_some();
        let state = State { books, budgets, schedule: Schedule::new(limits), episodes: Episodes::new(), cache };
        Arc::new(Self {
            engine,
            scenarios,
            prices: policy.into_prices(),
            rules,
            identity,
            meters,
            decisions,
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            has_cache,
            state: Mutex::new(state),
        })
    }

    /// Accepts an alert: the new investigation runs, or waits for a place to run. With a key that is known, the answer is
    /// what it led to before; and with a cache it may be the investigation of an alert like this one.
    pub(crate) fn submit(self: &Arc<Self>, request: AlertRequest, claim: Option<Claim>) -> Result<Submitted, Refusal> {
        let arrival = self.arrival(request);
        let mut state = self.lock();
        let claimed = state.schedule.claimed(claim.as_ref());
        if let Some(submitted) = claimed.inspect_err(|refusal| self.refused(&arrival, refusal))? {
            state.books.decided(submitted.number(), Choice::JoinKey);
            return Ok(submitted);
        }
        if let Some(submitted) = state.known_answer(&arrival) {
            state.schedule.claim(claim, &submitted);
            return Ok(submitted);
        }
        let (mut state, run, begun) = self.admit(state, arrival)?;
        let submitted = Submitted::New(run);
        state.schedule.claim(claim, &submitted);
        self.launch(state, begun);
        Ok(submitted)
    }

    /// Lets go of the books and sets to work what has a place.
    fn launch(self: &Arc<Self>, state: MutexGuard<'_, State>, begun: Option<Begun>) {
        let Some(begun) = begun else { return };
        // A replica that closes before the task is there waits for it all the same.
        let _token = self.tasks.token();
        drop(state);
        self.start(begun);
    }

    fn arrival(&self, request: AlertRequest) -> Arrival {
        let (accepted_at, now) = (clock::now(), Instant::now());
        let alert = Arc::new(self.alert(request, accepted_at));
        let offer = self.offer(&alert, accepted_at);
        let likeness = self.likeness(&alert, offer.choice.model);
        Arrival { alert, accepted_at, now, offer, comes_again: false, likeness }
    }

    fn alert(&self, request: AlertRequest, arrived: Timestamp) -> Alert {
        let AlertRequest { alert_type, service, severity, description, labels, timestamp } = request;
        let timestamp = timestamp.unwrap_or(arrived);
        let (alert_type, original_alert_type) = match self.scenarios.resolve(&alert_type) {
            Some(canonical) => (canonical.to_string(), Some(alert_type)),
            None => (alert_type, None),
        };
        Alert { alert_type, original_alert_type, service, severity, description, labels, timestamp }
    }

    /// The alert type that a name stands for: its own, unless it is an alias.
    pub(crate) fn canonical(&self, alert_type: String) -> String {
        self.scenarios.resolve(&alert_type).map_or(alert_type, ToString::to_string)
    }

    fn spawn(self: &Arc<Self>, begun: Begun) {
        self.tasks.spawn(Arc::clone(self).execute(begun));
    }

    /// Goes as far as the chain gets without waiting; a task does the rest. One that never has to wait costs no task.
    fn start(self: &Arc<Self>, begun: Begun) {
        let mut chain = Box::pin(Arc::clone(self).execute(begun));
        if chain.as_mut().now_or_never().is_none() {
            self.tasks.spawn(chain);
        }
    }

    async fn execute(self: Arc<Self>, Begun { run, recall, started }: Begun) {
        self.meters.observe_wait(started.saturating_duration_since(run.accepted));
        let recorder = Recorder::new(started);
        let usual = run.terms.choice.other.is_some().then_some(&*self.identity.model);
        let purse = Purse::new(&self.prices, run.accepted_at, run.terms.purse, usual);
        let ending = self.follow(&run, recall.as_ref(), started, &purse, &recorder).await;
        let (ended, next, worsened) = {
            let now = Instant::now();
            let mut state = self.lock();
            state.enter(&run, recorder.last_news(), now);
            let ended = state.end(&run, ending, purse.was_short(), now);
            let next = state.schedule.next().map(|next| state.books.begin(&next, now));
            (ended, next, state.budgets.worsened(run.wall_clock_ms(now)))
        };
        self.warn_of(worsened);
        self.announce(&run, ended);
        if let Some(next) = next {
            // Not started from here: a long queue of chains that never wait would be as deep a stack.
            self.spawn(next);
        }
    }

    /// Runs a chain to its end, or until it is cancelled. Whenever it waits, the books are brought up to date.
    async fn follow(
        &self,
        run: &Run,
        recall: Option<&Recall>,
        started: Instant,
        purse: &Purse<'_>,
        recorder: &Recorder,
    ) -> Ending {
        let job = Job { alert: &run.alert, recall, model: run.terms.choice.model, started, purse, observer: recorder };
        let mut chain = pin!(AssertUnwindSafe(self.engine.investigate(job)).catch_unwind());
        let chain = poll_fn(|context| {
            let polled = chain.as_mut().poll(context);
            if polled.is_pending()
                && let Some(news) = recorder.news()
            {
                self.lock().enter(run, news, Instant::now());
            }
            polled
        });
        tokio::select! {
            biased;
            outcome = chain => match outcome {
                Ok(Outcome::Concluded { complete, conclusion }) => Ending::Concluded { complete, conclusion },
                Ok(Outcome::Failed(reason)) => Ending::Failed(reason),
                Err(_panic) => Ending::Failed("internal error".into()),
            },
            reason = run.cancelled() => Ending::Cancelled(reason),
        }
    }

    /// Everything after the books are right: who waits for the investigation learns of its end last.
    fn announce(&self, run: &Run, ended: Option<Ended>) {
        let Some(Ended { record, forgotten }) = ended else { return };
        let (spend, took) = (record.spend(), record.took());
        self.meters.observe(&record);
        tracing::info!(
            investigation_id = self.identity.investigation_id(record.number),
            status = record.status.as_str(),
            alert_type = record.alert.alert_type,
            service = record.alert.service,
            elapsed_ms = took.map(millis),
            tokens = spend.tokens,
            cost_usd = %spend.cost_usd,
            error = record.error.as_deref(),
            "investigation ended"
        );
        run.end(record);
        drop(forgotten);
    }

    /// An entry of the ledger as the wire shows it.
    pub(crate) fn cost_entry(&self, entry: &Told) -> CostEntry {
        render::cost_entry(entry, &self.prices, &self.identity)
    }

    /// Adds to each step of an investigation how many tokens such a one usually takes.
    pub(crate) fn add_medians(&self, investigation: &mut Investigation, record: &Record) {
        let model = record.other_model.as_ref().unwrap_or(&self.identity.model);
        let names = investigation.steps.iter().map(|step| &*step.name);
        let medians = self.look(|state| state.books.ledger.medians(names, model));
        for (step, median) in investigation.steps.iter_mut().zip(medians) {
            step.median_tokens = median;
        }
    }

    /// What models and the replica cost.
    pub(crate) const fn prices(&self) -> &Prices {
        &self.prices
    }

    /// Why this replica did what it did.
    pub(crate) const fn decisions(&self) -> &Arc<Decisions> {
        &self.decisions
    }

    /// Looks into the books, and holds them still for as long as `look` takes.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic leaves behind are sums of integers, each right for itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Investigations at work, and those that wait for a place.
    pub(crate) fn gauges(&self) -> (u64, u64) {
        self.schedule.gauges()
    }

    /// Whether there is a place for an alert to run at once, and the terms on which it is taken.
    fn room_for(&mut self, arrival: &Arrival) -> Result<(bool, Terms), Refusal> {
        let runs_now = self.schedule.admit()?;
        Ok((runs_now, self.terms(arrival)?))
    }

    /// Takes an alert in for which there is room: its investigation begins, or waits for a place to run.
    fn admit(&mut self, arrival: Arrival, terms: Terms, runs_now: bool) -> (Arc<Run>, Option<Begun>) {
        let Self { books, schedule, cache, .. } = self;
        let Arrival { alert, accepted_at, now, likeness, .. } = arrival;
        // One that is degraded has another model than alerts like it are meant for.
        let likeness = likeness.filter(|_| terms.degraded_by.is_none());
        let run = Arc::new(books.accept(alert, accepted_at, now, terms));
        schedule.insert(Arc::clone(&run));
        if let (Some(cache), Some(likeness)) = (cache, likeness) {
            cache.begin(likeness, run.number);
        }
        if runs_now {
            let begun = books.begin(&run, now);
            return (run, Some(begun));
        }
        schedule.enqueue(Arc::clone(&run));
        (run, None)
    }

    /// Enters what happened in an investigation; what it spent comes out of what was set aside for it.
    fn enter(&mut self, run: &Run, news: News, now: Instant) {
        if let Some(reservation) = run.terms.reservation {
            self.budgets.settle(reservation, news.cost(), run.wall_clock_ms(now));
        }
        self.books.enter(run, news, now);
    }

    fn end(&mut self, run: &Run, ending: Ending, capped: bool, now: Instant) -> Option<Ended> {
        self.schedule.remove(run.number);
        if let Some(reservation) = run.terms.reservation {
            self.budgets.release(reservation);
        }
        self.books.end(run.number, ending, capped, now)
    }
}

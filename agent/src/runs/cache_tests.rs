//! The cache by the clock and by what alerts have in common: what is given again, what is joined, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use langdeck_shared::{Alert, AlertRequest, DecisionCode, Status, ToolMode, Usd};
use tokio::time::advance;

use super::{CancelReason, Caught, Claim, Limits, Room, Runs, Submitted};
use crate::chain::Engine;
use crate::cost::Policy;
use crate::identity::Identity;
use crate::memory::Record;
use crate::metrics::Meters;
use crate::model::Scenarios;
use crate::testing::{Behaviour, Call, FakeModel, Fault, fake_tool};
use crate::{
    Answer, Arguments, ArgumentsRequest, Conclusion, ConclusionRequest, Model, ModelError, Plan, PlanRequest, Question,
    Usage,
};

const TTL: Duration = Duration::from_secs(600);
const MILLISECOND: Duration = Duration::from_millis(1);
/// What an investigation of the fake model costs.
const COST: Usd = Usd::from_nanos(66_000);
const QUICK: Behaviour = Behaviour::Finds(Duration::from_millis(10));

/// A fake model whose prompts can change.
struct Prompted(FakeModel, Arc<AtomicU64>);

impl Model for Prompted {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn most_tokens(&self, alert: &Alert, question: Question<'_>) -> Usage {
        self.0.most_tokens(alert, question)
    }

    fn prompt_version(&self, _: &Alert) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    fn plan<'a>(&'a self, request: PlanRequest<'a>) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>> {
        self.0.plan(request)
    }

    fn arguments<'a>(&'a self, request: ArgumentsRequest<'a>) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>> {
        self.0.arguments(request)
    }

    fn conclude<'a>(&'a self, request: ConclusionRequest<'a>) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>> {
        self.0.conclude(request)
    }
}

fn runs_of(model: impl Model, behaviour: Behaviour, history: usize) -> Arc<Runs> {
    let tools = vec![fake_tool("tool", behaviour)];
    let engine = Engine::new(Arc::new(model), tools, ToolMode::Sequential, Duration::from_secs(120));
    let meters = Arc::new(Meters::new(engine.tools(), []).unwrap());
    let identity = Arc::new(Identity::new("r", "simulated-gpt-4", ToolMode::Sequential));
    let scenarios = Arc::new(Scenarios::load(None).unwrap());
    let room = Room { limits: Limits { running: 1, queued: 1 }, history, cache_ttl: Some(TTL) };
    Runs::new(engine, scenarios, identity, meters, room, Policy::built_in().unwrap())
}

fn model() -> FakeModel {
    FakeModel::planning(&["tool"])
}

fn runs(behaviour: Behaviour) -> Arc<Runs> {
    runs_of(model(), behaviour, 100)
}

fn request(alert_type: &str, service: &str) -> AlertRequest {
    AlertRequest { alert_type: alert_type.to_owned(), service: service.to_owned(), ..AlertRequest::default() }
}

fn submit(runs: &Arc<Runs>, alert_type: &str, service: &str) -> Submitted {
    runs.submit(request(alert_type, service), None).unwrap()
}

/// Has one investigated to its end.
async fn investigated(runs: &Arc<Runs>) -> Submitted {
    let submitted = submit(runs, "high_cpu", "api");
    assert!(submitted.is_new());
    submitted.wait().await;
    submitted
}

fn caught(runs: &Runs) -> Caught {
    runs.look(|state| state.caught())
}

#[tokio::test(start_paused = true)]
async fn a_report_is_given_again_until_it_is_too_old() {
    let runs = runs(QUICK);
    let first = investigated(&runs).await;
    advance(TTL).await;
    let again = submit(&runs, "high_cpu", "api");
    assert_eq!((again.number(), again.cached_age_ms()), (first.number(), Some(600_000)));
    assert_eq!(caught(&runs), Caught { hits: 1, joins: 0, misses: 1, saved: COST });
    // That it was given again makes it no younger.
    advance(MILLISECOND).await;
    assert!(submit(&runs, "high_cpu", "api").is_new());
    assert_eq!(runs.look(|state| state.books.totals().requests), 2);
}

#[tokio::test(start_paused = true)]
async fn what_alerts_say_beside_their_names_makes_no_difference() {
    let runs = runs(QUICK);
    investigated(&runs).await;
    let more = AlertRequest {
        severity: Some("critical".to_owned()),
        description: Some("worse".to_owned()),
        labels: [("pod".to_owned(), "7".to_owned())].into(),
        timestamp: Some("2026-01-15T10:30:00Z".parse().unwrap()),
        ..request("HighCPU", "api")
    };
    assert!(runs.submit(more, None).unwrap().cached_age_ms().is_some());
    // Not even where names run together to the same.
    for (alert_type, service) in [("high_cpu", "ap"), ("high_cpua", "pi"), ("high_latency", "api")] {
        let other = submit(&runs, alert_type, service);
        assert!(other.is_new(), "{alert_type} of {service}");
        other.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_prompt_makes_another_report() {
    let prompts = Arc::new(AtomicU64::new(1));
    let runs = runs_of(Prompted(model(), Arc::clone(&prompts)), QUICK, 100);
    let first = investigated(&runs).await;
    prompts.store(2, Ordering::Relaxed);
    let second = investigated(&runs).await;
    assert_eq!(submit(&runs, "high_cpu", "api").number(), second.number());
    prompts.store(1, Ordering::Relaxed);
    assert_eq!(submit(&runs, "high_cpu", "api").number(), first.number());
}

#[tokio::test(start_paused = true)]
async fn only_a_whole_report_is_given_again() {
    for runs in [
        runs(Behaviour::FailsForGood),
        runs_of(model().failing(Call::Plan, Fault::Unusable), QUICK, 100),
        runs_of(model().failing(Call::Conclude, Fault::Unusable), QUICK, 100),
    ] {
        investigated(&runs).await;
        investigated(&runs).await;
        assert_eq!(caught(&runs), Caught { misses: 2, ..Caught::default() });
    }
}

#[tokio::test(start_paused = true)]
async fn what_history_has_dropped_is_not_given_again() {
    let runs = runs_of(model(), QUICK, 1);
    investigated(&runs).await;
    submit(&runs, "high_latency", "api").wait().await;
    investigated(&runs).await;
}

#[tokio::test(start_paused = true)]
async fn an_alert_joins_one_like_it_that_runs_or_waits_and_gets_what_that_gets() {
    let runs = runs(QUICK);
    let (running, waiting) = (submit(&runs, "high_cpu", "api"), submit(&runs, "high_cpu", "other"));
    // Although all places are taken.
    let (joined, joined_waiting) = (submit(&runs, "high_cpu", "api"), submit(&runs, "high_cpu", "other"));
    for (own, joined) in [(&running, &joined), (&waiting, &joined_waiting)] {
        assert!(own.is_new() && joined.is_joined());
        assert!(Arc::ptr_eq(own.wait().await, joined.wait().await));
    }
    assert_eq!(caught(&runs), Caught { joins: 2, misses: 2, ..Caught::default() });
    assert_eq!(runs.look(|state| state.books.totals().requests), 2);
    let record = runs.look(|state| state.books.investigations.get(running.number())).unwrap();
    let codes: Vec<_> = record.decisions.iter().map(|decision| decision.choice.code()).collect();
    assert_eq!(codes, [DecisionCode::PlanChosen, DecisionCode::CacheJoined]);
}

#[tokio::test(start_paused = true)]
async fn however_many_join_what_the_chain_decides_is_listed() {
    let runs = runs(Behaviour::Fails);
    let first = submit(&runs, "high_cpu", "api");
    for _ in 0..200 {
        assert!(submit(&runs, "high_cpu", "api").is_joined());
    }
    let record = first.wait().await;
    let last = record.decisions.last().unwrap();
    assert_eq!(last.choice.code(), DecisionCode::PartialReport);
    let joins = |record: &Record| {
        let codes = record.decisions.iter().map(|decision| decision.choice.code());
        codes.filter(|code| *code == DecisionCode::CacheJoined).count() as u64
    };
    assert_eq!(joins(record) + record.decisions_left_out, 200);
}

#[tokio::test(start_paused = true)]
async fn who_joined_one_that_is_cancelled_gets_that_and_nobody_joins_it_any_more() {
    let runs = runs(Behaviour::Hangs);
    let first = submit(&runs, "high_cpu", "api");
    let joined = submit(&runs, "high_cpu", "api");
    runs.cancel(first.number(), CancelReason::Asked).unwrap();
    let second = submit(&runs, "high_cpu", "api");
    assert!(second.is_new());
    assert_eq!(joined.wait().await.status, Status::Cancelled);
    assert_eq!(joined.cancel_reason(), Some(CancelReason::Asked));
    assert_eq!(submit(&runs, "high_cpu", "api").number(), second.number());
}

#[tokio::test(start_paused = true)]
async fn a_key_leads_to_what_it_led_to_before() {
    let runs = runs(QUICK);
    let with_key = |key: &str, service: &str| {
        runs.submit(request("high_cpu", service), Some(Claim::new(key, &request("high_cpu", service)).unwrap()))
    };
    let first = with_key("own", "api").unwrap();
    assert!(with_key("joined", "api").unwrap().is_joined());
    first.wait().await;
    advance(MILLISECOND).await;
    let age = with_key("cached", "api").unwrap().cached_age_ms();
    advance(2 * TTL).await;
    // An alert without a key is investigated anew by now.
    assert!(with_key("own", "api").unwrap().is_new());
    assert!(with_key("joined", "api").unwrap().is_joined());
    assert_eq!(with_key("cached", "api").unwrap().cached_age_ms(), age);
    assert!(age.is_some());
    assert!(with_key("cached", "other").is_err());
    assert_eq!(caught(&runs), Caught { hits: 1, joins: 1, misses: 1, saved: COST });
}

#[tokio::test(start_paused = true)]
async fn keys_of_those_that_joined_are_bounded_and_push_out_no_live_ones() {
    let runs = runs(Behaviour::Hangs);
    let claim = |key: &str| Some(Claim::new(key, &request("high_cpu", "api")).unwrap());
    let first = runs.submit(request("high_cpu", "api"), claim("first")).unwrap();
    for n in 0..5000 {
        assert!(runs.submit(request("high_cpu", "api"), claim(&n.to_string())).unwrap().is_joined());
    }
    let again = runs.submit(request("high_cpu", "api"), claim("first")).unwrap();
    assert!(again.is_new() && again.number() == first.number());
    let joins = caught(&runs).joins;
    runs.submit(request("high_cpu", "api"), claim("0")).unwrap();
    assert_eq!(caught(&runs).joins, joins + 1, "every key is remembered");
}

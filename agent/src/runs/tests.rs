//! Runs from admission to end: places, order, cancelling, draining, panics; and the books after each.

use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::{Actor, AlertRequest, DecisionCode, Status, StepStatus, ToolMode, Totals, Usd};

use super::{CancelReason, Claim, Limits, NotCancelled, Refusal, Room, Run, Runs, Submitted, report};
use crate::chain::Engine;
use crate::cost::Policy;
use crate::identity::Identity;
use crate::memory::Record;
use crate::metrics::Meters;
use crate::model::{Scenarios, Usage};
use crate::testing::{Behaviour, Call, FakeModel, Fault, fake_tool};

const QUICK: Behaviour = Behaviour::Finds(Duration::from_millis(10));

fn runs(model: FakeModel, behaviour: Behaviour, running: usize, queued: usize) -> Arc<Runs> {
    let identity = Identity::new("r", "simulated-gpt-4", ToolMode::Sequential);
    let tools = vec![fake_tool("tool", behaviour)];
    let engine = Engine::new(Arc::new(model), tools, ToolMode::Sequential, Duration::from_secs(120));
    around(engine, Limits { running, queued }, identity)
}

fn around(engine: Engine, limits: Limits, identity: Identity) -> Arc<Runs> {
    let scenarios = Arc::new(Scenarios::load(None).unwrap());
    let meters = Arc::new(Meters::new(engine.tools(), []).unwrap());
    let room = Room { limits, history: 100, cache_ttl: None };
    Runs::new(engine, scenarios, Arc::new(identity), meters, room, Policy::built_in().unwrap())
}

fn model() -> FakeModel {
    FakeModel::planning(&["tool"])
}

fn request(service: &str) -> AlertRequest {
    AlertRequest { alert_type: "high_cpu".to_owned(), service: service.to_owned(), ..AlertRequest::default() }
}

fn submit(runs: &Arc<Runs>, service: &str) -> Arc<Run> {
    own(runs.submit(request(service), None))
}

/// The investigation that an alert led to, which is its own.
fn own(submitted: Result<Submitted, Refusal>) -> Arc<Run> {
    let Ok(Submitted::New(run)) = submitted else { panic!("{submitted:?}") };
    run
}

fn claim(key: &str, service: &str) -> Option<Claim> {
    Some(Claim::new(key, &request(service)).unwrap())
}

fn gauges(runs: &Runs) -> (u64, u64) {
    runs.look(|state| state.gauges())
}

fn totals(runs: &Runs) -> Totals {
    runs.look(|state| state.books.totals())
}

fn record(runs: &Runs, run: &Run) -> Arc<Record> {
    runs.look(|state| state.books.investigations.get(run.number)).unwrap()
}

fn steps(record: &Record) -> Vec<(&str, StepStatus)> {
    record.steps.iter().map(|step| (step.name.as_str(), step.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_is_on_the_books_before_the_end_is_told() {
    let runs = runs(model(), QUICK, 1, 0);
    let run = submit(&runs, "api");
    let ended = Arc::clone(run.wait().await);
    assert_eq!(ended.status, Status::Succeeded);
    let totals = totals(&runs);
    assert_eq!((totals.requests, totals.succeeded, totals.tools_executed), (1, 1, 1));
    assert_eq!((totals.spend.calls, totals.spend.tokens, totals.spend.cost_usd), (3, 33, Usd::from_nanos(66_000)));
    assert_eq!(ended.spend(), totals.spend);
    assert_eq!(runs.meters.latency.get_sample_count(), 1);
    assert_eq!(gauges(&runs), (0, 0));
    let (sampled, recalled) = runs.look(|state| {
        let samples = state.books.samples.since(0, 0);
        (samples[0], state.books.patterns.recall(&ended.alert))
    });
    assert_eq!((sampled.requests, sampled.tokens, sampled.cost_usd), (1, 33, Usd::from_nanos(66_000)));
    assert_eq!(recalled.unwrap().same_type, 1);
}

#[tokio::test(start_paused = true)]
async fn steps_are_seen_waiting_and_running_before_they_end() {
    let runs = runs(model(), QUICK, 1, 0);
    let run = submit(&runs, "api");
    let live = record(&runs, &run);
    assert_eq!(live.status, Status::Running);
    let expected =
        [("planner", StepStatus::Succeeded), ("tool", StepStatus::Running), ("reasoner", StepStatus::Waiting)];
    assert_eq!(steps(&live), expected);
    assert_eq!(live.steps[1].arguments.as_ref().unwrap().0.as_ref(), r#"{"of":"tool"}"#);
    run.wait().await;
}

#[tokio::test(start_paused = true)]
async fn places_are_taken_in_the_order_of_acceptance() {
    let runs = runs(model(), QUICK, 2, 2);
    let all: Vec<_> = ["a", "b", "c", "d"].map(|service| submit(&runs, service)).into();
    assert_eq!(gauges(&runs), (2, 2));
    assert_eq!(record(&runs, &all[2]).status, Status::Queued);
    let refusal = runs.submit(request("e"), None).unwrap_err();
    assert_eq!(refusal, Refusal::Full(Limits { running: 2, queued: 2 }));
    let mut started = Vec::new();
    for run in &all {
        started.push(run.wait().await.started.unwrap());
    }
    assert_eq!(started[2] - started[0], Duration::from_millis(10));
    assert!(started.is_sorted());
    assert_eq!(gauges(&runs), (0, 0));
    assert_eq!(totals(&runs).requests, 4);
    assert!(runs.submit(request("e"), None).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_running_investigation_can_be_cancelled() {
    let runs = runs(model(), Behaviour::Hangs, 1, 1);
    let (first, second) = (submit(&runs, "a"), submit(&runs, "b"));
    tokio::time::sleep(Duration::from_millis(5)).await;
    runs.cancel(first.number, CancelReason::Asked).unwrap();
    let ended = Arc::clone(first.wait().await);
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.error.as_deref(), Some("cancelled on request"));
    let expected =
        [("planner", StepStatus::Succeeded), ("tool", StepStatus::Cancelled), ("reasoner", StepStatus::Cancelled)];
    assert_eq!(steps(&ended), expected);
    assert_eq!(ended.steps[1].took, Some(Duration::from_millis(5)));
    assert_eq!(ended.steps[2].took, None);
    assert_eq!(runs.cancel(first.number, CancelReason::Asked), Err(NotCancelled::Ended(Status::Cancelled)));
    // Its place is free for the next.
    assert_eq!(gauges(&runs), (1, 0));
    assert_eq!(record(&runs, &second).status, Status::Running);
    let totals = totals(&runs);
    assert_eq!((totals.cancelled, totals.tools_executed), (1, 1));
    assert_eq!(runs.meters.latency.get_sample_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_investigation_can_be_cancelled() {
    let runs = runs(model(), Behaviour::Hangs, 1, 2);
    submit(&runs, "a");
    let second = submit(&runs, "b");
    let third = submit(&runs, "c");
    runs.cancel(second.number, CancelReason::Asked).unwrap();
    assert_eq!(second.ended().unwrap().status, Status::Cancelled);
    assert_eq!(steps(second.ended().unwrap()), [("planner", StepStatus::Cancelled)]);
    assert_eq!(gauges(&runs), (1, 1));
    assert_eq!(record(&runs, &third).status, Status::Queued);
    assert_eq!(runs.cancel(9, CancelReason::Asked), Err(NotCancelled::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_step_and_what_depends_on_it() {
    for (call, status) in
        [(Call::Plan, Status::Failed), (Call::Arguments, Status::Partial), (Call::Conclude, Status::Partial)]
    {
        let runs = runs(model().failing(call, Fault::Panic), QUICK, 1, 1);
        let ended = Arc::clone(submit(&runs, "a").wait().await);
        assert_eq!(ended.status, status, "{call:?}");
        let errors = ended.steps.iter().filter_map(|step| step.error.as_deref());
        assert_eq!(errors.filter(|error| error.contains("the model panicked")).count(), 1, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_panics_beside_its_call_fails_its_step_and_no_other() {
    let runs = runs(model(), Behaviour::PanicsBesideItsCall, 1, 1);
    let (first, second) = (submit(&runs, "a"), submit(&runs, "b"));
    for run in [first, second] {
        let ended = run.wait().await;
        let done = |name| (name, StepStatus::Succeeded);
        assert_eq!(ended.status, Status::Partial);
        assert_eq!(steps(ended), [done("planner"), ("tool", StepStatus::Failed), done("reasoner")]);
        assert_eq!(ended.steps[1].error.as_deref(), Some("the tool panicked; the agent's log says where"));
    }
    assert_eq!(gauges(&runs), (0, 0));
    assert_eq!((totals(&runs).partial, totals(&runs).tools_executed), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_seen_while_it_waits_and_counted_apart_from_steps() {
    // Waits that are long enough to be seen.
    fastrand::seed(4711);
    let runs = runs(model(), Behaviour::Flaps(2), 1, 0);
    let run = submit(&runs, "api");
    while record(&runs, &run).steps.get(1).is_none_or(|step| step.attempts() == 1) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let live = record(&runs, &run);
    assert_eq!((live.steps[1].status, &live.steps[1].error), (StepStatus::Running, &None));
    let last_error = live.steps[1].retries.as_ref().map(|retries| &*retries.last_error);
    assert_eq!(last_error, Some("broken"));
    let ended = run.wait().await;
    assert_eq!((ended.status, ended.steps[1].attempts()), (Status::Succeeded, 3));
    assert_eq!(totals(&runs).tools_executed, 1);
    let calls = runs.look(|state| state.books.tool_calls[0].1);
    assert_eq!((calls.succeeded, calls.failed, calls.retries), (1, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_there_was_no_time_for_was_not_executed() {
    let identity = Identity::new("r", "simulated-gpt-4", ToolMode::Sequential);
    let model = FakeModel::planning(&["tool", "tool"]);
    let tools = vec![fake_tool("tool", Behaviour::Hangs)];
    let engine = Engine::new(Arc::new(model), tools, ToolMode::Sequential, Duration::from_secs(5));
    let runs = around(engine, Limits { running: 1, queued: 0 }, identity);
    let run = submit(&runs, "api");
    let ended = run.wait().await;
    assert_eq!(ended.status, Status::Partial);
    let expected = [
        ("planner", StepStatus::Succeeded),
        ("tool", StepStatus::Failed),
        ("tool", StepStatus::Cancelled),
        ("reasoner", StepStatus::Succeeded),
    ];
    assert_eq!(steps(ended), expected);
    assert!(ended.steps[2].error.as_deref().is_some_and(|error| error.contains("deadline of 5s")));
    assert_eq!((ended.steps[2].began, ended.steps[2].took), (None, None));
    assert_eq!(totals(&runs).tools_executed, 1);
    assert_eq!(runs.look(|state| state.books.tool_calls[0].1.timed_out), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_where_they_happen() {
    let runs = runs(model().failing(Call::Plan, Fault::Unusable), QUICK, 1, 0);
    let ended = Arc::clone(submit(&runs, "a").wait().await);
    assert_eq!(ended.status, Status::Failed);
    let (totals, sample) = (totals(&runs), runs.look(|state| state.books.samples.since(0, 0)[0]));
    assert_eq!((totals.failed, totals.tools_executed, totals.spend.tokens), (1, 0, 11));
    assert_eq!((sample.errors, sample.tokens), (1, 11));
    assert!(runs.look(|state| state.books.patterns.recall(&ended.alert)).is_none(), "learnt without a report");
}

/// Who decided what about an investigation that has ended.
async fn decided(runs: &Arc<Runs>) -> Vec<(Actor, DecisionCode)> {
    let run = submit(runs, "api");
    let record = run.wait().await;
    record.decisions.iter().map(|decision| (decision.choice.actor(), decision.choice.code())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_stands_with_who_decided_it() {
    use DecisionCode::{
        AttemptTimedOut, DeadlineStop, FallbackConclusion, InvestigationFailed, PartialReport, PlanChosen, Retry,
        ToolFailed, ToolSkipped,
    };
    let chosen = (Actor::Planner, PlanChosen);
    assert_eq!(decided(&runs(model(), QUICK, 1, 0)).await, [chosen]);

    let again = (Actor::Executor, AttemptTimedOut);
    let hanging = runs(model(), Behaviour::Hangs, 1, 0);
    let without = [(Actor::Executor, ToolFailed), (Actor::Reasoner, PartialReport)];
    assert_eq!(decided(&hanging).await, [&[chosen, again, again][..], &without].concat());

    let silent = model().failing(Call::Conclude, Fault::NoAnswer);
    let again = (Actor::Reasoner, Retry);
    let fallback = [chosen, again, again, (Actor::Reasoner, FallbackConclusion)];
    assert_eq!(decided(&runs(silent, QUICK, 1, 0)).await, fallback);

    let planless = model().failing(Call::Plan, Fault::NoAnswer);
    let again = (Actor::Planner, Retry);
    assert_eq!(decided(&runs(planless, QUICK, 1, 0)).await, [again, again, (Actor::Planner, InvestigationFailed)]);

    let tools = ["slow", "late"].map(|name| fake_tool(name, Behaviour::Finds(Duration::from_secs(9)))).into();
    let model = Arc::new(FakeModel::planning(&["slow", "late"]));
    let engine = Engine::new(model, tools, ToolMode::Sequential, Duration::from_secs(10));
    let identity = Identity::new("r", "simulated-gpt-4", ToolMode::Sequential);
    let late = decided(&around(engine, Limits { running: 1, queued: 0 }, identity)).await;
    let stopped = [(Actor::Executor, DeadlineStop), (Actor::Executor, ToolSkipped), (Actor::Reasoner, PartialReport)];
    assert_eq!(late, [&[chosen][..], &stopped].concat());
}

#[tokio::test(start_paused = true)]
async fn a_report_of_absurd_usage_saturates() {
    let absurd = FakeModel {
        usage: Usage { input: u64::MAX, output: 1, ..Usage::default() },
        ..FakeModel::planning(&["tool", "tool"])
    };
    let runs = runs(absurd, QUICK, 1, 0);
    let run = submit(&runs, "a");
    let report = report(run.wait().await, &runs.identity).unwrap();
    assert_eq!(report.chain_execution.executor.total_tokens, u64::MAX);
    assert_eq!(report.cost_tracking.total_tokens, u64::MAX);
}

#[tokio::test(start_paused = true)]
async fn one_key_leads_to_one_investigation() {
    let runs = runs(model(), QUICK, 1, 0);
    let first = own(runs.submit(request("a"), claim("k", "a")));
    // Also while it runs, and although all places are taken.
    let again = own(runs.submit(request("a"), claim("k", "a")));
    assert!(Arc::ptr_eq(&first, &again));
    let other = runs.submit(request("b"), claim("k", "b")).unwrap_err();
    assert_eq!(other, Refusal::KeyReused { number: first.number });
    first.wait().await;
    let later = own(runs.submit(request("a"), claim("k", "a")));
    assert!(Arc::ptr_eq(&first, &later));
    assert_eq!(totals(&runs).requests, 1);
    assert_ne!(own(runs.submit(request("a"), claim("l", "a"))).number, first.number);
}

#[tokio::test(start_paused = true)]
async fn a_live_investigation_keeps_its_key_and_the_oldest_ended_one_loses_it() {
    let runs = runs(model(), Behaviour::Hangs, 1, 1);
    let live = own(runs.submit(request("live"), claim("live", "live")));
    for n in 0..5000 {
        let ended = own(runs.submit(request("a"), claim(&n.to_string(), "a")));
        runs.cancel(ended.number, CancelReason::Asked).unwrap();
    }
    assert!(Arc::ptr_eq(&live, &own(runs.submit(request("live"), claim("live", "live")))));
    let last = own(runs.submit(request("a"), claim("4999", "a")));
    assert!(last.ended().is_some(), "the last key is forgotten");
    let first = own(runs.submit(request("a"), claim("0", "a")));
    assert!(first.ended().is_none(), "every key is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_refused_alert_does_not_use_up_its_key() {
    let runs = runs(model(), QUICK, 1, 0);
    let first = submit(&runs, "a");
    assert!(runs.submit(request("b"), claim("k", "b")).is_err());
    first.wait().await;
    assert!(runs.submit(request("b"), claim("k", "b")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn after_closing_nothing_is_taken_and_what_was_accepted_ends() {
    let runs = runs(model(), QUICK, 1, 1);
    let accepted = [submit(&runs, "a"), submit(&runs, "b")];
    runs.close();
    assert_eq!(runs.submit(request("c"), None).unwrap_err(), Refusal::Draining);
    runs.idle().await;
    assert!(accepted.iter().all(|run| run.ended().unwrap().status == Status::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_grace_is_cancelled_running_or_waiting() {
    let runs = runs(model(), Behaviour::Hangs, 1, 2);
    let accepted = ["a", "b", "c"].map(|service| submit(&runs, service));
    runs.close();
    runs.cancel_all();
    runs.idle().await;
    for run in accepted {
        let ended = run.ended().unwrap();
        assert_eq!(ended.status, Status::Cancelled, "{}", run.number);
        assert_eq!(ended.error.as_deref(), Some(CancelReason::Shutdown.as_str()));
    }
    assert_eq!(gauges(&runs), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_alias_becomes_its_alert_type_and_is_kept() {
    let runs = runs(model(), QUICK, 1, 0);
    let alias = AlertRequest { alert_type: "HighLatency".to_owned(), ..request("api") };
    let run = own(runs.submit(alias, None));
    assert_eq!(run.alert.alert_type, "high_latency");
    assert_eq!(run.alert.original_alert_type.as_deref(), Some("HighLatency"));
}

//! The chain with models and tools that succeed, fail and hang.

mod attempts;
mod deadline;
mod purse;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::ToolMode::{self, Parallel, Sequential};
use langdeck_shared::Usd;
use tokio::time::Instant;

use super::{Callee, Engine, FailedAttempt, Job, ModelId, Observer, Outcome, StepEnd};
use crate::cost::{Charge, Policy, Purse};
use crate::model::{Arguments, ModelCall, Plan, Usage};
use crate::testing::{Behaviour, Call, FakeModel, Fault, alert, fake_tool};
use crate::tools::Tool;

/// Further away than anything here takes.
const LIMIT: Duration = Duration::from_secs(120);
const SOON: Behaviour = Behaviour::Finds(Duration::from_millis(10));
const LATER: Behaviour = Behaviour::Finds(Duration::from_millis(30));

/// Writes down what happens.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

impl Observer for Notes {
    fn began(&self, step: usize, _: Instant) {
        self.note(format!("{step} began"));
    }

    fn planned(&self, plan: &Arc<Plan>) {
        self.note(format!("planned {} because: {}", plan.tools.join(" "), plan.reasoning));
    }

    fn called_model(&self, step: usize, call: &ModelCall, _: Charge) {
        self.note(format!("{step} spent {}+{}", call.usage.input, call.usage.output));
    }

    fn called_tool(&self, step: usize, arguments: &Arguments) {
        self.note(format!("{step} called with {}", arguments.0));
    }

    fn retrying(&self, step: usize, callee: Callee, FailedAttempt { reason, .. }: FailedAttempt) {
        self.note(format!("{step} tries the {callee:?} again: {reason}"));
    }

    fn ended(&self, step: usize, end: StepEnd) {
        self.note(match end {
            StepEnd::Done => format!("{step} done"),
            StepEnd::Found(found) => format!("{step} found {found}"),
            StepEnd::Failed(reason) => format!("{step} failed: {reason}"),
            StepEnd::TimedOut(reason) => format!("{step} timed out: {reason}"),
            StepEnd::OutOfTime(reason) => format!("{step} stopped: {reason}"),
            StepEnd::Skipped(reason) => format!("{step} skipped: {reason}"),
            StepEnd::Unaffordable(reason, _) => format!("{step} unaffordable: {reason}"),
        });
    }
}

fn tools(tools: &[(&'static str, Behaviour)]) -> Vec<Arc<dyn Tool>> {
    tools.iter().map(|&(name, behaviour)| fake_tool(name, behaviour)).collect()
}

async fn investigate(model: FakeModel, tools: Vec<Arc<dyn Tool>>, mode: ToolMode) -> (Outcome, Vec<String>) {
    investigate_within(LIMIT, model, tools, mode).await
}

async fn investigate_within(
    limit: Duration,
    model: FakeModel,
    tools: Vec<Arc<dyn Tool>>,
    mode: ToolMode,
) -> (Outcome, Vec<String>) {
    let notes = Notes::default();
    let engine = Engine::new(Arc::new(model), tools, mode, limit);
    let outcome = run(&engine, Instant::now(), &notes).await;
    (outcome, notes.lines())
}

async fn run(engine: &Engine, started: Instant, notes: &Notes) -> Outcome {
    run_with(None, engine, started, notes).await
}

/// With no more than this to spend; any amount where there is no limit.
async fn run_with(limit: Option<Usd>, engine: &Engine, started: Instant, notes: &Notes) -> Outcome {
    let (prices, alert) = (Policy::built_in().unwrap().into_prices(), alert("t", "s"));
    let purse = Purse::new(&prices, Timestamp::now(), limit, None);
    let model = ModelId::default();
    engine.investigate(Job { alert: &alert, recall: None, model, started, purse: &purse, observer: notes }).await
}

fn confidence(outcome: &Outcome) -> (bool, f64) {
    match outcome {
        Outcome::Concluded { complete, conclusion } => (*complete, conclusion.confidence),
        Outcome::Failed(reason) => panic!("failed: {reason}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_tool_follows_the_other_and_everything_is_reported_as_it_happens() {
    let (outcome, lines) =
        investigate(FakeModel::planning(&["b", "a"]), tools(&[("a", SOON), ("b", LATER)]), Sequential).await;
    assert_eq!(confidence(&outcome), (true, 0.8));
    assert_eq!(
        lines,
        [
            "0 began",
            "0 spent 10+1",
            "planned b a because: because",
            "1 began",
            "1 spent 10+1",
            r#"1 called with {"of":"b"}"#,
            r#"1 found b with {"of":"b"}"#,
            "2 began",
            "2 spent 10+1",
            r#"2 called with {"of":"a"}"#,
            r#"2 found a with {"of":"a"}"#,
            "3 began",
            "3 spent 10+1",
            "3 done",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn parallel_tools_overlap_and_report_in_the_plans_order() {
    let model = Arc::new(FakeModel::planning(&["late", "soon"]));
    let engine = Engine::new(Arc::clone(&model) as _, tools(&[("late", LATER), ("soon", SOON)]), Parallel, LIMIT);
    let (notes, start) = (Notes::default(), Instant::now());
    run(&engine, start, &notes).await;
    assert_eq!(start.elapsed(), Duration::from_millis(30));
    let lines = notes.lines();
    let place = |line: &str| lines.iter().position(|other| other.starts_with(line)).unwrap();
    assert!(place("2 began") < place("2 found") && place("2 found") < place("1 found"), "{lines:#?}");
    let told: Vec<_> = model.told.lock().unwrap().iter().map(|finding| finding.tool.to_string()).collect();
    assert_eq!(told, ["late", "soon"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_tool_makes_the_report_partial_and_less_sure() {
    for mode in [Sequential, Parallel] {
        let model = Arc::new(FakeModel::planning(&["a", "broken", "b", "c"]));
        let tools = tools(&[("a", SOON), ("b", SOON), ("c", SOON), ("broken", Behaviour::Fails)]);
        let engine = Engine::new(Arc::clone(&model) as _, tools, mode, LIMIT);
        let outcome = run(&engine, Instant::now(), &Notes::default()).await;
        let (complete, confidence) = confidence(&outcome);
        assert!(!complete);
        assert!((confidence - 0.6).abs() < 1e-9, "{confidence}");
        let told = model.told.lock().unwrap();
        assert_eq!(told[1].result, Err("broken".into()));
        assert!(told[3].result.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_plan_the_investigation_fails() {
    let model = FakeModel::planning(&["a"]).failing(Call::Plan, Fault::NoAnswer);
    let (outcome, lines) = investigate(model, tools(&[("a", SOON)]), Sequential).await;
    let reason = "no plan: the model did not answer: out of order";
    assert_eq!(outcome, Outcome::Failed(reason.into()));
    assert_eq!((lines[0].as_str(), lines.last()), ("0 began", Some(&format!("0 failed: {reason}"))));
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_has_cost_its_tokens() {
    let model = FakeModel::planning(&["a"]).failing(Call::Plan, Fault::Unusable);
    let (outcome, lines) = investigate(model, tools(&[("a", SOON)]), Sequential).await;
    assert!(matches!(outcome, Outcome::Failed(_)));
    assert_eq!(lines[1], "0 spent 10+1");
}

#[tokio::test(start_paused = true)]
async fn tools_that_there_are_not_are_left_out_of_the_plan_and_named() {
    let (outcome, lines) =
        investigate(FakeModel::planning(&["rm_rf", "a", "sudo"]), tools(&[("a", SOON)]), Sequential).await;
    assert!(confidence(&outcome).0);
    assert!(lines.contains(&"planned a because: because; left out of the plan: rm_rf, sudo".to_owned()), "{lines:#?}");
}

#[tokio::test]
async fn a_plan_without_a_single_tool_that_there_is_fails_the_investigation() {
    for (plan, named) in [(vec!["rm_rf"], "rm_rf"), (vec![], "nothing")] {
        let (outcome, _) = investigate(FakeModel::planning(&plan), tools(&[("a", SOON)]), Sequential).await;
        let Outcome::Failed(reason) = outcome else { panic!("concluded with {plan:?}") };
        assert!(reason.contains(&format!("(planned: {named})")), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_bounded() {
    let (_, lines) = investigate(FakeModel::planning(&["a"; 1000]), tools(&[("a", SOON)]), Sequential).await;
    assert_eq!(lines.iter().filter(|line| line.contains("found")).count(), 16);
}

#[tokio::test(start_paused = true)]
async fn without_a_conclusion_what_was_found_is_still_a_report() {
    let model = FakeModel::planning(&["a"]).failing(Call::Conclude, Fault::NoAnswer);
    let (outcome, lines) = investigate(model, tools(&[("a", SOON)]), Sequential).await;
    assert_eq!(confidence(&outcome), (false, 0.0));
    assert_eq!(lines.last().unwrap(), "2 failed: no conclusion: the model did not answer: out of order");
}

#[tokio::test(start_paused = true)]
async fn with_neither_findings_nor_a_conclusion_the_investigation_fails() {
    let model = FakeModel::planning(&["broken"]).failing(Call::Conclude, Fault::NoAnswer);
    let (outcome, _) = investigate(model, tools(&[("broken", Behaviour::Fails)]), Sequential).await;
    assert!(matches!(outcome, Outcome::Failed(_)));
}

#[tokio::test]
async fn a_tool_without_arguments_fails_its_step() {
    let model = FakeModel::planning(&["a"]).failing(Call::Arguments, Fault::Unusable);
    let (outcome, lines) = investigate(model, tools(&[("a", SOON)]), Sequential).await;
    assert_eq!(confidence(&outcome), (false, 0.0));
    assert!(lines.contains(&"1 failed: the model's answer cannot be used: gibberish".to_owned()), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn no_model_can_be_surer_than_certain() {
    for (claimed, taken) in [(7.0, 1.0), (-1.0, 0.0), (f64::NAN, 0.0), (f64::INFINITY, 1.0)] {
        let model = FakeModel { confidence: claimed, ..FakeModel::planning(&["a"]) };
        let (outcome, _) = investigate(model, tools(&[("a", SOON)]), Sequential).await;
        assert_eq!(confidence(&outcome), (true, taken), "{claimed}");
    }
}

//! Money stays exact over any interleaving of runs, failures, retries, deadlines and cancellations.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use langdeck_shared::{
    Alert, AlertRequest, AtLimit, Budget, BudgetWindow, CostShare, Spend, StepStatus, ToolMode, Usd,
};
use proptest::prelude::*;

use super::{CancelReason, Caught, Limits, Room, Runs, Submitted};
use crate::chain::Engine;
use crate::cost::{Policy, Rule};
use crate::identity::Identity;
use crate::metrics::Meters;
use crate::model::Scenarios;
use crate::{
    Answer, Arguments, ArgumentsRequest, CallPolicy, Conclusion, ConclusionRequest, Model, ModelCall, ModelError, Plan,
    PlanRequest, Question, Tool, ToolCall, ToolError, Usage,
};

const TOOLS: [&str; 3] = ["a", "b", "c"];
/// The second has no price.
const MODELS: [&str; 2] = ["simulated-gpt-4", "somebody-elses"];
/// No call takes more.
const MOST: Usage = Usage { input: 101, output: 30, cached_input: 0, estimated: false };
const HISTORY: usize = 100;

/// What a call of a model or a tool does, after how many milliseconds.
#[derive(Debug, Clone, Copy)]
struct Act {
    after_ms: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Succeeds,
    /// A model does not answer; a tool may do better next time.
    Fails,
    /// A model's answer cannot be used; a tool will never do better.
    FailsForGood,
    Panics,
    Hangs,
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop_oneof![
        8 => Just(What::Succeeds),
        3 => Just(What::Fails),
        1 => Just(What::FailsForGood),
        1 => Just(What::Panics),
        1 => Just(What::Hangs),
    ];
    // A good part of all is ready at once.
    (prop_oneof![Just(0), 0..400_u64], what).prop_map(|(after_ms, what)| Act { after_ms, what })
}

/// What each call in turn does, over and over; and every call of a model that was answered.
struct Script {
    acts: Vec<Act>,
    next: Mutex<usize>,
    answered: Mutex<Vec<ModelCall>>,
}

impl Script {
    fn next(&self) -> (usize, Act) {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        (*next, self.acts[*next % self.acts.len()])
    }

    async fn play(&self) -> (usize, What) {
        let (number, Act { after_ms, what }) = self.next();
        if after_ms > 0 {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
        }
        match what {
            What::Panics => panic!("as the script says"),
            What::Hangs => std::future::pending().await,
            what => (number, what),
        }
    }

    async fn answer<T>(&self, value: T) -> Result<Answer<T>, ModelError> {
        let (number, what) = self.play().await;
        let usage = Usage { input: 1 + number as u64 * 7 % 101, output: number as u64 * 13 % 31, ..Usage::default() };
        let call = ModelCall { model: MODELS[number % 2].into(), usage, reported: None };
        if matches!(what, What::Fails) {
            return Err(ModelError::NoAnswer("as the script says".to_owned()));
        }
        self.answered.lock().unwrap().push(call.clone());
        match what {
            What::FailsForGood => {
                Err(ModelError::Unusable { reason: "as the script says".to_owned(), call: call.into() })
            }
            _ => Ok(Answer { value, call }),
        }
    }
}

struct ScriptedModel(Arc<Script>);

impl Model for ScriptedModel {
    fn name(&self) -> &str {
        MODELS[0]
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy::with_timeout(Duration::from_millis(300))
    }

    fn most_tokens(&self, _: &Alert, _: Question<'_>) -> Usage {
        MOST
    }

    fn longest_plan(&self, _: &Alert) -> Option<Vec<&str>> {
        Some(TOOLS.to_vec())
    }

    fn plan<'a>(&'a self, _: PlanRequest<'a>) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>> {
        let plan = Plan { tools: TOOLS.map(Into::into).to_vec(), reasoning: "all of them".into() };
        Box::pin(self.0.answer(plan))
    }

    fn arguments<'a>(&'a self, _: ArgumentsRequest<'a>) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>> {
        Box::pin(self.0.answer(Arguments("{}".into())))
    }

    fn conclude<'a>(&'a self, _: ConclusionRequest<'a>) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>> {
        let conclusion = Conclusion {
            summary: "so it is".into(),
            root_cause: "a cause".into(),
            recommendations: Vec::new(),
            confidence: 0.5,
        };
        Box::pin(self.0.answer(conclusion))
    }
}

struct ScriptedTool(&'static str, Arc<Script>);

impl Tool for ScriptedTool {
    fn name(&self) -> &str {
        self.0
    }

    fn policy(&self, _: &Alert) -> CallPolicy {
        CallPolicy::with_timeout(Duration::from_millis(300))
    }

    fn run<'a>(&'a self, _: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async {
            match self.1.play().await.1 {
                What::Fails => Err(ToolError::Transient("as the script says".to_owned())),
                What::FailsForGood => Err(ToolError::Permanent("as the script says".to_owned())),
                _ => Ok("something".to_owned()),
            }
        })
    }
}

/// What happens from outside: an alert arrives, or one of the investigations is cancelled; after a pause.
#[derive(Debug, Clone, Copy)]
enum Event {
    Alert { service: u8 },
    Cancel { which: usize },
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let event = prop_oneof![
        3 => (0..3_u8).prop_map(|service| Event::Alert { service }),
        1 => (0..64_usize).prop_map(|which| Event::Cancel { which }),
    ];
    proptest::collection::vec((0..300_u64, event), 1..24)
}

fn runs(
    script: &Arc<Script>,
    mode: ToolMode,
    deadline: Duration,
    limits: [Option<Usd>; 2],
    cache_ttl: Option<Duration>,
) -> Arc<Runs> {
    let tools = TOOLS.map(|name| Arc::new(ScriptedTool(name, Arc::clone(script))) as Arc<dyn Tool>).to_vec();
    let engine = Engine::new(Arc::new(ScriptedModel(Arc::clone(script))), tools, mode, deadline);
    let meters = Arc::new(Meters::new(engine.tools(), []).unwrap());
    let identity = Arc::new(Identity::new("r", MODELS[0], mode));
    let scenarios = Arc::new(Scenarios::load(None).unwrap());
    let mut policy = Policy::built_in().unwrap();
    for (window, limit) in [BudgetWindow::Month, BudgetWindow::Hour].into_iter().zip(limits) {
        if let Some(limit) = limit {
            policy.limit_total(Rule::total(limit, window, AtLimit::Reject)).unwrap();
        }
    }
    let room = Room { limits: Limits { running: 4, queued: 4 }, history: HISTORY, cache_ttl };
    Runs::new(engine, scenarios, identity, meters, room, policy)
}

/// The budgets, if there are any; they hold at every moment.
fn budgets(runs: &Runs) -> Vec<Budget> {
    let budgets = runs.look(|state| state.budgets.tell(Timestamp::now()));
    for budget in &budgets {
        assert!(budget.spent_usd + budget.reserved_usd <= budget.limit_usd, "{budget:?}");
    }
    budgets
}

/// Lets it all happen, and waits for the end of whatever was accepted.
async fn happen(runs: &Arc<Runs>, events: Vec<(u64, Event)>) -> Vec<Submitted> {
    let mut accepted: Vec<Submitted> = Vec::new();
    for (pause, event) in events {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match event {
            Event::Alert { service } => {
                let service = format!("service-{service}");
                let request = AlertRequest { alert_type: "high_cpu".to_owned(), service, ..AlertRequest::default() };
                // Four places and four more: now and then there is no room.
                accepted.extend(runs.submit(request, None));
            }
            Event::Cancel { which } if !accepted.is_empty() => {
                let submitted = &accepted[which % accepted.len()];
                // It may have ended already.
                let _ = runs.cancel(submitted.number(), CancelReason::Asked);
            }
            Event::Cancel { .. } => {}
        }
        budgets(runs);
    }
    for submitted in &accepted {
        submitted.wait().await;
    }
    accepted
}

fn summed(shares: &[CostShare]) -> Spend {
    shares.iter().map(|share| share.spend).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_charged_once_whatever_happens(
        acts in proptest::collection::vec(act(), 1..40),
        events in events(),
        parallel in any::<bool>(),
        deadline_ms in 50..3000_u64,
        // From less than one investigation may cost to more than there will be; of a month, and of an hour.
        limits in proptest::array::uniform2(proptest::option::of(200_000..20_000_000_u64)),
        // Less than investigations take, and more than all the alerts do.
        ttl_ms in proptest::option::of(prop_oneof![Just(100_u64), Just(60_000)]),
        seed in any::<u64>(),
    ) {
        let mode = if parallel { ToolMode::Parallel } else { ToolMode::Sequential };
        let script = Arc::new(Script { acts, next: Mutex::default(), answered: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        fastrand::seed(seed);
        let _entered = runtime.enter();
        let (deadline, ttl) = (Duration::from_millis(deadline_ms), ttl_ms.map(Duration::from_millis));
        let limits = limits.map(|limit| limit.map(Usd::from_nanos));
        let runs = runs(&script, mode, deadline, limits, ttl);
        let before = budgets(&runs);
        let answers = runtime.block_on(happen(&runs, events));
        let (accepted, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Submitted::is_new);
        let count = |of: fn(&Submitted) -> bool| others.iter().filter(|submitted| of(submitted)).count() as u64;
        let (joins, hits) = (count(Submitted::is_joined), count(|submitted| submitted.cached_age_ms().is_some()));
        let given_again = others.iter().filter(|submitted| !submitted.is_joined()).filter_map(Submitted::ended);
        let saved = given_again.map(|record| record.spend().cost_usd).sum::<Usd>();

        let answered = script.answered.lock().unwrap();
        let paid: Spend = answered.iter().map(|call| runs.prices.charge(call, Timestamp::now()).spend()).sum();
        let (totals, attribution, tool_calls, gauges) = runs.look(|state| {
            let books = &state.books;
            (books.totals(), books.ledger.attribution(), books.tool_calls.clone(), state.gauges())
        });
        prop_assert_eq!(totals.spend, paid);
        let caught = runs.look(|state| state.caught());
        prop_assert_eq!(caught, Caught { hits, joins, misses: caught.misses, saved });
        if ttl.is_some() {
            // And those that were refused.
            prop_assert!(caught.misses >= accepted.len() as u64);
        } else {
            prop_assert_eq!(caught, Caught::default());
        }
        // What is given to several was paid for once.
        let own: Vec<_> = accepted.iter().map(Submitted::number).collect();
        prop_assert!(others.iter().all(|submitted| own.contains(&submitted.number())));
        for shares in [attribution.by_step, attribution.by_model, attribution.by_service, attribution.by_alert_type] {
            prop_assert_eq!(summed(&shares), paid);
        }
        let records: Vec<_> = accepted.iter().filter_map(|run| run.ended()).collect();
        prop_assert_eq!(records.iter().map(|record| record.spend()).sum::<Spend>(), paid);
        let (kept, kept_spend) = runs.look(|state| {
            let kept: Vec<_> = state.books.investigations.history().map(|record| record.spend()).collect();
            (kept.len(), kept.into_iter().sum::<Spend>())
        });
        prop_assert_eq!((kept, kept_spend), (accepted.len(), paid));

        prop_assert_eq!(runs.look(|state| state.books.ledger.between(0, i64::MAX / 2).spend), paid);
        for (before, after) in before.iter().zip(budgets(&runs)) {
            prop_assert_eq!(after.reserved_usd, Usd::ZERO);
            // Unless a window has just ended.
            if before.resets_at == after.resets_at {
                prop_assert_eq!(after.spent_usd, paid.cost_usd);
            }
        }
        // Who was admitted can finish.
        prop_assert!(records.iter().all(|record| !record.capped));

        prop_assert_eq!(gauges, (0, 0));
        prop_assert_eq!(totals.requests, accepted.len() as u64);
        prop_assert_eq!(totals.requests, totals.succeeded + totals.partial + totals.failed + totals.cancelled);
        let steps = || records.iter().flat_map(|record| &record.steps);
        prop_assert!(steps().all(|step| !matches!(step.status, StepStatus::Waiting | StepStatus::Running)));
        let executed = tool_calls.iter().map(|(_, calls)| {
            calls.succeeded + calls.failed + calls.timed_out + calls.cancelled
        });
        prop_assert_eq!(totals.tools_executed, executed.sum::<u64>());
        let begun = steps().filter(|step| TOOLS.contains(&step.name.as_str()) && step.began.is_some()).count();
        prop_assert_eq!(totals.tools_executed, begun as u64);
        let retries: u64 = tool_calls.iter().map(|(_, calls)| calls.retries).sum();
        let retries = retries + runs.look(|state| state.books.model_retries);
        prop_assert_eq!(steps().map(|step| u64::from(step.attempts()) - 1).sum::<u64>(), retries);
        // A run that began has ended by its deadline.
        let limit = Duration::from_millis(deadline_ms + 2);
        prop_assert!(records.iter().filter_map(|record| record.took()).all(|took| took <= limit));
    }
}

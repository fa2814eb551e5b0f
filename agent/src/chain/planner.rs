//! The planner: alert and memory in, an ordered plan of tools out.

use std::sync::Arc;

use tokio::time::Instant;

use super::attempts::{Attempts, Failure};
use super::deadline::Until;
use super::text::{MAX_TEXT, bounded_shared};
use super::toolbox::Toolbox;
use super::{Engine, Job, PLANNER};
use crate::model::{Plan, PlanRequest, Question};

/// The most tool calls that a plan may hold; what a model plans beyond them is left out.
pub(super) const MAX_STEPS: usize = 16;

/// Asks the model for a plan. Tools that there are not are left out of it.
///
/// # Errors
///
/// When the model gives no plan, or one without a single tool that there is.
pub(super) async fn plan(engine: &Engine, job: Job<'_>, until: Until) -> Result<Arc<Plan>, Arc<str>> {
    let Job { alert, recall, model, purse, observer, .. } = job;
    observer.began(PLANNER, Instant::now());
    let (attempts, model) = (Attempts { until, observer, step: PLANNER }, engine.model(model));
    let request = PlanRequest { alert, recall, tools: engine.tools.names() };
    let answer = match purse.hold(model, alert, Question::Plan, None) {
        Ok(held) => attempts.ask(model, held, || model.plan(request)).await,
        Err(short) => Err(short.into()),
    };
    match answer.and_then(|plan| possible(plan, &engine.tools)) {
        Ok(plan) => {
            let plan = Arc::new(plan);
            observer.planned(&plan);
            Ok(plan)
        }
        Err(failure) => {
            let reason = engine.explained(job, "plan", &failure);
            observer.ended(PLANNER, failure.end(Arc::clone(&reason)));
            Err(reason)
        }
    }
}

/// The part of a plan that can be executed.
fn possible(plan: Plan, tools: &Toolbox) -> Result<Plan, Failure> {
    let Plan { tools: planned, reasoning } = plan;
    let reasoning = bounded_shared(reasoning, MAX_TEXT);
    let mut chosen = Vec::with_capacity(planned.len().min(MAX_STEPS));
    let mut left_out = Vec::new();
    for name in planned {
        if chosen.len() < MAX_STEPS && tools.get(&name).is_some() {
            chosen.push(name);
        } else {
            left_out.push(name);
        }
    }
    if chosen.is_empty() {
        let reason = format!("the model planned no tool that there is (planned: {})", listed(&left_out));
        return Err(Failure::permanent(reason));
    }
    let reasoning = match left_out.as_slice() {
        [] => reasoning,
        left_out => format!("{reasoning}; left out of the plan: {}", listed(left_out)).into(),
    };
    Ok(Plan { tools: chosen, reasoning })
}

/// Names from a model, as many and as much of them as a message can bear.
fn listed(names: &[Arc<str>]) -> String {
    const MOST: usize = 8;
    const CHARS: usize = 64;
    let mut list: Vec<String> = names.iter().take(MOST).map(|name| name.chars().take(CHARS).collect()).collect();
    match names.len() {
        0 => return "nothing".to_owned(),
        count if count > MOST => list.push(format!("{} more", count - MOST)),
        _ => {}
    }
    list.join(", ")
}

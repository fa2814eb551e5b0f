//! The planner: alert and memory in, an ordered plan of tools out.

use std::sync::Arc;

use langdeck_shared::Alert;

use super::events::report;
use super::toolbox::Toolbox;
use super::{Engine, Observer, PLANNER, StepEnd};
use crate::memory::Recall;
use crate::model::{Plan, PlanRequest};

/// The most tool calls that a plan may hold; what a model plans beyond them is left out.
const MAX_STEPS: usize = 16;

/// Asks the model for a plan. Tools that there are not are left out of it.
///
/// # Errors
///
/// When the model gives no plan, or one without a single tool that there is.
pub(super) async fn plan(
    engine: &Engine,
    alert: &Alert,
    recall: Option<&Recall>,
    observer: &dyn Observer,
) -> Result<Arc<Plan>, Arc<str>> {
    observer.began(PLANNER);
    let answer = engine.model.plan(PlanRequest { alert, recall, tools: engine.tools.names() }).await;
    let plan = match report(observer, PLANNER, answer) {
        Ok(plan) => possible(plan, &engine.tools),
        Err(error) => Err(error.to_string()),
    };
    match plan {
        Ok(plan) => {
            let plan = Arc::new(plan);
            observer.planned(&plan);
            Ok(plan)
        }
        Err(reason) => {
            let reason: Arc<str> = format!("no plan: {reason}").into();
            observer.ended(PLANNER, StepEnd::Failed(Arc::clone(&reason)));
            Err(reason)
        }
    }
}

/// The part of a plan that can be executed.
fn possible(plan: Plan, tools: &Toolbox) -> Result<Plan, String> {
    let Plan { tools: planned, reasoning } = plan;
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
        return Err(format!("the model planned no tool that there is (planned: {})", listed(&left_out)));
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

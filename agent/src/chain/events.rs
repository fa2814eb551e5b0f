//! What the chain reports while it runs.

use std::sync::Arc;

use crate::model::{Answer, Arguments, ModelCall, ModelError, Plan};

/// The planner's place among the steps. The tools follow in the plan's order from 1, and after them the reasoner.
pub(crate) const PLANNER: usize = 0;

/// Somebody who wants to know what happens in an investigation, as it happens.
pub(crate) trait Observer: Send + Sync {
    /// A step begins.
    fn began(&self, step: usize);

    /// The planner is done: its plan's tools and the reasoner are waiting.
    fn planned(&self, plan: &Arc<Plan>);

    /// A model answered; each call is reported once, also one whose answer is of no use.
    fn called_model(&self, step: usize, call: &ModelCall);

    /// A tool is called with these arguments.
    fn called_tool(&self, step: usize, arguments: &Arguments);

    /// A step ends; a planner that is done is reported as [`planned`](Self::planned).
    fn ended(&self, step: usize, end: StepEnd);
}

/// How a step ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// The reasoner is done.
    Done,
    /// A tool found something.
    Found(Arc<str>),
    /// There is no result, for this reason.
    Failed(Arc<str>),
}

/// Reports the call behind a model's answer and takes the answer out.
pub(crate) fn report<T>(
    observer: &dyn Observer,
    step: usize,
    answer: Result<Answer<T>, ModelError>,
) -> Result<T, ModelError> {
    let call = match &answer {
        Ok(answer) => Some(&answer.call),
        Err(error) => error.call(),
    };
    if let Some(call) = call {
        observer.called_model(step, call);
    }
    answer.map(|answer| answer.value)
}

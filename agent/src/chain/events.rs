//! What the chain reports while it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cost::{Charge, Short};
use crate::model::{Arguments, ModelCall, Plan};

/// The planner's place among the steps. The tools follow in the plan's order from 1, and after them the reasoner.
pub(crate) const PLANNER: usize = 0;

/// Somebody who wants to know what happens in an investigation, as it happens.
pub(crate) trait Observer: Send + Sync {
    /// A step begins.
    fn began(&self, step: usize, now: Instant);

    /// The planner is done: its plan's tools and the reasoner are waiting.
    fn planned(&self, plan: &Arc<Plan>);

    /// A model answered, for which this is charged; each call is reported once, also one whose answer is of no use.
    fn called_model(&self, step: usize, call: &ModelCall, charge: Charge);

    /// A tool is called with these arguments.
    fn called_tool(&self, step: usize, arguments: &Arguments);

    /// An attempt of a step's call failed, and another follows.
    fn retrying(&self, step: usize, callee: Callee, failed: FailedAttempt);

    /// A step ends; a planner that is done is reported as [`planned`](Self::planned).
    fn ended(&self, step: usize, end: StepEnd);
}

/// What a step calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    Model,
    Tool,
}

/// An attempt that came to nothing, before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedAttempt {
    pub(crate) reason: Arc<str>,
    /// Whether it took too long.
    pub(crate) timed_out: bool,
    /// How long the next one waits.
    pub(crate) wait: Duration,
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
    /// There is no result because its last attempt took too long, as this says.
    TimedOut(Arc<str>),
    /// There is no result because it was stopped at the run's deadline, as this says.
    OutOfTime(Arc<str>),
    /// It never began, for this reason.
    Skipped(Arc<str>),
    /// Its model was not asked, since too little is left for that, as this says.
    Unaffordable(Arc<str>, Short),
}

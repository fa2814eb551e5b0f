//! The language model behind planner, tool steps and reasoner: the trait that every provider implements.

mod scenarios;
mod simulated;
mod template;
#[cfg(test)]
mod tests;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use langdeck_shared::Alert;

pub use scenarios::ScenarioError;
pub(crate) use scenarios::{Scenarios, ToolOutcome, ToolPart};
pub(crate) use simulated::{SIMULATED_MODELS, SimulatedModel, work};
pub use usage::{ModelCall, Usage};

use crate::memory::Recall;
use crate::policy::CallPolicy;

/// How long a model may take to answer unless it says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A language model. Each method is one call to it, and each answer says what the call used.
pub trait Model: Send + Sync + 'static {
    /// The model's name, by which it is priced and shown.
    fn name(&self) -> &str;

    /// How long it may take to answer, and how often it is asked again when no answer came: 30 seconds, three attempts in
    /// all, unless the model says otherwise.
    fn policy(&self) -> CallPolicy {
        CallPolicy::with_timeout(DEFAULT_TIMEOUT)
    }

    /// The most tokens that one call for this alert may take, whatever it answers. A budget sets what they cost aside
    /// before an investigation begins; so a model whose provider is asked for a limit of output says that limit, and one
    /// that reports more all the same is charged for it, beyond the budget.
    fn most_tokens(&self, alert: &Alert, question: Question<'_>) -> Usage;

    /// The tools of the longest plan that it may make for this alert; none when it may plan anything. Then a budget sets
    /// aside for as many calls of the dearest tool as a plan can have, which is 16.
    fn longest_plan(&self, _alert: &Alert) -> Option<Vec<&str>> {
        None
    }

    /// A number that is another one whenever the model is told something else about such an alert: its prompts, or the
    /// scenario in their place. A cache gives no report again that was made by other ones. The same for all alerts and for
    /// ever, unless the model says otherwise.
    fn prompt_version(&self, _alert: &Alert) -> u64 {
        0
    }

    /// Which tools to call for an alert, in which order, and why.
    fn plan<'a>(&'a self, request: PlanRequest<'a>) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>>;

    /// With which arguments to call a planned tool.
    fn arguments<'a>(&'a self, request: ArgumentsRequest<'a>) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>>;

    /// What follows from the findings.
    fn conclude<'a>(&'a self, request: ConclusionRequest<'a>) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>>;
}

/// What a model is asked for, where it matters how much that may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// A plan.
    Plan,
    /// The arguments of a tool.
    Arguments {
        /// The tool's name.
        tool: &'a str,
    },
    /// A conclusion.
    Conclude,
}

/// What the planner asks.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The alert to investigate.
    pub alert: &'a Alert,
    /// What memory knows of the alert's service; none for one that it has not met.
    pub recall: Option<&'a Recall>,
    /// The names of the tools that there are.
    pub tools: &'a [Arc<str>],
}

/// What a tool step asks.
#[derive(Debug, Clone, Copy)]
pub struct ArgumentsRequest<'a> {
    /// The alert to investigate.
    pub alert: &'a Alert,
    /// The tool's name.
    pub tool: &'a str,
}

/// What the reasoner asks.
#[derive(Debug, Clone, Copy)]
pub struct ConclusionRequest<'a> {
    /// The alert to investigate.
    pub alert: &'a Alert,
    /// What each planned tool found, in the plan's order; those that failed say why.
    pub findings: &'a [Finding],
}

/// An ordered choice of tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tools' names, in the order in which to call them.
    pub tools: Vec<Arc<str>>,
    /// Why these.
    pub reasoning: Arc<str>,
}

/// A tool's arguments: a JSON object as text, as providers report them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments(pub Arc<str>);

/// What one planned tool found, or why it found nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The tool's name.
    pub tool: Arc<str>,
    /// Its result, or the reason why there is none.
    pub result: Result<Arc<str>, Arc<str>>,
}

/// What the findings mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// What happened, in a sentence or two.
    pub summary: Arc<str>,
    /// The most likely cause.
    pub root_cause: Arc<str>,
    /// What to do, most useful first.
    pub recommendations: Vec<Arc<str>>,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f64,
}

/// An answer of a model, and the call that gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// What it took.
    pub call: ModelCall,
}

/// Why a model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// There was no answer at all.
    #[error("the model did not answer: {0}")]
    NoAnswer(String),
    /// There was an answer, with which nothing can be done, and its tokens are spent.
    #[error("the model's answer cannot be used: {reason}")]
    Unusable {
        /// What is wrong with it.
        reason: String,
        /// What it took all the same.
        call: Box<ModelCall>,
    },
}

impl ModelError {
    /// The call that was spent in vain, if one was.
    #[must_use]
    pub const fn call(&self) -> Option<&ModelCall> {
        match self {
            Self::NoAnswer(_) => None,
            Self::Unusable { call, .. } => Some(call),
        }
    }
}

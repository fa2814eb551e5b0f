//! The engine: one investigation from its alert to its conclusion.

use std::iter::repeat_n;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Alert, ToolMode, Usd};
use tokio::time::Instant;

use super::attempts::Failure;
use super::deadline::Deadline;
use super::planner::MAX_STEPS;
use super::toolbox::Toolbox;
use super::{Observer, executor, planner, reasoner};
use crate::cost::{Prices, Purse};
use crate::memory::Recall;
use crate::model::{Conclusion, Model, Question};
use crate::tools::Tool;

/// Runs the chain with one of its models and its set of tools.
pub(crate) struct Engine {
    /// The first is the usual one.
    models: Vec<Arc<dyn Model>>,
    pub(super) tools: Toolbox,
    pub(super) mode: ToolMode,
    /// How long a run may take.
    limit: Duration,
}

/// Which of an engine's models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct ModelId(usize);

/// An investigation to be made.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) alert: &'a Alert,
    pub(crate) recall: Option<&'a Recall>,
    pub(crate) model: ModelId,
    /// When its time began.
    pub(crate) started: Instant,
    /// What it may spend.
    pub(crate) purse: &'a Purse<'a>,
    /// Who learns of everything that happens on the way.
    pub(crate) observer: &'a dyn Observer,
}

/// How an investigation ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// There is a conclusion.
    Concluded {
        /// Whether every step succeeded.
        complete: bool,
        conclusion: Arc<Conclusion>,
    },
    /// There is none, for this reason.
    Failed(Arc<str>),
}

impl Engine {
    pub(crate) fn new(model: Arc<dyn Model>, tools: Vec<Arc<dyn Tool>>, mode: ToolMode, limit: Duration) -> Self {
        Self { models: vec![model], tools: Toolbox::new(tools), mode, limit }
    }

    /// The same with more models.
    pub(crate) fn with_models(mut self, models: impl IntoIterator<Item = Arc<dyn Model>>) -> Self {
        self.models.extend(models);
        self
    }

    /// The model of that name.
    pub(crate) fn model_named(&self, name: &str) -> Option<ModelId> {
        self.models.iter().position(|model| model.name() == name).map(ModelId)
    }

    pub(crate) fn model(&self, ModelId(place): ModelId) -> &dyn Model {
        &*self.models[place]
    }

    /// The most that an investigation of this alert may cost with a model. Each answer is charged once, so it is the
    /// dearest plan and a conclusion: planner, each tool and reasoner are answered once at most.
    pub(crate) fn most_cost(&self, model: ModelId, alert: &Alert, prices: &Prices, at: Timestamp) -> Usd {
        let model = self.model(model);
        let most = |question| prices.most(model.name(), model.most_tokens(alert, question), at);
        let of_tool = |tool| most(Question::Arguments { tool });
        let tools: Usd = match model.longest_plan(alert) {
            Some(plan) => plan.into_iter().take(MAX_STEPS).map(of_tool).sum(),
            None => {
                let dearest = self.tools.names().iter().map(|tool| of_tool(tool)).max().unwrap_or_default();
                repeat_n(dearest, MAX_STEPS).sum()
            }
        };
        most(Question::Plan) + tools + most(Question::Conclude)
    }

    /// The names of the tools that a plan can choose from.
    pub(crate) fn tools(&self) -> &[Arc<str>] {
        self.tools.names()
    }

    /// Investigates an alert. Dropping the future stops it.
    pub(crate) async fn investigate(&self, job: Job<'_>) -> Outcome {
        let deadline = Deadline::new(job.started, self.limit);
        let plan = match planner::plan(self, job, deadline.whole()).await {
            Ok(plan) => plan,
            Err(reason) => return Outcome::Failed(reason),
        };
        let findings = executor::execute(self, job, &plan, deadline.tools()).await;
        reasoner::conclude(self, job, &findings, deadline.whole()).await
    }

    /// Why there is no plan or no conclusion; where that could not be paid for, also how much would have done.
    pub(super) fn explained(
        &self,
        Job { alert, model, purse, .. }: Job<'_>,
        missing: &str,
        failure: &Failure,
    ) -> Arc<str> {
        let reason = &failure.reason;
        let lack =
            failure.is_unaffordable().then(|| purse.lacked(|prices, at| self.most_cost(model, alert, prices, at)));
        match lack.flatten() {
            Some(lack) => format!("no {missing}: {reason}; {lack}").into(),
            None => format!("no {missing}: {reason}").into(),
        }
    }
}

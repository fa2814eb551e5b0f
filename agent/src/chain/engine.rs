//! The engine: one investigation from its alert to its conclusion.

use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::{Alert, ToolMode};
use tokio::time::Instant;

use super::deadline::Deadline;
use super::toolbox::Toolbox;
use super::{Observer, executor, planner, reasoner};
use crate::memory::Recall;
use crate::model::{Conclusion, Model};
use crate::tools::Tool;

/// Runs the chain with one model and one set of tools.
pub(crate) struct Engine {
    pub(super) model: Arc<dyn Model>,
    pub(super) tools: Toolbox,
    pub(super) mode: ToolMode,
    /// How long a run may take.
    limit: Duration,
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
        Self { model, tools: Toolbox::new(tools), mode, limit }
    }

    /// The names of the tools that a plan can choose from.
    pub(crate) fn tools(&self) -> &[Arc<str>] {
        self.tools.names()
    }

    /// Investigates an alert since `started`. Everything that happens on the way goes to the observer; dropping the
    /// future stops it.
    pub(crate) async fn investigate(
        &self,
        alert: &Alert,
        recall: Option<&Recall>,
        started: Instant,
        observer: &dyn Observer,
    ) -> Outcome {
        let deadline = Deadline::new(started, self.limit);
        let plan = match planner::plan(self, alert, recall, deadline.whole(), observer).await {
            Ok(plan) => plan,
            Err(reason) => return Outcome::Failed(reason),
        };
        let findings = executor::execute(self, &plan, alert, deadline.tools(), observer).await;
        reasoner::conclude(self, alert, &findings, deadline.whole(), observer).await
    }
}

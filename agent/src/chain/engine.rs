//! The engine: one investigation from its alert to its conclusion.

use std::sync::Arc;

use langdeck_shared::{Alert, ToolMode};

use super::toolbox::Toolbox;
use super::{Observer, executor, planner, reasoner};
use crate::memory::Recall;
use crate::model::{Conclusion, Model};
use crate::tools::Tool;

/// Runs the chain with one model and one set of tools.
pub(crate) struct Engine {
    pub(super) model: Arc<dyn Model>,
    pub(super) tools: Toolbox,
    mode: ToolMode,
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
    pub(crate) fn new(model: Arc<dyn Model>, tools: Vec<Arc<dyn Tool>>, mode: ToolMode) -> Self {
        Self { model, tools: Toolbox::new(tools), mode }
    }

    /// Investigates an alert. Everything that happens on the way goes to the observer; dropping the future stops it.
    pub(crate) async fn investigate(&self, alert: &Alert, recall: Option<&Recall>, observer: &dyn Observer) -> Outcome {
        let plan = match planner::plan(self, alert, recall, observer).await {
            Ok(plan) => plan,
            Err(reason) => return Outcome::Failed(reason),
        };
        let findings = executor::execute(self, &plan, self.mode, alert, observer).await;
        reasoner::conclude(self, alert, &findings, observer).await
    }
}

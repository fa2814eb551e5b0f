//! The simulated tools: they find what the alert's scenario says, and mark it as simulated.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{DEFAULT_TIMEOUT, Tool, ToolCall, ToolError};
use crate::model::{Scenarios, ToolOutcome, work};

/// The names of the simulated tools.
pub(crate) const SIMULATED_TOOLS: [&str; 3] = ["check_pods", "get_metrics", "get_logs"];

const MARK: &str = "[SIMULATED] ";

struct SimulatedTool {
    name: &'static str,
    scenarios: Arc<Scenarios>,
    delay: f64,
}

/// Every simulated tool; each call takes `delay` times as long as its scenario says.
pub(crate) fn simulated_tools(scenarios: &Arc<Scenarios>, delay: f64) -> Vec<Arc<dyn Tool>> {
    let tool = |name| Arc::new(SimulatedTool { name, scenarios: Arc::clone(scenarios), delay }) as Arc<dyn Tool>;
    SIMULATED_TOOLS.map(tool).to_vec()
}

impl Tool for SimulatedTool {
    fn name(&self) -> &str {
        self.name
    }

    /// Slowed down for people to watch, a tool must not time out for that.
    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT.mul_f64(self.delay.max(1.0))
    }

    fn run<'a>(&'a self, ToolCall { alert, .. }: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let part = self.scenarios.tool(&alert.alert_type, self.name);
            let part = part.ok_or_else(|| ToolError(format!("no scenario tells what `{}` finds", self.name)))?;
            work(part.duration, self.delay).await;
            match &part.outcome {
                ToolOutcome::Finds(finding) => Ok(finding.render_marked(MARK, alert)),
                ToolOutcome::Fails(error) => Err(ToolError(error.render_marked(MARK, alert))),
            }
        })
    }
}

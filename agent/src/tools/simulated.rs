//! The simulated tools: they find what the alert's scenario says, and mark it as simulated.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use langdeck_shared::Alert;

use super::{DEFAULT_TIMEOUT, Tool, ToolCall, ToolError};
use crate::model::{Scenarios, ToolOutcome, ToolPart, work};
use crate::policy::CallPolicy;

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

impl SimulatedTool {
    fn part(&self, alert: &Alert) -> Option<&ToolPart> {
        self.scenarios.tool(&alert.alert_type, self.name)
    }
}

impl Tool for SimulatedTool {
    fn name(&self) -> &str {
        self.name
    }

    /// Simulated time, slowed down or quickened like the work itself.
    fn policy(&self, alert: &Alert) -> CallPolicy {
        let timeout = self.part(alert).map_or(DEFAULT_TIMEOUT, |part| part.timeout);
        CallPolicy::with_timeout(timeout).scaled(self.delay)
    }

    fn run<'a>(&'a self, ToolCall { alert, attempt, .. }: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let missing = || ToolError::Permanent(format!("no scenario tells what `{}` finds", self.name));
            let part = self.part(alert).ok_or_else(missing)?;
            work(part.duration, part.timeout, self.delay).await;
            match &part.outcome {
                ToolOutcome::Flaps { failures, error, .. } if attempt <= *failures => {
                    Err(ToolError::Transient(error.render_between(MARK, alert, "")))
                }
                ToolOutcome::Finds(finding) | ToolOutcome::Flaps { finding, .. } => {
                    Ok(finding.render_between(MARK, alert, ""))
                }
                ToolOutcome::Fails { error, permanent: true } => {
                    Err(ToolError::Permanent(error.render_between(MARK, alert, "")))
                }
                ToolOutcome::Fails { error, permanent: false } => {
                    Err(ToolError::Transient(error.render_between(MARK, alert, "")))
                }
            }
        })
    }
}

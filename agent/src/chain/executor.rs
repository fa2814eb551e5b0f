//! The executor: calls the plan's tools, one after the other or all at once.

use std::sync::Arc;

use futures_util::future::join_all;
use langdeck_shared::{Alert, ToolMode};

use super::events::report;
use super::{Engine, Observer, StepEnd};
use crate::model::{ArgumentsRequest, Finding, Plan};
use crate::tools::{Tool, ToolCall};

/// Executes a plan. A tool that fails or takes too long leaves a finding that says so; the others go on.
pub(super) async fn execute(
    engine: &Engine,
    plan: &Plan,
    mode: ToolMode,
    alert: &Alert,
    observer: &dyn Observer,
) -> Vec<Finding> {
    let steps = plan.tools.iter().enumerate().map(|(place, name)| {
        let step = ToolStep { engine, alert, observer, step: place + 1, name };
        step.take()
    });
    match mode {
        ToolMode::Parallel => join_all(steps).await,
        ToolMode::Sequential => {
            let mut findings = Vec::with_capacity(plan.tools.len());
            for step in steps {
                findings.push(step.await);
            }
            findings
        }
    }
}

/// One tool of a plan, about to be called.
struct ToolStep<'a> {
    engine: &'a Engine,
    alert: &'a Alert,
    observer: &'a dyn Observer,
    /// Its place among the investigation's steps.
    step: usize,
    name: &'a Arc<str>,
}

impl ToolStep<'_> {
    async fn take(self) -> Finding {
        self.observer.began(self.step);
        let result = match self.engine.tools.get(self.name) {
            Some(tool) => match tokio::time::timeout(tool.timeout(), self.call(tool)).await {
                Ok(result) => result,
                Err(_elapsed) => Err(format!("no result after {}", humantime::format_duration(tool.timeout()))),
            },
            None => Err("there is no such tool".to_owned()),
        };
        let result = result.map(Arc::from).map_err(Arc::from);
        let end = match &result {
            Ok(found) => StepEnd::Found(Arc::clone(found)),
            Err(reason) => StepEnd::Failed(Arc::clone(reason)),
        };
        self.observer.ended(self.step, end);
        Finding { tool: Arc::clone(self.name), result }
    }

    /// The model chooses the arguments, then the tool runs with them.
    async fn call(&self, tool: &dyn Tool) -> Result<String, String> {
        let Self { engine, alert, observer, step, name } = *self;
        let answer = engine.model.arguments(ArgumentsRequest { alert, tool: name }).await;
        let arguments = report(observer, step, answer).map_err(|error| error.to_string())?;
        observer.called_tool(step, &arguments);
        tool.run(ToolCall { alert, arguments: &arguments }).await.map_err(|error| error.to_string())
    }
}

//! The executor: calls the plan's tools, one after the other or all at once.

use std::sync::Arc;

use futures_util::future::join_all;
use langdeck_shared::ToolMode;
use tokio::time::Instant;

use super::attempts::{Attempts, Failure};
use super::deadline::Until;
use super::text::{MAX_ARGUMENTS, MAX_TEXT, bounded, bounded_shared};
use super::{Engine, Job, StepEnd};
use crate::cost::{Held, Short};
use crate::model::{Arguments, ArgumentsRequest, Finding, Plan, Question};
use crate::tools::ToolCall;

/// Executes a plan. A tool that fails or takes too long leaves a finding that says so; the others go on. When the time
/// for tools is over, those at work are stopped and the rest do not begin.
pub(super) async fn execute(engine: &Engine, job: Job<'_>, plan: &Plan, until: Until) -> Vec<Finding> {
    let steps = plan.tools.iter().enumerate().map(|(place, name)| {
        let attempts = Attempts { until, observer: job.observer, step: place + 1 };
        ToolStep { engine, job, attempts, name }
    });
    match engine.mode {
        ToolMode::Parallel => join_all(steps.map(ToolStep::take)).await,
        ToolMode::Sequential => {
            let mut findings = Vec::with_capacity(plan.tools.len());
            for step in steps {
                findings.push(step.take().await);
            }
            findings
        }
    }
}

/// One tool of a plan, about to be called.
struct ToolStep<'a> {
    engine: &'a Engine,
    job: Job<'a>,
    attempts: Attempts<'a>,
    name: &'a Arc<str>,
}

impl ToolStep<'_> {
    async fn take(self) -> Finding {
        let Attempts { until, observer, step } = self.attempts;
        let now = Instant::now();
        let (end, result) = if until.has_passed(now) {
            let reason: Arc<str> = until.reason().into();
            (StepEnd::Skipped(Arc::clone(&reason)), Err(reason))
        } else {
            match self.hold() {
                Ok(held) => {
                    observer.began(step, now);
                    self.end(held).await
                }
                Err(short) => {
                    let reason: Arc<str> = short.to_string().into();
                    (StepEnd::Unaffordable(Arc::clone(&reason), short), Err(reason))
                }
            }
        };
        observer.ended(step, end);
        Finding { tool: Arc::clone(self.name), result }
    }

    /// How it ends once it has begun.
    async fn end(&self, held: Held<'_>) -> (StepEnd, Result<Arc<str>, Arc<str>>) {
        match self.find(held).await {
            Ok(found) => {
                let found: Arc<str> = bounded(found, MAX_TEXT).into();
                (StepEnd::Found(Arc::clone(&found)), Ok(found))
            }
            Err(failure) => {
                let reason: Arc<str> = failure.reason.as_str().into();
                (failure.end(Arc::clone(&reason)), Err(reason))
            }
        }
    }

    /// What the model's call may cost. A conclusion from what there is is worth more than another finding, so what it may
    /// cost stays in the purse.
    fn hold(&self) -> Result<Held<'_>, Short> {
        let Job { alert, model, purse, .. } = self.job;
        let question = Question::Arguments { tool: self.name };
        purse.hold(self.engine.model(model), alert, question, Some(Question::Conclude))
    }

    /// The model chooses the arguments, once; then the tool is called with them, as often as it takes.
    async fn find(&self, held: Held<'_>) -> Result<String, Failure> {
        let Self { engine, job: Job { alert, model, .. }, ref attempts, name } = *self;
        let Some(tool) = engine.tools.get(name) else { return Err(Failure::permanent("there is no such tool")) };
        let model = engine.model(model);
        let arguments = attempts.ask(model, held, || model.arguments(ArgumentsRequest { alert, tool: name })).await?;
        if arguments.0.len() <= MAX_ARGUMENTS {
            attempts.observer.called_tool(attempts.step, &arguments);
        } else {
            let kept = Arguments(bounded_shared(Arc::clone(&arguments.0), MAX_ARGUMENTS));
            attempts.observer.called_tool(attempts.step, &kept);
        }
        let arguments = &arguments;
        attempts.call(|| tool.policy(alert), |attempt| tool.run(ToolCall { alert, arguments, attempt })).await
    }
}

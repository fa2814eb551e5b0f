//! The recorder: listens to the chain of one investigation, writes its record and enters into the books what it spends.

use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::StepStatus;
use tokio::time::Instant;

use super::books::Count;
use super::{Run, Runs};
use crate::chain::{Callee, Observer, PLANNER, StepEnd};
use crate::memory::{StepName, StepRecord};
use crate::model::{Arguments, ModelCall, Plan};

pub(super) struct Recorder<'a> {
    runs: &'a Runs,
    run: &'a Run,
    started: Instant,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(runs: &'a Runs, run: &'a Run, started: Instant) -> Self {
        Self { runs, run, started }
    }

    /// The time since the chain's start.
    fn at(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Observer for Recorder<'_> {
    fn began(&self, step: usize, now: Instant) {
        let at = now.saturating_duration_since(self.started);
        self.run.live.change_step(step, |step| {
            step.status = StepStatus::Running;
            step.began = Some(at);
        });
    }

    fn planned(&self, plan: &Arc<Plan>) {
        let at = self.at();
        self.run.live.change(|record| {
            if let Some(planner) = record.steps.get_mut(PLANNER) {
                planner.end(StepStatus::Succeeded, at);
            }
            let tools = plan.tools.iter().map(|tool| StepName::Tool(Arc::clone(tool)));
            record.steps.extend(tools.chain([StepName::Reasoner]).map(StepRecord::waiting));
            record.plan = Some(Arc::clone(plan));
        });
    }

    fn called_model(&self, step: usize, call: &ModelCall) {
        let (spend, now) = (self.runs.prices.spend(call), Instant::now());
        self.runs.look(|state| state.books.model_called(self.run, step, &call.model, spend, now));
    }

    fn called_tool(&self, step: usize, arguments: &Arguments) {
        self.run.live.change_step(step, |step| step.arguments = Some(arguments.clone()));
    }

    fn retrying(&self, step: usize, callee: Callee, reason: Arc<str>) {
        let name = self.run.live.change_step(step, |step| {
            step.retry(reason);
            step.name.clone()
        });
        self.runs.look(|state| match (callee, name) {
            (Callee::Tool, Some(StepName::Tool(tool))) => state.books.count_tool_retry(&tool),
            _ => state.books.model_retries += 1,
        });
    }

    fn ended(&self, step: usize, end: StepEnd) {
        let at = self.at();
        let counted = match end {
            StepEnd::Done | StepEnd::Skipped(_) => None,
            StepEnd::Found(_) => Some(Count::Succeeded),
            StepEnd::Failed(_) => Some(Count::Failed),
            StepEnd::TimedOut(_) => Some(Count::TimedOut),
        };
        let name = self.run.live.change_step(step, |step| {
            match end {
                StepEnd::Done => step.end(StepStatus::Succeeded, at),
                StepEnd::Found(finding) => {
                    step.end(StepStatus::Succeeded, at);
                    step.finding = Some(finding);
                }
                StepEnd::Failed(reason) | StepEnd::TimedOut(reason) => {
                    step.end(StepStatus::Failed, at);
                    step.error = Some(reason);
                }
                StepEnd::Skipped(reason) => {
                    step.end(StepStatus::Cancelled, at);
                    step.error = Some(reason);
                }
            }
            step.name.clone()
        });
        if let (Some(StepName::Tool(tool)), Some(counted)) = (name, counted) {
            self.runs.look(|state| state.books.count_tool(&tool, counted));
        }
    }
}

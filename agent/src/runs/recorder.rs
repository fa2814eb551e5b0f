//! The recorder: listens to the chain of one investigation and enters what happens into the books.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Run, Runs};
use crate::chain::{Observer, StepEnd};
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
    fn began(&self, step: usize) {
        let at = self.at();
        self.runs.look(|state| state.books.step_began(self.run.number, step, at));
    }

    fn planned(&self, plan: &Arc<Plan>) {
        let at = self.at();
        self.runs.look(|state| state.books.planned(self.run.number, plan, at));
    }

    fn called_model(&self, step: usize, call: &ModelCall) {
        let (spend, now) = (self.runs.prices.spend(call), Instant::now());
        self.runs.look(|state| state.books.model_called(self.run, step, &call.model, spend, now));
    }

    fn called_tool(&self, step: usize, arguments: &Arguments) {
        self.runs.look(|state| state.books.tool_called(self.run.number, step, arguments));
    }

    fn ended(&self, step: usize, end: StepEnd) {
        let at = self.at();
        self.runs.look(|state| state.books.step_ended(self.run.number, step, end, at));
    }
}

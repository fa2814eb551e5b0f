//! The recorder: listens to the chain of one investigation, and keeps what the books do not know yet.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use langdeck_shared::{Actor, StepStatus, Usd};
use tokio::time::Instant;

use crate::chain::{Callee, FailedAttempt, Observer, PLANNER, StepEnd};
use crate::cost::Charge;
use crate::decisions::Choice;
use crate::memory::{Progress, StepName, StepRecord};
use crate::model::{Arguments, ModelCall, Plan};

/// The calls of a short plan, for which the list of them need not grow.
const USUAL_CALLS: usize = 8;

pub(super) struct Recorder {
    started: Instant,
    news: Mutex<News>,
}

/// How far a chain has come, and what happened since the books were last brought up to date.
///
/// That is whenever the chain waits for something, and at its end. Nobody could act on what lies in between, and to
/// open the books once is cheaper than for every event.
#[derive(Debug)]
pub(super) struct News {
    pub(super) progress: Progress,
    pub(super) calls: Vec<PaidCall>,
    pub(super) entries: Vec<Entry>,
    /// What was decided.
    pub(super) choices: Vec<Choice>,
    /// Whether anything happened.
    fresh: bool,
}

/// A model's answer, and what it is charged.
#[derive(Debug)]
pub(super) struct PaidCall {
    pub(super) step: StepName,
    pub(super) attempt: u32,
    pub(super) model: Arc<str>,
    pub(super) charge: Charge,
}

/// What the books count.
#[derive(Debug)]
pub(super) enum Entry {
    ToolEnded(Arc<str>, ToolEnd),
    ToolRetried(Arc<str>),
    ModelRetried,
}

/// As what an ended tool step is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum ToolEnd {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
}

impl Recorder {
    pub(super) fn new(started: Instant) -> Self {
        let news = News {
            progress: Progress::none(),
            calls: Vec::with_capacity(USUAL_CALLS),
            entries: Vec::new(),
            choices: Vec::new(),
            fresh: false,
        };
        Self { started, news: Mutex::new(news) }
    }

    /// The news, if there are any, of a chain that goes on.
    pub(super) fn news(&self) -> Option<News> {
        let mut news = self.lock();
        if !mem::take(&mut news.fresh) {
            return None;
        }
        let News { progress, calls, entries, choices, .. } = &mut *news;
        let (calls, entries, choices) = (mem::take(calls), mem::take(entries), mem::take(choices));
        Some(News { progress: progress.clone(), calls, entries, choices, fresh: true })
    }

    /// The last news of a chain that has ended.
    pub(super) fn last_news(self) -> News {
        self.news.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut News)) {
        let mut news = self.lock();
        news.fresh = true;
        note(&mut news);
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        // A note that panics leaves one that says less than it could, and nothing wrong.
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the chain's start.
    fn at(&self) -> Duration {
        self.started.elapsed()
    }
}

impl News {
    /// What the calls cost together.
    pub(super) fn cost(&self) -> Usd {
        self.calls.iter().map(|call| call.charge.cost).sum()
    }

    fn step(&mut self, step: usize) -> Option<&mut StepRecord> {
        self.progress.steps.get_mut(step)
    }
}

impl Observer for Recorder {
    fn began(&self, step: usize, now: Instant) {
        let at = now.saturating_duration_since(self.started);
        self.note(|news| {
            let Some(step) = news.step(step) else { return };
            step.status = StepStatus::Running;
            step.began = Some(at);
        });
    }

    fn planned(&self, plan: &Arc<Plan>) {
        let at = self.at();
        self.note(|news| {
            if let Some(planner) = news.step(PLANNER) {
                planner.end(StepStatus::Succeeded, at);
            }
            let tools = plan.tools.iter().map(|tool| StepName::Tool(Arc::clone(tool)));
            news.progress.steps.extend(tools.chain([StepName::Reasoner]).map(StepRecord::waiting));
            news.progress.plan = Some(Arc::clone(plan));
            news.choices.push(Choice::Plan(Arc::clone(plan)));
        });
    }

    fn called_model(&self, step: usize, call: &ModelCall, charge: Charge) {
        self.note(|news| {
            let Some(step) = news.step(step) else { return };
            step.spend += charge.spend();
            let (attempt, step, model) = (step.attempts(), step.name.clone(), Arc::clone(&call.model));
            news.calls.push(PaidCall { step, attempt, model, charge });
        });
    }

    fn called_tool(&self, step: usize, arguments: &Arguments) {
        self.note(|news| {
            let Some(step) = news.step(step) else { return };
            step.arguments = Some(arguments.clone());
        });
    }

    fn retrying(&self, step: usize, callee: Callee, failed: FailedAttempt) {
        let FailedAttempt { reason, timed_out, wait } = failed;
        self.note(|news| {
            let Some(step) = news.step(step) else { return };
            let (by, name, attempt) = (actor(&step.name), step.name.to_shared(), step.attempts());
            step.retry(Arc::clone(&reason));
            let entry = match (callee, &step.name) {
                (Callee::Tool, StepName::Tool(tool)) => Entry::ToolRetried(Arc::clone(tool)),
                _ => Entry::ModelRetried,
            };
            news.entries.push(entry);
            news.choices.push(Choice::Retry { by, step: name, attempt, timed_out, wait, reason });
        });
    }

    fn ended(&self, step: usize, end: StepEnd) {
        let at = self.at();
        self.note(|news| {
            let Some(step) = news.step(step) else { return };
            let choice = choice(step, &end);
            let counted = match end {
                StepEnd::Done => {
                    step.end(StepStatus::Succeeded, at);
                    None
                }
                StepEnd::Found(finding) => {
                    step.end(StepStatus::Succeeded, at);
                    step.finding = Some(finding);
                    Some(ToolEnd::Succeeded)
                }
                StepEnd::Failed(reason) => {
                    step.fail(reason, at);
                    Some(ToolEnd::Failed)
                }
                StepEnd::TimedOut(reason) | StepEnd::OutOfTime(reason) => {
                    step.fail(reason, at);
                    Some(ToolEnd::TimedOut)
                }
                StepEnd::Unaffordable(reason, _) if !matches!(step.name, StepName::Tool(_)) => {
                    step.fail(reason, at);
                    None
                }
                StepEnd::Skipped(reason) | StepEnd::Unaffordable(reason, _) => {
                    step.end(StepStatus::Cancelled, at);
                    step.error = Some(reason);
                    None
                }
            };
            if let (StepName::Tool(tool), Some(counted)) = (&step.name, counted) {
                let ended = Entry::ToolEnded(Arc::clone(tool), counted);
                news.entries.push(ended);
            }
            news.choices.extend(choice);
        });
    }
}

/// What the end of a step decides about the investigation, if it does.
fn choice(step: &StepRecord, end: &StepEnd) -> Option<Choice> {
    let attempts = step.attempts();
    match (&step.name, end) {
        (name, StepEnd::OutOfTime(reason)) => {
            Some(Choice::Stop { by: actor(name), step: name.to_shared(), attempts, reason: Arc::clone(reason) })
        }
        (name, StepEnd::Unaffordable(_, short)) => Some(Choice::Cap { step: name.to_shared(), short: *short }),
        (StepName::Tool(tool), StepEnd::Failed(reason) | StepEnd::TimedOut(reason)) => {
            Some(Choice::WithoutTool { tool: Arc::clone(tool), attempts, reason: Arc::clone(reason) })
        }
        (StepName::Tool(tool), StepEnd::Skipped(reason)) => {
            Some(Choice::SkipTool { tool: Arc::clone(tool), reason: Arc::clone(reason) })
        }
        // Without a plan or a conclusion the end of the investigation says more.
        _ => None,
    }
}

/// Who decides about a step.
const fn actor(step: &StepName) -> Actor {
    match step {
        StepName::Planner => Actor::Planner,
        StepName::Tool(_) => Actor::Executor,
        StepName::Reasoner => Actor::Reasoner,
    }
}

//! The record of one investigation: what is kept of it, as it is kept.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Alert, Spend, Status, StepKind, StepStatus};
use tokio::time::Instant;

use super::Recall;
use crate::clock;
use crate::cost::BudgetName;
use crate::decisions::Decision;
use crate::model::{Arguments, Conclusion, Plan};

/// The steps of a plan with three tools, for which the list of them need not grow.
const USUAL_STEPS: usize = 5;
/// How many decisions a record keeps: a few for each step of the longest plan.
const MOST_DECISIONS: usize = 128;
/// How many it has at most when one about an alert that joins it still finds room. There can be any number of these, and
/// they must not keep out what the chain decides.
const MOST_WITH_JOINS: usize = MOST_DECISIONS / 2;

/// One investigation. Everything long is shared, so that a clone is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Its place in the order of acceptance, from 1.
    pub(crate) number: u64,
    /// The sequence number of its last change.
    pub(crate) changed: u64,
    pub(crate) status: Status,
    pub(crate) alert: Arc<Alert>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) accepted: Instant,
    /// When its chain began.
    pub(crate) started: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// When its alert was resolved.
    pub(crate) resolved_at: Option<Timestamp>,
    /// What memory recalled when the chain began.
    pub(crate) recall: Option<Recall>,
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) conclusion: Option<Arc<Conclusion>>,
    /// The model that investigates, where it is not the replica's usual one.
    pub(crate) other_model: Option<Arc<str>>,
    /// The budget because of which that is a cheaper one.
    pub(crate) degraded_by: Option<BudgetName>,
    /// Whether some of its calls were not made because it was not allowed to spend enough for them.
    pub(crate) capped: bool,
    /// Why it failed or was cancelled.
    pub(crate) error: Option<Arc<str>>,
    /// The planner, the tools in the plan's order, the reasoner.
    pub(crate) steps: Vec<StepRecord>,
    /// What was decided about it, in order.
    pub(crate) decisions: Vec<Arc<Decision>>,
    /// How many more there was no room for.
    pub(crate) decisions_left_out: u64,
}

/// What the chain writes into a record while it runs.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) plan: Option<Arc<Plan>>,
    /// The planner, the tools in the plan's order, the reasoner.
    pub(crate) steps: Vec<StepRecord>,
}

/// One step of an investigation.
#[derive(Debug, Clone)]
pub(crate) struct StepRecord {
    pub(crate) name: StepName,
    pub(crate) status: StepStatus,
    /// From the chain's start to the step's.
    pub(crate) began: Option<Duration>,
    pub(crate) took: Option<Duration>,
    pub(crate) spend: Spend,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) retries: Option<Retries>,
    /// What the model passed to the tool.
    pub(crate) arguments: Option<Arguments>,
    /// What the tool found.
    pub(crate) finding: Option<Arc<str>>,
}

/// The attempts of a step after its first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retries {
    pub(crate) count: u32,
    /// Why the last of them was made.
    pub(crate) last_error: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepName {
    Planner,
    Tool(Arc<str>),
    Reasoner,
}

impl StepName {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Planner => "planner",
            Self::Tool(name) => name,
            Self::Reasoner => "reasoner",
        }
    }

    pub(crate) fn to_shared(&self) -> Arc<str> {
        match self {
            Self::Tool(name) => Arc::clone(name),
            Self::Planner | Self::Reasoner => self.as_str().into(),
        }
    }

    pub(crate) const fn kind(&self) -> StepKind {
        match self {
            Self::Planner => StepKind::Planner,
            Self::Tool(_) => StepKind::Tool,
            Self::Reasoner => StepKind::Reasoner,
        }
    }
}

impl Progress {
    /// That of a chain that has not begun.
    pub(crate) fn none() -> Self {
        let mut steps = Vec::with_capacity(USUAL_STEPS);
        steps.push(StepRecord::waiting(StepName::Planner));
        Self { plan: None, steps }
    }
}

impl StepRecord {
    pub(crate) fn waiting(name: StepName) -> Self {
        Self {
            name,
            status: StepStatus::Waiting,
            began: None,
            took: None,
            spend: Spend::default(),
            error: None,
            retries: None,
            arguments: None,
            finding: None,
        }
    }

    /// An attempt failed for this reason, and another follows.
    pub(crate) fn retry(&mut self, reason: Arc<str>) {
        let count = self.retries.as_ref().map_or(0, |retries| retries.count).saturating_add(1);
        self.retries = Some(Retries { count, last_error: reason });
    }

    /// How often it was tried.
    pub(crate) fn attempts(&self) -> u32 {
        self.retries.as_ref().map_or(0, |retries| retries.count).saturating_add(1)
    }

    /// Ends the step `at` a time after the chain's start; how long it took follows from when it began.
    pub(crate) fn end(&mut self, status: StepStatus, at: Duration) {
        self.status = status;
        self.took = self.began.map(|began| at.saturating_sub(began));
    }

    /// Ends it without a result, for this reason.
    pub(crate) fn fail(&mut self, reason: Arc<str>, at: Duration) {
        self.end(StepStatus::Failed, at);
        self.error = Some(reason);
    }
}

impl Record {
    /// An alert that was just accepted. Its number is given by whoever takes the record in.
    pub(crate) fn accepted(alert: Arc<Alert>, accepted_at: Timestamp, accepted: Instant) -> Self {
        Self {
            number: 0,
            changed: 0,
            status: Status::Queued,
            alert,
            accepted_at,
            accepted,
            started: None,
            ended: None,
            resolved_at: None,
            recall: None,
            plan: None,
            conclusion: None,
            other_model: None,
            degraded_by: None,
            capped: false,
            error: None,
            // Without room for more: it may be one of many that wait.
            steps: vec![StepRecord::waiting(StepName::Planner)],
            decisions: Vec::new(),
            decisions_left_out: 0,
        }
    }

    /// Says how far the chain has come.
    pub(crate) fn show(&mut self, Progress { plan, steps }: Progress) {
        (self.plan, self.steps) = (plan, steps);
    }

    /// Notes a decision about it.
    pub(crate) fn note(&mut self, decision: Arc<Decision>) {
        self.note_below(MOST_DECISIONS, decision);
    }

    /// Notes a decision that leaves it as it is, such as that an alert joins it.
    pub(crate) fn note_aside(&mut self, decision: Arc<Decision>) {
        self.note_below(MOST_WITH_JOINS, decision);
    }

    fn note_below(&mut self, most: usize, decision: Arc<Decision>) {
        if self.decisions.len() < most {
            self.decisions.push(decision);
        } else {
            self.decisions_left_out += 1;
        }
    }

    /// The wall clock at an instant of this investigation, reckoned from its acceptance.
    pub(crate) fn wall_clock(&self, at: Instant) -> Timestamp {
        clock::later(self.accepted_at, at.saturating_duration_since(self.accepted))
    }

    /// How long the chain ran, once it has ended; none when it never began.
    pub(crate) fn took(&self) -> Option<Duration> {
        Some(self.ended?.saturating_duration_since(self.started?))
    }

    /// How long the chain has run, or ran.
    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        let Some(started) = self.started else { return Duration::ZERO };
        self.ended.unwrap_or(now).saturating_duration_since(started)
    }

    pub(crate) fn spend(&self) -> Spend {
        self.steps.iter().map(|step| step.spend).sum()
    }
}

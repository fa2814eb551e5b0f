//! An investigation: one run of the chain over one alert, and its steps.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{is_false, is_one, is_zero, one};
use crate::{Alert, BudgetWindow, CostTracking, Decision, MissingReplica, Report, Usd};

/// Where an investigation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, waiting for a place to run.
    Queued,
    /// The chain is at work.
    Running,
    /// Every step succeeded.
    Succeeded,
    /// There is a report, but a step failed.
    Partial,
    /// The chain could not give a report.
    Failed,
    /// Stopped before its end.
    Cancelled,
}

impl Status {
    /// Every status, in the order of an investigation's life.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Partial, Self::Failed, Self::Cancelled];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to the investigation.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which part of the chain a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Alert and memory in, plan out.
    Planner,
    /// One tool of the plan.
    Tool,
    /// Findings in, conclusions out.
    Reasoner,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Planned, not yet begun.
    Waiting,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Ended without a result.
    Failed,
    /// Stopped, or never begun because the run ended before.
    Cancelled,
}

/// One timed part of an investigation. Planned steps stand in the list from the moment that they are planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// `planner`, the tool's name, or `reasoner`.
    pub name: Arc<str>,
    /// Which part of the chain it is.
    pub kind: StepKind,
    /// Where it stands.
    pub status: StepStatus,
    /// When it began, in milliseconds after the investigation's start; none before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_offset_ms: Option<u64>,
    /// How long it took, in milliseconds; none before it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Input and output tokens together.
    pub tokens: u64,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// The tokens that half of the last calls of such a step with its model did not exceed, where that can be said; only
    /// in `GET /v1/investigations/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_tokens: Option<u64>,
    /// What those tokens cost; none while there are none, and none when the model has no known price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Usd>,
    /// Why it failed, or was never begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
    /// How often it was tried: once, and once more for each retry of its model call or its tool. Left out when it is 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// Why the attempt before the present or the last one failed; none while the first is not over or was enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Arc<str>>,
    /// What it was given; only in `GET /v1/investigations/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What it gave; only in `GET /v1/investigations/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// One run of the chain over one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Investigation {
    /// Its id, `inv_…`.
    pub investigation_id: String,
    /// The replica that runs it.
    pub replica: Arc<str>,
    /// Where it stands.
    pub status: Status,
    /// The alert that asked for it.
    pub alert: Arc<Alert>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its chain began; none while it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When its alert was resolved, by Alertmanager's word; none while it fires, and for an alert from elsewhere. It may
    /// come after the investigation has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// How long its chain has run, or ran, by the replica's clock when it answered; milliseconds. Readers that go on
    /// counting do so by their own clock from the moment of the answer, so that clocks which differ do not matter.
    pub elapsed_ms: u64,
    /// Input and output tokens together, so far.
    pub tokens: u64,
    /// What they cost, so far.
    pub cost_usd: Usd,
    /// Tokens of models without a known price, which `cost_usd` therefore does not hold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_tokens: u64,
    /// The scope of the budget because of which a cheaper model than the replica's usual one investigates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_by: Option<Arc<str>>,
    /// The window of that budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_window: Option<BudgetWindow>,
    /// Whether calls were left out because it was not allowed to spend enough for them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub capped: bool,
    /// The reasoner's confidence, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The reasoner's root cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<Arc<str>>,
    /// Why it failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
    /// Its steps: the planner, the tools in the plan's order, the reasoner.
    pub steps: Vec<Step>,
    /// What was decided about it, in order; only in `GET /v1/investigations/{id}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Decisions that are missing in `decisions`, since an investigation keeps only so many, and fewer of those about
    /// alerts that join it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub decisions_left_out: u64,
    /// Its report once there is one; only in `GET /v1/investigations/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<Report>>,
}

/// The answer to an alert that was accepted and not waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The run's id; `GET /v1/investigations/{id}` follows it.
    pub investigation_id: String,
    /// The replica that runs it.
    pub replica: Arc<str>,
    /// Where it stands.
    pub status: Status,
    /// Whether the alert is answered from the cache: the run is an earlier one, and has a report.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cached: bool,
    /// Whether the alert joined a run of the same that was under way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub joined: bool,
    /// Of an answer from the cache: how long before the alert that run had ended, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_age_ms: Option<u64>,
}

impl Accepted {
    /// What this alert has to bear of what its run cost.
    #[must_use]
    pub fn share(&self, tracking: CostTracking) -> CostTracking {
        match (self.cached, self.joined) {
            (true, _) => tracking.cached(self.cached_age_ms.unwrap_or_default()),
            (false, true) => tracking.joined(),
            (false, false) => tracking,
        }
    }
}

/// One page of investigations, newest first: those of the replica that answers, or with `scope=fleet` those of all
/// replicas by `accepted_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvestigationPage {
    /// The page. It may hold fewer than were asked for although there are more.
    pub investigations: Vec<Investigation>,
    /// Whether the cursor was none of this life of the replica, or with `scope=fleet` none of that scope, so that this is
    /// the first page again.
    pub reset: bool,
    /// Where the next, older page begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// With `scope=fleet`: the replicas that did not answer, and whose part this is therefore without. Left out when all
    /// did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReplica>,
}

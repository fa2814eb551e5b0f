//! The report: the finished answer of an investigation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Alert, BudgetWindow, Status, StepStatus, ToolMode, Usd};

/// The finished answer of an investigation; the body of a successful `POST /investigate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// The run's id, `inv_…`.
    pub investigation_id: String,
    /// The replica that ran it.
    pub replica: Arc<str>,
    /// `succeeded`, or `partial` when a step failed.
    pub status: Status,
    /// The alert that asked for it.
    pub alert: Arc<Alert>,
    /// What each part of the chain did.
    pub chain_execution: ChainExecution,
    /// What it cost.
    pub cost_tracking: CostTracking,
    /// From the start of the planner to the end of the reasoner, in milliseconds.
    pub execution_time_ms: u64,
    /// Whether the replica remembers it.
    pub memory_updated: bool,
}

/// The three parts of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainExecution {
    /// What was planned, and why.
    pub planner: PlannerReport,
    /// What the tools found.
    pub executor: ExecutorReport,
    /// What follows from it.
    pub reasoner: ReasonerReport,
}

/// The planner's part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannerReport {
    /// The tools to call, in order.
    pub plan: Vec<Arc<str>>,
    /// Why these, with what memory recalled.
    pub reasoning: Arc<str>,
    /// Input and output tokens together.
    pub tokens_used: u64,
}

/// The executor's part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutorReport {
    /// How the plan was run.
    pub mode: ToolMode,
    /// One entry per tool, in the plan's order.
    pub steps: Vec<StepReport>,
    /// The steps' tokens together.
    pub total_tokens: u64,
}

/// One tool's part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepReport {
    /// The place in the plan, from 1.
    pub step: u32,
    /// The tool's name.
    pub tool: Arc<str>,
    /// How it ended.
    pub status: StepStatus,
    /// What it found, or why it failed.
    pub result: Arc<str>,
    /// How often it was tried: once, and once more for each retry of its model call or its tool. Left out when it is 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// Tokens of the model call that chose its arguments and read its result.
    pub tokens_used: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// The reasoner's part of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonerReport {
    /// What happened, in a sentence or two.
    pub summary: Arc<str>,
    /// The most likely cause.
    pub root_cause: Arc<str>,
    /// What to do, most useful first.
    pub recommendations: Vec<Arc<str>>,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f64,
    /// Input and output tokens together.
    pub tokens_used: u64,
}

/// What an investigation cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostTracking {
    /// All tokens of the run.
    pub total_tokens: u64,
    /// The same by part of the chain.
    pub breakdown: TokenBreakdown,
    /// The cost of the tokens that have a price.
    pub cost_usd: Usd,
    /// Tokens of models without a known price, which `cost_usd` therefore does not hold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_tokens: u64,
    /// The model behind planner and reasoner.
    pub model: Arc<str>,
    /// The scope of the budget because of which that is a cheaper model than the replica's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_by: Option<Arc<str>>,
    /// The window of that budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_window: Option<BudgetWindow>,
    /// Whether calls were left out because the investigation was not allowed to spend enough for them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub capped: bool,
    /// Whether this is an answer from the cache: the report of an investigation that had ended before the alert came.
    /// Tokens and cost are zero here then, so that a sum over answers holds nothing twice.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cached: bool,
    /// Whether the alert joined an investigation of the same that was under way. Tokens and cost are zero here then, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub joined: bool,
    /// Of an answer from the cache: how long before the alert that investigation had ended, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_age_ms: Option<u64>,
    /// Of an answer from the cache: what that investigation had cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_usd: Option<Usd>,
}

impl CostTracking {
    /// The same for an alert that is answered from the cache, so many milliseconds after the investigation ended.
    #[must_use]
    pub fn cached(self, age_ms: u64) -> Self {
        Self { cached: true, cached_age_ms: Some(age_ms), saved_usd: Some(self.cost_usd), ..self.paid_by_another() }
    }

    /// The same for an alert that joined the investigation.
    #[must_use]
    pub fn joined(self) -> Self {
        Self { joined: true, ..self.paid_by_another() }
    }

    fn paid_by_another(self) -> Self {
        let breakdown = TokenBreakdown::default();
        Self { total_tokens: 0, breakdown, cost_usd: Usd::ZERO, unpriced_tokens: 0, ..self }
    }
}

/// Tokens by part of the chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenBreakdown {
    /// The planner's tokens.
    pub planner: u64,
    /// The tool steps' tokens together.
    pub executor: u64,
    /// The reasoner's tokens.
    pub reasoner: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(crate) fn is_false(truth: &bool) -> bool {
    !truth
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(crate) fn is_one(number: &u32) -> bool {
    *number == 1
}

pub(crate) const fn one() -> u32 {
    1
}

//! A decision: why an agent planned, tried again, went without, refused or stopped; the audit log is made of these.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::report::is_zero;

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// What lets alerts in, or does not.
    Admission,
    /// What holds a limit on spending.
    Budget,
    /// What chooses the model, by the policy's routes.
    Router,
    /// What answers an alert with what is known of one like it.
    Cache,
    /// The chain's first part, which chooses the tools.
    Planner,
    /// The chain's second part, which calls them.
    Executor,
    /// The chain's last part, which concludes.
    Reasoner,
    /// Whoever runs the agent: a person, or what starts and stops it.
    Operator,
    /// What writes the decision log.
    DecisionLog,
    /// One that this reader does not know.
    #[serde(other)]
    Other,
}

/// Why it was decided so: a word that stays the same, for filters and alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DecisionCode {
    /// The planner chose tools.
    PlanChosen,
    /// An attempt failed, and another is made.
    Retry,
    /// An attempt took too long, and another is made.
    AttemptTimedOut,
    /// A tool found nothing at its last attempt; the investigation goes on without it.
    ToolFailed,
    /// A tool was not called, since the time for tools was over.
    ToolSkipped,
    /// What was at work was stopped at the run's deadline.
    DeadlineStop,
    /// The reasoner did not answer; the report says what was found.
    FallbackConclusion,
    /// The report was made although tools found nothing.
    PartialReport,
    /// There is no report.
    InvestigationFailed,
    /// An investigation was stopped before its end.
    Cancelled,
    /// An alert joined the investigation of its episode.
    EpisodeJoined,
    /// An alert joined the investigation of its idempotency key.
    KeyJoined,
    /// An alert was answered with the report of this investigation, which had ended.
    CacheHit,
    /// An alert joined this investigation, which is one of the same.
    CacheJoined,
    /// The end of an alert was noted on its investigation.
    Resolved,
    /// An alert was turned away: every place is taken.
    RefusedFull,
    /// An alert was turned away: a budget has no room for it.
    BudgetExceeded,
    /// A route of the policy gave an investigation another model than the usual one.
    RouteChosen,
    /// A budget has no room for an investigation, so a cheaper model makes it.
    Degraded,
    /// A budget has no room for an investigation, which is made all the same: beyond the limit.
    LimitExceeded,
    /// A budget has reached its threshold.
    BudgetWarning,
    /// A budget is spent, or has no room left for what comes.
    BudgetSpent,
    /// A call was not made: of what its investigation may spend too little was left.
    Capped,
    /// An alert was turned away: the replica is about to stop.
    RefusedDraining,
    /// An alert was turned away: its idempotency key is another alert's.
    RefusedKeyReused,
    /// Only in the log: lines of it are missing.
    LinesLost,
    /// One that this reader does not know.
    #[serde(other)]
    Other,
}

/// One decision, with what it stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decision {
    /// Its place among the decisions of this life of the replica: 1, and one more each time.
    pub seq: u64,
    /// When it was made.
    pub time: Timestamp,
    /// The replica that decided.
    pub replica: Arc<str>,
    /// The life of the replica that decided.
    pub boot_id: Arc<str>,
    /// The investigation that it is about; none for an alert that did not become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub investigation_id: Option<String>,
    /// Who decided.
    pub actor: Actor,
    /// Why, as a word that stays the same.
    pub code: DecisionCode,
    /// What was decided, such as the tools of a plan.
    pub choice: String,
    /// What could have been decided instead, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<String>,
    /// The numbers that it stands on, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, f64>))]
    pub figures: BTreeMap<String, Number>,
    /// Why, for a person.
    pub reason: String,
}

/// Decisions of one replica, oldest first: the body of `GET /v1/decisions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionPage {
    /// The page.
    pub decisions: Vec<Decision>,
    /// Where the next, newer page begins: after the last of these, or of those that the filters left out. It belongs to
    /// this life of the replica.
    pub cursor: String,
    /// Whether the cursor was none of this life of the replica, so that this is what an answer without one would be.
    pub reset: bool,
    /// Whether there are more than one page holds; ask again at once.
    pub more: bool,
    /// Decisions, of any kind, that could have been in this answer and are not remembered any more; the log may have
    /// them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

impl Actor {
    /// All that there are, but for the unknown.
    pub const ALL: [Self; 9] = [
        Self::Admission,
        Self::Budget,
        Self::Router,
        Self::Cache,
        Self::Planner,
        Self::Executor,
        Self::Reasoner,
        Self::Operator,
        Self::DecisionLog,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Budget => "budget",
            Self::Router => "router",
            Self::Cache => "cache",
            Self::Planner => "planner",
            Self::Executor => "executor",
            Self::Reasoner => "reasoner",
            Self::Operator => "operator",
            Self::DecisionLog => "decision_log",
            Self::Other => "other",
        }
    }
}

impl DecisionCode {
    /// All that there are, but for the unknown.
    pub const ALL: [Self; 26] = [
        Self::PlanChosen,
        Self::Retry,
        Self::AttemptTimedOut,
        Self::ToolFailed,
        Self::ToolSkipped,
        Self::DeadlineStop,
        Self::FallbackConclusion,
        Self::PartialReport,
        Self::InvestigationFailed,
        Self::Cancelled,
        Self::EpisodeJoined,
        Self::KeyJoined,
        Self::CacheHit,
        Self::CacheJoined,
        Self::Resolved,
        Self::RefusedFull,
        Self::BudgetExceeded,
        Self::RouteChosen,
        Self::Degraded,
        Self::LimitExceeded,
        Self::BudgetWarning,
        Self::BudgetSpent,
        Self::Capped,
        Self::RefusedDraining,
        Self::RefusedKeyReused,
        Self::LinesLost,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlanChosen => "plan_chosen",
            Self::Retry => "retry",
            Self::AttemptTimedOut => "attempt_timed_out",
            Self::ToolFailed => "tool_failed",
            Self::ToolSkipped => "tool_skipped",
            Self::DeadlineStop => "deadline_stop",
            Self::FallbackConclusion => "fallback_conclusion",
            Self::PartialReport => "partial_report",
            Self::InvestigationFailed => "investigation_failed",
            Self::Cancelled => "cancelled",
            Self::EpisodeJoined => "episode_joined",
            Self::KeyJoined => "key_joined",
            Self::CacheHit => "cache_hit",
            Self::CacheJoined => "cache_joined",
            Self::Resolved => "resolved",
            Self::RefusedFull => "refused_full",
            Self::BudgetExceeded => "budget_exceeded",
            Self::RouteChosen => "route_chosen",
            Self::Degraded => "degraded",
            Self::LimitExceeded => "limit_exceeded",
            Self::BudgetWarning => "budget_warning",
            Self::BudgetSpent => "budget_spent",
            Self::Capped => "capped",
            Self::RefusedDraining => "refused_draining",
            Self::RefusedKeyReused => "refused_key_reused",
            Self::LinesLost => "lines_lost",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for DecisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_wire() {
        for code in DecisionCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for actor in Actor::ALL {
            assert_eq!(serde_json::to_value(actor).unwrap(), actor.as_str());
        }
    }

    #[test]
    fn a_word_of_a_newer_agent_does_not_spoil_the_rest() {
        assert_eq!(serde_json::from_str::<DecisionCode>("\"moon_phase\"").unwrap(), DecisionCode::Other);
        assert_eq!(serde_json::from_str::<Actor>("\"moon\"").unwrap(), Actor::Other);
    }
}

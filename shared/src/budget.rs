//! Budgets: how much may be spent in a window of time, and how far it is spent.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{is_one, is_zero, one};
use crate::{BurnRate, Usd};

/// Over which time a budget runs: the whole hour, day or month, in UTC, whatever the replica's time zone.
// In their order, the shortest comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BudgetWindow {
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    #[default]
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl BudgetWindow {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl fmt::Display for BudgetWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BudgetWindow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Hour, Self::Day, Self::Month]
            .into_iter()
            .find(|window| window.as_str() == text)
            .ok_or_else(|| "there is no such window".to_owned())
    }
}

/// What becomes of an alert for whose investigation a budget has no room; the strictest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// It is refused, so that the limit is never exceeded.
    #[default]
    Reject,
    /// It is investigated with a cheaper model, beyond the limit too.
    Degrade,
    /// It is investigated, and that the limit is exceeded is only said.
    Warn,
}

impl AtLimit {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Degrade => "degrade",
            Self::Warn => "warn",
        }
    }
}

impl fmt::Display for AtLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AtLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Reject, Self::Degrade, Self::Warn]
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| "there is no such action".to_owned())
    }
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// Less than the threshold is spent.
    Ok,
    /// The threshold is reached.
    Warning,
    /// The limit is reached, or there is no room below it for the last alert that came.
    Exceeded,
}

/// By whom the spending of a budget is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Counted {
    /// Each replica counts for itself, from its start on; a fleet may spend as many times the limit as it has replicas.
    #[serde(rename = "this replica, this life")]
    ThisReplicaThisLife,
    /// The limits of several replicas and what they have spent, added up; each of them holds its own.
    #[serde(rename = "each replica, its life")]
    EachReplicaItsLife,
}

/// A budget, and how far it is spent in the window under way. Scope and window tell it from a replica's other ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Budget {
    /// Whose spending it limits: `total`, `service:NAME` or `alert_type:NAME`.
    pub scope: String,
    /// How much may be spent in a window.
    pub limit_usd: Usd,
    /// Over which time, in UTC.
    pub window: BudgetWindow,
    /// When the window under way ends, and nothing is spent of the next.
    pub resets_at: Timestamp,
    /// What is spent in this window, by investigations that were admitted in it.
    pub spent_usd: Usd,
    /// What those of them that have not ended may still spend.
    pub reserved_usd: Usd,
    /// From which part of the limit on it is a warning, in percent.
    pub threshold_percent: u8,
    /// How it stands.
    pub state: BudgetState,
    /// What becomes of alerts that find no room.
    pub at_limit: AtLimit,
    /// How many alerts it has turned away since the replica's start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejections: u64,
    /// How fast it is spent at present.
    #[serde(default)]
    pub burn: BurnRate,
    /// When the limit is reached at the rate of the last 5 minutes; none where the window ends before, or it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted_at: Option<Timestamp>,
    /// By whom the spending is counted.
    pub counted: Counted,
    /// Of how many replicas these are the figures together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub replicas: u32,
}

impl Budget {
    /// Budgets of several replicas: those of one scope and window become one, in the order in which they come first.
    #[must_use]
    pub fn together(budgets: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for budget in budgets {
            match sums.iter_mut().find(|sum| sum.scope == budget.scope && sum.window == budget.window) {
                Some(sum) => sum.absorb(&budget),
                None => sums.push(budget),
            }
        }
        sums
    }

    /// Adds the figures of another replica's budget of the same scope and window.
    pub fn absorb(&mut self, other: &Self) {
        self.limit_usd += other.limit_usd;
        self.spent_usd += other.spent_usd;
        self.reserved_usd += other.reserved_usd;
        self.rejections = self.rejections.saturating_add(other.rejections);
        self.burn += other.burn;
        // Replicas whose clocks or policies differ: what a reader should know is the worst of them.
        self.resets_at = self.resets_at.min(other.resets_at);
        self.state = self.state.max(other.state);
        self.exhausted_at = self.exhausted_at.into_iter().chain(other.exhausted_at).min();
        self.threshold_percent = self.threshold_percent.min(other.threshold_percent);
        self.counted = Counted::EachReplicaItsLife;
        self.replicas = self.replicas.saturating_add(other.replicas);
    }
}

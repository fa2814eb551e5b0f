//! Costs: what was spent, on what, how fast, and what was saved.

mod csv;
mod together;

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::is_zero;
use crate::{Budget, MissingReplica, Usd};

/// The key that holds what overflows a bounded dimension.
pub const OTHER: &str = "(other)";

/// What a replica has spent in its life: the body of `GET /v1/costs`. With `scope=fleet`, the same of every replica that
/// answers, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Costs {
    /// The replica that spent it; with `scope=fleet`, the one that answers for all.
    pub replica: String,
    /// The life of that replica, which the sums belong to; with `scope=fleet` they belong to others too.
    pub boot_id: String,
    /// Since when the sums run: the replica's start; with `scope=fleet`, the first of their starts.
    pub since: Timestamp,
    /// Everything together.
    pub totals: Spend,
    /// On what.
    #[serde(flatten)]
    pub by: Attribution,
    /// How fast money is spent at present.
    #[serde(default)]
    pub burn: BurnRate,
    /// What the month under way, in UTC, comes to: what was spent in it, and until its end the rate of the last 60
    /// minutes.
    #[serde(default)]
    pub month_usd: Usd,
    /// What was not spent, and why.
    #[serde(default)]
    pub savings: Savings,
    /// What all of these tokens would cost, by each model that has a price at present; the cheapest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what_if: Vec<WhatIf>,
    /// What the replica itself costs; none where the policy does not say what an hour of it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infrastructure: Option<Infrastructure>,
    /// With `scope=fleet`: the replicas that did not answer, and whose part this is therefore without. Left out when all
    /// did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReplica>,
    /// The budgets of the replica; with `scope=fleet`, those of one scope and window of every replica together. Left out
    /// where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// What was spent between the `from` and `to` that were asked for; none where neither was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<CostSpan>,
    /// The last entries of the ledger, newest first: as many as were asked for and are still known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<CostEntry>,
    /// The last entries whose tokens stand out against what their step usually takes, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outliers: Vec<Outlier>,
}

/// What was spent in a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostSpan {
    /// From here on: what was asked for, or the start of the minute or hour in which that lies where no more is known.
    pub from: Timestamp,
    /// Until before this: what was asked for, or the end of that minute or hour.
    pub to: Timestamp,
    /// What was spent.
    pub spend: Spend,
    /// On what.
    #[serde(flatten)]
    pub by: Attribution,
}

/// Sums by key, dearest first. A list that was not asked for is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attribution {
    /// By replica.
    #[serde(default)]
    pub by_replica: Vec<CostShare>,
    /// By step: `planner`, each tool, `reasoner`.
    pub by_step: Vec<CostShare>,
    /// By model.
    pub by_model: Vec<CostShare>,
    /// By the alert's service; what overflows stands under `(other)`.
    pub by_service: Vec<CostShare>,
    /// By alert type; what overflows stands under `(other)`.
    pub by_alert_type: Vec<CostShare>,
}

/// How fast money is spent. Of a replica that is younger than the time, over its life, but over a minute at least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BurnRate {
    /// USD an hour, by the last 5 minutes.
    pub last_5m_usd_per_hour: Usd,
    /// USD an hour, by the last 60 minutes.
    pub last_60m_usd_per_hour: Usd,
}

/// What was not spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Savings {
    /// How much more the replica's usual model would have cost for the tokens of cheaper ones that stood in for it.
    pub models_usd: Usd,
    /// What the reports that were given again had cost.
    pub cache_usd: Usd,
    /// Alerts that were answered with the report of an earlier investigation.
    pub cache_hits: u64,
    /// Alerts that joined an investigation of the same under way.
    pub cache_joins: u64,
}

/// What all tokens would cost by the price of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhatIf {
    /// The model.
    pub model: String,
    /// What they would cost.
    pub cost_usd: Usd,
}

/// What replicas themselves cost, beside their models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Infrastructure {
    /// What they cost an hour, by the policy.
    pub usd_per_hour: Usd,
    /// What they have cost since their starts.
    pub cost_usd: Usd,
}

/// An entry whose tokens stand out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outlier {
    /// The entry.
    #[serde(flatten)]
    pub entry: CostEntry,
    /// The tokens that half of the last calls of its step with its model did not exceed.
    pub median_tokens: u64,
}

/// Whether a call's tokens stand out against the median of its step: twice as many or more.
#[must_use]
pub const fn stands_out(tokens: u64, median_tokens: u64) -> bool {
    median_tokens > 0 && tokens / 2 >= median_tokens
}

/// One key's part of the costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostShare {
    /// The step, model, service or alert type.
    pub key: String,
    /// What was spent on it.
    #[serde(flatten)]
    pub spend: Spend,
}

/// Tokens and money of a number of model calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spend {
    /// Model calls.
    pub calls: u64,
    /// Input and output tokens together.
    pub tokens: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// How many of those read came from a provider's cache; they are not counted besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// The cost of the tokens that have a price.
    pub cost_usd: Usd,
    /// Tokens of models without a known price, which `cost_usd` therefore does not hold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_tokens: u64,
}

impl Spend {
    /// Each figure of two amounts by itself.
    #[must_use]
    pub fn combine(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: of(self.calls, other.calls),
            tokens: of(self.tokens, other.tokens),
            input_tokens: of(self.input_tokens, other.input_tokens),
            cached_input_tokens: of(self.cached_input_tokens, other.cached_input_tokens),
            output_tokens: of(self.output_tokens, other.output_tokens),
            cost_usd: Usd::from_nanos(of(self.cost_usd.nanos(), other.cost_usd.nanos())),
            unpriced_tokens: of(self.unpriced_tokens, other.unpriced_tokens),
        }
    }
}

/// Sums saturate: no provider's report can make them wrap.
impl Add for Spend {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combine(other, u64::saturating_add)
    }
}

impl AddAssign for Spend {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Spend {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// One entry of the ledger: a call of a model that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostEntry {
    /// When it was entered.
    pub at: Timestamp,
    /// The investigation that called.
    pub investigation_id: String,
    /// The step that called: `planner`, the tool's name, or `reasoner`.
    pub step: String,
    /// Which attempt of the step it was, from 1.
    pub attempt: u32,
    /// The model that answered.
    pub model: String,
    /// The alert's service, or `(other)`.
    pub service: String,
    /// The alert type, or `(other)`.
    pub alert_type: String,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// How many of them came from its provider's cache; they are not counted besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// What they cost; none where the model has no known price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Usd>,
    /// On what tokens and cost stand.
    pub basis: Basis,
    /// The tokens in the provider's own words; none where it reported none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<ReportedUsage>,
    /// By which price: the day from which on it counts, and its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

/// What a provider reported of a call, as it did: what it left out is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedUsage {
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Those of them from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// All tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

/// On what the tokens of a call and their cost stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The provider reported the tokens.
    Reported,
    /// The agent estimated the tokens, because the provider did not report them.
    Estimated,
    /// The model has no known price, so the cost is none that is known.
    Unpriced,
}

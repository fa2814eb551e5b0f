//! Costs: what was spent, and on what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{is_nothing, is_zero};
use crate::{Budget, MissingReplica, Usd};

/// The key that holds what overflows a bounded dimension.
pub const OTHER: &str = "(other)";

/// What a replica has spent in its life: the body of `GET /v1/costs`. With `scope=fleet`, the sum of what every replica
/// that answers has spent in its present life.
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
    /// How much more the replica's usual model would have cost for the tokens of cheaper ones that stood in for it.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub saved_usd: Usd,
    /// By step: `planner`, each tool, `reasoner`; dearest first.
    pub by_step: Vec<CostShare>,
    /// By model, dearest first.
    pub by_model: Vec<CostShare>,
    /// By the alert's service, dearest first; what overflows stands under `(other)`.
    pub by_service: Vec<CostShare>,
    /// By alert type, dearest first; what overflows stands under `(other)`.
    pub by_alert_type: Vec<CostShare>,
    /// With `scope=fleet`: the replicas that did not answer, and whose part this is therefore without. Left out when all
    /// did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReplica>,
    /// The budgets of the replica that answers; left out where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// What the replica that answers spent between the `from` and `to` that were asked for; none where neither was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<CostSpan>,
    /// The last entries of the ledger of the replica that answers, newest first: as many as were asked for and are still
    /// known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<CostEntry>,
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
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// The cost of the tokens that have a price.
    pub cost_usd: Usd,
    /// Tokens of models without a known price, which `cost_usd` therefore does not hold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_tokens: u64,
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
    /// By which price: the day from which on it counts, and its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
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

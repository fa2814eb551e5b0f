//! Costs: what was spent, and on what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::is_zero;
use crate::{MissingReplica, Usd};

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

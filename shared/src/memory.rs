//! Memory: last alert, investigation history, patterns per service.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Alert, MissingReplica, Status, Usd};

/// How many alert types a service's pattern tells apart; the rest is counted under [`OTHER`](crate::OTHER).
pub const MAX_KEYS_PER_PATTERN: usize = 32;

/// What a replica remembers: the body of `GET /v1/memory`. With `scope=fleet`, what all replicas remember.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// The replica that remembers; with `scope=fleet`, the one that answers for all.
    pub replica: String,
    /// The alert that arrived last; with `scope=fleet`, of the replicas' last alerts the one with the latest `timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_alert: Option<Arc<Alert>>,
    /// Ended investigations, newest first, up to the asked limit.
    pub history: Vec<MemoryEntry>,
    /// What is known per service, last seen first; of a whole fleet, a bounded number of services.
    pub patterns: Vec<ServicePattern>,
    /// With `scope=fleet`: the replicas that did not answer, and whose part this is therefore without. Left out when all
    /// did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReplica>,
}

/// One ended investigation, as memory keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryEntry {
    /// The run's id.
    pub investigation_id: String,
    /// The alert's type.
    pub alert_type: String,
    /// The alert's service.
    pub service: String,
    /// How it ended.
    pub status: Status,
    /// What the reasoner found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<Arc<str>>,
    /// How sure it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What it cost.
    pub cost_usd: Usd,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// What is known about one service from the investigations that gave a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServicePattern {
    /// The service.
    pub service: String,
    /// Investigations with a report.
    pub investigations: u64,
    /// The same by alert type; a bounded number of types, the rest under `(other)`.
    pub alert_types: BTreeMap<String, u64>,
    /// When the last of them ended.
    pub last_seen: Timestamp,
    /// The last alert's type.
    pub last_alert_type: String,
    /// The root cause found most often; the later one of equals. Of several replicas, that of the one with the most
    /// investigations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_frequent_root_cause: Option<String>,
    /// The mean cost of an investigation.
    pub mean_cost_usd: Usd,
    /// The mean confidence, from 0 to 1.
    pub mean_confidence: f64,
}

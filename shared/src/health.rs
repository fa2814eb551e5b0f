//! Health: the cheap answer that a load balancer or a person asks for.

use serde::{Deserialize, Serialize};

use crate::ReplicaStatus;

/// The body of `GET /health`, `GET /livez` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `healthy` while the process answers.
    #[cfg_attr(feature = "openapi", schema(example = "healthy"))]
    pub status: String,
    /// The replica's name.
    pub replica: String,
    /// One life of the replica.
    pub boot_id: String,
    /// `ready`, or `draining` once it has been asked to stop.
    pub readiness: ReplicaStatus,
    /// The agent's version.
    pub version: String,
    /// How long it has been up, in milliseconds.
    pub uptime_ms: u64,
}

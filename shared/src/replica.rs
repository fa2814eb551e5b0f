//! A replica: all that a console needs of one running agent process.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::is_zero;
use crate::{Budget, Investigation, PeerFailure, ServicePattern, Spend, Usd};

/// Without an answer for so long, a replica is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(3);
/// Without an answer for so long, a replica is unreachable.
pub const UNREACHABLE_AFTER: Duration = Duration::from_secs(10);
/// Without an answer for so long, a replica is gone.
pub const GONE_AFTER: Duration = Duration::from_secs(60);

/// How a replica stands towards those who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplicaStatus {
    /// Takes work.
    Ready,
    /// Asked to stop; finishes what it accepted.
    Draining,
    /// No answer for 3 seconds.
    Stale,
    /// No answer for 10 seconds, or a refused connection.
    Unreachable,
    /// No answer for 60 seconds.
    Gone,
}

impl ReplicaStatus {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stale => "stale",
            Self::Unreachable => "unreachable",
            Self::Gone => "gone",
        }
    }

    /// How a replica stands that `said` this when it answered last, so long ago; `refused` is whether it has refused a
    /// connection since.
    #[must_use]
    pub fn after(said: Self, age: Duration, refused: bool) -> Self {
        if said == Self::Gone || age >= GONE_AFTER {
            Self::Gone
        } else if age >= UNREACHABLE_AFTER || refused {
            Self::Unreachable
        } else if age >= STALE_AFTER {
            Self::Stale
        } else {
            said
        }
    }

    /// Whether the replica answers.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(self, Self::Ready | Self::Draining)
    }
}

impl fmt::Display for ReplicaStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How the executor runs a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolMode {
    /// One tool after the other.
    #[default]
    Sequential,
    /// All tools at once.
    Parallel,
}

impl fmt::Display for ToolMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
        })
    }
}

impl FromStr for ToolMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sequential" => Ok(Self::Sequential),
            "parallel" => Ok(Self::Parallel),
            _ => Err("expected `sequential` or `parallel`".to_owned()),
        }
    }
}

/// What a console needs of one replica, changed since its cursor: the body of `GET /v1/replica`.
///
/// Without a cursor, and with one that is unknown or expired, the answer is a snapshot (`reset`): the samples kept and
/// the investigations that moved last. With one, it holds what moved since, oldest change first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplicaUpdate {
    /// Where the next answer goes on; opaque, and of this life of the replica only.
    pub cursor: String,
    /// Whether this is a snapshot, which replaces what was known.
    pub reset: bool,
    /// Whether more has moved than one answer holds; ask again at once.
    pub more: bool,
    /// Investigations whose last change this answer should hold and does not: because they are no longer remembered,
    /// or, in a snapshot, because they are older than what fits. `GET /v1/investigations` lists those still remembered.
    pub missed: u64,
    /// The replica's name.
    pub replica: String,
    /// One life of the replica: another value is another process.
    pub boot_id: String,
    /// `ready` or `draining`; in `GET /v1/fleet` any.
    pub status: ReplicaStatus,
    /// The agent's version.
    pub version: String,
    /// The model behind planner and reasoner.
    pub model: String,
    /// How plans are run.
    pub tool_mode: ToolMode,
    /// When the replica started.
    pub started_at: Timestamp,
    /// The replica's clock at this answer.
    pub now: Timestamp,
    /// How long the replica has been up, in milliseconds.
    pub uptime_ms: u64,
    /// Everything since its start.
    pub totals: Totals,
    /// Investigations at work.
    pub running: u64,
    /// Investigations waiting for a place to run.
    pub queued: u64,
    /// The replica's budgets; left out where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Latency of the last investigations; none before the first has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Per second, oldest first, without gaps while the replica was up; the last one is the second under way, and comes
    /// again, grown, in the next answer.
    pub samples: Vec<Sample>,
    /// Investigations that moved, without inputs, outputs and reports.
    pub investigations: Vec<Investigation>,
    /// What memory learnt.
    pub memory: MemoryDelta,
    /// Only in `GET /v1/fleet`: how long ago the replica said this, in milliseconds. Left out when it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub age_ms: u64,
    /// Only in `GET /v1/fleet`: why the last question to the replica was not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<PeerFailure>,
}

/// Sums over a replica's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Totals {
    /// Investigations admitted, by any door.
    pub requests: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that ended with a report although a step failed.
    pub partial: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Tool steps that ended.
    pub tools_executed: u64,
    /// Tokens and money.
    pub spend: Spend,
}

impl Totals {
    /// Investigations that ended, however.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.succeeded.saturating_add(self.partial).saturating_add(self.failed).saturating_add(self.cancelled)
    }
}

/// Latency quantiles, of a replica over a bounded number of its last ended investigations, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Latency {
    /// On how many latencies the quantiles stand.
    pub count: u64,
    /// Half of them were faster.
    pub p50_ms: u64,
    /// 95 of 100 were faster.
    pub p95_ms: u64,
    /// 99 of 100 were faster.
    pub p99_ms: u64,
}

impl Latency {
    /// The quantiles of a number of latencies in milliseconds; none for none.
    #[must_use]
    pub fn of(mut latencies: Vec<u64>) -> Option<Self> {
        latencies.sort_unstable();
        let count = latencies.len();
        // Nearest rank: the smallest latency that `percent` of all do not exceed.
        let rank = |percent: usize| latencies.get((count * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { count: count as u64, p50_ms: rank(50)?, p95_ms: rank(95)?, p99_ms: rank(99)? })
    }
}

/// What happened in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sample {
    /// The second, as seconds of the replica's uptime: 0 is its first.
    pub second: u64,
    /// Investigations admitted.
    pub requests: u64,
    /// Investigations that failed.
    pub errors: u64,
    /// Tokens spent.
    pub tokens: u64,
    /// Money spent.
    pub cost_usd: Usd,
}

/// What memory learnt since the cursor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryDelta {
    /// Services that memory knows.
    pub services: u64,
    /// Patterns that changed, last seen first; in a snapshot, those last seen.
    pub patterns: Vec<ServicePattern>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_nearest_ranks() {
        assert_eq!(Latency::of(Vec::new()), None);
        assert_eq!(Latency::of(vec![7]), Some(Latency { count: 1, p50_ms: 7, p95_ms: 7, p99_ms: 7 }));
        let hundred = Latency::of((1..=100).rev().collect());
        assert_eq!(hundred, Some(Latency { count: 100, p50_ms: 50, p95_ms: 95, p99_ms: 99 }));
    }
}

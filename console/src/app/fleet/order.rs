//! In which order the fleet's rows stand.

use std::time::Instant;

use langdeck_shared::{ReplicaStatus, ToolMode};

use super::Replica;

/// A column by which the fleet can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FleetOrder {
    /// By name, so that rows keep their place.
    #[default]
    Name,
    /// Dearest first.
    Cost,
    /// Most tokens first.
    Tokens,
    /// Busiest first.
    Running,
    /// Most errors first.
    Errors,
    /// Slowest first, by the 95th of a hundred.
    Latency,
    /// Slowest first, by the median.
    Median,
    /// Most investigations done first.
    Done,
    /// Dearest per hour first.
    Hourly,
    /// Longest up first.
    Uptime,
    /// Worst first.
    State,
    /// Parallel first.
    Mode,
}

impl FleetOrder {
    /// All of them, in the order in which they follow each other.
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::Cost,
        Self::Tokens,
        Self::Running,
        Self::Errors,
        Self::Latency,
        Self::Median,
        Self::Done,
        Self::Hourly,
        Self::Uptime,
        Self::State,
        Self::Mode,
    ];

    /// The next order, round and round.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL[(place + 1) % Self::ALL.len()]
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::Running => "running",
            Self::Errors => "errors",
            Self::Latency => "p95",
            Self::Median => "p50",
            Self::Done => "done",
            Self::Hourly => "$/h",
            Self::Uptime => "uptime",
            Self::State => "state",
            Self::Mode => "mode",
        }
    }

    /// Whether the smallest come first: so with names. Of all else the largest do.
    #[must_use]
    pub const fn rises(self) -> bool {
        matches!(self, Self::Name)
    }

    /// What comes first has most of it.
    pub(super) fn rank(self, replica: &Replica, now: Instant) -> u64 {
        let totals = replica.totals();
        match self {
            Self::Name => 0,
            Self::Cost => totals.spend.cost_usd.nanos(),
            Self::Tokens => totals.spend.tokens,
            Self::Running if !replica.is_fresh(now) => 0,
            Self::Running => replica.running.saturating_add(replica.queued),
            Self::Errors => totals.failed,
            Self::Latency => replica.latency.map_or(0, |latency| latency.p95_ms),
            Self::Median => replica.latency.map_or(0, |latency| latency.p50_ms),
            Self::Done => totals.ended(),
            Self::Hourly => replica.hourly().filter(|_| replica.is_fresh(now)).map_or(0, |hourly| hourly.nanos()),
            Self::Uptime => replica.uptime(now).as_secs(),
            Self::State => badness(replica, now),
            Self::Mode => u64::from(replica.tool_mode == ToolMode::Parallel),
        }
    }
}

fn badness(replica: &Replica, now: Instant) -> u64 {
    match replica.status(now) {
        _ if replica.is_faulty() => 5,
        ReplicaStatus::Ready => 0,
        ReplicaStatus::Draining => 1,
        ReplicaStatus::Stale => 2,
        ReplicaStatus::Gone => 3,
        ReplicaStatus::Unreachable => 4,
    }
}

//! The fleet: all replicas through one of them.

use serde::{Deserialize, Serialize};

use crate::ReplicaUpdate;

/// What a console needs of a whole fleet, changed since its cursor: the body of `GET /v1/fleet`.
///
/// Each entry of `replicas` is what that replica said to `GET /v1/replica`, with four differences:
///
/// - It has an `age_ms`, any `status`, and where the replica does not answer a `failure`.
/// - Of its samples, the seconds in which nothing happened are left out.
/// - `missed` also counts investigations that moved and are not told because the replica which answers here keeps no
///   more; `more` is always false, and `cursor` is one for that replica's own `GET /v1/replica`.
/// - `reset` says that the entry is all that is known of that replica, and not only what moved since the cursor.
///
/// A replica that is not listed has not changed since the cursor: its uptime runs on, nothing happened in its seconds,
/// and one that answered has done so again within the last three seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetUpdate {
    /// Where the next answer goes on; opaque, and of this life of the answering replica only.
    pub cursor: String,
    /// Whether this is a snapshot, which lists every replica.
    pub reset: bool,
    /// Whether more has moved than one answer holds; ask again at once.
    pub more: bool,
    /// The replica that answers.
    pub replica: String,
    /// Its life, which the cursor belongs to.
    pub boot_id: String,
    /// The replicas that changed, the one that answers among them.
    pub replicas: Vec<ReplicaUpdate>,
    /// Peers of which no replica is known, and names that lead to none: all of them, or left out where that has not
    /// changed since the cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<PeerProblem>>,
}

/// A peer that has never answered, or a name that does not resolve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerProblem {
    /// Its address, such as `http://10.1.2.3:8000`, or the name that leads nowhere, such as `agents`.
    pub peer: String,
    /// For how long, in milliseconds.
    pub age_ms: u64,
    /// What is wrong.
    pub failure: PeerFailure,
}

/// Why a peer did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerFailure {
    /// Which kind of failure.
    pub kind: FailureKind,
    /// What happened, for people.
    pub detail: String,
}

/// In which way a peer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Its name leads to no address.
    Unresolved,
    /// Nothing listens at its address.
    Refused,
    /// No connection came about.
    Unreachable,
    /// It took the question and did not answer in time.
    TimedOut,
    /// The connection broke before the answer was whole.
    Lost,
    /// It answered with something else than the contract says.
    Faulty,
    /// Another life of a replica answers at its address: this one has ended.
    Ended,
}

impl FailureKind {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
            Self::Faulty => "faulty",
            Self::Ended => "ended",
        }
    }
}

/// A replica that an answer for the whole fleet is without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MissingReplica {
    /// Its name; of a peer that has never said one, its address, such as `http://10.1.2.3:8000`, and of a name that
    /// leads to no address, that name.
    pub replica: String,
    /// Its life, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// Why it did not answer.
    pub failure: PeerFailure,
}

impl PeerFailure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

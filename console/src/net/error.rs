//! Why an agent's answer did not come, or was not one.

use langdeck_shared::Problem;

/// What went wrong between the console and an agent. Its text is clean: fit to be shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// The name in the URL does not resolve, or the host cannot be reached.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// Connected, but no whole answer in time.
    #[error("no answer within {0} s")]
    TimedOut(u64),
    /// The connection was lost in the middle.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The answer is not what the contract says.
    #[error("not a Langdeck agent's answer: {0}")]
    Malformed(String),
    /// The agent refused, and said why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The console itself is at fault: the task that asked has panicked.
    #[error("fault in langdeck itself: {0}")]
    Internal(String),
}

impl NetError {
    /// Whether the question may have reached the agent all the same: then nobody knows what became of it.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Lost(_) | Self::Malformed(_))
    }
}

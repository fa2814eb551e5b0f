//! Tools: what the executor calls, and the trait that each implements.

mod simulated;

use std::time::Duration;

use futures_util::future::BoxFuture;
use langdeck_shared::Alert;

pub(crate) use simulated::{SIMULATED_TOOLS, simulated_tools};

use crate::model::Arguments;
use crate::policy::CallPolicy;

/// How long one attempt of a tool may take unless the tool says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Something that the executor can call to learn more about an alert.
pub trait Tool: Send + Sync + 'static {
    /// The tool's name, as plans call it.
    fn name(&self) -> &str;

    /// How long an attempt of a call for this alert may take, and how often it is tried again: 10 seconds, three attempts
    /// in all, unless the tool says otherwise.
    fn policy(&self, _alert: &Alert) -> CallPolicy {
        CallPolicy::with_timeout(DEFAULT_TIMEOUT)
    }

    /// Calls the tool; its result is what it found, as text. A call that failed or took too long is made again with the
    /// same arguments.
    fn run<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>>;
}

/// One call of a tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// The alert under investigation.
    pub alert: &'a Alert,
    /// What the model chose to pass.
    pub arguments: &'a Arguments,
    /// Which attempt of this call it is, from 1.
    pub attempt: u32,
}

/// Why a tool found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// Another attempt may succeed.
    #[error("{0}")]
    Transient(String),
    /// Another attempt would end the same way.
    #[error("{0}")]
    Permanent(String),
}

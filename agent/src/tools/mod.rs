//! Tools: what the executor calls, and the trait that each implements.

mod simulated;

use std::time::Duration;

use futures_util::future::BoxFuture;
use langdeck_shared::Alert;

pub(crate) use simulated::{SIMULATED_TOOLS, simulated_tools};

use crate::model::Arguments;

/// How long a tool step may take unless the tool says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Something that the executor can call to learn more about an alert.
pub trait Tool: Send + Sync + 'static {
    /// The tool's name, as plans call it.
    fn name(&self) -> &str;

    /// How long a step with this tool may take, its model call included.
    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT
    }

    /// Calls the tool; its result is what it found, as text.
    fn run<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>>;
}

/// One call of a tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// The alert under investigation.
    pub alert: &'a Alert,
    /// What the model chose to pass.
    pub arguments: &'a Arguments,
}

/// Why a tool found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

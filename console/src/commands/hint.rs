//! What to say when an agent does not answer: the thing, the reason, the way out.

use crate::net::{BaseUrl, NetError};

const PORT_FORWARD: &str = "kubectl -n langchain-free port-forward svc/langchain-free 8000:8000";

/// A sentence about one address, and below it what to type, where that is known.
#[must_use]
pub(super) fn no_answer(url: &BaseUrl, error: &NetError) -> String {
    match error {
        NetError::Refused | NetError::Unreachable(_) => {
            let reason = match error {
                NetError::Refused => format!("nothing listens on {url} (connection refused)"),
                other => format!("no agent at {url}: {other}"),
            };
            let open = if url.is_local() { format!("\n  open the port:    {PORT_FORWARD}") } else { String::new() };
            let demo = if cfg!(feature = "demo") { "\n  or have a look:   langdeck demo" } else { "" };
            format!("{reason}{open}{demo}")
        }
        NetError::Malformed(_) => format!("{url} answered, but this is {error}"),
        other => format!("{url}: {other}"),
    }
}

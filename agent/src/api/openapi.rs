//! The OpenAPI document, made from the handlers and the wire types.

use utoipa::OpenApi;

use super::{investigations, operations, replica};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Langdeck agent",
        description = "An alert comes in, a chain of planner, executor and reasoner runs over it, and every step and cent is on record. Every answer carries `x-request-id` and `x-agent-replica`; every error is application/problem+json.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        investigations::investigate,
        investigations::submit,
        investigations::list,
        investigations::get,
        investigations::cancel,
        replica::memory,
        replica::costs,
        replica::replica,
        operations::health,
        operations::livez,
        operations::readyz,
        operations::metrics,
        operations::openapi,
    )
)]
struct Document;

/// The document as JSON.
pub(super) fn document() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json()
}

//! The OpenAPI document, made from the handlers and the wire types.

use langdeck_shared::Problem;
use utoipa::{IntoParams, IntoResponses, OpenApi};

use super::{alertmanager, investigations, operations, replica};

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
        alertmanager::notify,
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

/// The header by which a client may safely send an alert again.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters. The same key with the same alert leads to the same investigation.
    #[param(rename = "Idempotency-Key", required = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    key: String,
}

/// Why an alert is not accepted, by either door.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) enum Refusals {
    /// Not JSON, or no sane idempotency key.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// The body was not complete within 30 seconds.
    #[response(status = 408, content_type = "application/problem+json")]
    Timeout(Problem),
    /// The key belongs to another alert, or the investigation was cancelled.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// More than 64 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Not application/json.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// A field is invalid.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// All places or connections are taken, or the replica is about to stop; try again after `Retry-After`.
    #[response(
        status = 503,
        content_type = "application/problem+json",
        headers(("Retry-After" = u32, description = "Seconds"))
    )]
    Unavailable(Problem),
}

/// Why a notification is not taken, or not wholly.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) enum NotificationRefusals {
    /// Not JSON.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// More than 4 MiB, or more than 32768 alerts.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Not application/json.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// No notification. An alert of it that cannot be understood is refused by itself, with a 200.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// No room for some of the alerts, the replica is about to stop, or the body was not complete within 30 seconds. The
    /// alerts that were taken stay; send all again after `Retry-After`, and they are joined.
    #[response(
        status = 503,
        content_type = "application/problem+json",
        headers(("Retry-After" = u32, description = "Seconds"))
    )]
    Unavailable(Problem),
}

/// Unknown, no longer remembered, or of another replica.
#[derive(IntoResponses)]
#[response(status = 404, content_type = "application/problem+json")]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct NoSuchInvestigation(Problem);

/// All connections are taken, or too many large answers are on their way; try again after `Retry-After`.
#[derive(IntoResponses)]
#[response(
    status = 503,
    content_type = "application/problem+json",
    headers(("Retry-After" = u32, description = "Seconds"))
)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct NoRoom(Problem);

/// A parameter is invalid.
#[derive(IntoResponses)]
#[response(status = 422, content_type = "application/problem+json")]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct InvalidQuery(Problem);

/// The document as JSON.
pub(super) fn document() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json()
}

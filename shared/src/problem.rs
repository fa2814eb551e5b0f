//! Problems: errors over HTTP, as RFC 9457 describes them.

use serde::{Deserialize, Serialize};

use crate::Budget;

/// The body of every error answer, `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable name for the kind of problem, such as `urn:langdeck:problem:invalid-alert`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words, always the same for one type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// The request that it answers, as in the `x-request-id` header.
    pub request_id: String,
    /// Each field that is wrong, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The budget that has no room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The investigation that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub investigation_id: Option<String>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field, as a path: `alert_type`, `labels`.
    pub field: String,
    /// Why it was refused.
    pub reason: String,
}

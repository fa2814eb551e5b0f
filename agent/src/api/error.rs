//! Errors over HTTP: each knows its status and becomes a problem document.

use std::fmt::Display;

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use langdeck_shared::{Budget, FieldError, Problem};

use crate::cost::Spent;
use crate::runs::Refusal;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An error answer. The envelope writes it out, since it knows the request's id.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    without_room: Option<Box<WithoutRoom>>,
    investigation_id: Option<String>,
    /// What only the log may say.
    cause: Option<String>,
}

/// A budget without room, where it is known, and in how many seconds that may be different.
#[derive(Debug, Clone)]
struct WithoutRoom {
    budget: Option<Budget>,
    retry_after: u64,
}

/// The kinds of problem that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    NotJson,
    InvalidIdempotencyKey,
    NotFound,
    OwnerGone,
    NoSuchReplica,
    MethodNotAllowed,
    Timeout,
    Conflict,
    AmbiguousReplica,
    TooLarge,
    UnsupportedMediaType,
    InvalidAlert,
    InvalidNotification,
    InvalidQuery,
    Internal,
    BudgetExceeded,
    InvestigationFailed,
    PeerFaulty,
    PeerUnreachable,
    Crowded,
    Late,
    Full,
    Draining,
}

impl Kind {
    pub(super) const fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The stable name.
    pub(super) const fn name(self) -> &'static str {
        self.facts().1
    }

    /// Whether the same request may well be served a little later.
    pub(super) const fn is_for_later(self) -> bool {
        matches!(
            self,
            Self::BudgetExceeded | Self::PeerUnreachable | Self::Crowded | Self::Late | Self::Full | Self::Draining
        )
    }

    /// The status, the stable name and the title.
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotJson => (StatusCode::BAD_REQUEST, "not-json", "The body is not JSON"),
            Self::InvalidIdempotencyKey => {
                (StatusCode::BAD_REQUEST, "invalid-idempotency-key", "The idempotency key is invalid")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::OwnerGone => (StatusCode::NOT_FOUND, "owner-gone", "The investigation's replica is gone"),
            Self::NoSuchReplica => (StatusCode::NOT_FOUND, "no-such-replica", "There is no such replica"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here")
            }
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long to arrive"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The request conflicts with what is"),
            Self::AmbiguousReplica => (StatusCode::CONFLICT, "ambiguous-replica", "Several replicas bear this name"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not sent as plain JSON")
            }
            Self::InvalidAlert => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-alert", "The alert is invalid"),
            Self::InvalidNotification => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-notification", "The notification is invalid")
            }
            Self::InvalidQuery => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-query", "The query is invalid"),
            Self::BudgetExceeded => {
                (StatusCode::TOO_MANY_REQUESTS, "budget-exceeded", "A budget has no room for the investigation")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong inside the agent"),
            Self::InvestigationFailed => {
                (StatusCode::BAD_GATEWAY, "investigation-failed", "The investigation gave no report")
            }
            Self::PeerFaulty => (StatusCode::BAD_GATEWAY, "peer-faulty", "Another replica gave no proper answer"),
            Self::PeerUnreachable => {
                (StatusCode::SERVICE_UNAVAILABLE, "peer-unreachable", "Another replica does not answer")
            }
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "crowded", "There is no room for this request"),
            Self::Late => (StatusCode::SERVICE_UNAVAILABLE, "late", "The notification took too long to arrive"),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, "full", "All places are taken"),
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining", "The replica is about to stop"),
        }
    }
}

impl ApiError {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            without_room: None,
            investigation_id: None,
            cause: None,
        }
    }

    /// A problem with fields; the detail names the first.
    pub(super) fn fields(kind: Kind, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => String::new(),
            [only] => format!("{}: {}", only.field, only.reason),
            [first, rest @ ..] => format!("{}: {} (and {} more)", first.field, first.reason, rest.len()),
        };
        Self { errors, ..Self::new(kind, detail) }
    }

    pub(super) fn field(kind: Kind, field: &str, reason: impl Into<String>) -> Self {
        Self::fields(kind, vec![FieldError { field: field.to_owned(), reason: reason.into() }])
    }

    pub(super) fn about(self, investigation_id: String) -> Self {
        Self { investigation_id: Some(investigation_id), ..self }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same error for a client that sends again after a 5xx only: what may go well the next time is one.
    pub(super) fn for_one_who_drops_after_a_4xx(self) -> Self {
        Self { kind: if self.kind == Kind::Timeout { Kind::Late } else { self.kind }, ..self }
    }

    /// Something that nobody but the log should read about.
    pub(super) fn internal(cause: impl Display) -> Self {
        let detail = "the agent's log says more, under this request's id";
        Self { cause: Some(cause.to_string()), ..Self::new(Kind::Internal, detail) }
    }

    pub(super) async fn no_such_route(uri: Uri) -> Self {
        Self::new(Kind::NotFound, format!("there is nothing at {}; /openapi.json lists what there is", uri.path()))
    }

    pub(super) async fn no_such_method(method: Method, uri: Uri) -> Self {
        Self::new(
            Kind::MethodNotAllowed,
            format!("{} does not take {method}; the allow header lists what it takes", uri.path()),
        )
    }

    pub(super) fn refused(refusal: &Refusal, id: impl Fn(u64) -> String) -> Self {
        match refusal {
            Refusal::Full(limits) => {
                let detail = format!(
                    "{} investigations run and {} wait, which is all that this replica takes; try again in a moment",
                    limits.running, limits.queued
                );
                Self::new(Kind::Full, detail)
            }
            Refusal::Draining => {
                Self::new(Kind::Draining, "this replica takes no more work; another one of the service will")
            }
            Refusal::Spent(spent) => Self::spent(spent, Timestamp::now()),
            Refusal::KeyReused { number } => {
                let detail = "this idempotency key came with another alert before; use a new key for a new alert";
                Self::new(Kind::Conflict, detail).about(id(*number))
            }
        }
    }

    /// A budget has no room for an investigation.
    pub(super) fn spent(spent: &Spent, now: Timestamp) -> Self {
        let budget = &spent.budget;
        let is_spent = budget.spent_usd + spent.needed > budget.limit_usd;
        // Where only what is set aside is in the way, the next investigation that ends may make room.
        let retry_after = if is_spent { until_reset(budget, now) } else { 1 };
        Self::new(Kind::BudgetExceeded, no_room(spent)).of_budget(Some(budget.clone()), retry_after)
    }

    /// The same of a budget, which may have room in so many seconds.
    pub(super) fn of_budget(self, budget: Option<Budget>, retry_after: u64) -> Self {
        Self { without_room: Some(Box::new(WithoutRoom { budget, retry_after })), ..self }
    }

    /// The body for the answer to a request. The log hears of an internal error under the same id.
    pub(super) fn problem(self, request_id: &str) -> Problem {
        let Self { kind, detail, errors, without_room, investigation_id, cause } = self;
        if let Some(cause) = cause {
            tracing::error!(request_id, cause, "internal error");
        }
        let (status, name, title) = kind.facts();
        Problem {
            kind: format!("urn:langdeck:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            request_id: request_id.to_owned(),
            errors,
            budget: without_room.and_then(|without| without.budget),
            investigation_id,
        }
    }
}

/// In how many seconds a budget's window is certainly over, at least 1.
pub(super) fn until_reset(budget: &Budget, now: Timestamp) -> u64 {
    u64::try_from(budget.resets_at.duration_since(now).as_secs()).unwrap_or(0).saturating_add(1)
}

/// Which budget has no room, for people.
pub(super) fn no_room(Spent { budget, needed }: &Spent) -> String {
    let Budget { scope, limit_usd, window, resets_at, spent_usd, reserved_usd, .. } = budget;
    format!(
        "the budget `{scope}` of {limit_usd} USD per {window} (UTC) has no room for the {needed} USD that this \
         investigation may cost: {spent_usd} USD are spent and {reserved_usd} USD set aside for those at work, as this \
         replica counts since its start; it resets at {resets_at}"
    )
}

/// A response without a body: the envelope finds the error in it and writes the body.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        let headers = response.headers_mut();
        if self.kind.is_for_later() {
            let of_budget = self.without_room.as_ref().map(|without| without.retry_after.into());
            let retry_after = of_budget.unwrap_or(RETRY_AFTER_SECONDS);
            headers.insert(header::RETRY_AFTER, retry_after);
        }
        // What is left of the body is not read, so nothing can come after it.
        if matches!(self.kind, Kind::Timeout | Kind::Late | Kind::TooLarge | Kind::Crowded) {
            headers.insert(header::CONNECTION, CLOSE);
        }
        response.extensions_mut().insert(self);
        response
    }
}

//! Reading an alert: its body, JSON, shape, values, in this order.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use garde::Validate;
use langdeck_shared::{AlertRequest, FieldError};
use serde::de::IgnoredAny;

use super::body::Announced;
use super::error::{ApiError, Kind};
use crate::runs::Claim;

/// The largest body, in bytes.
const BODY_BYTES: usize = 64 * 1024;
/// The longest idempotency key, in bytes.
const KEY_BYTES: usize = 255;
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The body of a submission, and its idempotency key where there is one.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) request: AlertRequest,
    pub(super) claim: Option<Claim>,
}

impl<S: Send + Sync> FromRequest<S> for Submission {
    type Rejection = ApiError;

    fn from_request(request: Request, _state: &S) -> impl Future<Output = Result<Self, ApiError>> {
        let key = idempotency_key(request.headers());
        let body = Announced::new(request, BODY_BYTES);
        // What waits for the body holds no more of the request than this.
        async move {
            let (key, body) = (key?, body?);
            let request = parse(&body.read().await?)?;
            let claim = key.map(|key| Claim::new(&key, &request)).transpose();
            Ok(Self { request, claim: claim.map_err(ApiError::internal)? })
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let sane = (1..=KEY_BYTES).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if sane => Ok(Some(key.to_owned())),
        _ => {
            let detail = format!("the idempotency-key header holds 1 to {KEY_BYTES} visible ASCII characters");
            Err(ApiError::new(Kind::InvalidIdempotencyKey, detail))
        }
    }
}

fn parse(body: &[u8]) -> Result<AlertRequest, ApiError> {
    let json = str::from_utf8(body).map_err(|error| ApiError::new(Kind::NotJson, error.to_string()))?;
    // Serde takes an array for a struct; an alert is an object.
    let is_object = json.trim_ascii_start().starts_with('{');
    let request = if is_object { serde_json::from_str::<AlertRequest>(json).ok() } else { None };
    let Some(request) = request else { return Err(misshapen(json, is_object)) };
    request.validate().map_err(|report| invalid(&report))?;
    Ok(request)
}

/// Why a body is no alert. Only here is it worth reading twice.
fn misshapen(json: &str, is_object: bool) -> ApiError {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(json) {
        return ApiError::new(Kind::NotJson, error.to_string());
    }
    if !is_object {
        return ApiError::new(Kind::InvalidAlert, "an alert is a JSON object with `alert_type` and `service`");
    }
    let mut json = serde_json::Deserializer::from_str(json);
    match serde_path_to_error::deserialize::<_, AlertRequest>(&mut json) {
        // It was refused just before, for the same reason.
        Ok(_) => ApiError::new(Kind::InvalidAlert, "the body is no alert"),
        Err(error) => {
            let reason = error.inner().to_string();
            let path = error.path().to_string();
            let field = if path == "." { named_field(&reason).unwrap_or(path) } else { path };
            ApiError::field(Kind::InvalidAlert, &field, reason)
        }
    }
}

/// The field that serde names in a message about the object as a whole, such as one that is missing.
fn named_field(reason: &str) -> Option<String> {
    reason.split('`').nth(1).map(str::to_owned)
}

fn invalid(report: &garde::Report) -> ApiError {
    let error = |(path, error): &(garde::Path, garde::Error)| FieldError {
        field: path.to_string(),
        reason: error.message().to_owned(),
    };
    ApiError::fields(Kind::InvalidAlert, report.iter().map(error).collect())
}

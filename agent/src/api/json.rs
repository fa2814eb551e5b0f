//! JSON answers.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::ApiError;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Room for a report, so that it is written without growing.
const USUAL_BYTES: usize = 2048;

/// An answer as JSON. Unlike axum's it writes into a plain vector, which takes half the time, and what cannot be written
/// is a problem like every other error.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

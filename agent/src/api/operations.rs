//! Health, readiness, metrics and the OpenAPI document.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use langdeck_shared::{Health, ReplicaStatus};
use tokio::time::Instant;

use super::App;
use super::error::{ApiError, Kind};
use super::json::{JSON, Json};
use super::openapi::{NoRoom, NotReady};
use crate::clock::millis;

const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static(prometheus::TEXT_FORMAT);

/// Whether the agent is healthy.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "The process answers", body = Health))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Json<Health> {
    Json(state_of_health(&app))
}

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/livez", tag = "operations",
    responses((status = 200, description = "The process answers", body = Health))
)]
pub(super) async fn livez(State(app): State<Arc<App>>) -> Json<Health> {
    Json(state_of_health(&app))
}

/// Whether the replica should get traffic.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, description = "It should", body = Health),
        NotReady,
    )
)]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Health>, ApiError> {
    if app.runs.is_draining() {
        return Err(ApiError::new(Kind::Draining, "the replica was asked to stop"));
    }
    Ok(Json(state_of_health(&app)))
}

fn state_of_health(app: &App) -> Health {
    let identity = &app.identity;
    Health {
        status: "healthy".to_owned(),
        replica: identity.replica.to_string(),
        boot_id: identity.boot_id.clone(),
        readiness: if app.runs.is_draining() { ReplicaStatus::Draining } else { ReplicaStatus::Ready },
        version: identity.version().to_owned(),
        uptime_ms: millis(identity.uptime(Instant::now())),
    }
}

/// Metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "All families", body = String, content_type = "text/plain; version=0.0.4"), NoRoom)
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse + use<>, ApiError> {
    let text = crate::metrics::expose(&app.runs, &app.identity, &app.meters);
    let text = text.map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], text))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "The OpenAPI document", body = Object, content_type = "application/json"), NoRoom)
)]
pub(super) async fn openapi(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], app.openapi.clone())
}

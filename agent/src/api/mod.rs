//! The HTTP API: routes and translation, no decisions.

mod alert;
mod alertmanager;
mod body;
mod complaints;
mod costs;
mod decisions;
mod envelope;
mod episodes;
mod error;
mod fleet;
mod handing_on;
mod investigations;
mod json;
mod openapi;
mod operations;
mod pages;
mod query;
mod replica;
mod webhook_alert;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};

use crate::fleet::Fleet;
use crate::identity::Identity;
use crate::metrics::Meters;
use crate::runs::Runs;
use alertmanager::LargePlaces;
use complaints::Complaints;
pub(crate) use envelope::Envelope;
use error::ApiError;

/// Where Alertmanager sends its notifications.
const ALERTMANAGER: &str = "/v1/alerts/alertmanager";

/// What the handlers translate between.
pub(crate) struct App {
    runs: Arc<Runs>,
    identity: Arc<Identity>,
    fleet: Arc<Fleet>,
    meters: Arc<Meters>,
    openapi: Bytes,
    service_labels: Vec<String>,
    large: LargePlaces,
    complaints: Complaints,
}

/// The whole API as a service. `service_labels` are those in which Alertmanager names an alert's service.
///
/// # Errors
///
/// When the OpenAPI document cannot be written as JSON.
pub(crate) fn service(
    runs: Arc<Runs>,
    identity: Arc<Identity>,
    fleet: Arc<Fleet>,
    meters: Arc<Meters>,
    service_labels: Vec<String>,
) -> Result<Envelope, serde_json::Error> {
    let openapi = openapi::document()?.into();
    let app = App {
        runs,
        identity: Arc::clone(&identity),
        fleet,
        meters,
        openapi,
        service_labels,
        large: LargePlaces::new(),
        complaints: Complaints::default(),
    };
    let router = Router::new()
        .route("/investigate", post(investigations::investigate))
        .route("/metrics", get(operations::metrics))
        .route("/health", get(operations::health))
        .route("/livez", get(operations::livez))
        .route("/readyz", get(operations::readyz))
        .route("/v1/investigations", post(investigations::submit).get(pages::list))
        .route("/v1/investigations/{id}", get(investigations::get))
        .route("/v1/investigations/{id}/cancel", post(investigations::cancel))
        .route(ALERTMANAGER, post(alertmanager::notify))
        .route("/v1/memory", get(replica::memory))
        .route("/v1/costs", get(costs::costs))
        .route("/v1/decisions", get(decisions::decisions))
        .route("/v1/replica", get(replica::replica))
        .route("/v1/fleet", get(fleet::fleet))
        .route("/openapi.json", get(operations::openapi))
        .fallback(ApiError::no_such_route)
        .method_not_allowed_fallback(ApiError::no_such_method)
        .with_state(Arc::new(app));
    Ok(Envelope::new(router, &identity))
}

//! What this replica knows of the whole fleet.

use std::sync::Arc;

use axum::extract::State;
use langdeck_shared::FleetUpdate;

use super::App;
use super::error::ApiError;
use super::json::Json;
use super::openapi::{InvalidQuery, NoRoom};
use super::query::Params;

/// All that a console needs of every replica of the fleet, changed since a cursor.
///
/// Any replica answers. It asks the others, waits for those that answer promptly, and tells of the rest what they said
/// last. A replica that is not listed has not changed.
#[utoipa::path(
    get, path = "/v1/fleet", tag = "fleet",
    params(("since" = Option<String>, Query, description = "`cursor` of the answer before; without one, or with one of another replica or life of it, the answer is a snapshot")),
    responses(
        (status = 200, description = "What moved", body = FleetUpdate),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn fleet(State(app): State<Arc<App>>, mut params: Params) -> Result<Json<FleetUpdate>, ApiError> {
    let since = params.text("since");
    params.finish()?;
    Ok(Json(app.fleet.update(since.as_deref()).await))
}

//! What the replica knows: its memory, its costs, and everything that a console needs.

use std::sync::Arc;

use axum::extract::State;
use langdeck_shared::{Costs, Memory, ReplicaUpdate};

use super::App;
use super::error::ApiError;
use super::json::Json;
use super::openapi::{InvalidQuery, NoRoom};
use super::query::Params;
use crate::cost::Attribution;
use crate::replica::PAGE;
use crate::runs;

/// What the replica remembers: the last alert, ended investigations, a pattern per service.
#[utoipa::path(
    get, path = "/v1/memory", tag = "replica",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How much history: from 1 to 200; 50 when it is not said")),
    responses(
        (status = 200, description = "Memory", body = Memory),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn memory(State(app): State<Arc<App>>, mut params: Params) -> Result<Json<Memory>, ApiError> {
    let limit = params.limit();
    params.finish()?;
    let (last_alert, history, patterns) = app.runs.look(|state| {
        let books = &state.books;
        let history: Vec<_> = books.investigations.history().take(limit).cloned().collect();
        (books.last_alert.clone(), history, books.patterns.last_seen_first())
    });
    Ok(Json(Memory {
        replica: app.identity.replica.to_string(),
        last_alert,
        history: history.iter().filter_map(|record| runs::memory_entry(record, &app.identity)).collect(),
        patterns,
    }))
}

/// What the replica has spent in its life, and on what.
#[utoipa::path(
    get, path = "/v1/costs", tag = "replica",
    responses((status = 200, description = "Totals and attribution", body = Costs), NoRoom)
)]
pub(super) async fn costs(State(app): State<Arc<App>>) -> Json<Costs> {
    let (totals, attribution) = app.runs.look(|state| (state.books.ledger.totals(), state.books.ledger.attribution()));
    let Attribution { by_step, by_model, by_service, by_alert_type } = attribution;
    Json(Costs {
        replica: app.identity.replica.to_string(),
        boot_id: app.identity.boot_id.clone(),
        since: app.identity.started_at,
        totals,
        by_step,
        by_model,
        by_service,
        by_alert_type,
    })
}

/// All that a console needs of this replica, changed since a cursor.
#[utoipa::path(
    get, path = "/v1/replica", tag = "replica",
    params(
        ("since" = Option<String>, Query, description = "`cursor` of the answer before; without one, or with one of another life of the replica, the answer is a snapshot"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "The most investigations that it holds, from 1 to 200; 200 when it is not said"),
    ),
    responses(
        (status = 200, description = "What moved", body = ReplicaUpdate),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn replica(State(app): State<Arc<App>>, mut params: Params) -> Result<Json<ReplicaUpdate>, ApiError> {
    let since = params.text("since");
    let limit = params.limit_or(PAGE);
    params.finish()?;
    Ok(Json(crate::replica::update(&app.runs, &app.identity, since.as_deref(), limit)))
}

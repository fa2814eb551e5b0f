//! What replicas know: their memory, of one or of all; and everything that a console needs of one.

use std::sync::Arc;

use axum::extract::State;
use langdeck_shared::{Memory, ReplicaUpdate};

use super::App;
use super::error::ApiError;
use super::handing_on::{FromPeer, path};
use super::json::Json;
use super::openapi::{HandedOnBy, InvalidQuery, NoRoom};
use super::query::{Params, Scope};
use crate::fleet::{Member, Reply, Together, faulty};
use crate::replica::PAGE;
use crate::runs;

/// What replicas remember: the last alert, ended investigations, a pattern per service.
#[utoipa::path(
    get, path = "/v1/memory", tag = "replica",
    params(
        HandedOnBy,
        ("scope" = Option<Scope>, Query, description = "`replica`, as when it is not said, for the memory of the replica that answers; `fleet` for that of all replicas"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How much history: from 1 to 200; 50 when it is not said"),
    ),
    responses(
        (status = 200, description = "Memory", body = Memory),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn memory(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    mut params: Params,
) -> Result<Json<Memory>, ApiError> {
    let scope = params.scope();
    let limit = params.limit();
    params.finish()?;
    let own = own_memory(&app, limit);
    if !app.asks_others(scope, from_peer) {
        return Ok(Json(own));
    }
    let mut together = Together::new(limit);
    together.take(own);
    let read = |_: &Member, reply: &Reply| {
        let memory: Memory = reply.json()?;
        memory.check().map_err(faulty)?;
        Ok(memory)
    };
    let members = app.fleet.members().await;
    let path = path(format!("/v1/memory?limit={limit}"))?;
    let missing = app.fleet.gather(&members, &path, read, |memory| together.take(memory)).await;
    Ok(Json(Memory { missing, ..together.finish(app.identity.replica.to_string()) }))
}

fn own_memory(app: &App, limit: usize) -> Memory {
    let (last_alert, history, patterns) = app.runs.look(|state| {
        let books = &state.books;
        let history: Vec<_> = books.investigations.history().take(limit).cloned().collect();
        (books.last_alert.clone(), history, books.patterns.last_seen_first())
    });
    Memory {
        replica: app.identity.replica.to_string(),
        last_alert,
        history: history.iter().filter_map(|record| runs::memory_entry(record, &app.identity)).collect(),
        patterns,
        missing: Vec::new(),
    }
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

//! What replicas know: their memory and their costs, of one or of all; and everything that a console needs of one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::PathAndQuery;
use jiff::Timestamp;
use langdeck_shared::{Attribution, BurnRate, CostShare, CostSpan, Costs, Memory, ReplicaUpdate, Savings, Usd};

use super::App;
use super::error::ApiError;
use super::handing_on::{FromPeer, path};
use super::json::Json;
use super::openapi::{HandedOnBy, InvalidQuery, NoRoom};
use super::query::{Params, Scope};
use crate::fleet::{Member, Reply, Together, faulty};
use crate::replica::PAGE;
use crate::runs::{self, Caught};

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

/// What replicas have spent in their lives, and on what.
#[utoipa::path(
    get, path = "/v1/costs", tag = "replica",
    params(
        HandedOnBy,
        ("scope" = Option<Scope>, Query, description = "`replica`, as when it is not said, for the costs of the replica that answers; `fleet` for the sum over all replicas"),
        ("from" = Option<Timestamp>, Query, description = "Also what the replica that answers spent from here on, in `span`; from the start where only `to` is said"),
        ("to" = Option<Timestamp>, Query, description = "Also what it spent until before this, in `span`; until now where only `from` is said"),
        ("entries" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Also so many of its ledger's last entries; none when it is not said"),
    ),
    responses(
        (status = 200, description = "Totals and attribution", body = Costs),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn costs(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    mut params: Params,
) -> Result<Json<Costs>, ApiError> {
    let scope = params.scope();
    let (from, to) = (params.time("from"), params.time("to"));
    let most = params.count("entries", 0);
    params.finish()?;
    let own = own_costs(&app, from, to, most);
    if !app.asks_others(scope, from_peer) {
        return Ok(Json(own));
    }
    let mut together = own;
    let read = |member: &Member, reply: &Reply| {
        let costs: Costs = reply.json()?;
        costs.check().map_err(faulty)?;
        if costs.boot_id == member.boot_id { Ok(costs) } else { Err(faulty("its costs are those of another life")) }
    };
    let members = app.fleet.members().await;
    let path = PathAndQuery::from_static("/v1/costs");
    let missing = app.fleet.gather(&members, &path, read, |costs| together.absorb(costs, most)).await;
    Ok(Json(Costs { missing, ..together }))
}

fn own_costs(app: &App, from: Option<Timestamp>, to: Option<Timestamp>, most: usize) -> Costs {
    let now = Timestamp::now();
    let asked = (from.is_some() || to.is_some()).then(|| {
        let bound = |time: Option<Timestamp>, default: Timestamp| time.unwrap_or(default).as_millisecond();
        (bound(from, app.identity.started_at), bound(to, now))
    });
    let (totals, savings, attribution, entries, span, budgets) = app.runs.look(|state| {
        let ledger = &state.books.ledger;
        let span = asked.map(|(from_ms, to_ms)| ledger.between(from_ms, to_ms));
        let entries = ledger.last(most);
        let Caught { hits, joins, saved, .. } = state.caught();
        let savings = Savings { models_usd: ledger.saved(), cache_usd: saved, cache_hits: hits, cache_joins: joins };
        (ledger.totals(), savings, ledger.attribution(), entries, span, state.budgets.tell(now))
    });
    let replica = app.identity.replica.to_string();
    let by_replica = vec![CostShare { key: replica.clone(), spend: totals }];
    Costs {
        replica,
        boot_id: app.identity.boot_id.clone(),
        since: app.identity.started_at,
        totals,
        by: Attribution { by_replica, ..attribution },
        burn: BurnRate::default(),
        month_usd: Usd::ZERO,
        savings,
        what_if: Vec::new(),
        infrastructure: None,
        budgets,
        span: span.map(|spent| CostSpan {
            from: time(spent.from_ms),
            to: time(spent.to_ms),
            spend: spent.spend,
            by: spent.by,
        }),
        entries: entries.iter().map(|entry| app.runs.cost_entry(entry)).collect(),
        outliers: Vec::new(),
        missing: Vec::new(),
    }
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
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

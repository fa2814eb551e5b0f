//! Lists of investigations: of this replica, and of all.

use std::sync::Arc;

use axum::extract::State;
use form_urlencoded::Serializer;
use langdeck_shared::{Investigation, InvestigationPage, Status};
use tokio::time::Instant;

use super::App;
use super::error::ApiError;
use super::handing_on::{FromPeer, path};
use super::json::Json;
use super::openapi::{HandedOnBy, InvalidQuery, NoRoom};
use super::query::{Params, Scope};
use crate::fleet::{Member, Merge, Place, Reply, read_page};
use crate::identity::plain_number;
use crate::memory::{ListFilter, Record};
use crate::runs::{self, Detail};

/// How many investigations all replicas together are asked for, and the fewest of each.
const MOST_TOGETHER: usize = 10_000;
const FEWEST_OF_EACH: usize = 5;

/// What is asked for, apart from whose.
struct Wanted {
    limit: usize,
    filter: ListFilter,
    /// The alert type as the client calls it: each replica has its own aliases.
    alert_type: Option<String>,
}

/// List investigations, newest first.
#[utoipa::path(
    get, path = "/v1/investigations", tag = "investigations",
    params(
        HandedOnBy,
        ("scope" = Option<Scope>, Query, description = "`replica`, as when it is not said, for those of the replica that answers; `fleet` for those of all replicas"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "From 1 to 200; 50 when it is not said"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, of the same scope. One of another life of the replica starts again at the newest, with `reset`; one of the whole fleet goes on at any replica, whoever has come or gone"),
        ("status" = Option<Status>, Query, description = "Only those that stand so"),
        ("service" = Option<String>, Query, description = "Only those of this service"),
        ("alert_type" = Option<String>, Query, description = "Only those of this alert type, or of the one that this alias stands for"),
    ),
    responses(
        (status = 200, description = "One page", body = InvestigationPage),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    mut params: Params,
) -> Result<Json<InvestigationPage>, ApiError> {
    let scope = params.scope();
    let limit = params.limit();
    let cursor = params.text("cursor");
    let (status, service, alert_type) = (params.status(), params.text("service"), params.text("alert_type"));
    params.finish()?;
    let filter = ListFilter { status, service, alert_type: alert_type.clone().map(|name| app.runs.canonical(name)) };
    let wanted = Wanted { limit, filter, alert_type };
    match scope {
        Scope::Replica => Ok(Json(own(&app, &wanted, cursor.as_deref()))),
        Scope::Fleet => together(&app, &wanted, cursor.as_deref(), from_peer).await.map(Json),
    }
}

/// What this replica has.
fn own(app: &App, wanted: &Wanted, cursor: Option<&str>) -> InvestigationPage {
    let start = cursor.map(|cursor| page_start(cursor, &app.identity.boot_id));
    let before = start.flatten().unwrap_or(u64::MAX);
    let (records, more) = app.runs.look(|state| state.books.investigations.list(before, wanted.limit, &wanted.filter));
    let last = records.last().filter(|_| more);
    let next_cursor = last.map(|record| format!("{}.{}", app.identity.boot_id, record.number));
    page(app, &records, start == Some(None), next_cursor)
}

/// The number before which a page begins, in a cursor of this life of the replica.
fn page_start(cursor: &str, boot_id: &str) -> Option<u64> {
    plain_number(cursor.strip_prefix(boot_id)?.strip_prefix('.')?)
}

/// What all replicas have; for another one of them, this one's part.
async fn together(
    app: &App,
    wanted: &Wanted,
    cursor: Option<&str>,
    from_peer: FromPeer,
) -> Result<InvestigationPage, ApiError> {
    let from = cursor.and_then(Place::parse);
    let own = own_part(app, wanted, from.as_ref());
    let reset = cursor.is_some() && from.is_none();
    if !app.asks_others(Scope::Fleet, from_peer) {
        return Ok(InvestigationPage { reset, ..own });
    }
    let members = app.fleet.members().await;
    let of_each = (MOST_TOGETHER / members.len().max(1)).max(FEWEST_OF_EACH).min(wanted.limit);
    let path = path(format!("/v1/investigations?{}", wanted.query(of_each, from.as_ref())))?;
    let mut merge = Merge::new(wanted.limit);
    merge.take(with_places(own.investigations), own.next_cursor.is_some());
    let read = |member: &Member, reply: &Reply| read_page(member, reply.json()?, from.as_ref());
    let missing = app.fleet.gather(&members, &path, read, |(part, more)| merge.take(part, more)).await;
    let (investigations, next_cursor) = merge.finish();
    Ok(InvestigationPage { investigations, reset, next_cursor, missing })
}

/// What this replica has, in the order of the whole fleet.
fn own_part(app: &App, wanted: &Wanted, from: Option<&Place>) -> InvestigationPage {
    let boot_id = &app.identity.boot_id;
    let before = |accepted_at, number| from.is_none_or(|from| from.is_before(accepted_at, boot_id, number));
    let (records, more) =
        app.runs.look(|state| state.books.investigations.list_by_time(before, wanted.limit, &wanted.filter));
    let mut page = page(app, &records, false, None);
    let last = page.investigations.last().filter(|_| more);
    page.next_cursor = last.and_then(Place::of).map(|place| place.to_string());
    page
}

fn with_places(investigations: Vec<Investigation>) -> Vec<(Place, Investigation)> {
    investigations.into_iter().filter_map(|investigation| Some((Place::of(&investigation)?, investigation))).collect()
}

fn page(app: &App, records: &[Arc<Record>], reset: bool, next_cursor: Option<String>) -> InvestigationPage {
    let now = Instant::now();
    let show = |record: &Arc<Record>| runs::investigation(record, &app.identity, now, Detail::Brief);
    InvestigationPage { investigations: records.iter().map(show).collect(), reset, next_cursor, missing: Vec::new() }
}

impl Wanted {
    /// The same question for another replica.
    fn query(&self, limit: usize, from: Option<&Place>) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("scope", "fleet").append_pair("limit", &limit.to_string());
        let (cursor, status) = (from.map(ToString::to_string), self.filter.status.map(Status::as_str));
        let rest = [
            ("cursor", cursor.as_deref()),
            ("status", status),
            ("service", self.filter.service.as_deref()),
            ("alert_type", self.alert_type.as_deref()),
        ];
        query.extend_pairs(rest.into_iter().filter_map(|(name, value)| Some((name, value?))));
        query.finish()
    }
}

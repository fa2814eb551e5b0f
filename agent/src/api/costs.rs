//! Costs: what a replica or its fleet has spent, on what, how fast, and what it would cost otherwise.

mod format;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use jiff::Timestamp;
use langdeck_shared::{Attribution, Budget, BurnRate, CostShare, CostSpan, Costs, Outlier, Savings, Spend, Usd};
use tokio::time::Instant;

use super::App;
use super::error::ApiError;
use super::handing_on::{FromPeer, path};
use super::json::Json;
use super::openapi::{HandedOnBy, InvalidQuery, NoRoom};
use super::query::{Params, Scope};
use crate::clock;
use crate::cost::{self, SpanSpend};
use crate::fleet::{Member, Reply, faulty};
use crate::runs::Caught;
pub(super) use format::Format;

/// What spending can be told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Dimension {
    Replica,
    Step,
    Model,
    Service,
    AlertType,
}

/// What is asked.
#[derive(Debug)]
struct Wanted {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    entries: usize,
    /// Everything where it is none.
    by: Option<Vec<Dimension>>,
}

/// What replicas have spent in their lives, on what, and how fast.
///
/// Sums are those of the present lives of the replicas. Of the last 1024 calls each is known by itself; what is longer
/// ago, by the minute for about two hours and by the hour for a month. Of a minute or an hour that a span touches all
/// counts, and `span` says how far it then reaches; 15 keys of each kind have sums of their own there, and what is more
/// stands under `(other)`.
#[utoipa::path(
    get, path = "/v1/costs", tag = "replica",
    params(
        HandedOnBy,
        ("scope" = Option<Scope>, Query, description = "`replica`, as when it is not said, for the costs of the replica that answers; `fleet` for the sum over all replicas"),
        ("by" = Option<Vec<Dimension>>, Query, style = Form, explode = false, description = "Which lists the answer holds, comma-separated; all when it is not said. Those that are not asked for are empty"),
        ("from" = Option<Timestamp>, Query, description = "Also what was spent from here on, in `span`; from the start where only `to` is said"),
        ("to" = Option<Timestamp>, Query, description = "Also what was spent until before this, in `span`; until now where only `from` is said"),
        ("entries" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Also so many of the ledger's last entries; none when it is not said"),
        ("format" = Option<Format>, Query, description = "`json` or `csv`; when it is not said, what `Accept` would rather have of the two"),
    ),
    responses(
        (
            status = 200,
            description = "Totals and attribution. As CSV, one row `total` and one for each key, of the span where one is asked for; a replica that did not answer is a row `missing`, and a `'` stands before a key that a spreadsheet would take for a formula",
            content((Costs = "application/json"), (String = "text/csv; charset=utf-8")),
        ),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn costs(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response, ApiError> {
    let scope = params.scope();
    let by = params.words("by", Dimension::ALL, Dimension::as_str);
    let (from, to) = params.span();
    let wanted = Wanted { from, to, entries: params.count("entries", 0), by };
    let format = params.word("format", Format::ALL, Format::as_str);
    params.finish()?;
    let mut costs = own(&app, &wanted, clock::now());
    if app.asks_others(scope, from_peer) {
        let read = |member: &Member, reply: &Reply| {
            let costs: Costs = reply.json()?;
            costs.check().map_err(faulty)?;
            if costs.boot_id == member.boot_id { Ok(costs) } else { Err(faulty("its costs are those of another life")) }
        };
        let members = app.fleet.members().await;
        let path = path(format!("/v1/costs?{}", wanted.query()))?;
        let absorb = |other| costs.absorb(other, wanted.entries);
        costs.missing = app.fleet.gather(&members, &path, read, absorb).await;
    }
    let mut answer = match format.unwrap_or_else(|| Format::preferred(&headers)) {
        Format::Json => Json(costs).into_response(),
        Format::Csv => format::as_csv(&costs)?,
    };
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(answer)
}

fn own(app: &App, wanted: &Wanted, now: Timestamp) -> Costs {
    let (runs, identity) = (&app.runs, &app.identity);
    let span = (wanted.from.is_some() || wanted.to.is_some()).then(|| {
        let bound = |time: Option<Timestamp>, default: Timestamp| time.unwrap_or(default).as_millisecond();
        (bound(wanted.from, identity.started_at), bound(wanted.to, now))
    });
    let told = runs.look(|state| {
        let ledger = &state.books.ledger;
        let Caught { hits, joins, saved, .. } = state.caught();
        Told {
            totals: ledger.totals(),
            by: ledger.attribution(),
            forecast: ledger.forecast(identity.started_at, now),
            savings: Savings { models_usd: ledger.saved(), cache_usd: saved, cache_hits: hits, cache_joins: joins },
            budgets: state.budgets.tell(now),
            span: span.map(|(from_ms, to_ms)| ledger.between(from_ms, to_ms)),
            entries: ledger.last(wanted.entries),
            outliers: ledger.outliers(),
        }
    });
    let Told { totals, by, forecast: (burn, month_usd), savings, budgets, span, entries, outliers } = told;
    let outlier = |(entry, median_tokens)| Outlier { entry: runs.cost_entry(&entry), median_tokens };
    Costs {
        replica: identity.replica.to_string(),
        boot_id: identity.boot_id.clone(),
        since: identity.started_at,
        totals,
        by: wanted.lists(by, &identity.replica, totals),
        burn,
        month_usd,
        savings,
        what_if: runs.prices().what_if(&totals, now),
        infrastructure: runs.prices().infrastructure(identity.uptime(Instant::now())),
        missing: Vec::new(),
        budgets,
        span: span.map(|SpanSpend { from_ms, to_ms, spend, by }| CostSpan {
            from: time(from_ms),
            to: time(to_ms),
            spend,
            by: wanted.lists(by, &identity.replica, spend),
        }),
        entries: entries.iter().map(|entry| runs.cost_entry(entry)).collect(),
        outliers: outliers.into_iter().map(outlier).collect(),
    }
}

/// What the books say, all of one moment.
struct Told {
    totals: Spend,
    by: Attribution,
    forecast: (BurnRate, Usd),
    savings: Savings,
    budgets: Vec<Budget>,
    span: Option<SpanSpend>,
    entries: Vec<cost::Told>,
    outliers: Vec<(cost::Told, u64)>,
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

impl Wanted {
    /// The lists that are asked for, with that of the one replica.
    fn lists(&self, by: Attribution, replica: &str, total: Spend) -> Attribution {
        let kept = |dimension, list| {
            let is_wanted = self.by.as_ref().is_none_or(|by| by.contains(&dimension));
            if is_wanted { list } else { Vec::new() }
        };
        let of_replica = CostShare { key: replica.to_owned(), spend: total };
        Attribution {
            by_replica: kept(Dimension::Replica, vec![of_replica]),
            by_step: kept(Dimension::Step, by.by_step),
            by_model: kept(Dimension::Model, by.by_model),
            by_service: kept(Dimension::Service, by.by_service),
            by_alert_type: kept(Dimension::AlertType, by.by_alert_type),
        }
    }

    /// The same question for another replica.
    fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        let by = self.by.as_ref().map(|by| by.iter().map(|by| by.as_str()).collect::<Vec<_>>().join(","));
        let rest = [
            ("from", self.from.map(|time| time.to_string())),
            ("to", self.to.map(|time| time.to_string())),
            ("entries", (self.entries > 0).then(|| self.entries.to_string())),
            ("by", by),
        ];
        query.extend_pairs(rest.into_iter().filter_map(|(name, value)| Some((name, value?))));
        query.finish()
    }
}

impl Dimension {
    const ALL: [Self; 5] = [Self::Replica, Self::Step, Self::Model, Self::Service, Self::AlertType];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Replica => "replica",
            Self::Step => "step",
            Self::Model => "model",
            Self::Service => "service",
            Self::AlertType => "alert_type",
        }
    }
}

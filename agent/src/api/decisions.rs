//! Why the replica did what it did.

use std::sync::Arc;

use axum::extract::State;
use langdeck_shared::{Actor, DecisionCode, DecisionPage};

use super::App;
use super::error::ApiError;
use super::json::Json;
use super::openapi::{InvalidQuery, NoRoom};
use super::query::Params;
use crate::decisions::{Filter, MOST_DECISIONS, MOST_LOGGED, Page, Wanted};

/// The last decisions, oldest first.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "replica", description = how_many(),
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "From 1 to 200; 50 when it is not said"),
        ("cursor" = Option<String>, Query, description = "`cursor` of the page before: the answer holds what came after it; one of another life of the replica counts as none, with `reset`"),
        ("investigation_id" = Option<String>, Query, description = "Only those about this investigation"),
        ("actor" = Option<Actor>, Query, description = "Only those of this actor"),
        ("code" = Option<DecisionCode>, Query, description = "Only those with this code"),
        ("from" = Option<String>, Query, format = DateTime, description = "Only those made then or later; without a cursor the page begins with the first of them, where it would else end with the last"),
        ("to" = Option<String>, Query, format = DateTime, description = "Only those made then or earlier"),
    ),
    responses(
        (status = 200, description = "One page", body = DecisionPage),
        InvalidQuery,
        NoRoom,
    )
)]
pub(super) async fn decisions(State(app): State<Arc<App>>, mut params: Params) -> Result<Json<DecisionPage>, ApiError> {
    let limit = params.limit();
    let cursor = params.text("cursor");
    let (from, to) = params.span();
    let filter = Filter {
        investigation: params
            .text("investigation_id")
            .map(|id| app.identity.number_of(&id).map_or(Wanted::NotOurs, Wanted::Number)),
        actor: params.word("actor", Actor::ALL, Actor::as_str),
        code: params.word("code", DecisionCode::ALL, DecisionCode::as_str),
        from,
        to,
    };
    params.finish()?;
    let decisions = app.runs.decisions();
    let Page { decisions: page, upto, more, reset, missed } = decisions.page(cursor.as_deref(), &filter, limit);
    Ok(Json(DecisionPage {
        decisions: page.iter().map(|decision| decisions.show(decision)).collect(),
        cursor: decisions.cursor(upto),
        reset,
        more,
        missed,
    }))
}

fn how_many() -> String {
    format!(
        "A replica remembers the last {MOST_DECISIONS}, or {MOST_LOGGED} where it has a `--decision-log`, and fewer where \
         their texts are long; that log has them all."
    )
}

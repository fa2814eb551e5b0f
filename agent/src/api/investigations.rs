//! Submitting, following, listing and cancelling investigations.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use langdeck_shared::{Accepted, AlertRequest, Investigation, InvestigationPage, Report, Status};
use tokio::time::Instant;

use super::App;
use super::alert::Submission;
use super::error::{ApiError, Kind};
use super::json::Json;
use super::openapi::{
    AllTaken, Failed, HasEnded, IdempotencyKey, InvalidQuery, KeyReused, KeyReusedOrCancelled, NoRoom,
    NoSuchInvestigation, Refusals,
};
use super::query::Params;
use crate::identity::plain_number;
use crate::memory::{ListFilter, Record};
use crate::runs::{self, CancelReason, Detail, NotCancelled, Run};

/// Run the chain over an alert and wait for its report.
///
/// The investigation goes on when the client disconnects.
#[utoipa::path(
    post, path = "/investigate", tag = "investigations", request_body = AlertRequest,
    params(IdempotencyKey),
    responses(
        (status = 200, description = "The report of an investigation that succeeded, or succeeded in part", body = Report),
        Refusals,
        KeyReusedOrCancelled,
        Failed,
    )
)]
pub(super) async fn investigate(State(app): State<Arc<App>>, submission: Submission) -> Result<Json<Report>, ApiError> {
    let run = accept(&app, submission)?;
    let record = run.wait().await;
    match runs::report(record, &app.identity) {
        Some(report) => Ok(Json(report)),
        None => Err(without_report(&run, record).about(app.identity.investigation_id(record.number))),
    }
}

fn without_report(run: &Run, record: &Record) -> ApiError {
    let kind = match (record.status, run.cancel_reason()) {
        (Status::Cancelled, Some(CancelReason::Shutdown)) => Kind::Draining,
        (Status::Cancelled, _) => Kind::Conflict,
        _ => Kind::InvestigationFailed,
    };
    ApiError::new(kind, record.error.as_deref().unwrap_or("it gave no report"))
}

/// Accept an alert without waiting for its investigation.
#[utoipa::path(
    post, path = "/v1/investigations", tag = "investigations", request_body = AlertRequest,
    params(IdempotencyKey),
    responses(
        (status = 202, description = "Accepted", body = Accepted, headers(("Location" = String, description = "Where to follow it"))),
        Refusals,
        KeyReused,
    )
)]
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    submission: Submission,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let run = accept(&app, submission)?;
    let investigation_id = app.identity.investigation_id(run.number);
    let location = [(header::LOCATION, format!("/v1/investigations/{investigation_id}"))];
    let status = match run.ended() {
        Some(record) => record.status,
        None => find(&app, run.number).map_or(Status::Queued, |record| record.status),
    };
    let accepted = Accepted { investigation_id, replica: Arc::clone(&app.identity.replica), status };
    Ok((StatusCode::ACCEPTED, location, Json(accepted)))
}

fn accept(app: &App, Submission { request, claim }: Submission) -> Result<Arc<Run>, ApiError> {
    let refused = |refusal| ApiError::refused(&refusal, |number| app.identity.investigation_id(number));
    app.runs.submit(request, claim).map_err(refused).map_err(|error| app.complaints.about_alert(error))
}

/// List investigations, newest first.
#[utoipa::path(
    get, path = "/v1/investigations", tag = "investigations",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "From 1 to 200; 50 when it is not said"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before; one of another life of the replica starts again at the newest, with `reset`"),
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
pub(super) async fn list(State(app): State<Arc<App>>, mut params: Params) -> Result<Json<InvestigationPage>, ApiError> {
    let limit = params.limit();
    let cursor = params.text("cursor");
    let filter = ListFilter {
        status: params.status(),
        service: params.text("service"),
        alert_type: params.text("alert_type").map(|alert_type| app.runs.canonical(alert_type)),
    };
    params.finish()?;
    let start = cursor.as_ref().map(|cursor| page_start(cursor, &app.identity.boot_id));
    let reset = start == Some(None);
    let before = start.flatten().unwrap_or(u64::MAX);
    let (records, more) = app.runs.look(|state| state.books.investigations.list(before, limit, &filter));
    let last = records.last().filter(|_| more);
    let next_cursor = last.map(|record| format!("{}.{}", app.identity.boot_id, record.number));
    let now = Instant::now();
    let show = |record: &Arc<Record>| runs::investigation(record, &app.identity, now, Detail::Brief);
    Ok(Json(InvestigationPage { investigations: records.iter().map(show).collect(), reset, next_cursor }))
}

/// The number before which a page begins, in a cursor of this life of the replica.
fn page_start(cursor: &str, boot_id: &str) -> Option<u64> {
    plain_number(cursor.strip_prefix(boot_id)?.strip_prefix('.')?)
}

/// One investigation with every step's input and output, live while it runs, and its report once there is one.
#[utoipa::path(
    get, path = "/v1/investigations/{id}", tag = "investigations",
    params(("id" = String, Path, description = "The investigation's id")),
    responses(
        (status = 200, description = "As it stands", body = Investigation),
        NoSuchInvestigation,
        NoRoom,
    )
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Investigation>, ApiError> {
    let number = number_of(&app, id)?;
    let record = find(&app, number).ok_or_else(|| unknown(&app.identity.investigation_id(number)))?;
    Ok(Json(runs::investigation(&record, &app.identity, Instant::now(), Detail::Full)))
}

/// Cancel an investigation that waits or runs.
#[utoipa::path(
    post, path = "/v1/investigations/{id}/cancel", tag = "investigations",
    params(("id" = String, Path, description = "The investigation's id")),
    responses(
        (status = 202, description = "It ends at once, unless it just did", body = Accepted),
        NoSuchInvestigation,
        HasEnded,
        AllTaken,
    )
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let number = number_of(&app, id)?;
    let investigation_id = app.identity.investigation_id(number);
    match app.runs.cancel(number, CancelReason::Asked) {
        Ok(()) => {
            let status = find(&app, number).map_or(Status::Cancelled, |record| record.status);
            let accepted = Accepted { investigation_id, replica: Arc::clone(&app.identity.replica), status };
            Ok((StatusCode::ACCEPTED, Json(accepted)))
        }
        Err(NotCancelled::Unknown) => Err(unknown(&investigation_id)),
        Err(NotCancelled::Ended(status)) => {
            Err(ApiError::new(Kind::Conflict, format!("it has already ended: {status}")).about(investigation_id))
        }
    }
}

fn find(app: &App, number: u64) -> Option<Arc<Record>> {
    app.runs.look(|state| state.books.investigations.get(number))
}

fn number_of(app: &App, id: Result<Path<String>, PathRejection>) -> Result<u64, ApiError> {
    let Path(id) = id.map_err(|rejection| ApiError::new(Kind::NotFound, rejection.body_text()))?;
    app.identity.number_of(&id).ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> ApiError {
    let why = "it may be too old, or of another replica or life of it";
    ApiError::new(Kind::NotFound, format!("no investigation {id} is remembered here; {why}"))
}

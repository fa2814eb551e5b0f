//! Submitting, following and cancelling investigations, of this replica and of others.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use form_urlencoded::byte_serialize;
use langdeck_shared::{Accepted, AlertRequest, Investigation, PeerFailure, Report, Status};
use tokio::time::Instant;

use super::App;
use super::alert::{IDEMPOTENCY_KEY, Submission};
use super::error::{ApiError, Kind};
use super::handing_on::{FromPeer, PATIENCE, about_another, path};
use super::json::Json;
use super::openapi::{
    CancelLost, Failed, HandedOnBy, HasEnded, IdempotencyKey, KeyReusedOrCancelled, LookLost, NoSuchInvestigation,
    Refusals, SubmitRefusals,
};
use super::query::Params;
use crate::fleet::{Member, Question, Reply, faulty};
use crate::identity::Identity;
use crate::memory::Record;
use crate::metrics::HandedOn;
use crate::runs::{self, CancelReason, Detail, NotCancelled, Submitted};

/// The longest investigation and the longest acceptance that another replica may answer with, in bytes.
const MOST_INVESTIGATION: usize = 8 * 1024 * 1024;
const MOST_ACCEPTED: usize = 64 * 1024;

/// Run the chain over an alert and wait for its report.
///
/// The investigation goes on when the client disconnects. With `--cache-ttl`, the report may be that of an earlier alert
/// of the same type and service, or of one under way; `cost_tracking` says so.
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
    let submitted = accept(&app, submission)?;
    let record = submitted.wait().await;
    match runs::report(record, &app.identity) {
        Some(report) => Ok(Json(Report { cost_tracking: submitted.share(report.cost_tracking), ..report })),
        None => Err(without_report(&submitted, record).about(app.identity.investigation_id(record.number))),
    }
}

fn without_report(submitted: &Submitted, record: &Record) -> ApiError {
    let kind = match (record.status, submitted.cancel_reason()) {
        (Status::Cancelled, Some(CancelReason::Shutdown)) => Kind::Draining,
        (Status::Cancelled, _) => Kind::Conflict,
        _ => Kind::InvestigationFailed,
    };
    ApiError::new(kind, record.error.as_deref().unwrap_or("it gave no report"))
}

/// Accept an alert without waiting for its investigation.
#[utoipa::path(
    post, path = "/v1/investigations", tag = "investigations", request_body = AlertRequest,
    params(
        IdempotencyKey,
        HandedOnBy,
        ("replica" = Option<String>, Query, description = "The replica that is to investigate, by its name or its boot id; when it is not said, the one that answers. The alert is handed on to it, and never to another one"),
    ),
    responses(
        (status = 202, description = "Accepted", body = Accepted, headers(("Location" = String, description = "Where to follow it"))),
        SubmitRefusals,
    )
)]
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    mut params: Params,
    submission: Submission,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let replica = params.text("replica");
    params.finish()?;
    let accepted = match replica {
        Some(name) => submit_to(&app, &name, from_peer, submission).await?,
        None => submit_here(&app, submission)?,
    };
    let location = [(header::LOCATION, format!("/v1/investigations/{}", accepted.investigation_id))];
    Ok((StatusCode::ACCEPTED, location, Json(accepted)))
}

fn submit_here(app: &App, submission: Submission) -> Result<Accepted, ApiError> {
    let submitted = accept(app, submission)?;
    let number = submitted.number();
    let status = match submitted.ended() {
        Some(record) => record.status,
        None => find(app, number).map_or(Status::Queued, |record| record.status),
    };
    let cached_age_ms = submitted.cached_age_ms();
    let (cached, joined) = (cached_age_ms.is_some(), submitted.is_joined());
    Ok(Accepted { cached, joined, cached_age_ms, ..app.accepted(app.identity.investigation_id(number), status) })
}

/// Submits an alert to the replica of this name.
async fn submit_to(app: &App, name: &str, from_peer: FromPeer, submission: Submission) -> Result<Accepted, ApiError> {
    let member = app.named(name, from_peer).await?;
    if member.is_here() {
        return submit_here(app, submission);
    }
    let Submission { request, claim } = submission;
    // By its life: should another one answer there, it has no business with this alert.
    let life = byte_serialize(member.boot_id.as_bytes()).collect::<String>();
    let body = serde_json::to_vec(&request).map_err(ApiError::internal)?;
    let mut question = post(path(format!("/v1/investigations?replica={life}"))?, body.into());
    if let Some(claim) = claim {
        let key = HeaderValue::from_str(claim.key()).map_err(ApiError::internal)?;
        question.headers.insert(HeaderName::from_static(IDEMPOTENCY_KEY), key);
    }
    app.hand_on(HandedOn::Submit, &member, question, |reply| accepted(reply, &member, None)).await
}

fn post(path: PathAndQuery, body: Bytes) -> Question {
    Question::post(path, body, PATIENCE, MOST_ACCEPTED)
}

/// Reads that a replica accepted what it was asked: of its own life, and about this investigation where one is meant.
fn accepted(reply: &Reply, member: &Member, about: Option<&str>) -> Result<Accepted, PeerFailure> {
    let accepted: Accepted = reply.json()?;
    let id = &accepted.investigation_id;
    let is_theirs = Identity::life_of(id).is_some_and(|(life, _)| life == member.boot_id);
    if !is_theirs || about.is_some_and(|about| about != id) {
        return Err(about_another(id));
    }
    Ok(accepted)
}

impl App {
    fn accepted(&self, investigation_id: String, status: Status) -> Accepted {
        let replica = Arc::clone(&self.identity.replica);
        Accepted { investigation_id, replica, status, cached: false, joined: false, cached_age_ms: None }
    }
}

fn accept(app: &App, Submission { request, claim }: Submission) -> Result<Submitted, ApiError> {
    let refused = |refusal| ApiError::refused(&refusal, |number| app.identity.investigation_id(number));
    app.runs.submit(request, claim).map_err(refused).map_err(|error| app.complaints.about_alert(error))
}

/// One investigation with every step's input and output, live while it runs, and its report once there is one.
///
/// Any replica answers, whoever has it.
#[utoipa::path(
    get, path = "/v1/investigations/{id}", tag = "investigations",
    params(("id" = String, Path, description = "The investigation's id"), HandedOnBy),
    responses(
        (status = 200, description = "As it stands", body = Investigation),
        NoSuchInvestigation,
        LookLost,
    )
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Investigation>, ApiError> {
    let id = text(id)?;
    match whose(&app, &id, from_peer).await? {
        Whose::Ours(number) => {
            let record = find(&app, number).ok_or_else(|| unknown(&id))?;
            let decisions = record.decisions.iter().map(|decision| app.runs.decisions().show(decision)).collect();
            let decisions_left_out = record.decisions_left_out;
            let mut investigation = runs::investigation(&record, &app.identity, Instant::now(), Detail::Full);
            app.runs.add_medians(&mut investigation, &record);
            Ok(Json(Investigation { decisions, decisions_left_out, ..investigation }))
        }
        Whose::Theirs(member) => {
            let question = Question::get(path(format!("/v1/investigations/{id}"))?, PATIENCE, MOST_INVESTIGATION);
            let read = |reply: &Reply| {
                let investigation: Investigation = reply.json()?;
                if investigation.investigation_id != id {
                    return Err(about_another(&investigation.investigation_id));
                }
                investigation.check().map_err(faulty)?;
                Ok(investigation)
            };
            app.hand_on(HandedOn::Look, &member, question, read).await.map(Json)
        }
    }
}

/// Cancel an investigation that waits or runs, at whichever replica.
#[utoipa::path(
    post, path = "/v1/investigations/{id}/cancel", tag = "investigations",
    params(("id" = String, Path, description = "The investigation's id"), HandedOnBy),
    responses(
        (status = 202, description = "It ends at once, unless it just did", body = Accepted),
        NoSuchInvestigation,
        HasEnded,
        CancelLost,
    )
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let id = text(id)?;
    let accepted = match whose(&app, &id, from_peer).await? {
        Whose::Ours(number) => cancel_here(&app, number, id)?,
        Whose::Theirs(member) => {
            let question = post(path(format!("/v1/investigations/{id}/cancel"))?, Bytes::new());
            app.hand_on(HandedOn::Cancel, &member, question, |reply| accepted(reply, &member, Some(&id))).await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

fn cancel_here(app: &App, number: u64, investigation_id: String) -> Result<Accepted, ApiError> {
    match app.runs.cancel(number, CancelReason::Asked) {
        Ok(()) => {
            let status = find(app, number).map_or(Status::Cancelled, |record| record.status);
            Ok(app.accepted(investigation_id, status))
        }
        Err(NotCancelled::Unknown) => Err(unknown(&investigation_id)),
        Err(NotCancelled::Ended(status)) => {
            Err(ApiError::new(Kind::Conflict, format!("it has already ended: {status}")).about(investigation_id))
        }
    }
}

/// Who has an investigation.
enum Whose {
    /// This replica, if anybody, under this number.
    Ours(u64),
    Theirs(Member),
}

async fn whose(app: &App, id: &str, FromPeer(from_peer): FromPeer) -> Result<Whose, ApiError> {
    if let Some(number) = app.identity.number_of(id) {
        return Ok(Whose::Ours(number));
    }
    match Identity::life_of(id) {
        Some((life, _)) if !from_peer => {
            app.owner(life).await.map(Whose::Theirs).map_err(|error| error.about(id.to_owned()))
        }
        _ => Err(unknown(id)),
    }
}

fn find(app: &App, number: u64) -> Option<Arc<Record>> {
    app.runs.look(|state| state.books.investigations.get(number))
}

fn text(id: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    let Path(id) = id.map_err(|rejection| ApiError::new(Kind::NotFound, rejection.body_text()))?;
    Ok(id)
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(Kind::NotFound, format!("no investigation {id} is remembered here; it may be too old"))
}

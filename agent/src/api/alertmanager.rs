//! Alertmanager's webhook: each alert of a notification fires an investigation, joins one or ends its episode.
//!
//! Alertmanager sends a notification again after a 5xx and drops it after anything else. So an answer below 500 says
//! that sending it again would change nothing.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use langdeck_shared::{AlertOutcome, Outcome, Webhook, WebhookAlert, WebhookAnswer, WebhookStatus};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::App;
use super::body::Announced;
use super::episodes;
use super::error::{self, ApiError, Kind};
use super::handing_on::FromPeer;
use super::json::Json;
use super::openapi::{HandedOnBy, NotificationRefusals};
use super::webhook_alert::{Translation, cut, translate};
use crate::clock;
use crate::runs::{Episode, Firing, MOST_EPISODES, Refusal};

/// The largest notification, in bytes: a whole group of alerts.
const BODY_BYTES: usize = 4 * 1024 * 1024;
/// How many large notifications are read and worked on at once: one holds up to five times its length.
const LARGE_AT_ONCE: usize = 8;
/// From here on a notification is large: its body in bytes, or its alerts, of which each has an answer.
const LARGE_BYTES: u64 = 64 * 1024;
const LARGE_ALERTS: usize = 512;
/// The longest reason, in characters: some quote what was sent.
const REASON_CHARS: usize = 300;

/// Places for large notifications.
#[derive(Debug)]
pub(super) struct LargePlaces(Arc<Semaphore>);

impl LargePlaces {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let detail =
                format!("{LARGE_AT_ONCE} large notifications are at work, which is all that this replica takes");
            ApiError::new(Kind::Crowded, format!("{detail}; send it again in a moment"))
        })
    }
}

/// The body of a notification, and its place if it is large.
pub(super) struct Notification {
    body: Bytes,
    place: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Arc<App>> for Notification {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let read = Self::read(request, &app.large).await;
        read.map_err(|error| app.complaints.about_notification(error.for_one_who_drops_after_a_4xx()))
    }
}

impl Notification {
    async fn read(request: Request, large: &LargePlaces) -> Result<Self, ApiError> {
        let body = Announced::new(request, BODY_BYTES)?;
        let place = if body.may_exceed(LARGE_BYTES) { Some(large.take()?) } else { None };
        Ok(Self { body: body.read().await?, place })
    }

    /// What becomes of each alert; an error where one found no room.
    async fn take_all(self, app: &Arc<App>, FromPeer(from_peer): FromPeer) -> Result<Vec<AlertOutcome>, ApiError> {
        let webhook = parse(&self.body)?;
        let _place = match self.place {
            None if webhook.alerts.len() > LARGE_ALERTS => Some(app.large.take()?),
            place => place,
        };
        let became = if from_peer || app.fleet.is_alone() {
            take_here(app, &webhook.alerts).await
        } else {
            episodes::spread(app, &webhook.alerts).await
        };
        let mut alerts = Vec::with_capacity(became.len());
        let (mut refusal, mut refused) = (None, 0_usize);
        for alert in became {
            match alert {
                Ok(alert) => {
                    tracing::debug!(outcome = ?alert.outcome, investigation_id = alert.investigation_id, "an alert of a notification");
                    alerts.push(alert);
                }
                Err(no_room) => {
                    refusal = Some(no_room);
                    refused += 1;
                }
            }
        }
        app.complaints.about_losses(&alerts, webhook.truncated_alerts);
        match refusal {
            None => Ok(alerts),
            Some(refusal) => Err(refusal.of(refused, webhook.alerts.len())),
        }
    }
}

/// Takes all of these alerts, whose episodes they may be.
async fn take_here(app: &Arc<App>, alerts: &[&RawValue]) -> Vec<Result<AlertOutcome, NoRoom>> {
    let mut became = Vec::with_capacity(alerts.len());
    for alert in alerts {
        became.push(take(app, alert.get()));
        // A large group must not hold up everybody else.
        tokio::task::consume_budget().await;
    }
    became
}

/// Take Alertmanager's alerts.
///
/// Each firing alert becomes an investigation. Told of again, as the same `fingerprint` and `startsAt`, it joins that
/// investigation; when it is resolved, that is noted there.
///
/// In a fleet each alert goes to the replica that its episode belongs to, so that it is investigated once, whichever
/// replica hears of it; to the next one where that is lost. This is best effort: replicas share no memory, so an episode
/// whose replica is gone or was not heard is investigated anew.
#[utoipa::path(
    post, path = "/v1/alerts/alertmanager", tag = "investigations", request_body = Webhook,
    params(HandedOnBy),
    responses(
        (status = 200, description = "What became of each alert; none of them needs sending again", body = WebhookAnswer),
        NotificationRefusals,
    )
)]
pub(super) async fn notify(
    State(app): State<Arc<App>>,
    from_peer: FromPeer,
    notification: Notification,
) -> Result<Json<WebhookAnswer>, ApiError> {
    let alerts =
        notification.take_all(&app, from_peer).await.map_err(|error| app.complaints.about_notification(error))?;
    Ok(Json(WebhookAnswer { replica: app.identity.replica.to_string(), alerts }))
}

fn parse(body: &[u8]) -> Result<Webhook<'_>, ApiError> {
    let json = str::from_utf8(body).map_err(|error| ApiError::new(Kind::NotJson, error.to_string()))?;
    let webhook: Webhook<'_> = read_object(json).map_err(|why| match serde_json::from_str::<IgnoredAny>(json) {
        Ok(_) => ApiError::new(Kind::InvalidNotification, why),
        Err(error) => ApiError::new(Kind::NotJson, reason(&error)),
    })?;
    if webhook.alerts.len() > MOST_EPISODES.get() {
        let detail = format!("{} alerts at once, of at most {MOST_EPISODES}", webhook.alerts.len());
        return Err(ApiError::new(Kind::TooLarge, detail));
    }
    Ok(webhook)
}

/// Reads a JSON object, or says which field is wrong and why.
pub(super) fn read_object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    // Serde takes an array for a struct too.
    if !json.trim_ascii_start().starts_with('{') {
        return Err("a JSON object is expected".to_owned());
    }
    serde_json::from_str(json).map_err(|error| {
        // Only here is it worth reading twice.
        let mut json = serde_json::Deserializer::from_str(json);
        let at = serde_path_to_error::deserialize::<_, T>(&mut json);
        at.map_or_else(|at| reason(&at), |_| reason(&error))
    })
}

/// What becomes of one alert; an error only where there is no room for it now.
pub(super) fn take(app: &Arc<App>, json: &str) -> Result<AlertOutcome, NoRoom> {
    read_object(json).map_or_else(|why| Ok(refused(&why)), |alert| take_alert(app, alert))
}

/// The same, of one that was read.
pub(super) fn take_alert(app: &Arc<App>, alert: WebhookAlert) -> Result<AlertOutcome, NoRoom> {
    let episode = episode(&alert);
    let id = |number| Some(app.identity.investigation_id(number));
    if alert.status == WebhookStatus::Resolved {
        let at = alert.ends_at.filter(|ends_at| *ends_at >= alert.starts_at).unwrap_or_else(clock::now);
        let investigation_id = app.runs.resolve(episode, at).and_then(id);
        return Ok(AlertOutcome { investigation_id, ..outcome(Outcome::Resolved) });
    }
    let Translation { request, trimmed } = match translate(alert, &app.service_labels) {
        Ok(translation) => translation,
        Err(reason) => return Ok(refused(&reason)),
    };
    let (became, number) = match app.runs.fire(episode, request) {
        Ok(Firing::Accepted(number)) => (Outcome::Accepted, number),
        Ok(Firing::Joined(number)) => (Outcome::Joined, number),
        Ok(Firing::Cached(number)) => (Outcome::Cached, number),
        // To send all again at once would not help, and after a 4xx nothing comes again: so the answer is neither.
        Err(Refusal::Spent(spent)) => {
            return Ok(AlertOutcome { reason: Some(error::no_room(&spent)), ..outcome(Outcome::Skipped) });
        }
        Err(no_room) => return Err(no_room.into()),
    };
    Ok(AlertOutcome { investigation_id: id(number), trimmed, ..outcome(became) })
}

pub(super) fn episode(alert: &WebhookAlert) -> Episode {
    Episode::new(alert.fingerprint.as_deref(), &alert.labels, alert.starts_at)
}

const fn outcome(outcome: Outcome) -> AlertOutcome {
    AlertOutcome { outcome, investigation_id: None, reason: None, trimmed: None }
}

pub(super) fn refused(why: &impl ToString) -> AlertOutcome {
    AlertOutcome { reason: Some(reason(why)), ..outcome(Outcome::Refused) }
}

fn reason(why: &impl ToString) -> String {
    cut(&why.to_string(), REASON_CHARS, &mut false)
}

/// Why an alert found no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoRoom {
    pub(super) kind: Kind,
    pub(super) why: String,
}

impl From<Refusal> for NoRoom {
    fn from(refusal: Refusal) -> Self {
        let (kind, why) = match refusal {
            Refusal::Draining => (Kind::Draining, "this replica takes no more work"),
            Refusal::Full(_) | Refusal::Spent(_) | Refusal::KeyReused { .. } => {
                (Kind::Full, "all places to run and to wait are taken")
            }
        };
        Self { kind, why: why.to_owned() }
    }
}

impl NoRoom {
    /// The answer where so many found none.
    fn of(self, count: usize, of: usize) -> ApiError {
        let Self { kind, why } = self;
        let detail =
            format!("no room for {count} of {of} alerts: {why}; send all again, those already taken are joined");
        ApiError::new(kind, detail)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::http::{HeaderValue, StatusCode, header};
    use axum::response::IntoResponse;
    use futures_util::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_notification_that_stalls_is_worth_sending_again() {
        let mut request = Request::new(Body::from_stream(stream::pending::<Result<&str, Infallible>>()));
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = Notification::read(request, &LargePlaces::new()).await.err().unwrap();
        let response = response.for_one_who_drops_after_a_4xx().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONNECTION], "close");
    }
}

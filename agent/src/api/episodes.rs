//! The alerts of a notification on their way to the replicas that own their episodes.
//!
//! Replicas share no memory, so one owner for each episode is best effort. All of them rank the replicas that are ready
//! in the same order for an episode, and the first of them is its owner; one that does not answer is passed over. What
//! joins in spite of a change among them: whatever comes to a replica that has investigated it, and whatever belongs to a
//! replica that has stayed. What is investigated anew: an episode whose owner was lost, and one that belongs to a replica
//! which came later, if another than its first owner hears of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures_util::{StreamExt, stream};
use langdeck_shared::{AlertOutcome, Outcome, PeerFailure, Webhook, WebhookAlert, WebhookAnswer};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::alertmanager::{NoRoom, episode, read_object, refused, take, take_alert};
use super::{ALERTMANAGER, App};
use crate::fleet::{Member, Owners, Question, Reply, faulty};
use crate::identity::Identity;
use crate::metrics::HandedOn;

/// How long handing on may take in all; Alertmanager waits ten seconds.
const TOGETHER: Duration = Duration::from_secs(6);
/// How long one replica may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many replicas are told at once.
const AT_ONCE: usize = 16;
/// The longest answer, in bytes: so much for each alert, and as a whole.
const MOST_OF_EACH: usize = 4096;
const MOST_ANSWER: usize = 8 * 1024 * 1024;

/// An alert that is somebody else's.
#[derive(Debug)]
struct Away {
    /// Its place in the notification.
    index: usize,
    /// Those who are to be told, one after the other.
    owners: Vec<usize>,
}

type Became = Result<AlertOutcome, NoRoom>;

/// What becomes of each alert, at its owner or, where nobody else takes it, here.
pub(super) async fn spread(app: &Arc<App>, alerts: &[&RawValue]) -> Vec<Became> {
    let deadline = Instant::now() + TOGETHER;
    let owners = Owners::among(app.fleet.members().await);
    let mut became: Vec<Option<Became>> = vec![None; alerts.len()];
    let mut away = Vec::new();
    for (index, json) in alerts.iter().enumerate() {
        match read_object::<WebhookAlert>(json.get()) {
            Err(why) => became[index] = Some(Ok(refused(&why))),
            Ok(alert) => {
                let episode = episode(&alert);
                // Whoever knows an episode keeps it, whatever has become of the fleet since.
                if app.runs.knows(&episode) {
                    became[index] = Some(take_alert(app, alert));
                } else {
                    away.push(Away { index, owners: owners.of(episode.number()) });
                }
            }
        }
        // A large group must not hold up everybody else.
        tokio::task::consume_budget().await;
    }
    for round in 0.. {
        let in_time = Instant::now() < deadline;
        let mut groups: BTreeMap<usize, Vec<Away>> = BTreeMap::new();
        for alert in std::mem::take(&mut away) {
            let place = alert.owners.get(round).copied().filter(|_| in_time);
            match place.and_then(|place| Some((place, owners.at(place)?))) {
                Some((place, owner)) if !owner.is_here() => groups.entry(place).or_default().push(alert),
                _ => became[alert.index] = Some(take(app, alerts[alert.index].get())),
            }
        }
        if groups.is_empty() {
            break;
        }
        let told = groups.into_iter().filter_map(|(place, group)| Some((owners.at(place)?, group)));
        let told: Vec<_> = told.map(|(owner, group)| tell(app, owner, group, alerts, deadline)).collect();
        let mut told = stream::iter(told).buffer_unordered(AT_ONCE);
        while let Some((owner, group, answer)) = told.next().await {
            match answer {
                Ok(answers) => {
                    for (alert, answer) in group.into_iter().zip(answers) {
                        let is_unheard_of = answer.as_ref().is_ok_and(is_unheard_of);
                        became[alert.index] = Some(answer);
                        if is_unheard_of {
                            away.push(alert);
                        }
                    }
                }
                Err(failure) => {
                    app.complaints.about_owner(owner, &failure, group.len());
                    away.extend(group);
                }
            }
        }
    }
    became.into_iter().flatten().collect()
}

/// Whether a resolved alert was not known where it was told; the next one may have investigated it.
fn is_unheard_of(outcome: &AlertOutcome) -> bool {
    outcome.outcome == Outcome::Resolved && outcome.investigation_id.is_none()
}

/// Tells a replica of its alerts, and what it answers.
async fn tell<'a>(
    app: &App,
    owner: &'a Member,
    group: Vec<Away>,
    alerts: &[&RawValue],
    deadline: Instant,
) -> (&'a Member, Vec<Away>, Result<Vec<Became>, PeerFailure>) {
    let answer = became_there(app, owner, &group, alerts, deadline).await;
    (owner, group, answer)
}

/// What became of alerts at a replica.
async fn became_there(
    app: &App,
    owner: &Member,
    group: &[Away],
    alerts: &[&RawValue],
    deadline: Instant,
) -> Result<Vec<Became>, PeerFailure> {
    let webhook = Webhook { alerts: group.iter().map(|alert| alerts[alert.index]).collect(), truncated_alerts: 0 };
    let body = serde_json::to_vec(&webhook).map_err(|error| faulty(error.to_string()))?;
    let patience = PATIENCE.min(deadline.saturating_duration_since(Instant::now()));
    let most = group.len().saturating_add(1).saturating_mul(MOST_OF_EACH).min(MOST_ANSWER);
    let question = Question::post(PathAndQuery::from_static(ALERTMANAGER), body.into(), patience, most);
    let read = |reply: &Reply| {
        let answer: WebhookAnswer = reply.json()?;
        let mut ids = answer.alerts.iter().filter_map(|alert| alert.investigation_id.as_deref());
        if answer.alerts.len() != group.len() || !ids.all(|id| Identity::life_of(id).is_some()) {
            return Err(faulty("it answers about something else than these alerts"));
        }
        Ok(answer.alerts)
    };
    match app.hand_on_or_fail(HandedOn::Notification, owner, question, read).await? {
        Ok(outcomes) => Ok(outcomes.into_iter().map(Ok).collect()),
        Err(problem) if problem.kind().is_for_later() => {
            let no_room =
                NoRoom { kind: problem.kind(), why: format!("replica {}: {}", owner.replica, problem.detail()) };
            Ok(vec![Err(no_room); group.len()])
        }
        Err(problem) => Err(faulty(problem.detail())),
    }
}

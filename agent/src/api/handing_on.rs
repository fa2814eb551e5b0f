//! Handing a request on to the replica that it concerns, and passing its answer back.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use jiff::Timestamp;
use langdeck_shared::{Budget, FailureKind, NAME_CHARS, PeerFailure, Problem, Usd};

use super::App;
use super::error::{ApiError, Kind, until_reset};
use super::query::Scope;
use super::webhook_alert::cut;
use crate::fleet::{Found, HANDED_ON_BY, Member, Named, Question, Reply, faulty};
use crate::metrics::HandedOn;

/// How long a replica may take to answer a request that was handed on to it.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// The longest detail of another replica's problem that is passed back, in characters.
const DETAIL_CHARS: usize = 1000;
/// The longest scope of a budget that is passed back: the kind and a name.
const SCOPE_CHARS: usize = "alert_type:".len() + NAME_CHARS;
/// The longest window that a budget has: a month.
const LONGEST_WINDOW: Duration = Duration::from_secs(31 * 24 * 3600);
/// The problems of another replica that are passed back as they are.
const PASSED_BACK: [Kind; 8] = [
    Kind::NotFound,
    Kind::NoSuchReplica,
    Kind::Conflict,
    Kind::TooLarge,
    Kind::BudgetExceeded,
    Kind::Full,
    Kind::Draining,
    Kind::Crowded,
];

/// Whether a request comes from another replica, so that it is not handed on once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FromPeer(pub(super) bool);

impl<S: Send + Sync> FromRequestParts<S> for FromPeer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.headers.contains_key(HANDED_ON_BY)))
    }
}

impl App {
    /// Whether other replicas are to be asked for an answer about so many.
    pub(super) fn asks_others(&self, scope: Scope, FromPeer(from_peer): FromPeer) -> bool {
        scope == Scope::Fleet && !from_peer && !self.fleet.is_alone()
    }

    /// Hands a request on to a replica and reads what it answers.
    pub(super) async fn hand_on<T>(
        &self,
        request: HandedOn,
        member: &Member,
        question: Question,
        read: impl FnOnce(&Reply) -> Result<T, PeerFailure>,
    ) -> Result<T, ApiError> {
        let answer = self.hand_on_or_fail(request, member, question, read).await;
        answer.unwrap_or_else(|failure| Err(lost(request, member, &failure)))
    }

    /// The same; an answer may be a problem, and apart from that there may be none.
    pub(super) async fn hand_on_or_fail<T>(
        &self,
        request: HandedOn,
        member: &Member,
        question: Question,
        read: impl FnOnce(&Reply) -> Result<T, PeerFailure>,
    ) -> Result<Result<T, ApiError>, PeerFailure> {
        let read = |reply: &Reply| match problem(reply) {
            Some(problem) => Ok(Err(problem)),
            None => read(reply).map(Ok),
        };
        let answer = self.fleet.ask_member(member, question, read).await;
        self.meters.count_handed_on(request, answer.is_ok());
        answer
    }

    /// The replica whose life this is.
    pub(super) async fn owner(&self, life: &str) -> Result<Member, ApiError> {
        match self.fleet.find(life).await {
            Found::Member(member) if !member.is_gone() => Ok(member),
            Found::Member(member) => {
                let who = name(&member);
                Err(gone(format!("it was {who}'s, whose life {life} has ended, and its memory with it")))
            }
            Found::Unknown { silent: 0 } => {
                Err(gone(format!("no replica has the life {life}; it has ended, and its memory with it")))
            }
            Found::Unknown { silent } => {
                let why = format!("no replica that is known has the life {life}; it has ended, and its memory with it");
                Err(gone(format!("{why}, unless it is one of {silent} peers that have never answered")))
            }
        }
    }

    /// The replica that a request names.
    pub(super) async fn named(&self, name: &str, FromPeer(from_peer): FromPeer) -> Result<Member, ApiError> {
        let own = [&*self.identity.replica, &self.identity.boot_id].contains(&name);
        if from_peer && !own {
            let detail = format!("this replica is {}, life {}", self.identity.replica, self.identity.boot_id);
            return Err(ApiError::new(Kind::NoSuchReplica, detail));
        }
        match self.fleet.find_named(name).await {
            Named::Member(member) if !member.is_gone() => Ok(member),
            Named::Member(_) => Err(ApiError::new(Kind::NoSuchReplica, format!("the life {name} has ended"))),
            Named::Several(lives) => {
                let lives = lives.join(", ");
                let detail = format!("several replicas are called {name}; say which by its boot id: {lives}");
                Err(ApiError::new(Kind::AmbiguousReplica, detail))
            }
            Named::Unknown { known, more } => {
                let known = known.iter().map(|name| cut(name, NAME_CHARS, &mut false)).collect::<Vec<_>>().join(", ");
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let detail =
                    format!("no replica is called {:?}; there are {known}{more}", cut(name, NAME_CHARS, &mut false));
                Err(ApiError::new(Kind::NoSuchReplica, detail))
            }
        }
    }
}

/// A path that is made of what was checked.
pub(super) fn path(path: String) -> Result<PathAndQuery, ApiError> {
    PathAndQuery::try_from(path).map_err(|_| ApiError::new(Kind::InvalidQuery, "it is too long to be handed on"))
}

fn gone(why: String) -> ApiError {
    ApiError::new(Kind::OwnerGone, why)
}

fn name(member: &Member) -> String {
    cut(&member.replica, NAME_CHARS, &mut false)
}

/// What a replica says that does not do what it was asked, where that is to be passed back.
fn problem(reply: &Reply) -> Option<ApiError> {
    if reply.status.is_success() {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&reply.body).ok()?;
    let kind = problem.kind.strip_prefix("urn:langdeck:problem:")?;
    let kind = PASSED_BACK.into_iter().find(|known| known.name() == kind && known.status() == reply.status)?;
    let error = ApiError::new(kind, cut(&problem.detail, DETAIL_CHARS, &mut false));
    let budget = problem.budget.filter(|budget| budget.check().is_ok()).map(|budget| {
        let scope = cut(&budget.scope, SCOPE_CHARS, &mut false);
        Budget { scope, ..budget }
    });
    let error = match retry_after(budget.as_ref(), reply.retry_after, Timestamp::now()) {
        Some(retry_after) if kind == Kind::BudgetExceeded => error.of_budget(budget, retry_after),
        _ => error,
    };
    Some(match problem.investigation_id.filter(|id| id.len() <= NAME_CHARS) {
        Some(id) => error.about(id),
        None => error,
    })
}

/// In how many seconds to come back to a replica whose budget has no room: as it says, whose clock may be another one than
/// this replica's; else when the window ends, or at once where what is set aside may make room before.
fn retry_after(budget: Option<&Budget>, told: Option<u64>, now: Timestamp) -> Option<u64> {
    let unsaid = |budget: &Budget| if budget.reserved_usd == Usd::ZERO { until_reset(budget, now) } else { 1 };
    let seconds = told.or_else(|| budget.map(unsaid))?;
    Some(seconds.clamp(1, LONGEST_WINDOW.as_secs()))
}

/// That a replica gave no answer, or none that is one.
fn lost(request: HandedOn, member: &Member, failure: &PeerFailure) -> ApiError {
    let who = format!("replica {} (life {})", name(member), member.boot_id);
    let PeerFailure { kind, detail } = failure;
    let age = humantime::format_duration(Duration::from_secs(member.age.as_secs()));
    let (problem, mut why) = match kind {
        FailureKind::Faulty => (Kind::PeerFaulty, format!("{who} gave no proper answer: {detail}")),
        FailureKind::Ended => (Kind::OwnerGone, format!("{who} is no more: {detail}")),
        _ => (Kind::PeerUnreachable, format!("{who} does not answer: {detail}; it last did {age} ago")),
    };
    let may_have_arrived = matches!(kind, FailureKind::TimedOut | FailureKind::Lost | FailureKind::Faulty);
    if may_have_arrived {
        why.push_str(match request {
            HandedOn::Look | HandedOn::Notification => "",
            HandedOn::Cancel => "; the investigation may have been cancelled all the same",
            HandedOn::Submit => {
                "; the alert may have arrived there all the same, so send it again only with the same Idempotency-Key"
            }
        });
    }
    ApiError::new(problem, why)
}

/// That an answer is about something else.
pub(super) fn about_another(id: &str) -> PeerFailure {
    faulty(format!("it answers about {}", cut(id, NAME_CHARS, &mut false)))
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;
    use langdeck_shared::{AtLimit, BudgetWindow};
    use serde_json::{Value, json};

    use super::*;

    /// The `Retry-After` and the budget with which a replica's 429 is passed back that says this.
    fn passed_back(retry_after: Option<u64>, budget: &Value) -> (u64, Option<Budget>) {
        let body = json!({
            "type": "urn:langdeck:problem:budget-exceeded", "title": "t", "status": 429, "detail": "d", "request_id": "r",
            "budget": budget,
        });
        let reply = Reply { status: StatusCode::TOO_MANY_REQUESTS, body: body.to_string().into(), retry_after };
        let error = problem(&reply).unwrap();
        let response = error.clone().into_response();
        let told = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        (told, error.problem("r").budget)
    }

    fn budget(reserved_usd: f64, resets_at: Timestamp) -> Value {
        json!({
            "scope": "service:".to_owned() + &"x".repeat(9999), "limit_usd": 1.0, "window": BudgetWindow::Month,
            "resets_at": resets_at, "spent_usd": 0.9, "reserved_usd": reserved_usd, "threshold_percent": 80,
            "state": "exceeded", "at_limit": AtLimit::Reject, "counted": "this replica, this life",
        })
    }

    #[test]
    fn when_to_come_back_is_as_the_replica_says_or_when_its_budgets_window_ends() {
        let now = Timestamp::now();
        let [soon, never] = [now + Duration::from_secs(600), Timestamp::MAX];
        for (told, reserved_usd, resets_at, least, most) in [
            (Some(77), 0.05, soon, 77, 77),
            (Some(77), 0.0, soon, 77, 77),
            (Some(0), 0.05, soon, 1, 1),
            (Some(u64::MAX), 0.05, soon, 31 * 86_400, 31 * 86_400),
            // One whose clock is behind.
            (Some(77), 0.05, now - Duration::from_secs(600), 77, 77),
            // One that does not say it.
            (None, 0.05, soon, 1, 1),
            (None, 0.0, soon, 500, 601),
            (None, 0.0, never, 31 * 86_400, 31 * 86_400),
        ] {
            let (retry_after, budget) = passed_back(told, &budget(reserved_usd, resets_at));
            assert!((least..=most).contains(&retry_after), "{retry_after} of {told:?}, {resets_at}");
            assert_eq!(budget.unwrap().scope.chars().count(), SCOPE_CHARS);
        }
    }

    #[test]
    fn a_budget_that_cannot_be_is_not_passed_back() {
        for (field, value) in [("limit_usd", json!(0)), ("scope", json!(" ")), ("threshold_percent", json!(101))] {
            let mut budget = budget(0.0, Timestamp::now());
            budget[field] = value;
            assert_eq!(passed_back(Some(77), &budget), (77, None), "{field}");
            assert_eq!(passed_back(None, &budget), (1, None), "{field}");
        }
    }
}

//! Handing a request on to the replica that it concerns, and passing its answer back.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use jiff::Timestamp;
use langdeck_shared::{FailureKind, NAME_CHARS, PeerFailure, Problem, Usd};

use super::App;
use super::error::{ApiError, Kind};
use super::query::Scope;
use super::webhook_alert::cut;
use crate::fleet::{Found, HANDED_ON_BY, Member, Named, Question, Reply, faulty};
use crate::metrics::HandedOn;

/// How long a replica may take to answer a request that was handed on to it.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// The longest detail of another replica's problem that is passed back, in characters.
const DETAIL_CHARS: usize = 1000;
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
    let error = match problem.budget {
        // How much it would have needed is not told; where nothing is set aside, no end of another makes room.
        Some(budget) => {
            let is_spent = budget.reserved_usd == Usd::ZERO;
            error.of_budget(budget, is_spent, Timestamp::now())
        }
        None => error,
    };
    Some(match problem.investigation_id.filter(|id| id.len() <= NAME_CHARS) {
        Some(id) => error.about(id),
        None => error,
    })
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

//! What each endpoint answers when it does not do what it was asked: the cases, by the types that handlers name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use langdeck_shared::{AtLimit, Budget, BudgetState, BudgetWindow, BurnRate, Counted, Usd};
use utoipa::IntoResponses;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type};

use crate::api::error::{ApiError, Kind};
use crate::cost::Spent;

/// A kind of problem, when it is the answer, and the detail of an example.
type Case = (Kind, &'static str, &'static str);
type Responses = BTreeMap<String, RefOr<Response>>;

const INVESTIGATION: &str = "inv_07ci28lesb_1";
const REQUEST: &str = "req_07ci28lesb_13";

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $($group:ident +)* [$($case:expr),* $(,)?];)+) => {$(
        $(#[$doc])*
        pub(in crate::api) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                responses(&[$(&$group[..],)* &[$($case),*][..]].concat())
            }
        }
    )+};
}

const NOT_JSON: Case = (Kind::NotJson, "the body is not JSON", "EOF while parsing an object at line 1 column 1");
const UNSUPPORTED: Case = (
    Kind::UnsupportedMediaType,
    "the body's media type is not JSON in UTF-8, or it is compressed",
    "the content-type header says \"text/plain\"; what is taken here is application/json in UTF-8",
);
const CROWDED: Case = (
    Kind::Crowded,
    "all connections are taken",
    "as many connections are open as this replica takes; try again in a moment",
);
const DRAINING: Case = (
    Kind::Draining,
    "the replica is about to stop",
    "this replica takes no more work; another one of the service will",
);
const KEY_REUSED: &str = "this idempotency key came with another alert before; use a new key for a new alert";

/// Why an alert is not accepted.
const ALERT: [Case; 10] = [
    NOT_JSON,
    (
        Kind::InvalidIdempotencyKey,
        "the idempotency key is invalid",
        "the idempotency-key header holds 1 to 255 visible ASCII characters",
    ),
    (
        Kind::Timeout,
        "the body was not complete within 30 seconds",
        "the body was not complete after 30 seconds; send it at once",
    ),
    (Kind::TooLarge, "the body has more than 64 KiB", "this body may have at most 65536 bytes"),
    UNSUPPORTED,
    (Kind::InvalidAlert, "a field is missing or invalid", "alert_type: must not be blank"),
    (
        Kind::BudgetExceeded,
        "a budget has no room for the investigation; `budget` says which, and when it resets",
        "the budget `total` of 5 USD per day (UTC) has no room",
    ),
    (
        Kind::Full,
        "all places to run and to wait are taken",
        "256 investigations run and 128 wait, which is all that this replica takes; try again in a moment",
    ),
    DRAINING,
    CROWDED,
];
const WRONG_QUERY: Case = (
    Kind::InvalidQuery,
    "a parameter is invalid, unknown or stands twice",
    "limit: expected a whole number from 1 to 200, found \"0\"",
);
const ROOM: Case = (
    Kind::Crowded,
    "all connections are taken, or too many large answers are on their way",
    "too many large answers are on their way; ask for less, or try again in a moment",
);
/// The replica that has an investigation does not tell.
const OWNER_LOST: [Case; 2] = [
    (
        Kind::PeerFaulty,
        "the replica that has it gave no proper answer",
        "replica agent-1 (life x1a9k2m4qz) gave no proper answer: it answers 500 Internal Server Error",
    ),
    (
        Kind::PeerUnreachable,
        "the replica that has it does not answer",
        "replica agent-1 (life x1a9k2m4qz) does not answer: connection refused; it last did 12s ago",
    ),
];

problems! {
    /// Why an alert is not accepted, whatever the door.
    Refusals = ALERT + [];
    /// Why an alert that is not waited for is not accepted, here or by the replica that it names.
    SubmitRefusals = ALERT + [
        WRONG_QUERY,
        (Kind::Conflict, "the idempotency key came with another alert before", KEY_REUSED),
        (
            Kind::AmbiguousReplica,
            "several replicas that live bear the name",
            "several replicas are called agent-0; say which by its boot id: 07ci28lesb, x1a9k2m4qz",
        ),
        (
            Kind::NoSuchReplica,
            "no replica of the fleet is called so, or its life has ended",
            "no replica is called \"agent-7\"; there are agent-0, agent-1, agent-2",
        ),
        (
            Kind::OwnerGone,
            "the replica was replaced while the alert was on its way",
            "replica agent-1 (life x1a9k2m4qz) is no more: its life has ended",
        ),
        (
            Kind::PeerFaulty,
            "the replica gave no proper answer; the alert may have arrived",
            "replica agent-1 (life x1a9k2m4qz) gave no proper answer: it answers 500 Internal Server Error; the alert may have arrived there all the same, so send it again only with the same Idempotency-Key",
        ),
        (
            Kind::PeerUnreachable,
            "the replica does not answer, and no other one is tried",
            "replica agent-1 (life x1a9k2m4qz) does not answer: connection refused; it last did 12s ago",
        ),
    ];
    /// The key is in use, or whoever waits waits in vain.
    KeyReusedOrCancelled = [(
        Kind::Conflict,
        "the idempotency key came with another alert before, or the investigation was cancelled",
        KEY_REUSED,
    )];
    /// There is no report.
    Failed = [(Kind::InvestigationFailed, "the investigation failed", "the model gave no plan: out of order")];
    /// Why a notification is not taken, or not wholly.
    NotificationRefusals = [
        NOT_JSON,
        (
            Kind::TooLarge,
            "the body has more than 4 MiB, or more than 32768 alerts",
            "this body may have at most 4194304 bytes",
        ),
        UNSUPPORTED,
        (
            Kind::InvalidNotification,
            "this is no notification; an alert of it that cannot be understood is refused by itself, with a 200",
            "missing field `alerts` at line 1 column 2",
        ),
        (
            Kind::Full,
            "some of the alerts found no room; those that were taken stay, send all again and they are joined",
            "no room for 2 of 4 alerts: all places to run and to wait are taken; send all again, those already taken are joined",
        ),
        (
            Kind::Draining,
            "the replica is about to stop",
            "no room for 1 of 2 alerts: this replica takes no more work; send all again, those already taken are joined",
        ),
        (
            Kind::Late,
            "the body was not complete within 30 seconds",
            "the body was not complete after 30 seconds; send it at once",
        ),
        (
            Kind::Crowded,
            "all connections are taken, eight large notifications are at work, or too many large answers are on their way",
            "8 large notifications are at work, which is all that this replica takes; send it again in a moment",
        ),
    ];
    /// There is no such investigation.
    NoSuchInvestigation = [
        (
            Kind::NotFound,
            "it is unknown, or no longer remembered",
            "no investigation inv_07ci28lesb_9 is remembered here; it may be too old",
        ),
        (
            Kind::OwnerGone,
            "the replica that had it has ended, or no replica is known that has it",
            "no replica has the life 07ci28lesb; it has ended, and its memory with it",
        ),
    ];
    /// The replica that has it does not tell, or there is no room for the request or for its answer.
    LookLost = OWNER_LOST + [ROOM];
    /// The replica that has it does not tell, or there is no room for the request.
    CancelLost = OWNER_LOST + [CROWDED];
    /// It cannot be cancelled any more.
    HasEnded = [(Kind::Conflict, "it has already ended", "it has already ended: succeeded")];
    /// A parameter is wrong.
    InvalidQuery = [WRONG_QUERY];
    /// There is no room for the request or for its answer.
    NoRoom = [ROOM];
    /// It should get no traffic.
    NotReady = [(Kind::Draining, "the replica is about to stop", "the replica was asked to stop"), CROWDED];
    /// What no endpoint is meant to answer.
    Broken = [(
        Kind::Internal,
        "something went wrong inside the agent",
        "the agent's log says more, under this request's id",
    )];
}

/// The responses of these cases, one for each status.
fn responses(cases: &[Case]) -> Responses {
    let mut by_status = BTreeMap::<u16, Vec<&Case>>::new();
    for case in cases {
        by_status.entry(case.0.status().as_u16()).or_default().push(case);
    }
    by_status.into_iter().map(|(status, cases)| (status.to_string(), response(&cases).into())).collect()
}

fn response(cases: &[&Case]) -> Response {
    let description = cases.iter().map(|(_, when, _)| *when).collect::<Vec<_>>().join("; or ");
    let examples = cases.iter().map(|&&(kind, _, detail)| (kind.name(), example(kind, detail)));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples);
    let response = ResponseBuilder::new().description(capitalized(&description));
    let response = response.content("application/problem+json", content.build());
    if cases.iter().all(|(kind, ..)| kind.is_for_later()) {
        return response.header("Retry-After", seconds()).build();
    }
    response.build()
}

fn example(kind: Kind, detail: &str) -> ExampleBuilder {
    let error = match (kind, detail.split_once(": ")) {
        (Kind::InvalidAlert | Kind::InvalidQuery, Some((field, reason))) => ApiError::field(kind, field, reason),
        (Kind::Conflict | Kind::InvestigationFailed | Kind::OwnerGone, _) => {
            ApiError::new(kind, detail).about(INVESTIGATION.to_owned())
        }
        (Kind::BudgetExceeded, _) => ApiError::spent(&spent(), Timestamp::UNIX_EPOCH),
        _ => ApiError::new(kind, detail),
    };
    // A struct of strings and numbers is always JSON.
    ExampleBuilder::new().value(serde_json::to_value(error.problem(REQUEST)).ok())
}

/// A budget that has no room.
fn spent() -> Spent {
    let budget = Budget {
        scope: "total".to_owned(),
        limit_usd: Usd::from_nanos(5_000_000_000),
        window: BudgetWindow::Day,
        resets_at: Timestamp::constant(1_795_392_000, 0),
        spent_usd: Usd::from_nanos(4_999_842_000),
        reserved_usd: Usd::ZERO,
        threshold_percent: 80,
        state: BudgetState::Exceeded,
        at_limit: AtLimit::Reject,
        rejections: 1,
        burn: BurnRate::default(),
        exhausted_at: None,
        counted: Counted::ThisReplicaThisLife,
        replicas: 1,
    };
    Spent { budget, needed: Usd::from_nanos(314_000) }
}

fn seconds() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    HeaderBuilder::new().schema(Some(schema)).description(Some("Seconds until it is worth another try")).build()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

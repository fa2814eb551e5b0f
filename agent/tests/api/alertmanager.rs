//! Alertmanager's webhook: what becomes of each alert, and what it means to be told again.

use std::io::ErrorKind;
use std::net::TcpListener;

use langdeck_agent::Config;
use langdeck_shared::{AlertOutcome, Investigation, Outcome, Status, WebhookAnswer};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{Server, config, eventually, problem};

const DOOR: &str = "/v1/alerts/alertmanager";
const DOCUMENTED: &str = include_str!("../contract/alertmanager.webhook.json");

/// A firing alert of a service.
fn firing(service: &str) -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": "HighCPU", "service": service },
        "annotations": {},
        "startsAt": "2026-01-15T10:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": service,
    })
}

fn resolved(service: &str, ends_at: &str) -> Value {
    with(firing(service), &json!({ "status": "resolved", "endsAt": ends_at }))
}

/// The value with other fields in place of its own.
fn with(mut value: Value, fields: &Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(fields);
    value
}

fn notification(alerts: &[Value]) -> Value {
    json!({ "version": "4", "status": "firing", "receiver": "langdeck", "alerts": alerts })
}

async fn outcomes(response: Response) -> Vec<AlertOutcome> {
    assert_eq!(response.status(), StatusCode::OK);
    response.json::<WebhookAnswer>().await.unwrap().alerts
}

impl Server {
    async fn notify(&self, alerts: &[Value]) -> Vec<AlertOutcome> {
        outcomes(self.post(DOOR, &notification(alerts)).await).await
    }

    async fn send(&self, body: impl Into<reqwest::Body>) -> Response {
        self.request("POST", DOOR).header("content-type", "application/json").body(body).send().await.unwrap()
    }
}

/// What became of an alert that led somewhere.
fn led(outcome: &AlertOutcome) -> (Outcome, &str) {
    (outcome.outcome, outcome.investigation_id.as_deref().unwrap())
}

#[tokio::test]
async fn the_documented_notification_is_investigated_once_and_its_end_is_noted() {
    let server = Server::start().await;
    let first = outcomes(server.send(DOCUMENTED).await).await;
    let (accepted, id) = led(&first[0]);
    assert_eq!((accepted, first[1].outcome, &first[1].investigation_id), (Outcome::Accepted, Outcome::Resolved, &None));
    let ended = server.ended(id).await;
    assert_eq!(ended.status, Status::Succeeded);
    assert_eq!(ended.alert.alert_type, "high_latency");
    assert_eq!(ended.alert.original_alert_type.as_deref(), Some("HighLatency"));
    assert_eq!((ended.alert.service.as_str(), ended.alert.severity.as_deref()), ("checkout-api", Some("critical")));
    assert_eq!(ended.alert.description.as_deref(), Some("p95 above 200ms for 5m"));
    assert_eq!(ended.alert.labels["alertname"], "HighLatency");
    assert_eq!(ended.alert.timestamp, "2026-01-15T10:30:00Z".parse().unwrap());

    let before = server.replica(None).await.totals;
    let again = outcomes(server.send(DOCUMENTED).await).await;
    assert_eq!(led(&again[0]), (Outcome::Joined, id));
    assert_eq!(server.replica(None).await.totals, before);
    assert_eq!(before.requests, 1);
}

#[tokio::test]
async fn outcomes_stand_in_the_order_of_the_alerts_and_bad_ones_go_alone() {
    let server = Server::start().await;
    let nameless = with(firing("a"), &json!({ "labels": { "service": "a" } }));
    let deceiving = with(firing("b"), &json!({ "labels": { "alertname": "A\u{1b}[31m" } }));
    let alerts = [
        (firing("first"), Outcome::Accepted, ""),
        (json!(17), Outcome::Refused, "a JSON object is expected"),
        (json!(["firing", {}]), Outcome::Refused, "a JSON object is expected"),
        (nameless, Outcome::Refused, "label alertname: is missing"),
        (deceiving, Outcome::Refused, "label alertname: must not contain control characters, found U+001B"),
        (firing("a\u{202e}b"), Outcome::Refused, "label service: must not contain bidirectional"),
        (with(firing("c"), &json!({ "status": "pending" })), Outcome::Refused, "unknown variant `pending`"),
        (with(firing("c"), &json!({ "status": "x".repeat(9000) })), Outcome::Refused, "unknown variant `xxx"),
        (with(firing("d"), &json!({ "startsAt": "noon" })), Outcome::Refused, "startsAt: "),
        (
            with(firing("e"), &json!({ "labels": { "alertname": 5 } })),
            Outcome::Refused,
            "labels.alertname: invalid type",
        ),
        (json!({ "status": "firing", "labels": { "alertname": "A" } }), Outcome::Refused, "missing field `startsAt`"),
        (firing("first"), Outcome::Joined, ""),
        (resolved("first", "2026-01-15T10:40:00Z"), Outcome::Resolved, ""),
        (firing("last"), Outcome::Accepted, ""),
    ];
    let sent: Vec<_> = alerts.iter().map(|(alert, ..)| alert.clone()).collect();
    let outcomes = server.notify(&sent).await;
    assert_eq!(outcomes.len(), alerts.len());
    for (actual, (alert, outcome, reason)) in outcomes.iter().zip(&alerts) {
        assert_eq!(actual.outcome, *outcome, "{alert}");
        assert_eq!(actual.reason.is_some(), actual.outcome == Outcome::Refused, "{alert}");
        let said = actual.reason.as_deref().unwrap_or_default();
        assert!(said.contains(reason) && said.chars().count() <= 300, "{alert}: {said}");
        assert_eq!(actual.investigation_id.is_some(), actual.outcome != Outcome::Refused, "{alert}");
    }
    assert_eq!(server.replica(None).await.totals.requests, 2);
}

#[tokio::test]
async fn a_lone_surrogate_costs_only_its_own_alert() {
    let server = Server::start().await;
    let body = notification(&[firing("torn"), firing("whole")]).to_string();
    let body = body.replacen(r#""service":"torn""#, r#""service":"\ud800""#, 1);
    let outcomes = outcomes(server.send(body).await).await;
    assert_eq!((outcomes[0].outcome, outcomes[1].outcome), (Outcome::Refused, Outcome::Accepted));
}

#[tokio::test]
async fn what_is_no_notification_is_refused_as_a_whole() {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let server = Server::start().await;
    let quoted = format!(r#"{{"alerts":"{}"}}"#, "x".repeat(9000));
    for (body, status, kind) in [
        ("", BAD, "not-json"),
        ("alerts", BAD, "not-json"),
        (r#"{"alerts":[{]}"#, BAD, "not-json"),
        (r#"{"alerts":[]} x"#, BAD, "not-json"),
        ("[]", INVALID, "invalid-notification"),
        (r#"[[], 0]"#, INVALID, "invalid-notification"),
        ("{}", INVALID, "invalid-notification"),
        (r#"{"alerts":{}}"#, INVALID, "invalid-notification"),
        (r#"{"alerts":null}"#, INVALID, "invalid-notification"),
        (r#"{"alerts":[],"alerts":[]}"#, INVALID, "invalid-notification"),
        (&quoted, INVALID, "invalid-notification"),
    ] {
        let response = server.send(body.to_owned()).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(response.status(), status, "{shown}");
        let problem = problem(response).await;
        assert_eq!(problem.kind, format!("urn:langdeck:problem:{kind}"), "{shown}");
        let names_the_field = !body.starts_with(r#"{"alerts":"#) || status == BAD || problem.detail.contains("alerts");
        assert!(names_the_field && problem.detail.chars().count() <= 300, "{shown}: {}", problem.detail);
    }
    let response = server.send(b"{\"alerts\":[],\"x\":\"\xff\"}".as_slice()).await;
    assert_eq!(response.status(), BAD);
    let response = server.request("POST", DOOR).body(DOCUMENTED).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(server.notify(&[]).await, []);
    assert_eq!(server.replica(None).await.totals.requests, 0);
}

/// The first line of the answer to a body that the agent need not read to its end before it answers.
async fn first_line(server: &Server, body: String) -> String {
    let mut stream = TcpStream::connect(server.agent.local_addr()).await.unwrap();
    let (answer, mut request) = stream.split();
    let length = body.len();
    let head = format!(
        "POST {DOOR} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    let send = async {
        request.write_all(head.as_bytes()).await.unwrap();
        // It breaks off once the answer is there.
        let _ = request.write_all(body.as_bytes()).await;
    };
    let read = async {
        let mut line = String::new();
        BufReader::new(answer).read_line(&mut line).await.unwrap();
        line
    };
    tokio::join!(send, read).1
}

#[tokio::test]
async fn a_notification_may_have_4_mib_and_no_more() {
    let server = Server::start().await;
    let padded = |length: usize| {
        let body = notification(&[firing("api")]).to_string();
        let padding = " ".repeat(length - body.len());
        body + &padding
    };
    let largest = 4 * 1024 * 1024;
    assert_eq!(outcomes(server.send(padded(largest)).await).await[0].outcome, Outcome::Accepted);
    assert_eq!(first_line(&server, padded(largest + 1)).await, "HTTP/1.1 413 Payload Too Large\r\n");
    let crowd = format!(r#"{{"alerts":[{}0]}}"#, "0,".repeat(32_768));
    let response = server.send(crowd).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(problem(response).await.detail.contains("32769 alerts"));
}

#[tokio::test]
async fn grafanas_notification_is_taken_and_what_it_says_besides_is_ignored() {
    let server = Server::start().await;
    let alert = with(
        firing("api"),
        &json!({
            "values": { "B": 22.5 }, "valueString": "[ var='B' labels={} value=22.5 ]", "orgId": 1,
            "silenceURL": "http://grafana.example/silence", "dashboardURL": "", "panelURL": "", "imageURL": "",
        }),
    );
    let notification = with(
        notification(&[alert]),
        &json!({ "version": "1", "orgId": 1, "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**" }),
    );
    let outcomes = outcomes(server.post(DOOR, &notification).await).await;
    assert_eq!(outcomes[0].outcome, Outcome::Accepted);
}

#[tokio::test]
async fn the_same_instant_in_another_zone_is_the_same_episode_and_another_instant_is_not() {
    let server = Server::start().await;
    let at = |starts_at: &str| [with(firing("api"), &json!({ "startsAt": starts_at }))];
    assert_eq!(server.notify(&at("2026-01-15T10:30:00Z")).await[0].outcome, Outcome::Accepted);
    assert_eq!(server.notify(&at("2026-01-15T12:30:00.000+02:00")).await[0].outcome, Outcome::Joined);
    assert_eq!(server.notify(&at("2026-01-15T10:30:00.001Z")).await[0].outcome, Outcome::Accepted);
}

#[tokio::test]
async fn without_fingerprints_alerts_are_told_apart_by_their_labels() {
    let server = Server::start().await;
    let bare = |service: &str, fingerprint: Value| with(firing(service), &json!({ "fingerprint": fingerprint }));
    let alerts = [bare("a", json!("")), bare("b", Value::Null), bare("a", Value::Null), bare("b", json!(""))];
    let outcomes = server.notify(&alerts).await;
    assert_eq!(led(&outcomes[0]).0, Outcome::Accepted);
    assert_eq!(led(&outcomes[1]).0, Outcome::Accepted);
    assert_eq!(led(&outcomes[2]), (Outcome::Joined, led(&outcomes[0]).1));
    assert_eq!(led(&outcomes[3]), (Outcome::Joined, led(&outcomes[1]).1));
}

/// The one investigation that the feed told of since the cursor.
async fn told(server: &Server, cursor: &str) -> Investigation {
    let update = server.replica(Some(cursor)).await;
    assert!(!update.reset);
    let [investigation] = update.investigations.try_into().unwrap();
    investigation
}

#[tokio::test]
async fn the_end_of_an_episode_is_noted_while_its_investigation_runs() {
    let (server, gate) = Server::gated(config()).await;
    let id = server.notify(&[firing("api")]).await[0].investigation_id.clone().unwrap();
    gate.entered().await;
    let cursor = server.replica(None).await.cursor;
    let end = "2026-01-15T10:40:00Z";
    assert_eq!(led(&server.notify(&[resolved("api", end)]).await[0]), (Outcome::Resolved, id.as_str()));
    let live = told(&server, &cursor).await;
    assert_eq!((live.status, live.resolved_at), (Status::Running, Some(end.parse().unwrap())));
    gate.open(1);
    assert_eq!(server.ended(&id).await.resolved_at, Some(end.parse().unwrap()));
}

#[tokio::test]
async fn the_end_of_an_episode_is_noted_and_told_after_its_investigation_ended_too() {
    let server = Server::start().await;
    let id = server.notify(&[firing("api")]).await[0].investigation_id.clone().unwrap();
    let ended = server.ended(&id).await;
    assert_eq!((ended.status, ended.resolved_at), (Status::Succeeded, None));
    let before = server.replica(None).await;
    let end = "2026-01-15T10:40:00Z";
    assert_eq!(led(&server.notify(&[resolved("api", end)]).await[0]), (Outcome::Resolved, id.as_str()));
    let noted = told(&server, &before.cursor).await;
    assert_eq!((noted.status, noted.resolved_at), (Status::Succeeded, Some(end.parse().unwrap())));

    // The other one of a pair says the same, which is no news.
    let noted = server.replica(Some(&before.cursor)).await;
    server.notify(&[resolved("api", end)]).await;
    assert_eq!(server.replica(Some(&noted.cursor)).await.investigations, []);
    // An alert that went quiet for a moment fires on.
    assert_eq!(led(&server.notify(&[firing("api")]).await[0]), (Outcome::Joined, id.as_str()));
    assert_eq!(told(&server, &noted.cursor).await.resolved_at, None);
    assert_eq!(server.replica(None).await.totals, before.totals);
}

#[tokio::test]
async fn an_end_that_makes_no_sense_is_the_moment_at_which_it_is_told() {
    let server = Server::start().await;
    let id = server.notify(&[firing("api")]).await[0].investigation_id.clone().unwrap();
    let before = jiff::Timestamp::now();
    server.notify(&[resolved("api", "0001-01-01T00:00:00Z")]).await;
    let noted = server.investigation(&id).await.resolved_at.unwrap();
    assert!(noted.as_millisecond() >= before.as_millisecond() && noted <= jiff::Timestamp::now(), "{noted}");
}

#[tokio::test]
async fn a_full_agent_takes_what_it_can_and_joins_that_when_all_is_sent_again() {
    let (server, gate) = Server::gated(Config { max_running: 1, max_queued: 1, ..config() }).await;
    let alerts = ["a", "b", "c", "d"].map(firing);
    let response = server.post(DOOR, &notification(&alerts)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let full = problem(response).await;
    assert_eq!(full.kind, "urn:langdeck:problem:full");
    assert!(full.detail.contains("no room for 2 of 4 alerts"), "{}", full.detail);
    assert_eq!(server.replica(None).await.totals.requests, 2);

    // What is known needs no room.
    let known = server.notify(&alerts[..2]).await;
    assert!(known.iter().all(|alert| alert.outcome == Outcome::Joined), "{known:?}");
    gate.open(4);
    for alert in &known {
        server.ended(alert.investigation_id.as_deref().unwrap()).await;
    }
    let again: Vec<_> = server.notify(&alerts).await.iter().map(|alert| alert.outcome).collect();
    assert_eq!(again, [Outcome::Joined, Outcome::Joined, Outcome::Accepted, Outcome::Accepted]);
    assert_eq!(server.replica(None).await.totals.requests, 4);
}

#[tokio::test]
async fn an_agent_about_to_stop_takes_nothing_new_and_knows_what_it_has() {
    let (server, gate) = Server::gated(config()).await;
    server.notify(&[firing("early")]).await;
    gate.entered().await;
    let ready = server.request("GET", "/readyz");
    let [both, known] = [vec![firing("early"), firing("late")], vec![firing("early")]]
        .map(|alerts| server.request("POST", DOOR).json(&notification(&alerts)));
    let shutdown = tokio::spawn(server.agent.shutdown());
    eventually("readyz says no", async || {
        let response = ready.try_clone().unwrap().send().await.unwrap();
        (response.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    let response = both.send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    let draining = problem(response).await;
    assert_eq!(draining.kind, "urn:langdeck:problem:draining");
    assert!(draining.detail.contains("no room for 1 of 2 alerts"), "{}", draining.detail);
    assert_eq!(outcomes(known.send().await.unwrap()).await[0].outcome, Outcome::Joined);
    gate.open(1);
    shutdown.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn told_by_many_at_once_an_episode_is_investigated_once() {
    let server = Server::start().await;
    let alerts: Vec<_> = (0..20).map(|n| firing(&n.to_string())).collect();
    let notification = notification(&alerts);
    let deliveries = (0..8).map(|_| async { outcomes(server.post(DOOR, &notification).await).await });
    let deliveries = futures_util::future::join_all(deliveries).await;
    for n in 0..alerts.len() {
        let led: Vec<_> = deliveries.iter().map(|delivery| led(&delivery[n])).collect();
        assert_eq!(led.iter().filter(|(outcome, _)| *outcome == Outcome::Accepted).count(), 1, "{led:?}");
        assert!(led.iter().all(|(_, id)| *id == led[0].1), "{led:?}");
    }
    assert_eq!(server.replica(None).await.totals.requests, 20);
}

#[tokio::test]
async fn the_label_that_names_the_service_can_be_chosen() {
    let server = Server::with(Config { service_labels: vec!["app".to_owned()], ..config() }).await;
    let labels = |labels: Value| with(firing("api"), &json!({ "labels": labels }));
    let mut chosen = labels(json!({ "alertname": "A", "app": "shop", "service": "api" }));
    chosen["fingerprint"] = json!("chosen");
    let alerts = [chosen, labels(json!({ "alertname": "A", "service": "api" }))];
    let mut services = Vec::new();
    for outcome in server.notify(&alerts).await {
        services.push(server.investigation(led(&outcome).1).await.alert.service.clone());
    }
    assert_eq!(services, ["shop", "unknown"]);
}

#[tokio::test]
async fn an_alert_with_too_many_labels_is_investigated_and_says_what_is_missing() {
    let server = Server::start().await;
    let mut alert = firing("api");
    for n in 0..100 {
        alert["labels"][format!("label_{n:03}")] = json!("value");
    }
    let outcomes = server.notify(&[alert]).await;
    let (accepted, id) = led(&outcomes[0]);
    assert_eq!((accepted, outcomes[0].trimmed.as_deref()), (Outcome::Accepted, Some("38 labels left out")));
    let alert = server.investigation(id).await.alert;
    assert_eq!((alert.labels.len(), alert.service.as_str()), (64, "api"));
    assert!(alert.description.as_ref().unwrap().contains("38 labels left out"));
}

#[tokio::test]
async fn an_episode_outlives_the_record_of_its_investigation() {
    let server = Server::with(Config { history: 1, ..config() }).await;
    let id = server.notify(&[firing("api")]).await[0].investigation_id.clone().unwrap();
    server.ended(&id).await;
    server.investigate("high_cpu", "another").await;
    assert_eq!(server.get(&format!("/v1/investigations/{id}")).await.status(), StatusCode::NOT_FOUND);
    let before = server.replica(None).await.totals;
    assert_eq!(led(&server.notify(&[firing("api")]).await[0]), (Outcome::Joined, id.as_str()));
    let outcome = &server.notify(&[resolved("api", "2026-01-15T10:40:00Z")]).await[0];
    assert_eq!(led(outcome), (Outcome::Resolved, id.as_str()));
    assert_eq!(server.replica(None).await.totals, before);
}

#[tokio::test]
async fn another_version_is_read_alike_and_no_address_in_it_is_called() {
    let server = Server::start().await;
    let generator = TcpListener::bind("127.0.0.1:0").unwrap();
    generator.set_nonblocking(true).unwrap();
    let url = format!("http://{}/graph", generator.local_addr().unwrap());
    let mut notification: Value = serde_json::from_str(DOCUMENTED).unwrap();
    (notification["version"], notification["externalURL"]) = (json!("5"), json!(url));
    notification["alerts"][0]["generatorURL"] = json!(url);
    let accepted = outcomes(server.post(DOOR, &notification).await).await;
    server.ended(led(&accepted[0]).1).await;
    assert_eq!(generator.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

//! Alertmanager's notifications in a fleet: one owner for each episode, and the next one where it is lost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use langdeck_agent::Config;
use langdeck_shared::{AlertOutcome, FleetUpdate, Outcome, WebhookAnswer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ACTOR, Actor, Part, fleet_with_actor, knows, ready_fleet};
use crate::support::{Server, config, eventually, problem_from};

const DOOR: &str = "/v1/alerts/alertmanager";

fn firing(service: &str) -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": "HighCPU", "service": service },
        "startsAt": "2026-01-15T10:30:00Z",
        "fingerprint": service,
    })
}

fn resolved(service: &str) -> Value {
    let mut alert = firing(service);
    alert["status"] = json!("resolved");
    alert["endsAt"] = json!("2026-01-15T10:40:00Z");
    alert
}

fn services(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix} {number}")).collect()
}

fn all_firing(services: &[String]) -> Vec<Value> {
    services.iter().map(|service| firing(service)).collect()
}

async fn notify(server: &Server, alerts: &[Value]) -> Vec<AlertOutcome> {
    let response = server.post(DOOR, &json!({ "version": "4", "alerts": alerts })).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer: WebhookAnswer = response.json().await.unwrap();
    assert_eq!((answer.replica.as_str(), answer.alerts.len()), (server.agent.replica(), alerts.len()));
    answer.alerts
}

fn id(outcome: &AlertOutcome) -> &str {
    outcome.investigation_id.as_deref().unwrap()
}

async fn requests(servers: &[Server]) -> Vec<u64> {
    let mut counts = Vec::new();
    for server in servers {
        counts.push(server.replica(None).await.totals.requests);
    }
    counts
}

#[tokio::test]
async fn an_episode_told_to_all_replicas_at_once_is_investigated_once() {
    let servers = ready_fleet(3, config()).await;
    let services = services("service", 40);
    let alerts = all_firing(&services);
    let (a, b, c) =
        tokio::join!(notify(&servers[0], &alerts), notify(&servers[1], &alerts), notify(&servers[2], &alerts));
    for ((first, second), third) in a.iter().zip(&b).zip(&c) {
        assert_eq!((id(first), id(second)), (id(second), id(third)));
        let new = [first, second, third].iter().filter(|outcome| outcome.outcome == Outcome::Accepted).count();
        assert_eq!(new, 1);
    }
    let counts = requests(&servers).await;
    assert_eq!(counts.iter().sum::<u64>(), 40);
    assert!(counts.iter().all(|count| *count > 0), "each has its part: {counts:?}");
    // The answer stands in the order of the notification.
    for (service, outcome) in services.iter().zip(&a) {
        assert_eq!(servers[0].investigation(id(outcome)).await.alert.service, *service);
    }

    let ends: Vec<_> = services.iter().map(|service| resolved(service)).collect();
    for (outcome, before) in notify(&servers[1], &ends).await.iter().zip(&a) {
        assert_eq!((outcome.outcome, id(outcome)), (Outcome::Resolved, id(before)));
        assert!(servers[2].investigation(id(outcome)).await.resolved_at.is_some());
    }
    assert_eq!(requests(&servers).await, counts);
}

#[tokio::test]
async fn bad_alerts_go_alone_and_in_their_places() {
    let servers = ready_fleet(3, config()).await;
    let mut alerts = all_firing(&services("service", 12));
    let nameless = json!({ "status": "firing", "labels": {}, "startsAt": "2026-01-15T10:30:00Z" });
    alerts.insert(3, json!(17));
    alerts.insert(7, nameless);
    alerts.push(firing("service 0"));
    alerts.push(resolved("nobody knows"));
    let outcomes = notify(&servers[0], &alerts).await;
    let refused: Vec<_> = (0..15).filter(|&index| outcomes[index].outcome == Outcome::Refused).collect();
    assert_eq!(refused, [3, 7]);
    assert!(outcomes[3].reason.as_deref().unwrap().contains("a JSON object"));
    assert!(outcomes[7].reason.as_deref().unwrap().contains("label alertname: is missing"));
    assert_eq!((outcomes[14].outcome, id(&outcomes[14])), (Outcome::Joined, id(&outcomes[0])));
    assert_eq!((outcomes[15].outcome, &outcomes[15].investigation_id), (Outcome::Resolved, &None));
}

#[tokio::test]
async fn when_an_owner_is_lost_the_next_takes_its_episodes_and_no_others_move() {
    let mut servers = ready_fleet(3, config()).await;
    let services = services("service", 30);
    let before = notify(&servers[0], &all_firing(&services)).await;
    let lost = servers.pop().unwrap();
    let of_lost = |outcome: &AlertOutcome| id(outcome).contains(lost.agent.boot_id());
    assert!(before.iter().any(of_lost));
    let lost_ones: Vec<_> = before.iter().map(of_lost).collect();
    lost.agent.shutdown().await;

    // It may still be counted as ready when the notification comes: then handing on to it fails.
    let after = notify(&servers[1], &all_firing(&services)).await;
    for ((before, after), was_lost) in before.iter().zip(&after).zip(lost_ones) {
        let expected = if was_lost { Outcome::Accepted } else { Outcome::Joined };
        assert_eq!((after.outcome, id(after) == id(before)), (expected, !was_lost));
    }
    let again = notify(&servers[0], &all_firing(&services)).await;
    assert!(again.iter().zip(&after).all(|(again, after)| id(again) == id(after)), "both agree on the next");
}

#[tokio::test]
async fn who_knows_an_episode_keeps_it_whosever_it_has_become() {
    let servers = ready_fleet(2, config()).await;
    let alerts = all_firing(&services("service", 30));
    // As if it had been alone when they began to fire.
    let request = servers[0].request("POST", DOOR).json(&json!({ "alerts": alerts }));
    let response = request.header("x-agent-handed-on-by", "agent-1").send().await.unwrap();
    let before = response.json::<WebhookAnswer>().await.unwrap().alerts;
    let after = notify(&servers[0], &alerts).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((after.outcome, id(after)), (Outcome::Joined, id(before)));
    }
    // The other one joins those that are still the first one's, and investigates anew those that have become its own.
    let there = notify(&servers[1], &alerts).await;
    let joined = there.iter().filter(|outcome| outcome.outcome == Outcome::Joined).count();
    assert!((1..30).contains(&joined), "{joined}");
    assert_eq!(requests(&servers).await, [30, 30 - joined as u64]);
}

#[tokio::test]
async fn an_owner_without_room_is_waited_for_by_alertmanager() {
    let full = Config { max_running: 1, max_queued: 0, sim_delay: 1000.0, ..config() };
    let servers = ready_fleet(2, full).await;
    for server in &servers {
        server.submit("high_cpu", "busy").await;
    }
    let response = servers[0].post(DOOR, &json!({ "alerts": all_firing(&services("service", 9)) })).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    let problem = problem_from("agent-0", response).await;
    assert_eq!(problem.kind, "urn:langdeck:problem:full");
    assert!(problem.detail.starts_with("no room for 9 of 9 alerts: "), "{}", problem.detail);
    assert_eq!(requests(&servers).await, [1, 1]);
}

/// The services of the alerts that an actor was told of.
fn told(actor: &Actor) -> Vec<Vec<String>> {
    let notifications = actor.heard().into_iter().filter(|request| request.starts_with("POST "));
    let services = notifications.map(|request| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let alerts = body["alerts"].as_array().unwrap().iter();
        alerts.map(|alert| alert["labels"]["service"].as_str().unwrap().to_owned()).collect()
    });
    services.collect()
}

#[tokio::test]
async fn an_owner_that_fails_in_whatever_way_is_passed_over_in_time() {
    let good = json!({ "replica": "actor", "alerts": [] }).to_string();
    for (number, part) in [
        Part::HangUp,
        Part::Silence,
        Part::Answer(200, "garbage".to_owned()),
        Part::Answer(200, good),
        Part::Answer(500, "{}".to_owned()),
        Part::Endless(vec![b' '; 65_536]),
    ]
    .into_iter()
    .enumerate()
    {
        let (servers, actor) = fleet_with_actor(2, part.clone()).await;
        let services = services(&format!("round {number}"), 20);
        let began = Instant::now();
        let outcomes = notify(&servers[0], &all_firing(&services)).await;
        assert!(began.elapsed() < Duration::from_secs(9), "{part:.40?}: {:?}", began.elapsed());
        assert!(outcomes.iter().all(|outcome| outcome.outcome == Outcome::Accepted), "{part:.40?}");
        assert_eq!(requests(&servers).await.iter().sum::<u64>(), 20);
        let told = told(&actor);
        assert_eq!(told.len(), 1, "all of its alerts in one request: {told:?}");
        let told: BTreeSet<_> = told[0].iter().collect();
        assert!((1..20).contains(&told.len()) && told.iter().all(|service| services.contains(service)));
        // What it would not take went to the next in the order, which is either of the two.
        for (service, outcome) in services.iter().zip(&outcomes) {
            assert_eq!(servers[1].investigation(id(outcome)).await.alert.service, *service);
        }
    }
}

#[tokio::test]
async fn one_that_did_not_answer_last_is_passed_over_at_once() {
    let (servers, actor) = fleet_with_actor(1, Part::Answer(200, "garbage".to_owned())).await;
    notify(&servers[0], &all_firing(&services("first", 20))).await;
    assert_eq!(told(&actor).len(), 1);
    actor.fall_silent();
    eventually("that it does not answer is noticed", async || {
        let update: FleetUpdate = servers[0].read("/v1/fleet").await;
        update.replicas.iter().any(|replica| replica.replica == ACTOR.0 && replica.failure.is_some()).then_some(())
    })
    .await;
    notify(&servers[0], &all_firing(&services("second", 20))).await;
    assert_eq!((told(&actor).len(), requests(&servers).await), (1, vec![40]));
}

#[tokio::test]
async fn what_was_handed_on_is_taken_where_it_comes_to() {
    let (servers, actor) = fleet_with_actor(1, Part::Silence).await;
    let request = servers[0].request("POST", DOOR).json(&json!({ "alerts": all_firing(&services("service", 20)) }));
    let response = request.header("x-agent-handed-on-by", ACTOR.0).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((requests(&servers).await, told(&actor).len()), (vec![20], 0));
}

#[tokio::test]
async fn a_replica_that_drains_gets_no_new_episodes() {
    let slow = Config { drain_delay: Duration::from_secs(60), grace: Duration::ZERO, ..config() };
    let mut servers = ready_fleet(2, slow).await;
    let draining = servers.pop().unwrap();
    let (boot_id, url) = (draining.agent.boot_id().to_owned(), draining.url("/v1/replica"));
    let stopping = tokio::spawn(draining.agent.shutdown());
    eventually("it drains", async || {
        let state: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        (state["status"] == "draining").then_some(())
    })
    .await;
    knows(&servers[0], 1).await;
    let outcomes = notify(&servers[0], &all_firing(&services("service", 20))).await;
    assert!(outcomes.iter().all(|outcome| !id(outcome).contains(&boot_id)));
    stopping.abort();
}

#[tokio::test]
async fn what_is_asked_of_peers_and_handed_on_is_counted() {
    let (servers, actor) = fleet_with_actor(1, Part::HangUp).await;
    notify(&servers[0], &all_firing(&services("service", 20))).await;
    actor.play(Part::Answer(404, json!({}).to_string()));
    servers[0].get("/v1/investigations/inv_actorlife0_1").await;
    let text = servers[0].get("/metrics").await.text().await.unwrap();
    for line in [
        r#"agent_handed_on_total{outcome="failed",request="notification"} 1"#,
        r#"agent_handed_on_total{outcome="failed",request="look"} 1"#,
        r#"agent_handed_on_total{outcome="answered",request="submit"} 0"#,
        r#"agent_peer_requests_total{outcome="lost"} 1"#,
        r#"agent_peer_requests_total{outcome="faulty"} 1"#,
        r#"agent_peer_requests_total{outcome="timed_out"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

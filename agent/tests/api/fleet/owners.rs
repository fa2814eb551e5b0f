//! `GET /v1/investigations/{id}` and its cancelling, of an investigation that another replica has.

use langdeck_agent::Config;
use langdeck_shared::{Accepted, Status};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ACTOR, Part, fleet_with_actor, ready_fleet};
use crate::support::{Server, config, eventually, problem_from};

/// An investigation of the actor's.
const THEIRS: &str = "inv_actorlife0_7";

async fn kind(replica: &str, server: &Server, path: &str) -> (StatusCode, String, String) {
    let response = server.get(path).await;
    let status = response.status();
    let problem = problem_from(replica, response).await;
    (status, problem.kind.rsplit(':').next().unwrap().to_owned(), problem.detail)
}

#[tokio::test]
async fn any_replica_answers_for_any_investigation() {
    let servers = ready_fleet(3, config()).await;
    let id = servers[2].submit("high_latency", "checkout-api").await;
    let own = servers[2].ended(&id).await;
    assert!(own.report.is_some() && own.steps[0].input.is_some());
    for server in &servers {
        assert_eq!(server.investigation(&id).await, own);
    }
    // A number that nobody has; the life in the id may begin with a 1 too.
    let late = format!("{id}99");
    let (status, kind, detail) = kind("agent-0", &servers[0], &format!("/v1/investigations/{late}")).await;
    assert_eq!((status, kind.as_str()), (StatusCode::NOT_FOUND, "not-found"));
    assert!(detail.contains(&late), "{detail}");
}

#[tokio::test]
async fn any_replica_cancels_any_investigation() {
    let servers = ready_fleet(2, Config { sim_delay: 1000.0, ..config() }).await;
    let id = servers[1].submit("high_latency", "checkout-api").await;
    let cancel = format!("/v1/investigations/{id}/cancel");
    let response = servers[0].post(&cancel, &json!({})).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let accepted: Accepted = response.json().await.unwrap();
    assert_eq!((accepted.investigation_id.as_str(), &*accepted.replica), (id.as_str(), "agent-1"));
    assert_eq!(servers[0].ended(&id).await.status, Status::Cancelled);

    let again = problem_from("agent-0", servers[0].post(&cancel, &json!({})).await).await;
    assert_eq!((again.status, again.detail.as_str()), (409, "it has already ended: cancelled"));
    assert_eq!(again.investigation_id, Some(id));
}

#[tokio::test]
async fn a_life_that_has_just_begun_is_found_at_once() {
    let (servers, actor) = fleet_with_actor(1, Part::Answer(404, "{}".to_owned())).await;
    actor.begin_life("actorlife1");
    let (_, kind, detail) = kind("agent-0", &servers[0], "/v1/investigations/inv_actorlife1_1").await;
    assert_eq!(kind, "peer-faulty", "it was asked: {detail}");
    assert!(actor.heard()[0].starts_with("GET /v1/investigations/inv_actorlife1_1 "));
}

#[tokio::test]
async fn what_is_handed_on_is_not_handed_on_again() {
    let servers = ready_fleet(2, config()).await;
    let id = servers[1].submit("high_cpu", "api").await;
    let request = servers[0].request("GET", &format!("/v1/investigations/{id}"));
    let problem =
        problem_from("agent-0", request.header("x-agent-handed-on-by", "agent-9").send().await.unwrap()).await;
    assert_eq!((problem.status, problem.kind.as_str()), (404, "urn:langdeck:problem:not-found"));
}

#[tokio::test]
async fn an_owner_that_is_gone_is_said_to_be_gone() {
    let mut servers = ready_fleet(2, config()).await;
    let old = servers.pop().unwrap();
    let id = old.submit("high_cpu", "api").await;
    let (address, path) = (old.agent.local_addr(), format!("/v1/investigations/{id}"));
    assert_eq!(servers[0].ended(&id).await.status, Status::Succeeded);
    old.agent.shutdown().await;
    let (status, name, detail) = eventually("the loss is noticed", async || {
        let answer = kind("agent-0", &servers[0], &path).await;
        answer.2.contains("connection refused").then_some(answer)
    })
    .await;
    assert_eq!((status, name.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "peer-unreachable"));
    assert!(detail.starts_with("replica agent-1 (life ") && detail.contains("it last did "), "{detail}");
    assert_eq!(servers[0].get(&path).await.headers()["retry-after"], "1");

    let again = Config { listen: address, replica_name: "agent-1".to_owned(), ..config() };
    let _again = Server::with(again).await;
    let (status, detail) = eventually("the new life is noticed", async || {
        let (status, name, detail) = kind("agent-0", &servers[0], &path).await;
        (name == "owner-gone").then_some((status, detail))
    })
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(detail.contains("agent-1") && detail.contains("its memory with it"), "{detail}");

    let (status, name, detail) = kind("agent-0", &servers[0], "/v1/investigations/inv_nobody0000_1").await;
    assert_eq!((status, name.as_str()), (StatusCode::NOT_FOUND, "owner-gone"));
    assert!(detail.contains("nobody0000"), "{detail}");
}

#[tokio::test]
async fn a_peer_that_answers_badly_is_named_with_what_is_wrong() {
    let (servers, actor) = fleet_with_actor(1, Part::HangUp).await;
    let id = servers[0].submit("high_cpu", "api").await;
    let good = serde_json::to_value(servers[0].ended(&id).await).unwrap();
    let of = |change: Value| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Part::Answer(200, body.to_string())
    };
    let problem = json!({
        "type": "urn:langdeck:problem:internal", "title": "", "status": 500, "detail": "it broke", "request_id": "r"
    });
    let faulty = "peer-faulty";
    for (part, problem, says) in [
        (Part::HangUp, "peer-unreachable", ""),
        (Part::Silence, "peer-unreachable", "no answer within"),
        (Part::Answer(200, "garbage".to_owned()), faulty, "expected value"),
        (Part::Endless(vec![b' '; 65_536]), faulty, "longer than"),
        (Part::Answer(200, good.to_string()), faulty, "it answers about inv_"),
        (of(json!({ "investigation_id": THEIRS, "confidence": 7.0 })), faulty, "confidence"),
        (Part::Answer(500, problem.to_string()), faulty, "500: it broke"),
        (Part::Answer(404, "nothing".to_owned()), faulty, "404"),
        (Part::Answer(302, "{}".to_owned()), faulty, "302"),
    ] {
        actor.play(part.clone());
        let path = format!("/v1/investigations/{THEIRS}");
        let (status, name, detail) = kind("agent-0", &servers[0], &path).await;
        let expected = if problem == faulty { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!((status, name.as_str()), (expected, problem), "{part:.40?}: {detail}");
        assert!(detail.contains(ACTOR.0) && detail.contains(says), "{part:.40?}: {detail}");
    }
    actor.play(of(json!({ "investigation_id": THEIRS })));
    assert_eq!(servers[0].investigation(THEIRS).await.investigation_id, THEIRS);
    assert!(actor.heard()[0].to_lowercase().contains("x-agent-handed-on-by: agent-0\r\n"));
}

#[tokio::test]
async fn a_cancellation_that_may_have_arrived_says_so() {
    let (servers, actor) = fleet_with_actor(1, Part::HangUp).await;
    let path = format!("/v1/investigations/{THEIRS}/cancel");
    for part in [
        Part::HangUp,
        Part::Answer(
            202,
            json!({ "investigation_id": "inv_actorlife0_8", "replica": "actor", "status": "running" }).to_string(),
        ),
    ] {
        actor.play(part);
        let problem = problem_from("agent-0", servers[0].post(&path, &json!({})).await).await;
        assert!(problem.detail.contains("may have been cancelled all the same"), "{problem:?}");
    }
}

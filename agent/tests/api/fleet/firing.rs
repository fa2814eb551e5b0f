//! `POST /v1/investigations?replica=…`: an alert for one replica, through any of them.

use std::time::Duration;

use jiff::Timestamp;
use langdeck_agent::{Agent, BudgetWindow, Config, Usd};
use langdeck_shared::{Accepted, Status};
use reqwest::{Response, StatusCode};
use serde_json::json;

use super::{ACTOR, Part, fleet, fleet_with_actor, knows, ready_fleet};
use crate::costs::policy;
use crate::support::{Server, alert, config, eventually, problem_from};

async fn fire(server: &Server, replica: &str, service: &str, key: Option<&str>) -> Response {
    let request = server.request("POST", "/v1/investigations").query(&[("replica", replica)]);
    let request = request.json(&alert("high_cpu", service));
    let request = if let Some(key) = key { request.header("idempotency-key", key) } else { request };
    request.send().await.unwrap()
}

async fn accepted(response: Response) -> Accepted {
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let accepted: Accepted = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/investigations/{}", accepted.investigation_id));
    accepted
}

#[tokio::test]
async fn an_alert_goes_to_the_replica_that_it_names() {
    let servers = ready_fleet(3, config()).await;
    for server in &servers {
        for (number, to) in servers.iter().enumerate() {
            for name in [to.agent.replica(), to.agent.boot_id()] {
                let accepted = accepted(fire(server, name, "api", None).await).await;
                assert_eq!(*accepted.replica, *format!("agent-{number}"));
                assert_eq!(server.ended(&accepted.investigation_id).await.status, Status::Succeeded);
            }
        }
    }
    for server in &servers {
        assert_eq!(server.replica(None).await.totals.requests, 6);
    }
    // Without a name the one that is asked takes it.
    let id = servers[1].submit("high_cpu", "api").await;
    assert!(id.contains(servers[1].agent.boot_id()));
}

#[tokio::test]
async fn a_key_leads_to_the_same_investigation_through_any_replica() {
    let servers = ready_fleet(3, config()).await;
    let first = accepted(fire(&servers[0], "agent-1", "api", Some("k")).await).await;
    for server in &servers {
        let again = accepted(fire(server, "agent-1", "api", Some("k")).await).await;
        assert_eq!(again.investigation_id, first.investigation_id);
        let other = problem_from(server.agent.replica(), fire(server, "agent-1", "other", Some("k")).await).await;
        assert_eq!((other.status, other.kind.as_str()), (409, "urn:langdeck:problem:conflict"));
        assert_eq!(other.investigation_id.as_ref(), Some(&first.investigation_id));
    }
    assert_eq!(servers[1].replica(None).await.totals.requests, 1);
}

#[tokio::test]
async fn each_replica_has_a_cache_of_its_own_and_what_is_handed_on_says_that_it_comes_from_there() {
    let cache_ttl = Some(Duration::from_secs(3600));
    let servers = ready_fleet(2, Config { cache_ttl, ..config() }).await;
    for (replica, name) in ["agent-0", "agent-1"].into_iter().enumerate() {
        let first = accepted(fire(&servers[0], name, "api", None).await).await;
        assert!(!first.cached && !first.joined, "{name}");
        servers[replica].ended(&first.investigation_id).await;
        let again = accepted(fire(&servers[0], name, "api", None).await).await;
        assert_eq!((&again.investigation_id, again.cached), (&first.investigation_id, true), "{name}");
        assert!(again.cached_age_ms.is_some());
    }
}

#[tokio::test]
async fn a_spent_budget_is_told_through_any_replica() {
    // For one investigation like this in a month, on each replica.
    let budget_usd = Some(Usd::from_nanos(248_000));
    let servers = ready_fleet(2, Config { budget_usd, budget_window: BudgetWindow::Month, ..config() }).await;
    let first = accepted(fire(&servers[0], "agent-1", "api", None).await).await;
    servers[1].ended(&first.investigation_id).await;
    let refused = fire(&servers[0], "agent-1", "api", None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let retry_after: i64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let budget = problem_from("agent-0", refused).await.budget.unwrap();
    assert_eq!((budget.scope.as_str(), budget.spent_usd), ("total", budget.limit_usd));
    let until_reset = budget.resets_at.duration_since(Timestamp::now()).as_secs();
    assert!((until_reset..=until_reset + 60).contains(&retry_after), "{retry_after} of {until_reset}");
    accepted(fire(&servers[1], "agent-0", "api", None).await).await;
}

#[tokio::test]
async fn when_to_come_back_is_told_as_by_the_replica_itself() {
    let text = "[[price]]\nmodel = \"no-such-price\"\nfrom = 2025-01-01\ninput = 1\ncached_input = 1\noutput = 1\nsource = \"t\"";
    let file = policy(text);
    // Three tokens a call, and for 18 of them is set aside: once two are made, what is left is not enough for another
    // investigation, whatever of it is only set aside.
    let config = Config {
        policy: Some(file.path().into()),
        budget_usd: Some(Usd::from_nanos(19 * 3000)),
        budget_window: BudgetWindow::Month,
        ..config()
    };
    let (owner, gate) = Server::gated(config).await;
    let front = Config { peers: vec![owner.agent.url().parse().unwrap()], ..crate::support::config() };
    let front = Server::with(front).await;
    knows(&front, 2).await;
    let first = owner.submit("high_cpu", "a").await;
    gate.entered().await;
    let mut waits = Vec::new();
    for server in [&owner, &front] {
        let refused = fire(server, owner.agent.boot_id(), "b", None).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        waits.push(refused.headers()["retry-after"].to_str().unwrap().parse::<i64>().unwrap());
        let problem = problem_from(server.agent.replica(), refused).await;
        assert!(problem.detail.contains("has no room for the 0.000054 USD"), "{}", problem.detail);
        let budget = problem.budget.unwrap();
        assert!(budget.reserved_usd > Usd::ZERO);
        waits.push(budget.resets_at.duration_since(Timestamp::now()).as_secs());
    }
    let (longest, shortest) = (waits.iter().max().unwrap(), waits.iter().min().unwrap());
    assert!(longest - shortest <= 60, "{waits:?}");
    assert_eq!(
        owner.post(&format!("/v1/investigations/{first}/cancel"), &json!({})).await.status(),
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn a_name_that_nobody_bears_is_refused_with_those_that_there_are() {
    let servers = ready_fleet(2, config()).await;
    let problem = problem_from("agent-0", fire(&servers[0], "agent-7", "api", None).await).await;
    assert_eq!((problem.status, problem.kind.as_str()), (404, "urn:langdeck:problem:no-such-replica"));
    assert_eq!(problem.detail, "no replica is called \"agent-7\"; there are agent-0, agent-1");
    let alone = Server::start().await;
    let problem = problem_from("test-replica", fire(&alone, "agent-7", "api", None).await).await;
    assert_eq!(problem.detail, "no replica is called \"agent-7\"; there are test-replica");
    accepted(fire(&alone, "test-replica", "api", None).await).await;
    let wrong = alone.request("POST", "/v1/investigations?replicas=x").json(&alert("high_cpu", "api"));
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn of_two_with_one_name_the_life_says_which() {
    let servers = fleet(1, &[]).await;
    let twin = Agent::start(Config { replica_name: "agent-0".to_owned(), ..config() }).await.unwrap();
    let front =
        Config { peers: vec![servers[0].agent.url().parse().unwrap(), twin.url().parse().unwrap()], ..config() };
    let front = Server::with(front).await;
    knows(&front, 3).await;
    let problem = problem_from("test-replica", fire(&front, "agent-0", "api", None).await).await;
    assert_eq!((problem.status, problem.kind.as_str()), (409, "urn:langdeck:problem:ambiguous-replica"));
    assert!(problem.detail.contains(twin.boot_id()) && problem.detail.contains(servers[0].agent.boot_id()));
    let accepted = accepted(fire(&front, twin.boot_id(), "api", None).await).await;
    assert!(accepted.investigation_id.contains(twin.boot_id()));
}

#[tokio::test]
async fn one_that_does_not_answer_is_no_reason_to_try_another() {
    let mut servers = ready_fleet(3, config()).await;
    servers.pop().unwrap().agent.shutdown().await;
    let problem = eventually("its loss is noticed", async || {
        let problem = problem_from("agent-0", fire(&servers[0], "agent-2", "api", None).await).await;
        problem.detail.contains("connection refused").then_some(problem)
    })
    .await;
    assert_eq!((problem.status, problem.kind.as_str()), (503, "urn:langdeck:problem:peer-unreachable"));
    assert!(!problem.detail.contains("may have arrived"), "{}", problem.detail);
    for server in &servers {
        assert_eq!(server.replica(None).await.totals.requests, 0);
    }
}

#[tokio::test]
async fn what_may_have_arrived_says_so() {
    let (servers, actor) = fleet_with_actor(1, Part::HangUp).await;
    let body = |id: &str| json!({ "investigation_id": id, "replica": "actor", "status": "queued" }).to_string();
    for (part, status, kind) in [
        (Part::HangUp, 503, "peer-unreachable"),
        (Part::Silence, 503, "peer-unreachable"),
        (Part::Answer(202, "garbage".to_owned()), 502, "peer-faulty"),
        (Part::Answer(202, body("inv_other_1")), 502, "peer-faulty"),
        (Part::Endless(vec![b' '; 4096]), 502, "peer-faulty"),
        (Part::Answer(500, "{}".to_owned()), 502, "peer-faulty"),
    ] {
        actor.play(part.clone());
        let problem = problem_from("agent-0", fire(&servers[0], ACTOR.0, "api", Some("k")).await).await;
        assert_eq!((problem.status, problem.kind.rsplit(':').next().unwrap()), (status, kind), "{part:.40?}");
        assert!(problem.detail.contains("may have arrived"), "{part:.40?}: {}", problem.detail);
    }
    assert_eq!(servers[0].replica(None).await.totals.requests, 0);
    actor.play(Part::Answer(202, body("inv_actorlife0_3")));
    assert_eq!(accepted(fire(&servers[0], ACTOR.0, "api", Some("k")).await).await.investigation_id, "inv_actorlife0_3");
    let heard = actor.heard();
    let last = heard.last().unwrap();
    assert!(last.starts_with("POST /v1/investigations?replica=actorlife0 HTTP/1.1\r\n"), "{last}");
    assert!(last.contains("idempotency-key: k\r\n") && last.contains("x-agent-handed-on-by: agent-0\r\n"), "{last}");
    assert!(last.ends_with(r#"{"alert_type":"high_cpu","service":"api"}"#), "{last}");
}

#[tokio::test]
async fn an_alert_for_another_life_is_not_taken() {
    let servers = ready_fleet(2, config()).await;
    let request = servers[0].request("POST", "/v1/investigations?replica=another").json(&alert("high_cpu", "api"));
    let response = request.header("x-agent-handed-on-by", "agent-1").send().await.unwrap();
    let problem = problem_from("agent-0", response).await;
    assert_eq!((problem.status, problem.kind.as_str()), (404, "urn:langdeck:problem:no-such-replica"));
}

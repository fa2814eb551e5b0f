//! Cancelling investigations, by request and by the end of the replica.

use std::time::Duration;

use langdeck_agent::Config;
use langdeck_shared::{Accepted, Status, StepStatus};
use reqwest::StatusCode;
use tokio::net::TcpListener;

use crate::support::{Server, alert, config, eventually, problem};

#[tokio::test]
async fn a_running_investigation_is_cancelled_once() {
    let (server, gate) = Server::gated(config()).await;
    let id = server.submit("high_cpu", "api").await;
    gate.entered().await;
    let path = format!("/v1/investigations/{id}/cancel");
    let response = server.request("POST", &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.json::<Accepted>().await.unwrap().investigation_id, id);

    let ended = server.ended(&id).await;
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.steps[1].status, StepStatus::Cancelled);
    assert!(ended.ended_at.is_some() && ended.error.is_some());

    let response = server.request("POST", &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let problem = problem(response).await;
    assert!(problem.detail.contains("cancelled"), "{}", problem.detail);
    assert_eq!(problem.investigation_id, Some(id));
    let update = server.replica(None).await;
    assert_eq!((update.running, update.totals.cancelled, update.totals.ended()), (0, 1, 1));
}

#[tokio::test]
async fn who_waits_for_a_cancelled_investigation_is_told() {
    let (server, gate) = Server::gated(config()).await;
    let body = alert("high_cpu", "api");
    let cancel = async {
        gate.entered().await;
        let id = server.replica(None).await.investigations.remove(0).investigation_id;
        server.request("POST", &format!("/v1/investigations/{id}/cancel")).send().await.unwrap();
        id
    };
    let (response, id) = tokio::join!(server.post("/investigate", &body), cancel);
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(problem(response).await.investigation_id, Some(id));
}

#[tokio::test]
async fn a_waiting_investigation_is_cancelled_at_once() {
    let (server, gate) = Server::gated(Config { max_running: 1, ..config() }).await;
    server.submit("high_cpu", "a").await;
    gate.entered().await;
    let id = server.submit("high_cpu", "b").await;
    let response = server.request("POST", &format!("/v1/investigations/{id}/cancel")).send().await.unwrap();
    assert_eq!(response.json::<Accepted>().await.unwrap().status, Status::Cancelled);
    let cancelled = server.investigation(&id).await;
    assert_eq!((cancelled.status, cancelled.elapsed_ms, cancelled.started_at), (Status::Cancelled, 0, None));
    assert_eq!(server.replica(None).await.queued, 0);
}

#[tokio::test]
async fn what_is_unknown_cannot_be_cancelled() {
    let server = Server::start().await;
    let known = format!("inv_{}_7", server.agent.boot_id());
    for id in [known.as_str(), "inv_x_1", "1"] {
        let response = server.request("POST", &format!("/v1/investigations/{id}/cancel")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
        problem(response).await;
    }
}

#[tokio::test]
async fn a_draining_replica_still_takes_work_for_its_delay() {
    let server = Server::with(Config { drain_delay: Duration::from_secs(3600), ..config() }).await;
    let ready = server.request("GET", "/readyz");
    let work = server.request("POST", "/investigate").json(&alert("high_cpu", "api"));
    let shutdown = tokio::spawn(server.agent.shutdown());
    eventually("readyz says no", async || {
        let response = ready.try_clone().unwrap().send().await.unwrap();
        (response.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    assert_eq!(work.send().await.unwrap().status(), StatusCode::OK);
    shutdown.abort();
}

#[tokio::test]
async fn a_draining_replica_takes_no_work_after_its_delay_and_ends_what_it_has() {
    let (server, gate) = Server::gated(Config { drain_delay: Duration::from_millis(100), ..config() }).await;
    let (ready, waiting, health) =
        (server.request("GET", "/readyz"), server.request("POST", "/investigate"), server.request("GET", "/health"));
    let late = server.request("POST", "/investigate").json(&alert("high_cpu", "late"));
    let waiting = tokio::spawn(waiting.json(&alert("high_cpu", "early")).send());
    gate.entered().await;

    let shutdown = tokio::spawn(server.agent.shutdown());
    let response = eventually("readyz says no", async || {
        let response = ready.try_clone().unwrap().send().await.unwrap();
        (response.status() != StatusCode::OK).then_some(response)
    })
    .await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(response).await.kind, "urn:langdeck:problem:draining");
    let health: serde_json::Value = health.send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["readiness"]), (&"healthy".into(), &"draining".into()));

    let refused = eventually("work is refused", async || {
        let attempt = late.try_clone().unwrap().timeout(Duration::from_millis(50)).send().await;
        // What is still taken waits at the gate, and its client gives up.
        attempt.ok()
    })
    .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(refused).await.kind, "urn:langdeck:problem:draining");

    gate.open(1000);
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    shutdown.await.unwrap();
}

#[tokio::test]
async fn after_the_grace_who_waits_is_told_and_the_port_is_free() {
    let (server, gate) = Server::gated(Config { grace: Duration::from_millis(50), ..config() }).await;
    let address = server.agent.local_addr();
    let waiting = tokio::spawn(server.request("POST", "/investigate").json(&alert("high_cpu", "api")).send());
    gate.entered().await;
    server.agent.shutdown().await;
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem = problem(response).await;
    assert_eq!(problem.kind, "urn:langdeck:problem:draining");
    assert!(problem.investigation_id.is_some());
    TcpListener::bind(address).await.unwrap();
}

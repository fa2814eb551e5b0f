//! `GET /v1/fleet`: every replica through any of them, at little cost, and truthful about those that do not answer.

use std::time::{Duration, Instant};

use langdeck_agent::{Agent, Config};
use langdeck_shared::{FailureKind, FleetUpdate, ReplicaStatus, ReplicaUpdate};
use reqwest::StatusCode;
use tokio::net::TcpListener;

use super::{bad_peer, fleet};
use crate::support::{Server, config, eventually};

async fn ask(server: &Server, since: Option<&str>) -> FleetUpdate {
    server.read(&since.map_or("/v1/fleet".to_owned(), |cursor| format!("/v1/fleet?since={cursor}"))).await
}

fn entry<'a>(update: &'a FleetUpdate, name: &str) -> Option<&'a ReplicaUpdate> {
    update.replicas.iter().find(|replica| replica.replica == name)
}

#[tokio::test]
async fn every_replica_is_seen_through_any_of_them() {
    let servers = fleet(3, &[]).await;
    servers[2].investigate("high_latency", "checkout-api").await;
    for server in &servers {
        let update = ask(server, None).await;
        assert!(update.reset && !update.more && update.problems.is_none(), "{update:?}");
        let mut names: Vec<_> = update.replicas.iter().map(|replica| replica.replica.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["agent-0", "agent-1", "agent-2"]);
        assert!(update.replicas.iter().all(|replica| replica.reset && replica.status == ReplicaStatus::Ready));
        let third = entry(&update, "agent-2").unwrap();
        assert_eq!((third.totals.succeeded, third.investigations.len(), third.memory.patterns.len()), (1, 1, 1));
        assert_eq!(third.samples.iter().map(|sample| sample.tokens).sum::<u64>(), 157);
    }
}

#[tokio::test]
async fn only_what_changed_is_told_again() {
    let servers = fleet(3, &[]).await;
    let first = ask(&servers[0], None).await;
    let quiet = ask(&servers[0], Some(&first.cursor)).await;
    assert_eq!((quiet.reset, quiet.replicas.len()), (false, 0));

    servers[1].investigate("high_cpu", "payment-api").await;
    let moved = eventually("the answer tells of the investigation", async || {
        let update = ask(&servers[0], Some(&quiet.cursor)).await;
        (!update.replicas.is_empty()).then_some(update)
    })
    .await;
    let names: Vec<_> = moved.replicas.iter().map(|replica| replica.replica.as_str()).collect();
    assert_eq!(names, ["agent-1"]);
    assert!(!moved.replicas[0].reset);
    assert_eq!(moved.replicas[0].investigations.len(), 1);
}

#[tokio::test]
async fn a_replica_without_peers_is_a_fleet_of_one() {
    let server = Server::start().await;
    let update = ask(&server, None).await;
    assert_eq!((update.replicas.len(), update.replicas[0].boot_id == update.boot_id), (1, true));
}

#[tokio::test]
async fn nobody_watching_means_no_peer_traffic() {
    let servers = fleet(2, &[]).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let watched = fleet(1, &[url]).await;
    // Whatever else is asked for, no peer hears of it.
    for path in ["/v1/replica", "/health", "/readyz", "/metrics", "/v1/costs", "/v1/memory", "/v1/investigations"] {
        assert_eq!(watched[0].get(path).await.status(), StatusCode::OK);
    }
    watched[0].investigate("high_cpu", "api").await;
    let heard = tokio::select! {
        biased;
        _ = silent.accept() => true,
        () = tokio::task::yield_now() => false,
    };
    assert!(!heard, "a peer was asked");
    let (_, heard) = tokio::join!(ask(&watched[0], None), silent.accept());
    assert!(heard.is_ok(), "somebody watches now");
    drop(servers);
}

#[tokio::test]
async fn a_replica_that_went_is_told_of_with_what_it_said_last() {
    let mut servers = fleet(2, &[]).await;
    servers[1].investigate("high_latency", "checkout-api").await;
    let first = ask(&servers[0], None).await;
    assert_eq!(entry(&first, "agent-1").unwrap().status, ReplicaStatus::Ready);
    servers.pop().unwrap().agent.shutdown().await;
    let lost = eventually("its loss is told", async || {
        let update = ask(&servers[0], Some(&first.cursor)).await;
        entry(&update, "agent-1").filter(|replica| replica.failure.is_some()).cloned()
    })
    .await;
    assert_eq!(lost.status, ReplicaStatus::Unreachable);
    assert_eq!(lost.failure.unwrap().kind, FailureKind::Refused);
    assert_eq!(lost.totals.succeeded, 1);
}

#[tokio::test]
async fn a_new_life_at_the_same_address_ends_the_old_one() {
    let mut servers = fleet(2, &[]).await;
    let first = ask(&servers[0], None).await;
    let old = entry(&first, "agent-1").unwrap().boot_id.clone();
    let agent = servers.pop().unwrap().agent;
    let address = agent.local_addr();
    agent.shutdown().await;
    let again = Config { listen: address, replica_name: "agent-1".to_owned(), ..config() };
    let _again = Agent::start(again).await.unwrap();
    let lives = eventually("both lives are told of", async || {
        let update = ask(&servers[0], None).await;
        let lives: Vec<_> = update.replicas.iter().filter(|replica| replica.replica == "agent-1").cloned().collect();
        (lives.len() == 2 && lives.iter().any(|life| life.status == ReplicaStatus::Ready)).then_some(lives)
    })
    .await;
    let ended = lives.iter().find(|life| life.boot_id == old).unwrap();
    assert_eq!((ended.status, ended.failure.as_ref().unwrap().kind), (ReplicaStatus::Gone, FailureKind::Ended));
}

#[tokio::test]
async fn peers_that_answer_badly_are_told_of_and_hold_nobody_up() {
    let garbage = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\ngarbage";
    let endless =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"cursor\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    let others = [bad_peer(garbage, false).await, bad_peer(b"", false).await, bad_peer(endless, true).await];
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let servers = fleet(2, &[&others[..], &[format!("http://{nobody}")]].concat()).await;
    let problems = eventually("all four are told of", async || {
        let update = ask(&servers[0], None).await;
        assert_eq!(update.replicas.len(), 2, "the good ones answer all the while");
        update.problems.filter(|problems| problems.len() == 4)
    })
    .await;
    let kind = |url: &str| problems.iter().find(|problem| problem.peer == url).map(|problem| problem.failure.kind);
    assert_eq!(kind(&others[0]), Some(FailureKind::Faulty));
    assert_eq!(kind(&others[1]), Some(FailureKind::TimedOut));
    assert!(matches!(kind(&others[2]), Some(FailureKind::Faulty | FailureKind::TimedOut)), "{problems:?}");
    assert_eq!(kind(&format!("http://{nobody}")), Some(FailureKind::Refused));

    // The one that hangs has been waited for: nobody waits for it any more.
    let began = Instant::now();
    for _ in 0..10 {
        ask(&servers[0], None).await;
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

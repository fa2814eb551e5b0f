//! The feed of `GET /v1/replica`: what moved since a cursor.

use langdeck_agent::Config;
use langdeck_shared::{ReplicaStatus, ReplicaUpdate, Status, Usd};

use crate::support::{REPLICA, Server, config};

fn services(update: &ReplicaUpdate) -> Vec<&str> {
    update.investigations.iter().map(|investigation| investigation.alert.service.as_str()).collect()
}

#[tokio::test]
async fn a_console_that_opens_gets_everything_at_once() {
    let server = Server::start().await;
    for service in ["a", "b"] {
        server.investigate("high_latency", service).await;
    }
    let update = server.replica(None).await;
    assert!(update.reset && !update.more);
    assert_eq!((update.missed, update.replica.as_str(), update.status), (0, REPLICA, ReplicaStatus::Ready));
    assert_eq!(update.boot_id, server.agent.boot_id());
    assert_eq!((update.model.as_str(), update.tool_mode.to_string().as_str()), ("simulated-gpt-4", "sequential"));
    assert_eq!((update.totals.requests, update.totals.succeeded, update.totals.tools_executed), (2, 2, 6));
    assert_eq!(update.totals.spend.cost_usd, Usd::from_nanos(628_000));
    assert_eq!(services(&update), ["a", "b"]);
    assert_eq!(update.investigations[0].status, Status::Succeeded);
    assert_eq!(update.latency.unwrap().count, 2);
    assert_eq!((update.samples[0].second, update.memory.services), (0, 2));
    let sum = |of: fn(&langdeck_shared::Sample) -> u64| update.samples.iter().map(of).sum::<u64>();
    assert_eq!((sum(|sample| sample.requests), sum(|sample| sample.tokens), sum(|sample| sample.errors)), (2, 314, 0));
    assert_eq!(sum(|sample| sample.cost_usd.nanos()), 628_000);
}

#[tokio::test]
async fn with_a_cursor_only_what_moved_comes() {
    let server = Server::start().await;
    server.investigate("high_cpu", "a").await;
    let first = server.replica(None).await;
    let idle = server.replica(Some(&first.cursor)).await;
    assert!(!idle.reset && idle.investigations.is_empty() && idle.memory.patterns.is_empty());
    assert_eq!((idle.missed, idle.totals.requests, idle.memory.services), (0, 1, 1));
    // The second under way comes again, and none before it.
    assert_eq!(idle.samples[0].second, first.samples.last().unwrap().second);

    server.investigate("high_cpu", "b").await;
    server.investigate("high_cpu", "c").await;
    let moved = server.replica(Some(&idle.cursor)).await;
    assert_eq!(services(&moved), ["b", "c"]);
    assert_eq!(moved.memory.patterns.iter().map(|pattern| pattern.service.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    assert!(services(&server.replica(Some(&moved.cursor)).await).is_empty());
}

#[tokio::test]
async fn an_investigation_comes_again_when_it_moves() {
    let (server, gate) = Server::gated(config()).await;
    let id = server.submit("high_cpu", "a").await;
    gate.entered().await;
    let running = server.replica(None).await;
    assert_eq!(running.investigations[0].status, Status::Running);
    gate.open(1);
    server.ended(&id).await;
    let ended = server.replica(Some(&running.cursor)).await;
    assert_eq!((ended.investigations.len(), ended.investigations[0].status), (1, Status::Succeeded));
    assert_eq!(ended.investigations[0].investigation_id, id);
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_life_gets_a_snapshot() {
    let (server, other) = (Server::start().await, Server::start().await);
    server.investigate("high_cpu", "a").await;
    let foreign = other.replica(None).await.cursor;
    let ahead = format!("{}.999999.0", server.agent.boot_id());
    let later = format!("{}.0.999999", server.agent.boot_id());
    let odd = format!("{}.+1.0", server.agent.boot_id());
    for cursor in [foreign.as_str(), &ahead, &later, &odd, "", "x", "..", "%00"] {
        let update = server.replica(Some(cursor)).await;
        assert!(update.reset, "{cursor}");
        assert_eq!(services(&update), ["a"], "{cursor}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_announced() {
    let server = Server::with(Config { history: 250, ..config() }).await;
    let start = server.replica(None).await;
    for n in 0..450 {
        server.investigate("high_cpu", &n.to_string()).await;
    }
    // 200 are forgotten, 250 remembered: two pages for a reader from the start, one for a new one.
    let first = server.replica(Some(&start.cursor)).await;
    assert_eq!((first.investigations.len(), first.more, first.missed, first.reset), (200, true, 200, false));
    let second = server.replica(Some(&first.cursor)).await;
    assert_eq!((second.investigations.len(), second.more, second.missed), (50, false, 0));
    let known: Vec<_> = services(&first).into_iter().chain(services(&second)).map(str::to_owned).collect();
    assert_eq!(known, (200..450).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(first.memory.patterns.len() + second.memory.patterns.len(), 450);

    let fresh = server.replica(None).await;
    assert_eq!((fresh.investigations.len(), fresh.more, fresh.missed), (200, false, 50));
    assert_eq!(services(&fresh).last(), Some(&"449"));
}

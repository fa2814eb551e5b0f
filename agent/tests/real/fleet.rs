//! A fleet of real processes behind a real DNS name: replicas come, go, hang and restart, and any of them tells the truth
//! about all.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use langdeck_shared::{FailureKind, FleetUpdate, ReplicaStatus, ReplicaUpdate};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::dns::{Dnsmasq, NAME};
use crate::program::Running;
use crate::support::{client, eventually};

/// Addresses of this machine alone, as pods have each their own: all replicas listen on the same port.
const PODS: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/// A replica in a process of its own.
struct Replica {
    running: Running,
    address: SocketAddr,
    client: Client,
}

impl Replica {
    async fn start(name: &str, address: SocketAddr, peers: &str, dns: SocketAddr) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_langdeck-agent"))
            .args(["--replica-name", name, "--listen", &address.to_string(), "--peers", peers, "--sim-delay", "0"])
            .args(["--dns-server", &dns.to_string(), "--log", "warn"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let replica = Self { running: Running(child), address, client: client() };
        eventually("it listens", async || {
            replica
                .client
                .get(replica.url("/readyz"))
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
                .then_some(())
        })
        .await;
        replica
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.0), signal).unwrap();
    }

    async fn fleet(&self) -> FleetUpdate {
        self.client.get(self.url("/v1/fleet")).send().await.unwrap().json().await.unwrap()
    }

    /// What it tells of the replica of this name that is as wished.
    async fn sees(&self, name: &str, wish: impl Fn(&ReplicaUpdate) -> bool) -> ReplicaUpdate {
        eventually(&format!("what is wished of {name}"), async || {
            self.fleet().await.replicas.into_iter().find(|replica| replica.replica == name && wish(replica))
        })
        .await
    }

    async fn investigate(&self) {
        let alert = serde_json::json!({"alert_type": "high_latency", "service": "checkout-api"});
        let answer = self.client.post(self.url("/investigate")).json(&alert).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// A port that is free at all three addresses; they are started at once.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind((PODS[0], 0)).unwrap().local_addr().unwrap().port();
        if PODS.iter().all(|pod| TcpListener::bind((*pod, port)).is_ok()) {
            return port;
        }
    }
}

#[tokio::test]
async fn replicas_that_come_go_hang_and_restart_are_told_as_what_they_are() {
    let Some(dns) = Dnsmasq::start(&PODS[..2]) else { return };
    let port = free_port();
    let peers = format!("dns://{NAME}:{port}");
    let start = async |pod: usize| {
        let address = format!("{}:{port}", PODS[pod]).parse().unwrap();
        Replica::start(&format!("agent-{pod}"), address, &peers, dns.address).await
    };
    let (first, second, third) = (start(0).await, start(1).await, start(2).await);
    second.investigate().await;

    // Two of them have the name's addresses.
    first.sees("agent-1", |replica| replica.status == ReplicaStatus::Ready && replica.totals.succeeded == 1).await;
    assert_eq!(first.fleet().await.replicas.len(), 2);
    // Whom it does not lead to sees those all the same.
    third.sees("agent-0", |replica| replica.status == ReplicaStatus::Ready).await;

    dns.change(&PODS);
    first.sees("agent-2", |replica| replica.status == ReplicaStatus::Ready).await;

    second.signal(Signal::STOP);
    let hung = first.sees("agent-1", |replica| replica.status == ReplicaStatus::Stale).await;
    assert_eq!(hung.failure.map(|failure| failure.kind), Some(FailureKind::TimedOut));
    assert_eq!(hung.totals.succeeded, 1, "what it said last is told still");
    second.signal(Signal::CONT);
    let back = first.sees("agent-1", |replica| replica.status == ReplicaStatus::Ready).await;

    second.signal(Signal::KILL);
    let killed = first.sees("agent-1", |replica| replica.status == ReplicaStatus::Unreachable).await;
    assert_eq!(killed.failure.map(|failure| failure.kind), Some(FailureKind::Refused));
    drop(second);
    let _second = start(1).await;
    let restarted = first.sees("agent-1", |replica| replica.status == ReplicaStatus::Ready).await;
    assert_ne!(restarted.boot_id, back.boot_id);
    let ended = first.sees("agent-1", |replica| replica.boot_id == back.boot_id).await;
    assert_eq!((ended.status, ended.totals.succeeded), (ReplicaStatus::Gone, 1), "its last words are told still");

    // The name forgets one of them, which answers no less, but is no peer any more.
    dns.change(&PODS[..2]);
    let left = first.sees("agent-2", |replica| replica.failure.is_some()).await;
    assert_eq!(left.failure.map(|failure| failure.kind), Some(FailureKind::Unresolved));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_with_its_age_until_it_does() {
    let Some(dns) = Dnsmasq::start(&[]) else { return };
    let port = free_port();
    let address = format!("{}:{port}", PODS[0]).parse().unwrap();
    let replica = Replica::start("agent-0", address, &format!("dns://{NAME}:{port}"), dns.address).await;
    let problem = eventually("the problem is told", async || replica.fleet().await.problems?.pop()).await;
    assert_eq!((problem.peer.as_str(), problem.failure.kind), (NAME, FailureKind::Unresolved));
    let older = eventually("its age grows", async || {
        replica.fleet().await.problems?.pop().filter(|again| again.age_ms > problem.age_ms)
    })
    .await;
    assert_eq!(older.peer, problem.peer);
    dns.change(&PODS[..1]);
    eventually("the problem goes", async || replica.fleet().await.problems.is_none().then_some(())).await;
}

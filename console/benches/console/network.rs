//! What a console may meet at its addresses: agents that answer, hang or go away, and nobody at all.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};

use langdeck_agent::{Agent, Config};
use tokio::runtime::{Builder, Runtime};

use crate::pty::LANGDECK;

/// Real agents on loopback, which have one thread to themselves.
pub(crate) struct Agents {
    pub(crate) urls: Vec<String>,
    agents: Vec<Agent>,
    runtime: Runtime,
}

impl Agents {
    /// Starts so many as one fleet, called `pod-0` and so on, whose simulated work takes no time.
    pub(crate) fn start(count: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let agents = runtime.block_on(async {
            let mut listeners = Vec::new();
            for _ in 0..count {
                listeners.push(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
            }
            let url = |listener: &tokio::net::TcpListener| format!("http://{}", listener.local_addr().unwrap());
            let peers: Vec<_> = listeners.iter().map(|listener| url(listener).parse().unwrap()).collect();
            let mut agents = Vec::new();
            for (number, listener) in listeners.into_iter().enumerate() {
                let replica_name = format!("pod-{number}");
                let config = Config { replica_name, peers: peers.clone(), sim_delay: 0.0, ..Config::default() };
                agents.push(Agent::start_on(listener, config).await.unwrap());
            }
            agents
        });
        Self { urls: agents.iter().map(Agent::url).collect(), agents, runtime }
    }

    /// Each investigates some alerts, so that there is something to show.
    pub(crate) fn investigate(&self) {
        for url in &self.urls {
            for alert_type in ["high_latency", "high_cpu", "disk_full", "memory_leak"] {
                let fired = Command::new(LANGDECK).args(["fire", alert_type, "checkout-api", "--url", url]).output();
                let fired = fired.unwrap();
                assert!(fired.status.success(), "{}", String::from_utf8_lossy(&fired.stderr));
            }
        }
    }

    /// From now on their addresses take connections and nobody answers, until what this returns is dropped.
    pub(crate) fn hang(&self) -> Sender<()> {
        let (hung, end) = channel();
        let (begin, began) = channel();
        // Their only thread stands still in here.
        self.runtime.spawn(async move {
            begin.send(()).unwrap();
            let _ended = end.recv();
        });
        began.recv().unwrap();
        hung
    }

    /// They go away: connections are reset, and new ones refused.
    pub(crate) fn end(self) {
        drop(self.agents);
        self.runtime.shutdown_background();
    }
}

/// An address where nothing listens: it was free a moment ago.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

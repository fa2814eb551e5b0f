//! An agent to talk to, and patience.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use langdeck_agent::{Agent, Config};
use langdeck_shared::{Investigation, InvestigationPage, ReplicaUpdate, Totals};
use reqwest::Client;
use serde::de::DeserializeOwned;

/// Far longer than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

pub(crate) fn client() -> Client {
    // Only https would use it, but a client is not made without.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running agent and a client for it.
pub(crate) struct Server {
    pub(crate) agent: Agent,
    pub(crate) client: Client,
}

impl Server {
    /// An agent without simulated delay, on a free port.
    pub(crate) async fn start() -> Self {
        Self::with(Config { sim_delay: 0.0, ..Config::default() }, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub(crate) async fn with(config: Config, listen: SocketAddr) -> Self {
        let agent = Agent::start(Config { listen, ..config }).await.unwrap();
        Self { agent, client: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.agent.url() + path
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        response.error_for_status().unwrap().json().await.unwrap()
    }

    pub(crate) async fn totals(&self) -> Totals {
        self.read::<ReplicaUpdate>("/v1/replica").await.totals
    }

    /// Waits until that many investigations have ended; all that there are.
    pub(crate) async fn ended(&self, count: usize) -> Vec<Investigation> {
        eventually("the investigations end", async || {
            let all = self.investigations().await;
            let ended = all.iter().filter(|investigation| investigation.status.has_ended()).count();
            (ended >= count).then_some(all)
        })
        .await
    }

    pub(crate) async fn investigations(&self) -> Vec<Investigation> {
        self.read::<InvestigationPage>("/v1/investigations").await.investigations
    }
}

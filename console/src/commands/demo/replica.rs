//! The agents of the demo: a true fleet, in which each has all for peers.

use std::net::Ipv4Addr;

use langdeck_agent::{Agent, Config};
use langdeck_shared::{AtLimit, ToolMode, Usd};
use tokio::net::TcpListener;

use super::gate::Gate;
use crate::cli::Demo;
use crate::commands::Failure;
use crate::net::BaseUrl;

/// What each agent may spend in a day.
const BUDGET: Usd = Usd::from_nanos(50_000_000);

/// A place of the fleet, and the agent that is there.
pub(super) struct Replica {
    /// Where it is to be reached.
    pub(super) url: BaseUrl,
    config: Config,
    agent: Option<Agent>,
    /// Only where something is to go wrong: what stands between it and the world.
    pub(super) gate: Option<Gate>,
}

impl Replica {
    /// Ends the agent at once, as a process that is killed.
    pub(super) fn kill(&mut self) {
        self.agent = None;
    }

    /// Starts another life behind the gate. Where it cannot, the place stays empty.
    pub(super) async fn start_again(&mut self) {
        let (Some(gate), Ok(agent)) = (&self.gate, Agent::start(self.config.clone()).await) else { return };
        gate.lead_to(agent.local_addr());
        self.agent = Some(agent);
    }
}

/// Starts the fleet; with gates before its agents where some are to be closed at times.
pub(super) async fn start(demo: &Demo, sim_delay: f64, gated: bool) -> Result<Vec<Replica>, Failure> {
    let mut doors = Vec::new();
    for _ in 0..demo.replicas {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let door = listener.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
        doors.push(door.map_err(|error| Failure::new(format!("no address for an agent: {error}")))?);
    }
    let urls = doors.iter().map(|(_, address)| format!("http://{address}")).collect::<Vec<_>>();
    let peers = urls.iter().map(|url| url.parse()).collect::<Result<Vec<_>, _>>();
    let peers = peers.map_err(|error| Failure::new(format!("an agent's address is none: {error}")))?;
    let mut replicas = Vec::new();
    for (number, ((listener, address), url)) in doors.into_iter().zip(&urls).enumerate() {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            replica_name: pod_name(number),
            peers: peers.clone(),
            sim_delay: demo.sim_delay.unwrap_or(sim_delay),
            tool_mode: demo.tool_mode.unwrap_or(if number % 3 == 2 {
                ToolMode::Parallel
            } else {
                ToolMode::Sequential
            }),
            // The script spends about two fifths of it in ten minutes; who fires bursts sees it come to its end.
            budget_usd: Some(BUDGET),
            budget_at_limit: AtLimit::Degrade,
            ..Config::default()
        };
        let failed =
            |error: &dyn std::fmt::Display| Failure::new(format!("agent {} does not start: {error}", number + 1));
        let url = url.parse().map_err(|error| failed(&error))?;
        let (agent, gate) = if gated {
            let agent = Agent::start(config.clone()).await.map_err(|error| failed(&error))?;
            let gate = Gate::new(listener, address, agent.local_addr());
            (agent, Some(gate))
        } else {
            (Agent::start_on(listener, config.clone()).await.map_err(|error| failed(&error))?, None)
        };
        replicas.push(Replica { url, config, agent: Some(agent), gate });
    }
    Ok(replicas)
}

/// A name such as Kubernetes gives to a pod, always the same for the same number.
fn pod_name(number: usize) -> String {
    // Kubernetes leaves out vowels and look-alikes.
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    const KNOWN: [&str; 3] = ["x2kqp", "p8mvd", "q4tzn"];
    let suffix = KNOWN.get(number).map_or_else(
        || {
            let mut random = fastrand::Rng::with_seed(number as u64);
            (0..5).map(|_| char::from(LETTERS[random.usize(..LETTERS.len())])).collect()
        },
        |known| (*known).to_owned(),
    );
    format!("langchain-free-7d9c-{suffix}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pods_have_names_of_their_own() {
        assert_eq!(pod_name(0), "langchain-free-7d9c-x2kqp");
        let names: BTreeSet<String> = (0..50).map(pod_name).collect();
        assert_eq!(names.len(), 50);
    }
}

//! `langdeck demo`: agents in this process, alerts that come by themselves, and the console on them.

mod script;

use std::time::Duration;

use langdeck_agent::{Agent, Config};
use langdeck_shared::ToolMode;

use super::fire::{self, Live};
use super::{Failure, console, output, runtime, status};
use crate::cli::Demo;
use crate::crash::{AGENT_THREAD, WORKER_THREAD};
use crate::net::{BaseUrl, Client};
use crate::run::ConsoleOptions;
use crate::terminal;

/// The pace for people: an investigation takes about two seconds.
const WATCHABLE: f64 = 8.0;
/// The pace where nobody watches: as documented, about a quarter of a second.
const AS_DOCUMENTED: f64 = 1.0;

/// Runs the demo: on a terminal the console, otherwise one investigation and the fleet as text. The exit code.
///
/// # Errors
///
/// When the agents do not start, or the terminal cannot be used.
pub fn run(demo: &Demo, ascii: bool) -> Result<u8, Failure> {
    let watched = terminal::can_open().is_ok();
    // A thread for all agents and one that asks them: neither holds the other up, and a panic is told as whose it is.
    let (agents_runtime, runtime) = (runtime(AGENT_THREAD, 1)?, runtime(WORKER_THREAD, 1)?);
    let agents = agents_runtime.block_on(start(demo, if watched { WATCHABLE } else { AS_DOCUMENTED }))?;
    let result = runtime.block_on(async {
        let sources = addresses(&agents)?;
        let client = Client::new(&sources).map_err(|error| Failure::new(error.to_string()))?;
        if watched {
            let firing = tokio::spawn(script::play(client.clone(), sources.clone()));
            let result = console::open(client, ConsoleOptions { sources, demo: true, ascii }).await;
            firing.abort();
            result
        } else {
            as_text(&client, &sources).await
        }
    });
    // Dropped, not shut down: nobody waits for what they still work at.
    drop(agents);
    runtime.shutdown_background();
    agents_runtime.shutdown_background();
    result
}

/// One documented alert, its report, and the fleet after it.
async fn as_text(client: &Client, sources: &[BaseUrl]) -> Result<u8, Failure> {
    let alert = script::documented();
    let first = &sources[0];
    let accepted = fire::submit(client, first, &alert).await?;
    let patience = Duration::from_secs(600);
    let investigation = fire::follow(client, first, &accepted, patience, &mut Live::new()).await?;
    let code = fire::print(&investigation, false)?;
    output::print("\n")?;
    Ok(code.max(status::print(sources, status::ask(client, sources).await, false)?))
}

async fn start(demo: &Demo, sim_delay: f64) -> Result<Vec<Agent>, Failure> {
    let mut agents = Vec::new();
    for number in 0..usize::from(demo.replicas) {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            replica_name: pod_name(number),
            sim_delay: demo.sim_delay.unwrap_or(sim_delay),
            tool_mode: demo.tool_mode.unwrap_or(if number % 3 == 2 {
                ToolMode::Parallel
            } else {
                ToolMode::Sequential
            }),
            ..Config::default()
        };
        let agent = Agent::start(config).await;
        agents.push(agent.map_err(|error| Failure::new(format!("agent {} does not start: {error}", number + 1)))?);
    }
    Ok(agents)
}

fn addresses(agents: &[Agent]) -> Result<Vec<BaseUrl>, Failure> {
    let parsed = agents.iter().map(|agent| agent.url().parse::<BaseUrl>());
    parsed.collect::<Result<_, _>>().map_err(|error| Failure::new(format!("an agent's address is none: {error}")))
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

//! `langdeck demo`: agents in this process, alerts that come by themselves, and the console on them.

mod chaos;
mod gate;
mod replica;
mod script;

use std::time::Duration;

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
    let watched = terminal::can_open();
    if let (Some(_), Err(reason)) = (demo.chaos, watched) {
        return Err(Failure::usage(format!("{reason}, so nobody would see the chaos; leave out --chaos")));
    }
    let watched = watched.is_ok();
    // A thread for all agents and one that asks them: neither holds the other up, and a panic is told as whose it is.
    let (agents_runtime, runtime) = (runtime(AGENT_THREAD, 1)?, runtime(WORKER_THREAD, 1)?);
    let sim_delay = if watched { WATCHABLE } else { AS_DOCUMENTED };
    let replicas = agents_runtime.block_on(replica::start(demo, sim_delay, demo.chaos.is_some()))?;
    let urls: Vec<BaseUrl> = replicas.iter().map(|replica| replica.url.clone()).collect();
    // As through a port-forward, which leads to one of them.
    let sources = urls[..1].to_vec();
    let calm = match demo.chaos {
        None => replicas,
        Some(seed) => {
            agents_runtime.spawn(chaos::play(seed, replicas));
            Vec::new()
        }
    };
    let result = runtime.block_on(async {
        let client = Client::new(&urls).map_err(|error| Failure::new(error.to_string()))?;
        if watched {
            let firing = tokio::spawn(script::play(client.clone(), urls));
            let result = console::open(client, ConsoleOptions { sources, demo: true, ascii }).await;
            firing.abort();
            result
        } else {
            as_text(&client, &sources).await
        }
    });
    // Dropped, not shut down: nobody waits for what they still work at.
    drop(calm);
    runtime.shutdown_background();
    agents_runtime.shutdown_background();
    result
}

/// One documented alert, its report, and the fleet after it.
async fn as_text(client: &Client, sources: &[BaseUrl]) -> Result<u8, Failure> {
    let alert = script::documented();
    let first = &sources[0];
    let accepted = fire::submit(client, first, None, &alert).await?;
    let patience = Duration::from_secs(600);
    let investigation = fire::follow(client, first, &accepted, patience, &mut Live::new()).await?;
    let code = fire::print(&investigation, false)?;
    output::print("\n")?;
    Ok(code.max(status::print(sources, status::ask(client, sources).await, false)?))
}

//! `langdeck` and the screen half of `langdeck demo`: opens the console, and says how it ended.

use std::io::{self, Write};

use super::{Failure, runtime};
use crate::crash::{self, Panic, WORKER_THREAD};
use crate::net::{BaseUrl, Client, PollOptions};
use crate::run::{self, ConsoleOptions, Ending, Parts};
use crate::terminal;

/// Opens the console on these agents.
///
/// # Errors
///
/// When there is no terminal for it.
pub fn run(sources: Vec<BaseUrl>, ascii: bool) -> Result<u8, Failure> {
    terminal::can_open().map_err(|reason| {
        Failure::usage(format!("{reason}, so the console cannot open; `langdeck status` prints one look at the fleet"))
    })?;
    let client = Client::new(&sources).map_err(|error| Failure::new(error.to_string()))?;
    // One thread asks the agents, this one draws: neither can hold the other up, and idle ones cost nothing.
    let runtime = runtime(WORKER_THREAD, 1)?;
    let ending = runtime.block_on(open(client, ConsoleOptions { sources, demo: false, ascii }));
    // Whatever is still under way is not waited for.
    runtime.shutdown_background();
    ending
}

/// Runs the console to its end; the exit code.
///
/// # Errors
///
/// When the terminal cannot be set up, or is lost.
pub async fn open(client: Client, options: ConsoleOptions) -> Result<u8, Failure> {
    open_with(client, options, PollOptions::default(), Parts::default()).await
}

/// The same, with a pace and parts of one's own.
///
/// # Errors
///
/// As for [`open`].
pub async fn open_with(
    client: Client,
    options: ConsoleOptions,
    poll: PollOptions,
    parts: Parts,
) -> Result<u8, Failure> {
    let ending = run::run(client, options, poll, parts).await;
    let mut err = io::stderr();
    let panics = crash::all();
    for Panic { task, words, report } in &panics {
        let _unheard = match report {
            Ok(path) => {
                writeln!(err, "langdeck: {} panicked: {words}\nA report of it is in {}", task.as_str(), path.display())
            }
            Err(text) => writeln!(err, "langdeck: {} panicked:\n{text}", task.as_str()),
        };
    }
    match ending {
        Ok(Ending::Quit) => Ok(u8::from(!panics.is_empty())),
        Ok(Ending::Signal(number)) => Ok(128 + number),
        Ok(Ending::Hangup) => Ok(129),
        Err(error) => Err(Failure::new(format!("the terminal cannot be used: {error}"))),
    }
}

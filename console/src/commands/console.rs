//! `langdeck` and the screen half of `langdeck demo`: opens the console, and says how it ended.

use std::io::{self, Write};

use super::{Failure, runtime};
use crate::net::{BaseUrl, Client};
use crate::run::{self, ConsoleOptions, Ending};
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
    let runtime = runtime(1)?;
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
    let ending = run::run(client, options).await;
    let mut err = io::stderr();
    for panic in terminal::take_background_panics() {
        let _unheard = writeln!(err, "langdeck: a background task panicked while the console was open: {panic}");
    }
    match ending {
        Ok(Ending::Quit) => Ok(0),
        Ok(Ending::Signal(number)) => Ok(128 + number),
        Ok(Ending::Hangup) => Ok(129),
        Err(error) => Err(Failure::new(format!("the terminal cannot be used: {error}"))),
    }
}

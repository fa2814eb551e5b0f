//! `langdeck-agent`: flags and environment in, an agent until SIGTERM or Ctrl-C.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use langdeck_agent::{Agent, Config, StartError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The Langdeck agent: investigates alerts with a chain of planner, executor and reasoner.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let Cli { config } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let Err(error) = config.validate().and_then(|()| config.check_given(&matches)) {
        return refuse(&StartError::from(error));
    }
    subscribe(&config.log);
    raise_open_files();
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return fail(1, format_args!("cannot listen for signals: {error}")),
    };
    let agent = match Agent::start(config).await {
        Ok(agent) => agent,
        Err(error) => return refuse(&error),
    };
    signals.next().await;
    tokio::select! {
        () = agent.shutdown() => ExitCode::SUCCESS,
        () = signals.next() => fail(1, "asked to stop twice, stopped without waiting"),
    }
}

fn refuse(error: &StartError) -> ExitCode {
    fail(if error.is_usage() { 2 } else { 1 }, error)
}

fn fail(code: u8, reason: impl Display) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(code)
}

/// Logs to standard error: text for a person at a terminal, JSON for everything else.
fn subscribe(filter: &str) {
    let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        subscriber.init();
    } else {
        subscriber.json().flatten_event(true).init();
    }
}

/// Lets the process open as many files as it may: each connection is one, and the usual soft limit is far below what
/// the agent serves.
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = ?current, to = ?maximum, "raised the limit of open files"),
        Err(error) => tracing::warn!(%error, limit = ?current, "cannot raise the limit of open files"),
    }
}

/// The signals that ask to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

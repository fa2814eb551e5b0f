//! `langdeck-agent`: flags and environment in, an agent until SIGTERM or Ctrl-C.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use langdeck_agent::{Agent, Config};
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
    let Cli { config } = Cli::parse();
    let log = EnvFilter::new(&config.log);
    let started = match signals() {
        Ok(signals) => {
            subscribe(log);
            Agent::start(config).await.map(|agent| (agent, signals))
        }
        Err(error) => {
            eprintln!("error: cannot listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    match started {
        Ok((agent, mut signals)) => {
            signals.any().await;
            tokio::select! {
                () = agent.shutdown() => ExitCode::SUCCESS,
                // Asked twice, it stops without waiting.
                () = signals.any() => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

/// Logs to standard error: text for a person at a terminal, JSON for everything else.
fn subscribe(filter: EnvFilter) {
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        subscriber.init();
    } else {
        subscriber.json().flatten_event(true).init();
    }
}

/// The signals that ask to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

fn signals() -> io::Result<Signals> {
    Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
}

impl Signals {
    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

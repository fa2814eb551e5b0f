//! The benches: load on the agent, beside a bare axum handler and the same agent written with FastAPI.

#![forbid(unsafe_code)]

mod bare;
mod client;
mod generator;
mod process;
mod report;
mod subjects;
mod throughput;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

/// Load on the agent, beside a bare axum handler and the same agent written with FastAPI.
#[derive(Parser)]
#[command(bin_name = "cargo bench -p langdeck-agent --")]
struct Cli {
    /// Everything in under a minute: figures to try with, not to keep.
    #[arg(long)]
    quick: bool,

    /// Cargo says so where it runs benches, and not where it runs tests.
    #[arg(long, hide = true)]
    bench: bool,

    /// Be the bare handler at this address.
    #[arg(long, hide = true, requires = "answer_bytes")]
    bare: Option<SocketAddr>,

    /// How long the bare handler's answer is.
    #[arg(long, hide = true)]
    answer_bytes: Option<usize>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match (cli.bare, cli.answer_bytes) {
        (Some(address), Some(bytes)) => bare::serve(address, bytes),
        _ if cli.bench => measure(&cli),
        _ => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// On one thread, so that the load takes as little of the machine from its subject as it can.
#[tokio::main(flavor = "current_thread")]
async fn measure(cli: &Cli) -> io::Result<()> {
    let throughput = throughput::measure(cli.quick).await?;
    println!("{throughput}");
    Ok(())
}

//! The benches: load on the agent, beside a bare axum handler and the same agent written with FastAPI.

#![forbid(unsafe_code)]

mod bare;
mod client;
mod document;
mod fastapi;
mod generator;
mod kernel;
mod memory;
mod overload;
mod process;
mod report;
mod subjects;
mod throughput;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use clap::{Parser, ValueEnum};
use tokio::runtime::Builder;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

/// Load on the agent, beside a bare axum handler and the same agent written with FastAPI.
#[derive(Parser)]
#[command(bin_name = "cargo bench -p langdeck-agent --")]
struct Cli {
    /// Only these; all when none is named.
    parts: Vec<Part>,

    /// Everything in about a minute: figures to try with, not to keep.
    #[arg(long)]
    quick: bool,

    /// Write the figures into docs/performance.md.
    #[arg(long, conflicts_with_all = ["quick", "parts"])]
    write: bool,

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

/// What is measured.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    Throughput,
    Memory,
    Overload,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match (cli.bare, cli.answer_bytes) {
        (Some(address), Some(bytes)) => bare::serve(address, bytes),
        _ if cli.bench => measure(&cli),
        _ => {
            println!("nothing is measured among tests; cargo bench does it");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// On half the processors, where there are more than two: fewer could not keep the others busy, and more would take
/// them from who is measured.
fn measure(cli: &Cli) -> io::Result<()> {
    let threads = thread::available_parallelism()?.get() / 2;
    let mut runtime = if threads > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if threads > 1 {
        runtime.worker_threads(threads);
    }
    runtime.enable_all().build()?.block_on(measure_unless_stopped(cli))
}

async fn measure_unless_stopped(cli: &Cli) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    // Whichever ends first drops the other, and with it every process that was started.
    tokio::select! {
        done = measure_parts(cli) => done,
        _ = terminate.recv() => Err(io::Error::other("asked to stop")),
        _ = ctrl_c() => Err(io::Error::other("asked to stop")),
    }
}

async fn measure_parts(cli: &Cli) -> io::Result<()> {
    let mut sections = String::new();
    for part in [Part::Throughput, Part::Memory, Part::Overload] {
        if !cli.parts.is_empty() && !cli.parts.contains(&part) {
            continue;
        }
        let (title, found) = match part {
            Part::Throughput => ("Throughput", throughput::measure(cli.quick).await?),
            Part::Memory => ("Memory", memory::measure(cli.quick).await?),
            Part::Overload => ("Overload", overload::measure(cli.quick).await?),
        };
        let section = format!("### {title}\n\n{found}");
        println!("{section}");
        sections.push_str(&section);
        sections.push('\n');
    }
    // Last, since FastAPI may have been installed only now.
    let fastapi = fastapi::versions().unwrap_or_else(|| "no FastAPI".to_owned());
    let machine = document::machine(concat!("langdeck-agent ", env!("CARGO_PKG_VERSION")), &fastapi);
    println!("{machine}");
    if cli.write { document::write("figures", &machine, &sections) } else { Ok(()) }
}

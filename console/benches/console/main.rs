//! The benches: what the console's frames cost, and the real binary in a pseudo-terminal. `cargo bench -p langdeck`

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot go on has failed")]

mod answers;
#[path = "../../../agent/benches/load/document.rs"]
mod document;
mod ends;
mod farm;
mod fleet;
mod frames;
mod idle;
#[allow(dead_code, reason = "the agent's bench uses more of it")]
#[path = "../../../agent/benches/load/kernel.rs"]
mod kernel;
mod keys;
mod network;
#[path = "../../tests/pty/mod.rs"]
mod pty;
#[allow(dead_code, reason = "the agent's bench uses more of it")]
#[path = "../../../agent/benches/load/report.rs"]
mod report;
mod terminals;
mod times;
mod usage;

use std::io;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The terminal of the figures.
const COLUMNS: u16 = 200;
const ROWS: u16 = 50;

/// How most tables are headed.
const HEAD: [&str; 3] = ["what", "measured", "at least"];

/// What the console's frames cost, and the real binary in a pseudo-terminal.
#[derive(Parser)]
#[command(bin_name = "cargo bench -p langdeck --")]
struct Cli {
    /// Only these; all when none is named.
    parts: Vec<Part>,

    /// Everything in half a minute: figures to try with, not to keep.
    #[arg(long)]
    quick: bool,

    /// Write the figures into docs/performance.md.
    #[arg(long, conflicts_with_all = ["quick", "parts"])]
    write: bool,

    /// Cargo says so where it runs benches, and not where it runs tests.
    #[arg(long, hide = true)]
    bench: bool,

    /// Be so many agents.
    #[arg(long, hide = true)]
    farm: Option<usize>,

    /// Be the agent that has those for peers which standard input names.
    #[arg(long, hide = true, conflicts_with = "farm")]
    front: bool,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    Frames,
    Keys,
    Ends,
    Idle,
    Fleet,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.farm {
        Some(count) => farm::serve(count),
        None if cli.front => farm::serve_front(),
        None if cli.bench => measure(&cli),
        None => {
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

fn measure(cli: &Cli) -> io::Result<()> {
    let mut sections = String::new();
    for part in [Part::Frames, Part::Keys, Part::Ends, Part::Idle, Part::Fleet] {
        if !cli.parts.is_empty() && !cli.parts.contains(&part) {
            continue;
        }
        let (title, found) = match part {
            Part::Frames => ("Frames", frames::measure(cli.quick)),
            Part::Keys => ("Keys", keys::measure(cli.quick)),
            Part::Ends => ("Beginning and end", ends::measure(cli.quick)),
            Part::Idle => ("Idle", idle::measure(cli.quick)?),
            Part::Fleet => ("Fleet", fleet::measure(cli.quick)?),
        };
        let section = format!("### {title}\n\n{found}");
        println!("{section}");
        sections.push_str(&section);
        sections.push('\n');
    }
    let machine = document::machine(concat!("langdeck ", env!("CARGO_PKG_VERSION")), &idle::others());
    println!("{machine}");
    if cli.write { document::write("console-figures", &machine, &sections) } else { Ok(()) }
}

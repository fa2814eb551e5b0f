//! `langdeck completions`: a script that teaches a shell the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Failure, output};
use crate::cli::Cli;

/// Prints the script.
///
/// # Errors
///
/// When it cannot be written.
pub fn run(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "langdeck", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

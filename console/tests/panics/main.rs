//! Panics anywhere in the console: what can go on does and says what happened, and the rest gives the terminal back.
//!
//! A panic needs a process of its own. This one is the tests, and what they run in a terminal: with `--be NAME`, the
//! program of that name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod cases;
#[cfg(unix)]
mod programs;
#[cfg(unix)]
#[path = "../pty/mod.rs"]
mod pty;

/// The argument before the name of the program to be.
#[cfg(unix)]
const BE: &str = "--be";

#[cfg(unix)]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.as_slice() {
        [_, be, name] if be == BE => programs::run(name),
        _ => libtest_mimic::run(&libtest_mimic::Arguments::from_args(), cases::all()).exit(),
    }
}

#[cfg(not(unix))]
fn main() {}

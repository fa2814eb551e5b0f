//! The `langdeck` command.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    langdeck_console::cli::main()
}

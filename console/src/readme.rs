//! The README's generated parts are what the code says. `LANGDECK_UPDATE_DOCS=1 cargo test -p langdeck readme` writes
//! them anew.

// The README has the help of the whole command.
#![cfg(feature = "demo")]

use std::fs;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::app::actions;
use crate::cli::Cli;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

/// The README with what stands between `<!-- name:start -->` and `<!-- name:end -->` replaced.
fn with_part(readme: &str, name: &str, part: &str) -> String {
    let (start, end) = (format!("<!-- {name}:start -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = readme.split_once(&start).expect("the README has the part's start");
    let (_, after) = rest.split_once(&end).expect("the README has the part's end");
    format!("{before}{start}{part}{end}{after}")
}

fn help() -> String {
    let help = Cli::command().term_width(100).render_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n", lines.join("\n"))
}

#[test]
fn help_and_keys_are_those_of_the_code() {
    let readme = fs::read_to_string(path()).unwrap();
    let current = with_part(&with_part(&readme, "help", &help()), "keys", &actions::markdown());
    if std::env::var_os("LANGDECK_UPDATE_DOCS").is_some() {
        fs::write(path(), &current).unwrap();
    } else {
        assert!(readme == current, "README.md is stale; LANGDECK_UPDATE_DOCS=1 cargo test -p langdeck readme mends it");
    }
}

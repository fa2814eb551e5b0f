//! The command line: which command, with what, and how it ends.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;
#[cfg(feature = "demo")]
use langdeck_shared::ToolMode;

use crate::app::{Split, parse_count, parse_rate};
use crate::commands::{self, Failure};
use crate::net::{BaseUrl, CostSpanFilter, DecisionFilter};

/// Where to look when nobody says where.
const DEFAULT_URL: &str = "http://localhost:8000";

const AFTER_HELP: &str = "\
Examples:
  langdeck demo             agents in this process, alerts, and the console
  langdeck                  the console on http://localhost:8000
  langdeck --url http://a:8000 --url http://b:8000
  langdeck fire high_latency checkout-api
                            one alert, followed to its report
  langdeck fire high_cpu payment-api --count 200 --rate 20 --spread
                            many, by turns to all replicas that are ready
  langdeck status           one look at the fleet, printed
  langdeck costs --by model what was spent on what, and how the budgets stand
  langdeck decisions --follow
                            why agents do what they do, as they do it

A fleet on Kubernetes is reached through
  kubectl -n langchain-free port-forward svc/langchain-free 8000:8000

Environment:
  LANGDECK_URL   the agents' addresses, comma-separated, where no --url is given
  NO_COLOR       turns every colour off

Exit codes:
  0      done
  1      it failed: no agent answers (for status, costs and decisions: not one of them), an
         investigation failed, one of several alerts was not accepted, or a part of the console
         failed and was restarted
  2      not understood, or no terminal to open the console on
  101    the console itself failed; a report is left in a file
  128+n  ended by signal n";

/// A terminal operations console for a fleet of AI agents. Without a command it opens the console.
#[derive(Debug, Parser)]
#[command(name = "langdeck", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    look: Look,
}

/// Which agents are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// An agent's address; repeat it for several [env: LANGDECK_URL] [default: http://localhost:8000]
    #[arg(long = "url", value_name = "URL")]
    urls: Vec<BaseUrl>,
}

/// How the console looks.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Look {
    /// Draw with ASCII characters only.
    #[arg(long)]
    ascii: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "demo")]
    Demo(Demo),
    Fire(Box<Fire>),
    Status(Status),
    Costs(Costs),
    Decisions(Decisions),
    /// Print a completion script for a shell.
    ///
    /// For example: langdeck completions bash > ~/.local/share/bash-completion/completions/langdeck
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Start agents in this process, on real loopback HTTP, and open the console on them.
///
/// The agents use a simulated model and simulated tools, at a pace that people can follow; alerts are fired at them until
/// the console is closed. Nothing leaves this machine and nothing costs money. Where standard output is no terminal, one
/// alert is fired and its report and the fleet are printed as text.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct Demo {
    /// How many agents.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub replicas: u8,

    /// Let replicas restart, hang and become slow at random: the same for the same seed.
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    pub chaos: Option<u64>,

    /// How long simulated work takes: 1 is about a quarter of a second for an investigation, 0 is none.
    ///
    /// 8 unless given; 1 where standard output is no terminal.
    #[arg(long, value_name = "FACTOR", value_parser = sim_delay)]
    pub sim_delay: Option<f64>,

    /// How the agents run the tools of a plan: `sequential` or `parallel`. Every third runs them in parallel unless given.
    #[arg(long, value_name = "MODE")]
    pub tool_mode: Option<ToolMode>,

    #[command(flatten)]
    look: Look,
}

/// Send an alert, follow its investigation, print the report. Or send many, and print what became of them.
///
/// Several alerts are not followed: it ends when each is accepted, refused or has failed, with 0 if all were accepted.
/// Ctrl-C sends no more and prints the summary of those sent. An alert that failed is not sent again; it may have
/// arrived all the same.
///
/// Examples:
///   langdeck fire high_latency checkout-api
///   langdeck fire disk_full ledger --severity critical --label disk=/var --json
///   langdeck fire high_cpu payment-api --no-wait
///   langdeck fire high_cpu payment-api --count 200 --rate 20 --spread
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Fire {
    /// What went wrong, such as high_latency.
    #[arg(value_name = "TYPE")]
    pub alert_type: String,

    /// The service that it concerns, such as checkout-api.
    pub service: String,

    /// How bad it is, such as warning or critical.
    #[arg(long)]
    pub severity: Option<String>,

    /// What a person would want to know.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// A label of the alert; repeat it for several.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,

    /// Send it so many times, from 1 to 10000, each an alert of its own.
    #[arg(long, value_name = "N", value_parser = parse_count, allow_negative_numbers = true)]
    pub count: Option<u32>,

    /// How many a second at most, from 0.1 to 1000; 10 unless given.
    #[arg(long, value_name = "RATE", value_parser = parse_rate, allow_negative_numbers = true, requires = "count")]
    pub rate: Option<f64>,

    /// To the replica of this name or boot id; to the one that answers unless given.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub replica: Option<String>,

    /// To all replicas of the fleet that are ready, by turns.
    #[arg(long, conflicts_with = "replica", requires = "count")]
    pub spread: bool,

    /// Print the report as JSON; of several alerts the summary.
    #[arg(long)]
    pub json: bool,

    /// Print the investigation's id and leave it to itself, as several alerts always are.
    #[arg(long)]
    pub no_wait: bool,

    /// How long to follow, in seconds. The investigation goes on after that.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, conflicts_with_all = ["no_wait", "count"])]
    pub timeout: u64,

    /// The agent's address [env: LANGDECK_URL, its first] [default: http://localhost:8000]
    #[arg(long)]
    url: Option<BaseUrl>,
}

impl Fire {
    /// The one agent that is meant, where it was not said before the command already.
    fn resolve(&self, before: Target) -> Result<BaseUrl, Failure> {
        let given = Target { urls: self.url.clone().into_iter().collect() };
        if given.urls.is_empty() && before.urls.len() > 1 {
            return Err(Failure::usage(
                "`langdeck fire` sends through one agent; give one --url, and --spread for all of its fleet",
            ));
        }
        let mut urls = given.resolve(before)?;
        Ok(urls.swap_remove(0))
    }

    /// How long to follow.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Print one look at the fleet.
///
/// Agents that do not answer are listed with the reason. Exits with 1 when none answers.
#[derive(Debug, Args)]
pub struct Status {
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    target: Target,
}

/// Print what agents have spent, on what, and how their budgets stand.
///
/// Of all replicas of a fleet together, since the start of each. Agents that do not answer are named with the reason.
/// Exits with 1 when none answers.
///
/// Examples:
///   langdeck costs --by replica
///   langdeck costs --by alert-type --from 2026-01-15T00:00:00Z --json
///   langdeck costs --csv --from 2026-01-01T00:00:00Z > costs.csv
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Costs {
    /// By what it is split: by service unless given, and in CSV by everything.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<Split>,

    /// What was spent from then on, such as 2026-01-15T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,

    /// What was spent before then.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,

    /// Print all of it as JSON.
    #[arg(long)]
    pub json: bool,

    /// Print what was spent, and on what, as CSV for spreadsheets.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    #[command(flatten)]
    target: Target,
}

impl Costs {
    /// The span of time that is wanted besides.
    #[must_use]
    pub const fn span(&self) -> CostSpanFilter {
        CostSpanFilter { from: self.from, to: self.to }
    }
}

/// Print why agents did what they did.
///
/// The last decisions that agents remember, oldest first: plans, retries, tools gone without, refusals, and all the
/// others, each with its reason. Filters narrow them; codes and actors are listed in the agent's OpenAPI document.
#[derive(Debug, Args)]
pub struct Decisions {
    /// Only those about this investigation.
    #[arg(long, value_name = "ID")]
    investigation: Option<String>,

    /// Only those with this code, such as retry.
    #[arg(long)]
    code: Option<String>,

    /// Only those of this actor, such as executor.
    #[arg(long)]
    actor: Option<String>,

    /// Print each as a line of JSON.
    #[arg(long)]
    pub json: bool,

    /// Go on printing those that come, until it is stopped.
    #[arg(long)]
    pub follow: bool,

    #[command(flatten)]
    target: Target,
}

impl Decisions {
    /// Which decisions are wanted.
    #[must_use]
    pub fn filter(&self) -> DecisionFilter {
        DecisionFilter {
            investigation_id: self.investigation.clone(),
            code: self.code.clone(),
            actor: self.actor.clone(),
        }
    }
}

impl Target {
    /// The addresses meant: those of the command, else those before it, else those of the environment, else the default.
    fn resolve(self, before: Self) -> Result<Vec<BaseUrl>, Failure> {
        for given in [self.urls, before.urls] {
            if !given.is_empty() {
                return Ok(without_repeats(given));
            }
        }
        let named = match std::env::var("LANGDECK_URL") {
            Ok(named) if !named.trim().is_empty() => named,
            _ => DEFAULT_URL.to_owned(),
        };
        let parsed = named.split(',').filter(|url| !url.trim().is_empty()).map(|url| {
            url.parse().map_err(|error| {
                Failure::usage(format!("LANGDECK_URL holds `{}`, which is no agent's address: {error}", url.trim()))
            })
        });
        let parsed: Vec<BaseUrl> = parsed.collect::<Result<_, _>>()?;
        if parsed.is_empty() {
            return Err(Failure::usage("LANGDECK_URL holds nothing but commas"));
        }
        Ok(without_repeats(parsed))
    }
}

/// One agent asked twice would stand in every list twice.
fn without_repeats(urls: Vec<BaseUrl>) -> Vec<BaseUrl> {
    let mut kept = Vec::with_capacity(urls.len());
    for url in urls {
        if !kept.contains(&url) {
            kept.push(url);
        }
    }
    kept
}

/// Parses, runs, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    // Clap prints usage errors itself, and exits with 2.
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // Standard error may be closed; there is nobody left to tell.
            let _unheard = writeln!(io::stderr(), "langdeck: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli { command, target, look } = cli;
    match command {
        None => commands::console::run(Target::default().resolve(target)?, look.ascii),
        #[cfg(feature = "demo")]
        Some(Command::Demo(demo)) => {
            if !target.urls.is_empty() {
                return Err(Failure::usage("`langdeck demo` brings its own agents; leave --url out"));
            }
            let ascii = demo.look.ascii || look.ascii;
            commands::demo::run(&demo, ascii)
        }
        Some(Command::Fire(fire)) => {
            let url = fire.resolve(target)?;
            commands::fire::run(&fire, &url)
        }
        Some(Command::Status(status)) => {
            let json = status.json;
            commands::status::run(&status.target.resolve(target)?, json)
        }
        Some(Command::Costs(costs)) => {
            let urls = costs.target.clone().resolve(target)?;
            commands::costs::run(&costs, &urls)
        }
        Some(Command::Decisions(decisions)) => {
            let urls = decisions.target.clone().resolve(target)?;
            commands::decisions::run(&decisions, urls)
        }
        Some(Command::Completions { shell }) => commands::completions::run(shell),
    }
}

#[cfg(feature = "demo")]
fn sim_delay(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.0..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("expected a number from 0 to 1000".to_owned()),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["langdeck"], args].concat())
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_address_may_stand_before_or_after_the_command() {
        for args in [
            ["--url", "http://a:1", "status"].as_slice(),
            &["status", "--url", "http://a:1/", "--url", "http://a:1"],
            &["--url", "http://b:1", "status", "--url", "http://a:1"],
        ] {
            let cli = parse(args).unwrap();
            let Some(Command::Status(status)) = cli.command else { panic!("no status in {args:?}") };
            let urls: Vec<_> = status.target.resolve(cli.target).unwrap().iter().map(ToString::to_string).collect();
            assert_eq!(urls, ["http://a:1"], "{args:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (args, reason) in [
            (["--url", "localhost:8000"].as_slice(), "did you mean http://localhost:8000?"),
            (&["fire", "high_latency"], "SERVICE"),
            (&["fire", "a", "b", "--label", "novalue"], "NAME=VALUE"),
            (&["fire", "a", "b", "--no-wait", "--timeout", "3"], "cannot be used with"),
            (&["fire", "a", "b", "--count", "2", "--timeout", "3"], "cannot be used with"),
            (&["fire", "a", "b", "--count", "0"], "a whole number from 1 to 10000"),
            (&["fire", "a", "b", "--count", "-3"], "a whole number from 1 to 10000"),
            (&["fire", "a", "b", "--count", "10001"], "a whole number from 1 to 10000"),
            (&["fire", "a", "b", "--count", "2", "--rate", "0"], "a number from 0.1 to 1000"),
            (&["fire", "a", "b", "--count", "2", "--rate", "-1"], "a number from 0.1 to 1000"),
            (&["fire", "a", "b", "--rate", "5"], "--count"),
            (&["fire", "a", "b", "--count", "2", "--spread", "--replica", "x"], "cannot be used with"),
            (&["fire", "a", "b", "--replica", ""], "a value is required"),
            #[cfg(feature = "demo")]
            (&["demo", "--replicas", "0"], "1..=50"),
            #[cfg(feature = "demo")]
            (&["demo", "--sim-delay=-1"], "from 0 to 1000"),
            #[cfg(feature = "demo")]
            (&["demo", "--tool-mode", "both"], "`sequential` or `parallel`"),
            (&["status", "extra"], "unexpected argument"),
            (&["costs", "--csv", "--json"], "cannot be used with"),
        ] {
            let error = parse(args).unwrap_err().to_string();
            assert!(error.contains(reason), "{args:?}: {error}");
        }
    }
}

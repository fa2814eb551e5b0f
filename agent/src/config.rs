//! Every setting of the agent: its flag, its environment variable, its default and its bounds, in one place.

mod given;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use langdeck_shared::{AtLimit, BudgetWindow, NAME_CHARS, ToolMode, Usd, check_plain_text};
use tracing_subscriber::EnvFilter;

use crate::decisions::{Output, Rotation};
use crate::fleet::{MAX_PEERS, PeerSource};

const MAX_SIM_DELAY: f64 = 1000.0;
const MAX_HISTORY: usize = 100_000;
const MAX_PLACES: usize = 100_000;
const MAX_SERVICE_LABELS: usize = 16;
const DECISION_LOG_SIZES: RangeInclusive<u64> = 64 * KIB..=1024 * 1024 * 1024 * KIB;
const KIB: u64 = 1024;
const DECISION_LOG_FILE_COUNTS: RangeInclusive<usize> = 2..=1000;
const MAX_PAUSE: Duration = Duration::from_secs(3600);
const CACHE_TTLS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);
const RUN_DEADLINES: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(3600);
/// The longest name that DNS has, and so the longest that a pod or a host can bear.
const MAX_REPLICA_NAME: usize = 253;

/// A setting as people know it, for messages that name it.
struct Setting {
    flag: &'static str,
    env: &'static str,
    expected: &'static str,
}

const LISTEN: Setting = Setting {
    flag: "--listen",
    env: "LANGDECK_LISTEN",
    expected: "an IP address and a port, such as 127.0.0.1:8000 or [::]:8000",
};
const REPLICA_NAME: Setting = Setting {
    flag: "--replica-name",
    env: "LANGDECK_REPLICA_NAME",
    expected: "1 to 253 visible ASCII characters, such as agent-0",
};
const PEERS: Setting = Setting {
    flag: "--peers",
    env: "LANGDECK_PEERS",
    expected: "up to 4096 of dns://HOST:PORT and http://HOST:PORT, comma-separated",
};
const DNS_SERVER: Setting = Setting {
    flag: "--dns-server",
    env: "LANGDECK_DNS_SERVER",
    expected: "an IP address and a port, such as 10.96.0.10:53 or [::1]:53",
};
const SIM_DELAY: Setting =
    Setting { flag: "--sim-delay", env: "LANGDECK_SIM_DELAY", expected: "a number from 0 to 1000, such as 0.5" };
const TOOL_MODE: Setting =
    Setting { flag: "--tool-mode", env: "LANGDECK_TOOL_MODE", expected: "`sequential` or `parallel`" };
const RUN_DEADLINE: Setting =
    Setting { flag: "--run-deadline", env: "LANGDECK_RUN_DEADLINE", expected: "a time from 10ms to 1h, such as 2m" };
const HISTORY: Setting =
    Setting { flag: "--history", env: "LANGDECK_HISTORY", expected: "a whole number from 1 to 100000" };
const MAX_RUNNING: Setting =
    Setting { flag: "--max-running", env: "LANGDECK_MAX_RUNNING", expected: "a whole number from 1 to 100000" };
const MAX_QUEUED: Setting =
    Setting { flag: "--max-queued", env: "LANGDECK_MAX_QUEUED", expected: "a whole number from 0 to 100000" };
const DRAIN_DELAY: Setting =
    Setting { flag: "--drain-delay", env: "LANGDECK_DRAIN_DELAY", expected: "a time from 0s to 1h, such as 5s" };
const GRACE: Setting =
    Setting { flag: "--grace", env: "LANGDECK_GRACE", expected: "a time from 0s to 1h, such as 30s or 1m 30s" };
const SERVICE_LABELS: Setting = Setting {
    flag: "--service-labels",
    env: "LANGDECK_SERVICE_LABELS",
    expected: "1 to 16 different label names, comma-separated, such as service,job",
};
const CACHE_TTL: Setting =
    Setting { flag: "--cache-ttl", env: "LANGDECK_CACHE_TTL", expected: "a time from 1s to 7d, such as 10m" };
const BUDGET_USD: Setting = Setting {
    flag: "--budget-usd",
    env: "LANGDECK_BUDGET_USD",
    expected: "an amount in USD above zero with up to nine decimals, such as 5 or 0.25",
};
const BUDGET_WINDOW: Setting =
    Setting { flag: "--budget-window", env: "LANGDECK_BUDGET_WINDOW", expected: "`hour`, `day` or `month`" };
const BUDGET_AT_LIMIT: Setting =
    Setting { flag: "--budget-at-limit", env: "LANGDECK_BUDGET_AT_LIMIT", expected: "`reject`, `degrade` or `warn`" };
const DECISION_LOG: Setting =
    Setting { flag: "--decision-log", env: "LANGDECK_DECISION_LOG", expected: "a file, or `-` for standard output" };
const DECISION_LOG_SIZE: Setting = Setting {
    flag: "--decision-log-size",
    env: "LANGDECK_DECISION_LOG_SIZE",
    expected: "from 64KiB to 1TiB, such as 64MiB",
};
const DECISION_LOG_FILES: Setting = Setting {
    flag: "--decision-log-files",
    env: "LANGDECK_DECISION_LOG_FILES",
    expected: "a whole number from 2 to 1000",
};
const LOG: Setting = Setting {
    flag: "--log",
    env: "LANGDECK_LOG",
    expected: "a level or a filter, such as `warn` or `langdeck_agent=debug`",
};

/// Every setting of an agent. `Config::default()` holds the defaults; environment variables count only on the command
/// line of the binary.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = LISTEN.env, value_name = "IP:PORT", default_value_t = Self::default().listen,
          value_parser = |text: &str| LISTEN.parse::<SocketAddr>(text))]
    pub listen: SocketAddr,

    /// What this replica is called [default: the host's name].
    #[arg(long, env = REPLICA_NAME.env, value_name = "NAME", default_value_t = Self::default().replica_name,
          hide_default_value = true)]
    pub replica_name: String,

    /// The replicas of this fleet, comma-separated: `dns://HOST:PORT` is every address of that name, `http://HOST:PORT`
    /// one replica. This one may be among them. Without it there is no other.
    #[arg(long, env = PEERS.env, value_name = "ADDRESSES", value_delimiter = ',',
          value_parser = |text: &str| PEERS.parse::<PeerSource>(text))]
    pub peers: Vec<PeerSource>,

    /// Which DNS server knows the names of the peers [default: as the system is configured].
    #[arg(long, env = DNS_SERVER.env, value_name = "IP:PORT",
          value_parser = |text: &str| DNS_SERVER.parse::<SocketAddr>(text))]
    pub dns_server: Option<SocketAddr>,

    /// How long simulated work takes, as a factor: 0 is none, 1 as in the documentation, more for people to watch.
    #[arg(long, env = SIM_DELAY.env, value_name = "FACTOR", default_value_t = Self::default().sim_delay,
          allow_negative_numbers = true,
          value_parser = |text: &str| SIM_DELAY.parse::<f64>(text))]
    pub sim_delay: f64,

    /// How the executor runs a plan: `sequential` or `parallel`.
    #[arg(long, env = TOOL_MODE.env, value_name = "MODE", default_value_t = Self::default().tool_mode,
          value_parser = |text: &str| text.parse::<ToolMode>().map_err(|_| TOOL_MODE.unreadable("no such mode")))]
    pub tool_mode: ToolMode,

    /// How long an investigation may take; then it answers with what it has. With simulated work slowed down by a
    /// `--sim-delay` above 1 it is as many times longer.
    #[arg(long, env = RUN_DEADLINE.env, value_name = "TIME", default_value = "2m",
          value_parser = |text: &str| RUN_DEADLINE.parse_time(text))]
    pub run_deadline: Duration,

    /// How many ended investigations are remembered.
    #[arg(long, env = HISTORY.env, value_name = "COUNT", default_value_t = Self::default().history,
          value_parser = |text: &str| HISTORY.parse::<usize>(text))]
    pub history: usize,

    /// How many investigations are at work at once.
    #[arg(long, env = MAX_RUNNING.env, value_name = "COUNT", default_value_t = Self::default().max_running,
          value_parser = |text: &str| MAX_RUNNING.parse::<usize>(text))]
    pub max_running: usize,

    /// How many more may wait for a place; beyond them an alert is refused.
    #[arg(long, env = MAX_QUEUED.env, value_name = "COUNT", default_value_t = Self::default().max_queued,
          value_parser = |text: &str| MAX_QUEUED.parse::<usize>(text))]
    pub max_queued: usize,

    /// After SIGTERM: how long work is still taken while `/readyz` already answers 503.
    #[arg(long, env = DRAIN_DELAY.env, value_name = "TIME", default_value = "0s",
          value_parser = |text: &str| DRAIN_DELAY.parse_time(text))]
    pub drain_delay: Duration,

    /// After the drain delay: how long accepted work may take to finish.
    #[arg(long, env = GRACE.env, value_name = "TIME", default_value = "30s",
          value_parser = |text: &str| GRACE.parse_time(text))]
    pub grace: Duration,

    /// More scenarios for the simulated model and tools, a TOML file; they go before the built-in ones.
    #[arg(long, env = "LANGDECK_SCENARIOS", value_name = "FILE")]
    pub scenarios: Option<PathBuf>,

    /// What models cost, what may be spent and which model investigates what, a TOML file; see docs/examples/policy.toml.
    #[arg(long, env = "LANGDECK_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// For how long a report answers further alerts of the same type and service, which also join one under way [default:
    /// each is investigated].
    #[arg(long, env = CACHE_TTL.env, value_name = "TIME", value_parser = |text: &str| CACHE_TTL.parse_time(text))]
    pub cache_ttl: Option<Duration>,

    /// How much this replica may spend in each window [default: no limit].
    #[arg(long, env = BUDGET_USD.env, value_name = "USD", allow_negative_numbers = true,
          value_parser = |text: &str| BUDGET_USD.parse::<Usd>(text))]
    pub budget_usd: Option<Usd>,

    /// The window of that budget: the `hour`, `day` or `month` in UTC.
    #[arg(long, env = BUDGET_WINDOW.env, value_name = "WINDOW", default_value_t = Self::default().budget_window,
          value_parser = |text: &str| BUDGET_WINDOW.parse::<BudgetWindow>(text))]
    pub budget_window: BudgetWindow,

    /// What becomes of alerts when it is spent: `reject` with 429, `degrade` to a cheaper model, or only `warn`.
    #[arg(long, env = BUDGET_AT_LIMIT.env, value_name = "ACTION", default_value_t = Self::default().budget_at_limit,
          value_parser = |text: &str| BUDGET_AT_LIMIT.parse::<AtLimit>(text))]
    pub budget_at_limit: AtLimit,

    /// Which label of an Alertmanager alert names its service: the first of these that it has, else `unknown`.
    #[arg(long, env = SERVICE_LABELS.env, value_name = "NAMES", value_delimiter = ',',
          default_values_t = Self::default().service_labels)]
    pub service_labels: Vec<String>,

    /// Where every decision is written, a line of JSON each: a file, or `-` for standard output. Without it none is
    /// written.
    #[arg(long, env = DECISION_LOG.env, value_name = "FILE")]
    pub decision_log: Option<PathBuf>,

    /// How large that file may become; then it is moved aside and another one begun.
    #[arg(long, env = DECISION_LOG_SIZE.env, value_name = "SIZE", default_value = "64MiB",
          value_parser = |text: &str| DECISION_LOG_SIZE.parse::<ByteSize>(text).map(|size| size.as_u64()))]
    pub decision_log_size: u64,

    /// How many of these files there are at most, the one that is written included.
    #[arg(long, env = DECISION_LOG_FILES.env, value_name = "COUNT", default_value_t = Self::default().decision_log_files,
          value_parser = |text: &str| DECISION_LOG_FILES.parse::<usize>(text))]
    pub decision_log_files: usize,

    /// What is logged to standard error; each investigation has one line at `info`.
    #[arg(long, env = LOG.env, value_name = "FILTER", default_value_t = Self::default().log)]
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            replica_name: host_name(),
            peers: Vec::new(),
            dns_server: None,
            sim_delay: 1.0,
            tool_mode: ToolMode::Sequential,
            run_deadline: Duration::from_secs(120),
            history: 1000,
            max_running: 256,
            max_queued: 128,
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(30),
            scenarios: None,
            policy: None,
            cache_ttl: None,
            budget_usd: None,
            budget_window: BudgetWindow::Day,
            budget_at_limit: AtLimit::Reject,
            service_labels: ["service", "job"].map(str::to_owned).into(),
            decision_log: None,
            decision_log_size: 64 * 1024 * KIB,
            decision_log_files: 5,
            log: "info".to_owned(),
        }
    }
}

impl Config {
    /// Whether every value is within its bounds.
    ///
    /// # Errors
    ///
    /// The first setting that is not, by its flag and its environment variable, with the reason.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let name = &self.replica_name;
        let fits =
            !name.is_empty() && name.len() <= MAX_REPLICA_NAME && name.bytes().all(|byte| byte.is_ascii_graphic());
        REPLICA_NAME.check(fits, name)?;
        PEERS.check(self.peers.len() <= MAX_PEERS, format_args!("{} addresses", self.peers.len()))?;
        if let Some(server) = self.dns_server {
            DNS_SERVER.check(server.port() != 0, server)?;
        }
        SIM_DELAY.check((0.0..=MAX_SIM_DELAY).contains(&self.sim_delay), self.sim_delay)?;
        let run_deadline = humantime::format_duration(self.run_deadline);
        RUN_DEADLINE.check(RUN_DEADLINES.contains(&self.run_deadline), run_deadline)?;
        HISTORY.check((1..=MAX_HISTORY).contains(&self.history), self.history)?;
        MAX_RUNNING.check((1..=MAX_PLACES).contains(&self.max_running), self.max_running)?;
        MAX_QUEUED.check(self.max_queued <= MAX_PLACES, self.max_queued)?;
        DRAIN_DELAY.check(self.drain_delay <= MAX_PAUSE, humantime::format_duration(self.drain_delay))?;
        GRACE.check(self.grace <= MAX_PAUSE, humantime::format_duration(self.grace))?;
        SERVICE_LABELS.check(are_label_names(&self.service_labels), self.service_labels.join(","))?;
        if let Some(ttl) = self.cache_ttl {
            CACHE_TTL.check(CACHE_TTLS.contains(&ttl), humantime::format_duration(ttl))?;
        }
        if let Some(limit) = self.budget_usd {
            BUDGET_USD.check(limit > Usd::ZERO, limit)?;
        }
        let size = ByteSize(self.decision_log_size);
        DECISION_LOG_SIZE.check(DECISION_LOG_SIZES.contains(&self.decision_log_size), size)?;
        let files = self.decision_log_files;
        DECISION_LOG_FILES.check(DECISION_LOG_FILE_COUNTS.contains(&files), files)?;
        EnvFilter::try_new(&self.log).map(drop).map_err(|error| LOG.refuse(&self.log, error))
    }

    /// Opens the decision log, where there is to be one.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn open_decision_log(&self) -> Result<Option<Output>, ConfigError> {
        let Some(path) = &self.decision_log else { return Ok(None) };
        let rotation = Rotation { size: self.decision_log_size, files: self.decision_log_files };
        let opened = if path == Path::new("-") { Output::standard_output() } else { Output::file(path, rotation) };
        opened.map(Some).map_err(|error| DECISION_LOG.refuse(path.display(), error))
    }

    /// How long an investigation with simulated model and tools may take: slowed down for people to watch, it must not
    /// end before its time.
    pub(crate) fn simulated_run_deadline(&self) -> Duration {
        self.run_deadline.mul_f64(self.sim_delay.max(1.0))
    }
}

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Its value is out of bounds.
    #[error("invalid value {value:?} for {flag} (environment: {env}): {reason}; expected {expected}")]
    Invalid {
        /// The flag.
        flag: &'static str,
        /// The environment variable.
        env: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// How it would be right.
        expected: &'static str,
    },
    /// It was given, and nothing would come of it.
    #[error("{flag} (environment: {env}) has no effect {reason}")]
    WithoutEffect {
        /// The flag.
        flag: &'static str,
        /// The environment variable.
        env: &'static str,
        /// Why nothing would, and what to do.
        reason: String,
    },
}

impl Setting {
    fn parse<T: FromStr<Err: fmt::Display>>(&self, text: &str) -> Result<T, String> {
        text.parse().map_err(|error| self.unreadable(error))
    }

    fn parse_time(&self, text: &str) -> Result<Duration, String> {
        humantime::parse_duration(text).map_err(|error| self.unreadable(error))
    }

    /// The end of clap's message, which names the flag and the value itself.
    fn unreadable(&self, reason: impl fmt::Display) -> String {
        format!("{reason}; expected {} (environment: {})", self.expected, self.env)
    }

    fn check(&self, fits: bool, value: impl fmt::Display) -> Result<(), ConfigError> {
        if fits { Ok(()) } else { Err(self.refuse(value, "out of bounds")) }
    }

    fn refuse(&self, value: impl fmt::Display, reason: impl fmt::Display) -> ConfigError {
        ConfigError::Invalid {
            flag: self.flag,
            env: self.env,
            value: value.to_string(),
            reason: reason.to_string(),
            expected: self.expected,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (environment: {})", self.flag, self.env)
    }
}

fn are_label_names(names: &[String]) -> bool {
    let is_name = |name: &String| name.chars().count() <= NAME_CHARS && check_plain_text(name).is_ok();
    let is_first = |(place, name)| !names[..place].contains(name);
    (1..=MAX_SERVICE_LABELS).contains(&names.len())
        && names.iter().all(is_name)
        && names.iter().enumerate().all(is_first)
}

fn host_name() -> String {
    hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "langdeck-agent".to_owned())
}

#[cfg(test)]
mod tests;

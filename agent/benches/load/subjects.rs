//! Who is measured beside whom: the agent, and a bare handler in place of it.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use langdeck_shared::Usd;

use crate::client::{Ask, Connection};
use crate::process::Process;

const LONGEST_WORK: Duration = Duration::from_secs(60);

/// An agent that logs only what goes wrong.
pub(crate) async fn agent(arguments: &[&str]) -> io::Result<Process> {
    Process::start(|address| {
        let mut command = agent_command(address);
        command.arg("--log=error").args(arguments);
        command
    })
    .await
}

/// An agent that logs as by default, a line for each investigation, into a file.
pub(crate) async fn logging_agent(log: File, arguments: &[&str]) -> io::Result<Process> {
    Process::start(|address| {
        let mut command = agent_command(address);
        command.stderr(log).args(arguments);
        command
    })
    .await
}

fn agent_command(address: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_langdeck-agent"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LANGDECK_")) {
        command.env_remove(name);
    }
    command.arg(format!("--listen={address}"));
    command
}

/// This program once more, as the bare handler.
pub(crate) async fn bare(answer_bytes: usize) -> io::Result<Process> {
    let program = std::env::current_exe()?;
    Process::start(|address| {
        let mut command = Command::new(program);
        command.arg(format!("--bare={address}")).arg(format!("--answer-bytes={answer_bytes}"));
        command
    })
    .await
}

/// An alert as JSON.
pub(crate) fn alert(alert_type: &str, service: &str) -> String {
    format!(r#"{{"alert_type":"{alert_type}","service":"{service}"}}"#)
}

/// The alert of the documentation, to be waited for.
pub(crate) fn investigate() -> Ask {
    Ask::new("POST", "/investigate", &alert("high_latency", "checkout-api"), 200)
}

/// The body of the answer to one request on an idle subject.
pub(crate) async fn ask(subject: &Process, ask: &Ask) -> io::Result<Vec<u8>> {
    let mut connection = Connection::open(subject.address).await?;
    let answer = connection.exchange(ask).await?;
    ask.judge(&answer)?;
    Ok(answer.body.to_vec())
}

/// Waits until an agent has ended all that it accepted.
pub(crate) async fn settle(agent: &Process) -> io::Result<()> {
    at_work(agent, 0.0).await
}

/// Waits until that many investigations run or wait at an agent.
pub(crate) async fn at_work(agent: &Process, count: f64) -> io::Result<()> {
    let deadline = Instant::now() + LONGEST_WORK;
    loop {
        let metrics = agent.get("/metrics").await?;
        let gauges = ["agent_investigations_in_flight", "agent_investigations_queued"];
        let found: f64 = gauges.iter().filter_map(|gauge| value(&metrics, gauge)).sum();
        if found == count {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!(
                "{found} investigations at work after {LONGEST_WORK:?}, not {count}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Whether a subject's counters say exactly that many investigations, and that much money where it is exact, and whether
/// its decision log is complete.
pub(crate) async fn audit(subject: &Process, requests: u64, cost: Option<Usd>) -> io::Result<()> {
    let metrics = subject.get("/metrics").await?;
    let (counted, spent) = (value(&metrics, "agent_requests_total"), value(&metrics, "agent_cost_total"));
    #[expect(clippy::cast_precision_loss, reason = "a bench sends far less than 2^53 requests")]
    let right = counted == Some(requests as f64) && cost.is_none_or(|cost| spent == Some(cost.as_f64()));
    if let Some(lost) = value(&metrics, "agent_decisions_lost_total").filter(|lost| *lost > 0.0) {
        return Err(io::Error::other(format!("its decision log lacks {lost} lines")));
    }
    if right {
        return Ok(());
    }
    let told = format!("its metrics tell of {counted:?} investigations for {spent:?} USD");
    Err(io::Error::other(format!("{told}, and {requests} were answered, for {cost:?}")))
}

/// The value of a family without labels.
fn value(metrics: &str, family: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(family)?.strip_prefix(' ')?.parse().ok())
}

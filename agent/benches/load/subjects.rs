//! Who is measured: the agent, the bare handler, and the agent written with FastAPI.

use std::io;
use std::net::SocketAddr;
use std::process::Command;

use langdeck_shared::{Report, Usd};

use crate::client::{Ask, Connection, Verdict};
use crate::process::Process;

/// An agent without simulated delay, which logs what goes wrong only.
pub(crate) async fn agent(arguments: &[&str]) -> io::Result<Process> {
    let command = |address: SocketAddr| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_langdeck-agent"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LANGDECK_")) {
            command.env_remove(name);
        }
        command.arg(format!("--listen={address}")).args(["--sim-delay=0", "--log=warn"]).args(arguments);
        command
    };
    Process::start(command).await
}

/// This program once more, as the bare handler.
pub(crate) async fn bare(answer_bytes: usize) -> io::Result<Process> {
    let program = std::env::current_exe()?;
    let command = |address: SocketAddr| {
        let mut command = Command::new(program);
        command.arg(format!("--bare={address}")).arg(format!("--answer-bytes={answer_bytes}"));
        command
    };
    Process::start(command).await
}

/// An alert as JSON.
pub(crate) fn alert(alert_type: &str, service: &str) -> String {
    format!(r#"{{"alert_type":"{alert_type}","service":"{service}"}}"#)
}

/// The report that an agent gives on an alert, and its length in bytes.
pub(crate) async fn report(agent: &Process, alert: &str) -> io::Result<(Report, usize)> {
    let ask = Ask::new("POST", "/investigate", alert, 200);
    let mut connection = Connection::open(agent.address).await?;
    let answer = connection.exchange(&ask).await?;
    match ask.judge(&answer)? {
        Verdict::Right => Ok((serde_json::from_slice(answer.body)?, answer.body.len())),
        Verdict::Refused => Err(io::Error::other("an idle agent refused an alert")),
    }
}

/// Whether the agent's counters say exactly that many investigations and that much money.
pub(crate) async fn audit(agent: &Process, requests: u64, cost: Usd) -> io::Result<()> {
    let metrics = agent.get("/metrics").await?;
    let value = |family: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(family)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<f64>().ok()).ok_or_else(|| io::Error::other(format!("no {family}")))
    };
    let (counted, spent) = (value("agent_requests_total")?, value("agent_cost_total")?);
    #[expect(clippy::cast_precision_loss, reason = "a bench sends far less than 2^53 requests")]
    let right = counted == requests as f64 && spent == cost.as_f64();
    if right {
        return Ok(());
    }
    let told = format!("the agent counted {counted} investigations for {spent} USD");
    Err(io::Error::other(format!("{told}; {requests} were answered, for {cost} USD")))
}

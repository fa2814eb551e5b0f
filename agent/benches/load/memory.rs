//! How much memory an agent holds: idle, over a million investigations, and for each that runs or waits.

use std::fmt::Write;
use std::io;
use std::sync::Arc;

use crate::client::{Ask, Connection};
use crate::generator::{Until, closed_loop};
use crate::process::Process;
use crate::report::{Table, count, kibibytes, mebibytes};
use crate::subjects::{self, alert, investigate};

const CONNECTIONS: usize = 32;
/// More services than memory keeps patterns of, so that its bound is part of what is measured.
const SERVICES: usize = 5000;
/// How many investigations stand still at once, to see what each takes.
const STANDING: u64 = 10_000;
const WAITING_CLIENTS: u32 = 200;

/// Measures all and says what was found, in Markdown.
pub(crate) async fn measure(quick: bool) -> io::Result<String> {
    let series: &[u64] =
        if quick { &[10_000, 50_000, 100_000] } else { &[100_000, 250_000, 500_000, 750_000, 1_000_000] };
    let agent = subjects::agent(&["--sim-delay=0"]).await?;
    let mut table = Table::new(["investigations", "resident memory", "mark"]);
    table.row(["none yet, idle".to_owned(), mebibytes(agent.resident()?), "under 15 MiB".to_owned()]);
    let kind = |number| Ask::new("POST", "/investigate", &alert("high_cpu", &format!("service-{number}")), 200);
    let kinds: Arc<[Ask]> = (0..SERVICES).map(kind).collect();
    let mut done = 0;
    for &total in series {
        closed_loop(agent.address, &kinds, CONNECTIONS, Until::Asked(total - done)).await?;
        done = total;
        let total = count(f64::from(u32::try_from(total).unwrap_or(u32::MAX)));
        table.row([total, mebibytes(agent.resident()?), "flat".to_owned()]);
    }
    drop(agent);

    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "{table}\n{}", each().await?);
    Ok(text)
}

/// What each investigation takes that has not ended.
async fn each() -> io::Result<Table> {
    let limits = [format!("--max-running={STANDING}"), format!("--max-queued={STANDING}")];
    // Longer than the bench, so that nothing ends while it is looked at.
    let agent = subjects::agent(&["--sim-delay=1000", &limits[0], &limits[1]]).await?;
    let submit = Ask::new("POST", "/v1/investigations", &alert("high_latency", "checkout-api"), 202);
    let submit: Arc<[Ask]> = Arc::new([submit]);
    let fill = async || -> io::Result<u64> {
        let before = agent.resident()?;
        closed_loop(agent.address, &submit, CONNECTIONS, Until::Asked(STANDING)).await?;
        Ok(agent.resident()?.saturating_sub(before) / STANDING)
    };
    let mut table = Table::new(["one more", "resident memory"]);
    table.row(["investigation that runs".to_owned(), kibibytes(fill().await?)]);
    table.row(["investigation that waits".to_owned(), kibibytes(fill().await?)]);
    let agent = subjects::agent(&["--sim-delay=1000"]).await?;
    table
        .row(["client that waits for its report, with its investigation".to_owned(), kibibytes(client(&agent).await?)]);
    Ok(table)
}

async fn client(agent: &Process) -> io::Result<u64> {
    let before = agent.resident()?;
    let mut waiting = Vec::new();
    for _ in 0..WAITING_CLIENTS {
        let mut connection = Connection::open(agent.address).await?;
        connection.send(&investigate()).await?;
        waiting.push(connection);
    }
    subjects::at_work(agent, WAITING_CLIENTS.into()).await?;
    Ok(agent.resident()?.saturating_sub(before) / u64::from(WAITING_CLIENTS))
}

//! How much memory an agent holds: idle, over a million investigations, and for each that runs or waits.

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
    let series: &[u32] =
        if quick { &[10_000, 50_000, 100_000] } else { &[100_000, 250_000, 500_000, 750_000, 1_000_000] };
    let agent = subjects::agent(&["--sim-delay=0"]).await?;
    let mut table = Table::new(["investigations", "resident memory", "growth since the row before"]);
    let mut resident = agent.resident()?;
    table.row(["none yet: at most 15 MiB".to_owned(), mebibytes(resident), String::new()]);
    let kind = |number| Ask::new("POST", "/investigate", &alert("high_cpu", &format!("service-{number}")), 200);
    let kinds: Arc<[Ask]> = (0..SERVICES).map(kind).collect();
    let mut done = 0;
    for &total in series {
        let load = closed_loop(agent.address, &kinds, CONNECTIONS, Until::Asked((total - done).into())).await?;
        load.none_refused()?;
        done = total;
        let before = resident;
        resident = agent.resident()?;
        table.row([count(total.into()), mebibytes(resident), growth(before, resident)]);
    }
    drop(agent);

    Ok(format!("{table}\n{}", each().await?))
}

fn growth(before: u64, after: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a ratio of two sizes of memory, shown with one decimal")]
    let ratio = after as f64 / before as f64;
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

/// What each investigation takes that has not ended.
async fn each() -> io::Result<Table<2>> {
    let limits = [format!("--max-running={STANDING}"), format!("--max-queued={STANDING}")];
    // Longer than the bench, so that nothing ends while it is looked at.
    let agent = subjects::agent(&["--sim-delay=1000", &limits[0], &limits[1]]).await?;
    let submit = Ask::new("POST", "/v1/investigations", &alert("high_latency", "checkout-api"), 202);
    let submit: Arc<[Ask]> = Arc::new([submit]);
    let fill = async || -> io::Result<u64> {
        let before = agent.resident()?;
        closed_loop(agent.address, &submit, CONNECTIONS, Until::Asked(STANDING)).await?.none_refused()?;
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

//! `langdeck status`: one look at the fleet, printed.

use langdeck_shared::{Latency, ReplicaStatus, ReplicaUpdate, Totals, Usd};
use serde::Serialize;

use super::table::{Align, Table, terminal_width};
use super::{Failure, hint, output, runtime};
use crate::crash::WORKER_THREAD;
use crate::net::{BaseUrl, Client, NetError};
use crate::view::format::{count, duration_ms, usd};

/// The fleet as it answered.
#[derive(Debug, Serialize)]
struct Fleet {
    replicas: Vec<Row>,
    totals: FleetTotals,
}

/// One address and what it said.
#[derive(Debug, Serialize)]
struct Row {
    url: String,
    status: ReplicaStatus,
    /// Why it did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    replica: Option<Replica>,
}

/// What a replica says of itself.
#[derive(Debug, Serialize)]
struct Replica {
    replica: String,
    boot_id: String,
    version: String,
    model: String,
    uptime_ms: u64,
    running: u64,
    queued: u64,
    totals: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
}

/// Sums over the replicas that answered.
#[derive(Debug, Default, Serialize)]
struct FleetTotals {
    answering: usize,
    running: u64,
    queued: u64,
    ended: u64,
    failed: u64,
    tokens: u64,
    cost_usd: Usd,
}

/// Asks every address at once, prints what they say, and exits with 1 when none answers.
///
/// # Errors
///
/// When no agent answers, or the output cannot be written.
pub fn run(urls: &[BaseUrl], json: bool) -> Result<u8, Failure> {
    let client = Client::new(urls).map_err(|error| Failure::new(error.to_string()))?;
    let runtime = runtime(WORKER_THREAD, 1)?;
    let answers = runtime.block_on(ask(&client, urls));
    runtime.shutdown_background();
    print(urls, answers, json)
}

/// What every address answers.
pub async fn ask(client: &Client, urls: &[BaseUrl]) -> Vec<Result<ReplicaUpdate, NetError>> {
    futures_util::future::join_all(urls.iter().map(|url| client.replica(url, None))).await
}

/// Prints the fleet; the exit code.
///
/// # Errors
///
/// As for [`run`].
pub fn print(urls: &[BaseUrl], answers: Vec<Result<ReplicaUpdate, NetError>>, json: bool) -> Result<u8, Failure> {
    // With a single address the reason is all that there is to say, and a hint is worth more than a table of dashes.
    if !json && let ([url], [Err(error)]) = (urls, answers.as_slice()) {
        return Err(Failure::new(hint::no_answer(url, error)));
    }
    let fleet = Fleet::new(urls, answers);
    let text = if json {
        serde_json::to_string_pretty(&fleet).map(|text| text + "\n").map_err(|error| Failure::new(error.to_string()))?
    } else {
        fleet.render(terminal_width())
    };
    output::print(&text)?;
    if fleet.totals.answering == 0 {
        return Err(Failure::new("no agent answers"));
    }
    Ok(0)
}

impl Fleet {
    fn new(urls: &[BaseUrl], answers: Vec<Result<ReplicaUpdate, NetError>>) -> Self {
        let mut totals = FleetTotals::default();
        let rows = urls.iter().zip(answers).map(|(url, answer)| match answer {
            Ok(update) => {
                totals.add(&update);
                Row {
                    url: url.to_string(),
                    status: update.status,
                    error: None,
                    replica: Some(Replica {
                        replica: update.replica,
                        boot_id: update.boot_id,
                        version: update.version,
                        model: update.model,
                        uptime_ms: update.uptime_ms,
                        running: update.running,
                        queued: update.queued,
                        totals: update.totals,
                        latency: update.latency,
                    }),
                }
            }
            Err(error) => Row {
                url: url.to_string(),
                status: ReplicaStatus::Unreachable,
                error: Some(error.to_string()),
                replica: None,
            },
        });
        let replicas = rows.collect();
        Self { replicas, totals }
    }

    fn render(&self, room: Option<usize>) -> String {
        let mut table = Table::new(&[
            ("REPLICA", Align::Left, 0),
            ("STATE", Align::Left, 0),
            ("RUN", Align::Right, 0),
            ("QUEUED", Align::Right, 4),
            ("DONE", Align::Right, 0),
            ("ERR", Align::Right, 0),
            ("P95", Align::Right, 1),
            ("TOKENS", Align::Right, 2),
            ("COST", Align::Right, 0),
            ("UP", Align::Right, 3),
            ("URL", Align::Left, 0),
        ]);
        for row in &self.replicas {
            table.row(row.entries());
        }
        let totals = &self.totals;
        let mut text = table.render(room);
        let queued = if totals.queued > 0 { format!(" · {} queued", totals.queued) } else { String::new() };
        text.push_str(&format!(
            "\n{} of {} answer · {} running{queued} · {} done · {} failed · {} tokens · {}\n",
            totals.answering,
            self.replicas.len(),
            totals.running,
            totals.ended,
            totals.failed,
            count(totals.tokens),
            usd(totals.cost_usd),
        ));
        for row in &self.replicas {
            if let Some(error) = &row.error {
                text.push_str(&format!("{}: {error}\n", row.url));
            }
        }
        text
    }
}

impl Row {
    fn entries(&self) -> Vec<String> {
        let mut entries = match &self.replica {
            Some(replica) => vec![
                replica.replica.clone(),
                self.status.to_string(),
                replica.running.to_string(),
                replica.queued.to_string(),
                replica.totals.ended().to_string(),
                replica.totals.failed.to_string(),
                replica.latency.map_or_else(|| "–".to_owned(), |latency| duration_ms(latency.p95_ms)),
                count(replica.totals.spend.tokens),
                usd(replica.totals.spend.cost_usd),
                duration_ms(replica.uptime_ms),
            ],
            None => {
                let mut entries = vec!["–".to_owned(); 10];
                self.status.as_str().clone_into(&mut entries[1]);
                entries
            }
        };
        entries.push(self.url.clone());
        entries
    }
}

impl FleetTotals {
    fn add(&mut self, update: &ReplicaUpdate) {
        self.answering += 1;
        self.running = self.running.saturating_add(update.running);
        self.queued = self.queued.saturating_add(update.queued);
        self.ended = self.ended.saturating_add(update.totals.ended());
        self.failed = self.failed.saturating_add(update.totals.failed);
        self.tokens = self.tokens.saturating_add(update.totals.spend.tokens);
        self.cost_usd += update.totals.spend.cost_usd;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::enormous;

    #[test]
    fn the_largest_numbers_are_added_up_without_a_panic() {
        let urls: Vec<BaseUrl> = ["http://a", "http://b"].map(|url| url.parse().unwrap()).into();
        let fleet = Fleet::new(&urls, vec![Ok(enormous("a", "one")), Ok(enormous("b", "two"))]);
        assert_eq!((fleet.totals.running, fleet.totals.ended, fleet.totals.tokens), (u64::MAX, u64::MAX, u64::MAX));
        assert!(fleet.render(Some(80)).contains("2 of 2 answer"));
    }
}

//! `langdeck status`: one look at the fleet, printed.

use langdeck_shared::{FleetUpdate, Latency, PeerProblem, ReplicaStatus, ReplicaUpdate, Totals, Usd};
use serde::Serialize;

use super::table::{Align, Table, terminal_width};
use super::{Failure, hint, output, runtime};
use crate::crash::WORKER_THREAD;
use crate::net::{BaseUrl, Client, FleetAnswer, NetError};
use crate::view::format::{age, count, duration_ms, usd};

/// How many pages of one fleet are read.
const MOST_PAGES: usize = 64;

/// The fleet as it answered.
#[derive(Debug, Serialize)]
struct Fleet {
    replicas: Vec<Row>,
    /// Peers of which no replica is known, and names that lead to none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<PeerProblem>,
    totals: FleetTotals,
}

/// A replica and the address that told of it, or an address that told of none.
#[derive(Debug, Serialize)]
struct Row {
    url: String,
    status: ReplicaStatus,
    /// Why it did not answer, or that its answer was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How long ago it answered last, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u64>,
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

/// Sums over all replicas, also over those that do not answer; what is at work counts only where somebody says so now.
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

/// Asks every address at once, prints what they say, and exits with 1 when no replica answers.
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
pub async fn ask(client: &Client, urls: &[BaseUrl]) -> Vec<Result<FleetAnswer, NetError>> {
    futures_util::future::join_all(urls.iter().map(|url| whole(client, url))).await
}

/// All pages of one address.
async fn whole(client: &Client, url: &BaseUrl) -> Result<FleetAnswer, NetError> {
    let mut all = client.fleet(url, None).await?;
    for _ in 1..MOST_PAGES {
        if !all.update.more {
            break;
        }
        let FleetAnswer { update: FleetUpdate { cursor, more, replicas, problems, .. }, faults } =
            client.fleet(url, Some(&all.update.cursor)).await?;
        (all.update.cursor, all.update.more) = (cursor, more);
        all.update.replicas.extend(replicas);
        all.update.problems = problems.or(all.update.problems);
        all.faults.extend(faults);
    }
    Ok(all)
}

/// Prints the fleet; the exit code.
///
/// # Errors
///
/// As for [`run`].
pub fn print(urls: &[BaseUrl], answers: Vec<Result<FleetAnswer, NetError>>, json: bool) -> Result<u8, Failure> {
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
    fn new(urls: &[BaseUrl], answers: Vec<Result<FleetAnswer, NetError>>) -> Self {
        let (mut rows, mut problems): (Vec<Row>, Vec<PeerProblem>) = (Vec::new(), Vec::new());
        for (url, answer) in urls.iter().zip(answers) {
            let url = url.to_string();
            match answer {
                Err(error) => rows.push(Row::unknown(url, error.to_string())),
                Ok(FleetAnswer { mut update, faults }) => {
                    update.replicas.sort_by(|a, b| a.replica.cmp(&b.replica));
                    // One that several addresses tell of is one row: what was said last.
                    for update in update.replicas {
                        let life = |row: &Row| row.life() == Some(&update.boot_id);
                        match rows.iter().position(life).map(|at| &mut rows[at]) {
                            Some(row) if row.age_ms <= Some(update.age_ms) => {}
                            Some(row) => *row = Row::new(url.clone(), update),
                            None => rows.push(Row::new(url.clone(), update)),
                        }
                    }
                    for fault in faults {
                        let name =
                            fault.replica.or(fault.boot_id).map(|name| format!("{name} is ")).unwrap_or_default();
                        rows.push(Row::unknown(url.clone(), format!("{name}faulty: {}", fault.reason)));
                    }
                    let new = |problem: &PeerProblem| !problems.iter().any(|known| known.peer == problem.peer);
                    let new: Vec<_> = update.problems.unwrap_or_default().into_iter().filter(new).collect();
                    problems.extend(new);
                }
            }
        }
        let mut totals = FleetTotals::default();
        rows.iter().for_each(|row| totals.add(row));
        Self { replicas: rows, problems, totals }
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
                let name = row.replica.as_ref().map_or(&row.url, |replica| &replica.replica);
                text.push_str(&format!("{name}: {error}\n"));
            }
        }
        for problem in &self.problems {
            let silent = duration_ms(problem.age_ms);
            text.push_str(&format!("{}: {}, for {silent}\n", problem.peer, problem.failure.detail));
        }
        text
    }
}

impl Row {
    fn new(url: String, update: ReplicaUpdate) -> Self {
        Self {
            url,
            status: update.status,
            error: update.failure.map(|failure| failure.detail),
            age_ms: Some(update.age_ms),
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

    /// One of which nothing is known but what is wrong.
    const fn unknown(url: String, error: String) -> Self {
        Self { url, status: ReplicaStatus::Unreachable, error: Some(error), age_ms: None, replica: None }
    }

    fn life(&self) -> Option<&String> {
        self.replica.as_ref().map(|replica| &replica.boot_id)
    }

    fn entries(&self) -> Vec<String> {
        let mut entries = match &self.replica {
            Some(replica) => {
                let answers = self.status.answers();
                let state = match self.age_ms.filter(|_| !answers) {
                    Some(ms) => format!("{} {}", self.status, age(std::time::Duration::from_millis(ms))),
                    None => self.status.to_string(),
                };
                let now = |figure: u64| if answers { figure.to_string() } else { "–".to_owned() };
                vec![
                    replica.replica.clone(),
                    state,
                    now(replica.running),
                    now(replica.queued),
                    replica.totals.ended().to_string(),
                    replica.totals.failed.to_string(),
                    replica.latency.map_or_else(|| "–".to_owned(), |latency| duration_ms(latency.p95_ms)),
                    count(replica.totals.spend.tokens),
                    usd(replica.totals.spend.cost_usd),
                    duration_ms(replica.uptime_ms),
                ]
            }
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
    fn add(&mut self, row: &Row) {
        let Some(replica) = &row.replica else { return };
        if row.status.answers() {
            self.answering += 1;
            self.running = self.running.saturating_add(replica.running);
            self.queued = self.queued.saturating_add(replica.queued);
        }
        self.ended = self.ended.saturating_add(replica.totals.ended());
        self.failed = self.failed.saturating_add(replica.totals.failed);
        self.tokens = self.tokens.saturating_add(replica.totals.spend.tokens);
        self.cost_usd += replica.totals.spend.cost_usd;
    }
}

#[cfg(test)]
mod tests {
    use langdeck_shared::{FailureKind, PeerFailure};

    use super::*;
    use crate::app::testing::{enormous, fleet_answer, idle, totals};
    use crate::net::EntryFault;

    fn urls() -> Vec<BaseUrl> {
        ["http://a", "http://b"].map(|url| url.parse().unwrap()).into()
    }

    #[test]
    fn the_largest_numbers_are_added_up_without_a_panic() {
        let alone = |name, boot_id| Ok(fleet_answer(name, boot_id, vec![enormous(name, boot_id)]));
        let fleet = Fleet::new(&urls(), vec![alone("a", "one"), alone("b", "two")]);
        assert_eq!((fleet.totals.running, fleet.totals.ended, fleet.totals.tokens), (u64::MAX, u64::MAX, u64::MAX));
        assert!(fleet.render(Some(80)).contains("2 of 2 answer"));
    }

    #[test]
    fn each_replica_is_one_row_with_what_was_said_last_and_what_is_wrong_is_said() {
        let told = |name: &str, boot_id: &str, done| {
            let mut update = idle(name, boot_id);
            update.totals = totals(done, 0, 0);
            update
        };
        let mut stale = told("b", "two", 2);
        (stale.status, stale.age_ms, stale.running) = (ReplicaStatus::Stale, 4_200, 1);
        stale.failure = Some(PeerFailure::new(FailureKind::TimedOut, "no answer within 2 s"));
        let mut first = fleet_answer("a", "one", vec![told("a", "one", 1), stale]);
        first.faults =
            vec![EntryFault { boot_id: None, replica: Some("c".to_owned()), reason: "status: is none".to_owned() }];
        let failure = PeerFailure::new(FailureKind::Refused, "connection refused");
        let problem = PeerProblem { peer: "http://10.1.2.3:8000".to_owned(), age_ms: 12_000, failure };
        first.update.problems = Some(vec![problem.clone()]);
        let mut second = fleet_answer("b", "two", vec![told("b", "two", 3)]);
        second.update.problems = Some(vec![problem]);

        let text = Fleet::new(&urls()[..1], vec![Ok(first.clone())]).render(None);
        assert!(text.contains("\nb        stale 4s       –") && text.contains("1 of 3 answer · 0 running"), "{text}");
        for said in ["b: no answer within 2 s\n", "c is faulty: status: is none\n"] {
            assert!(text.contains(said), "{text}");
        }
        let fleet = Fleet::new(&urls(), vec![Ok(first), Ok(second)]);
        let text = fleet.render(None);
        assert!(text.contains("2 of 3 answer · 0 running · 4 done"), "{text}");
        assert_eq!(text.matches("http://10.1.2.3:8000: connection refused, for 12.0s\n").count(), 1, "{text}");
    }
}

//! `langdeck decisions`: why agents did what they did, printed and followed.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use langdeck_shared::{Decision, DecisionPage};

use super::{Failure, hint, output, runtime};
use crate::cli::Decisions;
use crate::crash::WORKER_THREAD;
use crate::net::{BaseUrl, Client, DecisionFilter, NetError};
use crate::view::format::date_clock;

/// From look to look while following.
const LOOK: Duration = Duration::from_secs(1);

/// Prints the last decisions of every address, and with `--follow` those that come, until it is stopped or nobody reads
/// any more. The exit code.
///
/// # Errors
///
/// When no agent answers at first, or one refuses the filters, or the output cannot be written.
pub fn run(decisions: &Decisions, urls: Vec<BaseUrl>) -> Result<u8, Failure> {
    let client = Client::new(&urls).map_err(|error| Failure::new(error.to_string()))?;
    let runtime = runtime(WORKER_THREAD, 1)?;
    let result = runtime.block_on(print(&client, decisions, urls));
    runtime.shutdown_background();
    result
}

async fn print(client: &Client, decisions: &Decisions, urls: Vec<BaseUrl>) -> Result<u8, Failure> {
    let filter = decisions.filter();
    let mut sources: Vec<Source> = urls.into_iter().map(Source::new).collect();
    let mut first = true;
    loop {
        let answers = join_all(sources.iter().map(|source| source.ask(client, &filter))).await;
        let (mut news, mut failures, mut more) = (Vec::new(), Vec::new(), false);
        for (source, answer) in sources.iter_mut().zip(answers) {
            match answer {
                Ok(page) => {
                    more |= page.more;
                    news.extend(source.read(page));
                }
                Err(error) => failures.extend(source.lost(&error)),
            }
        }
        if first && failures.len() == sources.len() {
            return Err(Failure::new(failures.join("\n")));
        }
        failures.iter().for_each(|failure| warn(failure));
        // Stable, so that each replica's own order stands.
        news.sort_by_key(|decision| decision.time);
        let text = news.iter().map(|decision| line(decision, decisions.json)).collect::<Result<String, _>>();
        let read = output::print(&text.map_err(|error| Failure::new(error.to_string()))?)?;
        if !decisions.follow || !read {
            return Ok(0);
        }
        first = false;
        if !more {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// One address, and how far its decisions are known.
struct Source {
    url: BaseUrl,
    cursor: Option<String>,
    lost: bool,
}

impl Source {
    const fn new(url: BaseUrl) -> Self {
        Self { url, cursor: None, lost: false }
    }

    async fn ask(&self, client: &Client, filter: &DecisionFilter) -> Result<DecisionPage, NetError> {
        client.decisions(&self.url, filter, self.cursor.as_deref()).await
    }

    /// What an answer adds.
    fn read(&mut self, page: DecisionPage) -> Vec<Decision> {
        self.lost = false;
        if page.reset {
            warn(&format!("{}: another replica, or one that was started anew, answers from here on", self.url));
        } else if self.cursor.is_some() && page.missed > 0 {
            warn(&format!("{}: {} decisions are missing here, they came too fast", self.url, page.missed));
        }
        self.cursor = Some(page.cursor);
        page.decisions
    }

    /// No answer: what to say about it, once.
    fn lost(&mut self, error: &NetError) -> Option<String> {
        let said = std::mem::replace(&mut self.lost, true);
        (!said).then(|| hint::no_answer(&self.url, error))
    }
}

/// A decision as a line of JSON, or for a person.
fn line(decision: &Decision, json: bool) -> serde_json::Result<String> {
    if json {
        return Ok(serde_json::to_string(decision)? + "\n");
    }
    let Decision { time, replica, investigation_id, actor, code, choice, alternatives, figures, reason, .. } = decision;
    let mut line = format!("{}  {replica}  {actor:<9}  {code:<17}", date_clock(*time, &TimeZone::system()));
    if let Some(id) = investigation_id {
        line.push_str(&format!("  {id}"));
    }
    line.push_str(&format!("  {choice}"));
    if !alternatives.is_empty() {
        line.push_str(&format!(", not {}", alternatives.join(", ")));
    }
    line.push_str(&format!(": {reason}"));
    if !figures.is_empty() {
        let figures: Vec<String> = figures.iter().map(|(name, figure)| format!("{name} {figure}")).collect();
        line.push_str(&format!(" ({})", figures.join(", ")));
    }
    Ok(line + "\n")
}

fn warn(text: &str) {
    output::write_err(&format!("langdeck: {text}\n"));
}

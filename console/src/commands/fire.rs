//! `langdeck fire`: sends an alert, follows its investigation, prints the report; or sends many.

mod burst;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use garde::Validate;
use langdeck_shared::{Accepted, AlertRequest, Investigation, Problem, Status, Step, StepStatus};

use super::output::Line;
use super::table::terminal_width;
use super::{Failure, hint, output, report, runtime};
use crate::cli::Fire;
use crate::crash::WORKER_THREAD;
use crate::net::{BaseUrl, Client, NetError};
use crate::view::format::{duration_ms, usd};

/// From look to look at an investigation that has just begun; doubled as it goes on.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// The same for one that takes long.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// How often in a row a look may fail before following ends: a lost connection is not the end of a run.
const MAX_MISSES: u32 = 5;

/// Sends the alert, and follows it unless told otherwise, or sends it many times; the exit code.
///
/// # Errors
///
/// When the alert is refused, no agent answers, or the investigation fails.
pub fn run(fire: &Fire, url: &BaseUrl) -> Result<u8, Failure> {
    let alert = AlertRequest {
        alert_type: fire.alert_type.clone(),
        service: fire.service.clone(),
        severity: fire.severity.clone(),
        description: fire.description.clone(),
        labels: fire.labels.iter().cloned().collect(),
        timestamp: None,
    };
    // What the agent would refuse, refused before anything is sent.
    alert.validate().map_err(|report| Failure::usage(refused_here(&report)))?;
    let client = Client::new(std::slice::from_ref(url)).map_err(|error| Failure::new(error.to_string()))?;
    let runtime = runtime(WORKER_THREAD, 1)?;
    let result = runtime.block_on(async {
        if let Some(count) = fire.count {
            return burst::run(&client, url, fire, alert, count).await;
        }
        let accepted = submit(&client, url, fire.replica.as_deref(), &alert).await?;
        if fire.no_wait {
            announce(url, &accepted, fire.json)?;
            return Ok(0);
        }
        let mut live = Live::new();
        let followed = tokio::select! {
            followed = follow(&client, url, &accepted, fire.patience(), &mut live) => followed,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted(goes_on(url, &accepted.investigation_id))),
        };
        live.clear();
        let mut investigation = followed?;
        if let Some(report) = &mut investigation.report {
            report.cost_tracking = accepted.share(report.cost_tracking.clone());
        }
        print(&investigation, fire.json)
    });
    runtime.shutdown_background();
    result
}

/// Sends an alert under a key of its own.
///
/// # Errors
///
/// When it is refused or no agent answers.
pub async fn submit(
    client: &Client,
    url: &BaseUrl,
    replica: Option<&str>,
    alert: &AlertRequest,
) -> Result<Accepted, Failure> {
    client.submit(url, replica, alert, &new_key()).await.map_err(|error| match error {
        NetError::Problem(problem) => Failure::new(refused_there(url, &problem)),
        error => Failure::new(hint::no_answer(url, &error)),
    })
}

/// A key that no other alert has.
fn new_key() -> String {
    format!("fire-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

/// Looks at an investigation until it has ended.
///
/// # Errors
///
/// When it takes longer than `patience`, or the agent is lost.
pub async fn follow(
    client: &Client,
    url: &BaseUrl,
    accepted: &Accepted,
    patience: Duration,
    live: &mut Live,
) -> Result<Investigation, Failure> {
    let id = &accepted.investigation_id;
    let began = Instant::now();
    let (mut pause, mut misses) = (FIRST_LOOK, 0);
    loop {
        match client.investigation(url, id).await {
            Ok(investigation) if investigation.status.has_ended() => {
                live.show(&investigation);
                return Ok(investigation);
            }
            Ok(investigation) => {
                misses = 0;
                live.show(&investigation);
            }
            Err(error) => {
                misses += 1;
                if misses >= MAX_MISSES {
                    return Err(Failure::new(match error {
                        // Behind one address another replica may have answered, which cannot know the run.
                        NetError::Problem(problem) if problem.status == 404 => {
                            format!("{id} runs on {}, but {url} leads to another replica now", accepted.replica)
                        }
                        error => format!("lost sight of {id}: {}", hint::no_answer(url, &error)),
                    }));
                }
            }
        }
        if began.elapsed() >= patience {
            return Err(Failure::new(format!("not done within {} s; {}", patience.as_secs(), goes_on(url, id))));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LAST_LOOK);
    }
}

/// Prints what an ended investigation has to say; the exit code.
///
/// # Errors
///
/// When it has failed or was cancelled.
pub fn print(investigation: &Investigation, json: bool) -> Result<u8, Failure> {
    if let Some(report) = &investigation.report {
        let text = if json {
            serde_json::to_string_pretty(report)
                .map(|json| json + "\n")
                .map_err(|error| Failure::new(error.to_string()))?
        } else {
            report::render(investigation, report, terminal_width())
        };
        output::print(&text)?;
    }
    match investigation.status {
        Status::Succeeded | Status::Partial if investigation.report.is_some() => Ok(0),
        status => {
            let why = investigation.error.as_deref().unwrap_or("no reason was given");
            Err(Failure::new(format!("{} ended as {status}: {why}", investigation.investigation_id)))
        }
    }
}

fn announce(url: &BaseUrl, accepted: &Accepted, json: bool) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string_pretty(accepted).map_err(|error| Failure::new(error.to_string()))?
    } else {
        let address = url.endpoint(&["v1", "investigations", &accepted.investigation_id]);
        let how = match (accepted.cached, accepted.joined) {
            (true, _) => ", from its cache",
            (false, true) => ", joined while it is under way",
            (false, false) => "",
        };
        format!("{} on {}{how}\n{address}", accepted.investigation_id, accepted.replica)
    };
    output::print(&(text + "\n"))?;
    Ok(())
}

fn goes_on(url: &BaseUrl, id: &str) -> String {
    format!("{id} goes on without you; see {}", url.endpoint(&["v1", "investigations", id]))
}

fn refused_here(report: &garde::Report) -> String {
    let reasons: Vec<String> = report.iter().map(|(field, error)| format!("{field}: {error}")).collect();
    format!("this is no alert: {}", reasons.join("; "))
}

fn refused_there(url: &BaseUrl, problem: &Problem) -> String {
    let fields: String = problem.errors.iter().map(|error| format!("\n  {}: {}", error.field, error.reason)).collect();
    format!("{url} refused the alert ({}): {}{fields}", problem.status, problem.detail)
}

/// What is seen of a run under way, on standard error where that is a terminal: a line for each step that has ended, and
/// below them one for what runs now.
#[derive(Debug)]
pub struct Live {
    line: Line,
    ended: BTreeSet<usize>,
}

impl Live {
    /// Shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { line: Line::new(), ended: BTreeSet::new() }
    }

    fn show(&mut self, investigation: &Investigation) {
        if !self.line.is_on_terminal() {
            return;
        }
        let mut above = String::new();
        for (place, step) in investigation.steps.iter().enumerate() {
            let over = !matches!(step.status, StepStatus::Waiting | StepStatus::Running);
            // By place, not by name: a plan may call a tool twice.
            if over && self.ended.insert(place) {
                above.push_str(&format!("  {}\n", ended(step)));
            }
        }
        let mut now = String::new();
        if !investigation.status.has_ended() {
            let at_work = investigation.steps.iter().filter(|step| step.status == StepStatus::Running);
            let names: Vec<&str> = at_work.map(|step| &*step.name).collect();
            let took = duration_ms(investigation.elapsed_ms);
            now = format!(
                "  {:<12}  {:<9}  {took:>7}  {:>5} tokens  {}",
                names.join(", "),
                investigation.status,
                investigation.tokens,
                usd(investigation.cost_usd)
            );
        } else if !self.ended.is_empty() {
            above.push('\n');
        }
        self.line.show(&above, &now);
    }

    /// Takes the line of what runs now away.
    pub fn clear(&mut self) {
        self.line.clear();
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

fn ended(step: &Step) -> String {
    let took = step.duration_ms.map_or_else(|| "–".to_owned(), duration_ms);
    let line = format!("{:<12}  {:<9}  {took:>7}  {:>5} tokens", report::name(step), report::state(step), step.tokens);
    match &step.error {
        Some(error) => format!("{line}  {error}"),
        None => line,
    }
}

//! `langdeck fire --count`: sends many alerts at a rate, shows how far it is, and sums up what became of them.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use langdeck_shared::{AlertRequest, ReplicaStatus};
use serde_json::json;

use super::super::output::{self, Line, write_err};
use super::super::{Failure, hint};
use super::new_key;
use crate::app::{Living, Place, Progress, SourceId, ready_places};
use crate::cli::Fire;
use crate::net::burst::{self, Hold};
use crate::net::{BaseUrl, Client, FleetAnswer, NetError};
use crate::view::format::{duration_ms, latency_ms};

/// How many a second, where nobody says.
const RATE: f64 = 10.0;
/// How often the fleet is looked at again, for replicas that have come or gone.
const LOOK: Duration = Duration::from_secs(2);
/// From line to line of progress where it is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// Sends the alert `count` times; the exit code.
///
/// # Errors
///
/// When the fleet cannot be asked who is ready, or it is stopped a second time.
pub(super) async fn run(
    client: &Client,
    url: &BaseUrl,
    fire: &Fire,
    alert: AlertRequest,
    count: u32,
) -> Result<u8, Failure> {
    let mut fleet = fire.spread.then(|| Roll::new(client, url));
    let places = match &mut fleet {
        Some(fleet) => {
            fleet.look().await.map_err(|error| Failure::new(hint::no_answer(url, &error)))?;
            Some(fleet.ready())
                .filter(|ready| !ready.is_empty())
                .ok_or_else(|| Failure::new(format!("no replica of the fleet behind {url} is ready")))?
        }
        None => vec![Place { source: SourceId(0), replica: fire.replica.clone() }],
    };
    let (hold, places) = Hold::new(places);
    let (alert, key, rate) = (Arc::new(alert), new_key(), fire.rate.unwrap_or(RATE));
    let submit = |place: Place, number: u32| {
        let (client, url, alert, key) = (client.clone(), url.clone(), Arc::clone(&alert), format!("{key}-{number}"));
        async move { client.submit(&url, place.replica.as_deref(), &alert, &key).await }
    };
    let mut live = Live::new(count, rate);
    let outcome =
        until_over(burst::send(count, rate, places, submit, |progress| live.show(progress)), hold, fleet).await;
    live.line.clear();
    let (progress, stopped) = outcome?;
    output::print(&if fire.json { json(count, stopped, &progress)? } else { summary(count, &progress) })?;
    Ok(match (stopped, progress.went_well()) {
        (true, _) => 130,
        (false, well) => u8::from(!well),
    })
}

/// Waits until all is counted, and lets nothing more be sent after Ctrl-C; tells whether that came.
async fn until_over(
    sending: impl Future<Output = Progress>,
    hold: Hold,
    mut fleet: Option<Roll<'_>>,
) -> Result<(Progress, bool), Failure> {
    let (mut sending, mut interrupted) = (pin!(sending), pin!(tokio::signal::ctrl_c()));
    let mut hold = Some(hold);
    loop {
        tokio::select! {
            progress = &mut sending => return Ok((progress, hold.is_none())),
            ready = look_again(&mut fleet), if hold.is_some() => {
                if let Some(hold) = hold.as_ref().filter(|_| !ready.is_empty()) {
                    hold.redirect(ready);
                }
            }
            _ = &mut interrupted => {
                if hold.take().is_none() {
                    let unknown = "stopped while answers were awaited; what became of those alerts is not known";
                    return Err(Failure::interrupted(unknown));
                }
                interrupted.set(tokio::signal::ctrl_c());
            }
        }
    }
}

/// Who is ready after a while; never where nobody asks.
async fn look_again(fleet: &mut Option<Roll<'_>>) -> Vec<Place> {
    let Some(fleet) = fleet else { return std::future::pending().await };
    tokio::time::sleep(LOOK).await;
    // What is known stays, where it cannot be asked: those that are gone will be counted as failures.
    let _kept = fleet.look().await;
    fleet.ready()
}

/// The replicas of a fleet, as one of them tells.
struct Roll<'a> {
    client: &'a Client,
    url: &'a BaseUrl,
    cursor: Option<String>,
    /// Name and status by boot id.
    known: BTreeMap<String, (String, ReplicaStatus)>,
}

impl<'a> Roll<'a> {
    const fn new(client: &'a Client, url: &'a BaseUrl) -> Self {
        Self { client, url, cursor: None, known: BTreeMap::new() }
    }

    /// Asks what has changed.
    async fn look(&mut self) -> Result<(), NetError> {
        loop {
            let FleetAnswer { update, .. } = self.client.fleet(self.url, self.cursor.as_deref()).await?;
            if update.reset {
                self.known.clear();
            }
            let changed = update.replicas.into_iter().map(|one| (one.boot_id, (one.replica, one.status)));
            self.known.extend(changed);
            self.cursor = Some(update.cursor);
            if !update.more {
                return Ok(());
            }
        }
    }

    fn ready(&self) -> Vec<Place> {
        let living = self.known.iter().filter(|(_, (_, status))| status.answers());
        ready_places(living.map(|(boot_id, (name, status))| Living {
            name,
            boot_id,
            source: SourceId(0),
            ready: *status == ReplicaStatus::Ready,
        }))
    }
}

/// How far it is, on standard error: one line that is written anew on a terminal, now and then a line elsewhere.
struct Live {
    line: Line,
    count: u32,
    rate: f64,
    last_line: Instant,
}

impl Live {
    fn new(count: u32, rate: f64) -> Self {
        Self { line: Line::new(), count, rate, last_line: Instant::now() }
    }

    fn show(&mut self, progress: &Progress) {
        let left = duration_ms(u64::try_from(progress.left(self.count, self.rate).as_millis()).unwrap_or(u64::MAX));
        let text = format!("sent {} of {}: {}, {left} left", progress.sent, self.count, progress.outcomes());
        if self.line.is_on_terminal() {
            self.line.show("", &text);
        } else if self.last_line.elapsed() >= LINE {
            write_err(&format!("{text}\n"));
            self.last_line = Instant::now();
        }
    }
}

fn elapsed_ms(progress: &Progress) -> u64 {
    u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn summary(count: u32, progress: &Progress) -> String {
    let mut text = format!(
        "{} of {count} sent in {}: {}\n",
        progress.sent,
        duration_ms(elapsed_ms(progress)),
        progress.outcomes()
    );
    if let Some(latency) = progress.latency {
        let [p50, p95, p99] = [latency.p50_ms, latency.p95_ms, latency.p99_ms].map(latency_ms);
        text.push_str(&format!("accepted in  p50 {p50}  p95 {p95}  p99 {p99}\n"));
    }
    for (name, accepted) in &progress.by_replica {
        text.push_str(&format!("{accepted:>7} accepted by {name}\n"));
    }
    for reason in &progress.reasons {
        text.push_str(&format!("{:>7} not accepted: {}\n", reason.alerts, reason.text));
    }
    if progress.other_reasons > 0 {
        text.push_str(&format!("{:>7} not accepted for other reasons\n", progress.other_reasons));
    }
    text
}

fn json(count: u32, stopped: bool, progress: &Progress) -> Result<String, Failure> {
    let reasons = progress.reasons.iter().map(|reason| json!({"alerts": reason.alerts, "reason": reason.text}));
    let summary = json!({
        "count": count,
        "sent": progress.sent,
        "accepted": progress.accepted,
        "new": progress.begun(),
        "cached": progress.cached,
        "joined": progress.joined,
        "over_budget": progress.over_budget,
        "refused": progress.refused,
        "failed": progress.failed,
        "stopped": stopped,
        "elapsed_ms": elapsed_ms(progress),
        "latency": progress.latency,
        "accepted_by": progress.by_replica,
        "reasons": reasons.collect::<Vec<_>>(),
        "other_reasons": progress.other_reasons,
    });
    let text = serde_json::to_string_pretty(&summary).map_err(|error| Failure::new(error.to_string()))?;
    Ok(text + "\n")
}

//! A burst: many alerts at a chosen rate, how far it has come, and what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use langdeck_shared::{Accepted, AlertRequest, Latency, Problem};

use super::{Aim, App, Effect, HURRY, Overlay, Place, Tone};
use crate::net::NetError;

/// The problem of an alert that a budget has no room for.
const BUDGET_EXCEEDED: &str = "urn:langdeck:problem:budget-exceeded";
/// The most alerts of one burst.
const MOST: u32 = 10_000;
/// The slowest and the fastest rate, in alerts a second.
const RATES: (f64, f64) = (0.1, 1000.0);
/// How many reasons are told apart; the oldest ones beyond them are counted together.
const REASONS: usize = 8;

/// Reads how many alerts.
///
/// # Errors
///
/// What was expected.
pub fn parse_count(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

/// Reads how many alerts a second.
///
/// # Errors
///
/// What was expected.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let (slowest, fastest) = RATES;
    let rate = text.trim().parse().ok().filter(|rate| (slowest..=fastest).contains(rate));
    rate.ok_or_else(|| format!("expected a number from {slowest} to {fastest}, in alerts a second"))
}

/// What is to be sent, where to, and how fast.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The alert, the same every time.
    pub alert: AlertRequest,
    /// How often.
    pub count: u32,
    /// At most so many a second.
    pub rate: f64,
    /// The places that take it by turns.
    pub places: Vec<Place>,
    /// What the `Idempotency-Key` of each begins with; its number follows.
    pub key: String,
}

/// Why alerts were not accepted, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The reason, clean.
    pub text: String,
    /// How many alerts.
    pub alerts: u32,
}

/// How far a burst has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Alerts sent, answered or not.
    pub sent: u32,
    /// Alerts that a replica has accepted.
    pub accepted: u32,
    /// Those of them that were answered from the cache.
    pub cached: u32,
    /// Those of them that joined an investigation under way.
    pub joined: u32,
    /// Alerts that were refused because a budget has no room.
    pub over_budget: u32,
    /// Alerts that were refused for another reason.
    pub refused: u32,
    /// Alerts without an answer that could be understood. They may have arrived all the same.
    pub failed: u32,
    /// How long acceptance took, of all that were accepted.
    pub latency: Option<Latency>,
    /// How many each replica has accepted.
    pub by_replica: BTreeMap<Arc<str>, u32>,
    /// Why alerts were refused or failed, the latest reason first.
    pub reasons: Vec<Reason>,
    /// Alerts with reasons that are no longer told apart.
    pub other_reasons: u32,
    /// How long it has taken so far.
    pub elapsed: Duration,
}

impl Progress {
    /// Counts an alert that was accepted.
    pub fn accept(&mut self, accepted: &Accepted) {
        self.accepted += 1;
        match (accepted.cached, accepted.joined) {
            (true, _) => self.cached += 1,
            (false, true) => self.joined += 1,
            (false, false) => {}
        }
        *self.by_replica.entry(Arc::clone(&accepted.replica)).or_default() += 1;
    }

    /// Counts an alert that was not accepted.
    pub fn fail(&mut self, error: &NetError) {
        let text = match error {
            NetError::Problem(problem) if problem.kind == BUDGET_EXCEEDED => {
                self.over_budget += 1;
                without_room(problem)
            }
            NetError::Problem(_) => {
                self.refused += 1;
                error.to_string()
            }
            _ => {
                self.failed += 1;
                error.to_string()
            }
        };
        let known = self.reasons.iter().position(|reason| reason.text == text);
        let mut reason = known.map_or(Reason { text, alerts: 0 }, |at| self.reasons.remove(at));
        reason.alerts += 1;
        self.reasons.insert(0, reason);
        if let Some(oldest) = self.reasons.get(REASONS).map(|oldest| oldest.alerts) {
            self.other_reasons += oldest;
            self.reasons.truncate(REASONS);
        }
    }

    /// Alerts that are answered, however.
    #[must_use]
    pub const fn answered(&self) -> u32 {
        self.accepted + self.not_accepted()
    }

    /// Alerts that were not accepted, why ever.
    #[must_use]
    pub const fn not_accepted(&self) -> u32 {
        self.over_budget + self.refused + self.failed
    }

    /// Alerts that were accepted and began an investigation of their own.
    #[must_use]
    pub const fn begun(&self) -> u32 {
        self.accepted.saturating_sub(self.cached + self.joined)
    }

    /// Whether every alert sent was accepted.
    #[must_use]
    pub const fn went_well(&self) -> bool {
        self.not_accepted() == 0
    }

    /// Which outcomes there were, in words: `97 accepted, 3 refused`; `97 accepted (80 new, 17 cached), 3 over budget`
    /// where not each of them is new.
    #[must_use]
    pub fn outcomes(&self) -> String {
        let said = |counts: &[(u32, &str)]| {
            let counts = counts.iter().filter(|(count, _)| *count > 0);
            counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
        };
        let accepted = match said(&[(self.begun(), "new"), (self.cached, "cached"), (self.joined, "joined")]) {
            kinds if self.begun() < self.accepted => format!("{} accepted ({kinds})", self.accepted),
            _ => format!("{} accepted", self.accepted),
        };
        let rest = said(&[(self.over_budget, "over budget"), (self.refused, "refused"), (self.failed, "failed")]);
        if rest.is_empty() { accepted } else { format!("{accepted}, {rest}") }
    }

    /// How long it will take to send the rest of `count`: at the rate, or at the pace so far where that is slower.
    #[must_use]
    pub fn left(&self, count: u32, rate: f64) -> Duration {
        let rest = count.saturating_sub(self.sent);
        let at_pace = self.elapsed.checked_div(self.sent).and_then(|each| each.checked_mul(rest)).unwrap_or_default();
        Duration::from_secs_f64(f64::from(rest) / rate).max(at_pace)
    }
}

/// Which budget has no room. What an agent says of it has figures that are others for each alert, and one reason would
/// become many.
fn without_room(problem: &Problem) -> String {
    let Some(budget) = &problem.budget else { return problem.detail.clone() };
    format!(
        "the budget `{}` of {} USD per {} (UTC) has no room; it resets at {}",
        budget.scope, budget.limit_usd, budget.window, budget.resets_at
    )
}

/// Whether a burst still sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Alerts are being sent.
    Sending,
    /// Nothing more is sent; what is under way is waited for.
    Stopping,
    /// All is counted.
    Over,
    /// The console itself has failed: nothing more is sent, and what was under way is not known.
    Broken(NetError),
}

/// The last burst of this console.
#[derive(Debug, Clone)]
pub struct Burst {
    /// What is sent; its places as they are now.
    pub order: Order,
    /// Where to, as it was asked for.
    pub aim: Aim,
    /// How far it has come.
    pub progress: Progress,
    /// Whether it still sends.
    pub stage: Stage,
    /// Whether a person has seen its end.
    pub seen: bool,
}

impl Burst {
    /// Whether anything is sent or waited for.
    #[must_use]
    pub const fn is_going_on(&self) -> bool {
        matches!(self.stage, Stage::Sending | Stage::Stopping)
    }
}

impl App {
    /// The burst that goes on, or whose end nobody has seen.
    #[must_use]
    pub fn unseen_burst(&self) -> Option<&Burst> {
        self.burst.as_ref().filter(|burst| burst.is_going_on() || !burst.seen)
    }

    /// Begins a burst; the places are where its alerts go at first.
    pub(super) fn begin_burst(&mut self, order: Order, aim: Aim, now: Instant) -> Vec<Effect> {
        self.aim.clone_from(&aim);
        self.overlay = Some(Overlay::Burst);
        self.hurry_until = Some(now + HURRY);
        self.paused_at = None;
        let progress = Progress::default();
        self.burst = Some(Burst { order: order.clone(), aim, progress, stage: Stage::Sending, seen: false });
        vec![Effect::Burst(Box::new(order))]
    }

    /// Lets nothing more be sent.
    pub(super) fn stop_burst(&mut self) -> Vec<Effect> {
        match self.burst.as_mut().filter(|burst| burst.stage == Stage::Sending) {
            Some(burst) => {
                burst.stage = Stage::Stopping;
                vec![Effect::StopBurst]
            }
            None => Vec::new(),
        }
    }

    /// Closes the panel; the burst goes on, and one that is over has been seen.
    pub(super) fn leave_burst(&mut self) {
        if let Some(burst) = self.burst.as_mut().filter(|burst| !burst.is_going_on()) {
            burst.seen = true;
        }
    }

    pub(super) fn burst_moved(&mut self, progress: Progress, now: Instant) {
        let Some(burst) = &mut self.burst else { return };
        if progress.sent > burst.progress.sent {
            self.hurry_until = Some(now + HURRY);
        }
        burst.progress = progress;
    }

    pub(super) fn burst_ended(&mut self, result: Result<Progress, NetError>, now: Instant) {
        let Some(burst) = &mut self.burst else { return };
        let (tone, text) = match result {
            Ok(progress) => {
                let tone = if progress.went_well() { Tone::Good } else { Tone::Bad };
                let stopped = if progress.sent < burst.order.count { "stopped" } else { "done" };
                let text = format!("burst {stopped}: {}", progress.outcomes());
                (burst.progress, burst.stage) = (progress, Stage::Over);
                (tone, text)
            }
            Err(error) => {
                let text = format!("burst ended: {error}");
                burst.stage = Stage::Broken(error);
                (Tone::Bad, text)
            }
        };
        self.say(tone, text, now);
    }

    /// A burst over the fleet goes to those that are ready, also to one that came later. While none is, it goes where it
    /// went, and what comes of that is counted.
    pub(super) fn redirect_burst(&mut self, now: Instant) -> Option<Effect> {
        let spread = |burst: &&Burst| burst.stage == Stage::Sending && burst.aim == Aim::Spread;
        self.burst.as_ref().filter(spread)?;
        let ready = self.ready(now);
        let burst = self.burst.as_mut().filter(|burst| !ready.is_empty() && burst.order.places != ready)?;
        burst.order.places.clone_from(&ready);
        Some(Effect::RedirectBurst(ready))
    }
}

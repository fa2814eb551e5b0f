//! One life of a replica, as all addresses together tell of it.

use std::time::{Duration, Instant};

use langdeck_shared::{
    Budget, FailureKind, Latency, PeerFailure, ReplicaStatus, ReplicaUpdate, STALE_AFTER, ToolMode, Totals, Usd,
};

use super::SourceId;
use super::totals::{hourly, later};
use crate::app::AgentClock;
use crate::app::series::Series;

/// How long a restart is marked.
pub(super) const RESTART_MARK: Duration = Duration::from_secs(30);

/// One life of a replica, as the console knows it.
#[derive(Debug, Clone)]
pub struct Replica {
    /// Its name.
    pub name: String,
    /// Its life.
    pub boot_id: String,
    /// Through which address it is best reached.
    pub source: SourceId,
    /// How it runs plans.
    pub tool_mode: ToolMode,
    /// Investigations at work.
    pub running: u64,
    /// Investigations waiting.
    pub queued: u64,
    /// Its budgets, as it said them last.
    pub budgets: Vec<Budget>,
    /// The time by its clock.
    pub clock: AgentClock,
    /// Latency of its last investigations.
    pub latency: Option<Latency>,
    /// Its samples per second.
    pub series: Series,
    /// When it answered last, as far as is known.
    pub answered: Instant,
    /// How long the answer took that told so.
    pub took: Duration,
    /// What each address tells of it; the one listed last stands last.
    views: Vec<View>,
    /// Which of them has the freshest word.
    best: usize,
    /// When the console first heard of it.
    pub(super) first_heard: Instant,
    /// When it said what is known of it.
    heard: Instant,
    /// How long it had been up then, in milliseconds.
    uptime_ms: u64,
    /// What this life did.
    pub(super) own: Totals,
    /// What it did and the lives before it: asked for often, and changed seldom.
    pub(super) totals: Totals,
    /// When it followed on the life before it.
    pub(super) restarted: Option<Instant>,
    /// The life that it gave way to.
    pub(super) successor: Option<String>,
    /// Since when it has been gone.
    pub(super) gone: Option<Instant>,
    /// Whether it has no row.
    pub(super) hidden: bool,
    /// Whether another living replica has its name.
    pub(super) has_namesake: bool,
    /// Whether it stays on top.
    pub(super) pinned: bool,
    /// Its place by the order chosen.
    pub(super) rank: u64,
}

/// What one address tells of a life.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) source: SourceId,
    /// The snapshot that it was listed in, or since.
    pub(super) epoch: u64,
    /// The status that it was listed with.
    told: ReplicaStatus,
    /// When the replica answered last, by this word.
    answered: Instant,
    /// When this was said or confirmed.
    confirmed: Instant,
    took: Duration,
    /// Whether the address is the replica's own.
    direct: bool,
    /// Whether the address has refused a connection since.
    refused: bool,
    /// Why the replica does not answer.
    failure: Option<PeerFailure>,
}

/// A word about a replica, and how it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard<'a> {
    pub(super) source: SourceId,
    pub(super) epoch: u64,
    pub(super) direct: bool,
    pub(super) update: &'a ReplicaUpdate,
    pub(super) received: Instant,
    pub(super) took: Duration,
}

impl Heard<'_> {
    /// When the replica said it.
    pub(super) fn said(&self) -> Instant {
        said(self.update, self.received)
    }

    fn view(&self) -> View {
        View {
            source: self.source,
            epoch: self.epoch,
            told: self.update.status,
            answered: self.said(),
            confirmed: self.received,
            took: self.took,
            direct: self.direct,
            refused: false,
            failure: self.update.failure.clone(),
        }
    }
}

/// When a replica said what came at `received`.
pub(in crate::app) fn said(update: &ReplicaUpdate, received: Instant) -> Instant {
    received.checked_sub(Duration::from_millis(update.age_ms)).unwrap_or(received)
}

impl View {
    fn is_faulty(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Faulty)
    }

    fn status(&self, now: Instant) -> ReplicaStatus {
        let silent = now.saturating_duration_since(self.confirmed);
        // One that was told to be lost does not become less so with time.
        ReplicaStatus::after(self.told, silent, self.refused).max(self.told)
    }
}

impl Replica {
    /// A life that nobody told of before; `floor` is what it is known to have done all the same.
    pub(super) fn new(heard: Heard<'_>, floor: Totals) -> Self {
        let update = heard.update;
        let mut replica = Self {
            name: update.replica.clone(),
            boot_id: update.boot_id.clone(),
            source: heard.source,
            tool_mode: update.tool_mode,
            running: update.running,
            queued: update.queued,
            budgets: update.budgets.clone(),
            clock: AgentClock::new(update.now, heard.said()),
            latency: update.latency,
            series: Series::default(),
            answered: heard.said(),
            took: heard.took,
            views: Vec::new(),
            best: 0,
            first_heard: heard.received,
            heard: heard.said(),
            uptime_ms: update.uptime_ms,
            own: floor,
            totals: floor,
            restarted: None,
            successor: None,
            gone: None,
            hidden: false,
            has_namesake: false,
            pinned: false,
            rank: 0,
        };
        replica.take(heard);
        replica
    }

    /// Takes a word about it; whether that is not older than what was known. An older one came a longer way: what it adds
    /// is taken, and nothing goes back.
    pub(super) fn take(&mut self, heard: Heard<'_>) -> bool {
        let update = heard.update;
        let newer = update.uptime_ms >= self.uptime_ms;
        self.own = later(self.own, update.totals);
        let second = update.uptime_ms / 1000;
        self.series.extend(&update.samples);
        self.series.cover(second);
        if newer {
            update.replica.clone_into(&mut self.name);
            self.tool_mode = update.tool_mode;
            (self.running, self.queued, self.latency) = (update.running, update.queued, update.latency);
            self.budgets.clone_from(&update.budgets);
            self.clock = AgentClock::new(update.now, heard.said());
            (self.uptime_ms, self.heard) = (update.uptime_ms, heard.said());
            if !update.status.answers() {
                // It was thought to be quiet after its last answer; nobody knows.
                self.series.end_at(second);
            }
        }
        self.views.retain(|view| view.source != heard.source);
        self.views.push(heard.view());
        self.settle();
        newer
    }

    /// Takes from an address that listed it since its last snapshot, and does not now, that nothing has changed.
    pub(super) fn confirm(&mut self, source: SourceId, epoch: u64, received: Instant, took: Duration) {
        let view = self.views.iter_mut().find(|view| view.source == source && view.epoch == epoch);
        let Some(view) = view.filter(|view| view.told.answers() && !view.is_faulty()) else { return };
        (view.answered, view.confirmed, view.took, view.refused) = (received, received, took, false);
        self.settle();
        let up = Duration::from_millis(self.uptime_ms).saturating_add(received.saturating_duration_since(self.heard));
        self.series.cover(up.as_secs());
    }

    /// Notes that its word through an address is none, and why.
    pub(super) fn break_contract(&mut self, source: SourceId, reason: &str) {
        self.at(source, |view| view.failure = Some(PeerFailure::new(FailureKind::Faulty, reason)));
    }

    /// Notes that an address does not answer: whether it refuses connections, and whether that is because what it says, as
    /// the replica itself, is none.
    pub(super) fn cut_off(&mut self, source: SourceId, refused: bool, faulty: Option<&str>) {
        self.at(source, |view| {
            view.refused |= refused;
            if view.direct {
                view.failure = faulty.map(|reason| PeerFailure::new(FailureKind::Faulty, reason));
            }
        });
    }

    /// Notes that another life answers where this one did.
    pub(super) fn end(&mut self, source: SourceId) {
        self.at(source, |view| {
            view.told = ReplicaStatus::Gone;
            view.failure = Some(PeerFailure::new(FailureKind::Ended, "another life answers at its address"));
        });
    }

    fn at(&mut self, source: SourceId, change: impl FnOnce(&mut View)) {
        if let Some(view) = self.views.iter_mut().find(|view| view.source == source) {
            change(view);
            self.settle();
        }
    }

    /// Whether an address has told of it.
    pub(super) fn is_seen_through(&self, source: SourceId) -> bool {
        self.views.iter().any(|view| view.source == source)
    }

    /// Finds the freshest word, and the best address: the replica's own where it is about as fresh.
    fn settle(&mut self) {
        let freshest = self.views.iter().enumerate().max_by_key(|(_, view)| (view.answered, view.confirmed));
        let Some((best, view)) = freshest else { return };
        (self.best, self.answered, self.took) = (best, view.answered, view.took);
        let fresh = self.views.iter().filter(|view| !view.refused && view.answered + STALE_AFTER >= self.answered);
        let reached = fresh.max_by_key(|view| (view.direct, view.answered)).unwrap_or(view);
        self.source = reached.source;
    }

    fn word(&self) -> Option<&View> {
        self.views.get(self.best)
    }

    /// Sums over all lives that were seen of it; they never fall.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How the replica stands at `now`.
    #[must_use]
    pub fn status(&self, now: Instant) -> ReplicaStatus {
        self.word().map_or(ReplicaStatus::Gone, |view| view.status(now))
    }

    /// Whether its last answer was none: not what the contract says.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.word().is_some_and(View::is_faulty)
    }

    /// Why it does not answer, as far as anybody said.
    #[must_use]
    pub fn failure(&self) -> Option<&PeerFailure> {
        self.word().and_then(|view| view.failure.as_ref())
    }

    /// Whether what is known is of now.
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        !self.is_faulty() && self.status(now).answers()
    }

    /// When it will be stale if nobody says more.
    #[must_use]
    pub fn fresh_until(&self) -> Instant {
        self.word().map_or(self.answered, |view| view.confirmed) + STALE_AFTER
    }

    /// How old what is known is.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.answered)
    }

    /// How long its life has lasted; of one that does not answer, until its last answer.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        let known = if self.is_fresh(now) { now } else { self.answered };
        Duration::from_millis(self.uptime_ms).saturating_add(known.saturating_duration_since(self.heard))
    }

    /// When its life began, by the console's clock; none where that is before any clock.
    pub(super) fn began(&self) -> Option<Instant> {
        self.heard.checked_sub(Duration::from_millis(self.uptime_ms))
    }

    /// Whether it was seen to restart a short while ago.
    #[must_use]
    pub fn restarted_lately(&self, now: Instant) -> bool {
        self.restarted.is_some_and(|at| now.saturating_duration_since(at) < RESTART_MARK)
    }

    /// Whether it has work and answers.
    #[must_use]
    pub fn is_busy(&self, now: Instant) -> bool {
        (self.running > 0 || self.queued > 0) && self.is_fresh(now)
    }

    /// Whether another living replica goes by its name.
    #[must_use]
    pub const fn has_namesake(&self) -> bool {
        self.has_namesake
    }

    /// Whether it stays on top.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Whether its name, its life or how it stands holds this word, which is in small letters.
    pub(super) fn says(&self, word: &str, now: Instant) -> bool {
        let marks = [
            (self.is_faulty(), "faulty"),
            (self.is_busy(now), "busy"),
            (self.restarted_lately(now), "restarted"),
            (self.pinned, "pinned"),
        ];
        self.name.to_lowercase().contains(word)
            || self.boot_id.to_lowercase().contains(word)
            || self.status(now).as_str().contains(word)
            || marks.iter().any(|(is, mark)| *is && mark.contains(word))
    }

    /// For how many seconds it has said nothing; none while it is fresh, since answers come a little apart.
    #[must_use]
    pub fn silent(&self, now: Instant) -> usize {
        if self.is_fresh(now) { 0 } else { usize::try_from(self.age(now).as_secs()).unwrap_or(usize::MAX) }
    }

    /// What it spends per hour, going by its last minute; none before it has been seen for ten seconds.
    #[must_use]
    pub fn hourly(&self) -> Option<Usd> {
        hourly(self.series.last(60).map(|slot| slot.map(|sample| sample.cost_usd)))
    }
}

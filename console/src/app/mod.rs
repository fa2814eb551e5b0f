//! The console's state, what happens to it, and how it changes: pure, synchronous, the clock passed in.

pub mod actions;
mod aim;
mod apart;
mod burst;
mod clock;
mod commands;
mod connection;
mod costs;
mod detail;
mod fire;
mod fleet;
mod form;
mod investigations;
mod memory;
mod message;
mod notice;
pub mod series;
mod sift;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod update;

use std::time::{Duration, Instant};

use langdeck_shared::Status;
use tui_input::Input;

pub use actions::{Action, Context};
pub use aim::{Aim, Living, Place, ready_places};
pub use apart::Apart;
pub use burst::{Burst, Order, Progress, Reason, Stage, parse_count, parse_rate};
pub use clock::AgentClock;
pub use connection::{Link, Source};
pub use costs::{
    BudgetOrder, CostOrder, CostPane, OutlierOrder, Reach, Rows, ShareOrder, Spending, Split, TableOrder, Whole,
    without_repeats,
};
pub use detail::{Detail, Part};
pub use fire::{FireList, PRESETS, Preset};
pub use fleet::{Fleet, FleetBudget, FleetOrder, FleetRow, Replica, SilentPeer, Worst, hourly};
pub use form::{Field, Form, FormKind};
pub use investigations::{Investigations, Known, Loss};
pub use memory::{FleetMemory, Recalled};
pub use message::{Effect, Gesture, Message, Pace, SourceId, Target};
pub use notice::{Fault, Notice, Tone};

/// How long the sources are asked quickly after an alert was fired (the contract's figure).
const HURRY: Duration = Duration::from_secs(2);
/// How often the screen is drawn anew while something on it moves.
const FRAME: Duration = Duration::from_millis(100);
/// How often it is while only ages grow.
const AGES: Duration = Duration::from_secs(1);

/// How long the list's marker stays with an investigation that has ended, while it follows.
const LINGER: Duration = Duration::from_millis(1500);
/// Among how many of the newest investigations it looks for one that runs.
const NEWEST: usize = 200;

/// An investigation that the list's marker follows.
#[derive(Debug, Clone)]
struct Followed {
    id: String,
    /// Until when the marker stays, once it has ended.
    until: Option<Instant>,
}

/// What the texts of the investigation looked at depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Looks {
    id: String,
    received: Instant,
    lost: Option<Loss>,
    reached: bool,
}

/// A part of the overview that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The table of replicas.
    Fleet,
    /// The list of investigations.
    #[default]
    Investigations,
}

/// A screen, as the row of tabs has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// The fleet, investigations and what they cost, at a glance.
    #[default]
    Overview,
    /// What was spent, on what, and the budgets.
    Cost,
}

impl Tab {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 2] = [Self::Overview, Self::Cost];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Cost => "Cost",
        }
    }
}

/// What lies over the screen.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// Every key; the first row shown.
    Help(usize),
    /// The list of test alerts.
    Fire(FireList),
    /// The form for an alert of one's own, or many of it.
    Form(Box<Form>),
    /// How far the burst has come.
    Burst,
    /// The filter's text field; what the filter was before.
    Filter(String),
    /// The list of actions: what is written, and the chosen row.
    Palette(Input, usize),
}

/// How to open the console.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// The URLs to ask.
    pub sources: Vec<String>,
    /// Whether the replicas run in this process.
    pub demo: bool,
}

/// All that the screen shows.
#[derive(Debug, Clone)]
pub struct App {
    /// Whether the replicas run in this process.
    pub demo: bool,
    /// The addresses, as given.
    pub sources: Vec<Source>,
    /// The replicas.
    pub fleet: Fleet,
    /// The investigations.
    pub investigations: Investigations,
    /// What the replicas remember.
    pub memory: FleetMemory,
    /// The screen, under an opened investigation.
    pub tab: Tab,
    /// Where keys go on the overview.
    pub pane: Pane,
    /// The state of the Cost screen.
    pub spending: Spending,
    /// The investigation at the list's marker, or the opened one, as far as it has been asked for.
    pub detail: Option<Detail>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Only investigations that hold this text are shown.
    pub filter: Input,
    /// Only replicas that hold this text are shown.
    pub fleet_filter: Input,
    /// Only investigations of the replica with this name are shown.
    pub scope: Option<String>,
    /// What has just become known and will soon be forgotten.
    pub notice: Option<Notice>,
    /// The last fault of the console itself, for a while.
    pub fault: Option<Fault>,
    /// The last burst.
    pub burst: Option<Burst>,
    /// Where the last alert went, as it was asked for.
    aim: Aim,
    /// How many alerts were spread over the fleet one by one.
    turn: usize,
    /// The row that the fleet's marker stands at, by its key.
    replica: Option<String>,
    /// The investigation that the list's marker was put at; none lets it follow what runs.
    selected: Option<String>,
    /// What the marker is at while it follows.
    followed: Option<Followed>,
    /// The ids that pass filter and scope, newest first; none while everything does.
    shown: Option<Vec<String>>,
    opened: bool,
    /// Counts what changes the texts of the investigation looked at.
    detail_revision: u64,
    looks: Option<Looks>,
    /// The investigation that an answer is awaited for; one question at a time.
    asked: Option<String>,
    paused_at: Option<Instant>,
    hurry_until: Option<Instant>,
    /// How many alerts were fired.
    fired: u64,
    session: u64,
    dirty: bool,
}

impl App {
    /// A console that has just opened, with nothing known. `session` makes its idempotency keys differ from those of
    /// every other console.
    #[must_use]
    pub fn new(options: AppOptions, session: u64, now: Instant) -> Self {
        Self {
            demo: options.demo,
            sources: options.sources.into_iter().map(|url| Source::new(url, now)).collect(),
            fleet: Fleet::default(),
            investigations: Investigations::new(now),
            memory: FleetMemory::default(),
            tab: Tab::default(),
            pane: Pane::default(),
            spending: Spending::default(),
            detail: None,
            overlay: None,
            filter: Input::default(),
            fleet_filter: Input::default(),
            scope: None,
            notice: None,
            fault: None,
            burst: None,
            aim: Aim::default(),
            turn: 0,
            replica: None,
            selected: None,
            followed: None,
            shown: None,
            opened: false,
            detail_revision: 0,
            looks: None,
            asked: None,
            paused_at: None,
            hurry_until: None,
            fired: 0,
            session,
            dirty: true,
        }
    }

    /// When the console was opened.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.investigations.began()
    }

    /// Where a key goes at present.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.overlay {
            Some(Overlay::Help(_)) => Context::Help,
            Some(Overlay::Fire(_)) => Context::Fire,
            Some(Overlay::Form(_)) => Context::Compose,
            Some(Overlay::Burst) if self.burst.as_ref().is_some_and(Burst::is_going_on) => Context::Burst,
            Some(Overlay::Burst) => Context::BurstOver,
            Some(Overlay::Filter(_)) => Context::Filter,
            Some(Overlay::Palette(..)) => Context::Palette,
            None => self.place(),
        }
    }

    /// The screen, whatever is open over it.
    fn place(&self) -> Context {
        if let Some(detail) = self.opened() {
            if detail.reads_decisions() { Context::Decisions } else { Context::Detail }
        } else if self.fleet.known_count() == 0 {
            Context::NoConnection
        } else {
            match self.tab {
                Tab::Overview => Context::Overview,
                Tab::Cost => Context::Cost,
            }
        }
    }

    /// The opened investigation.
    #[must_use]
    pub fn opened(&self) -> Option<&Detail> {
        self.detail.as_ref().filter(|_| self.opened)
    }

    /// Another number whenever the texts of the investigation looked at may be others.
    #[must_use]
    pub const fn detail_revision(&self) -> u64 {
        self.detail_revision
    }

    /// How often the sources should be asked.
    #[must_use]
    pub fn pace(&self, now: Instant) -> Pace {
        if self.is_paused() {
            Pace::Paused
        } else if self.fleet.is_busy(now) || self.hurry_until.is_some_and(|until| now < until) {
            Pace::Busy
        } else {
            Pace::Idle
        }
    }

    /// When something on the screen will have changed by the clock alone, or the pace will; none when nothing will.
    #[must_use]
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        let notice = self.notice.as_ref().map(|notice| notice.until());
        let fault = self.fault.as_ref().map(|fault| fault.until());
        let hurry = self.hurry_until.filter(|until| now < *until);
        let moving =
            (!self.is_paused()).then(|| if self.fleet.is_busy(now) { Some(now + FRAME) } else { self.aging(now) });
        let costs = self.shows_costs().then(|| [self.spending.next_question(), self.spending.aging(now)]);
        let costs = costs.into_iter().flatten();
        [notice, fault, hurry, moving.flatten()].into_iter().chain(costs).flatten().min()
    }

    /// Whether the Cost screen is what the person sees, and goes on.
    fn shows_costs(&self) -> bool {
        self.place() == Context::Cost && !self.is_paused()
    }

    /// When an age on the screen has grown by a second, while one is shown: that of a replica or an address which does
    /// not answer.
    fn aging(&self, now: Instant) -> Option<Instant> {
        let silent = self.sources.iter().any(|source| !source.is_up());
        let stale = self.fleet.replicas().iter().any(|replica| !replica.is_fresh(now));
        let fresh_until = self.fleet.replicas().iter().map(Replica::fresh_until).min();
        if silent || stale || !self.fleet.silent().is_empty() { Some(now + AGES) } else { fresh_until }
    }

    /// Whether the screen is held still.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// The moment that the screen shows: `now`, or when it was paused.
    #[must_use]
    pub fn shown_at(&self, now: Instant) -> Instant {
        self.paused_at.unwrap_or(now)
    }

    /// Whether the screen has changed since this was last asked.
    pub const fn take_dirty(&mut self) -> bool {
        std::mem::replace(&mut self.dirty, false)
    }

    /// How far the opened investigation's text, or the help, can be scrolled; told by whoever has drawn it.
    pub fn limit_scroll(&mut self, most: usize) {
        if let Some(Overlay::Help(scroll)) = &mut self.overlay {
            *scroll = (*scroll).min(most);
        } else if let Some(detail) = self.detail.as_mut().filter(|_| self.opened) {
            detail.limit_scroll(most);
        }
    }

    /// The replica at the fleet's marker: the one chosen, or the first. None where the marker is at a peer without one.
    #[must_use]
    pub fn replica(&self) -> Option<&Replica> {
        match self.fleet.row(self.replica_row())? {
            FleetRow::Replica(replica) => Some(replica),
            FleetRow::Silent(_) => None,
        }
    }

    /// The row of the fleet's marker.
    #[must_use]
    pub fn replica_row(&self) -> usize {
        self.replica.as_deref().and_then(|key| self.fleet.row_of(key)).unwrap_or(0)
    }

    /// Whether the filter that is set, or written, is that of the fleet.
    #[must_use]
    pub fn filters_fleet(&self) -> bool {
        self.pane == Pane::Fleet
    }

    /// How many investigations pass filter and scope.
    #[must_use]
    pub fn shown_count(&self) -> usize {
        self.shown.as_ref().map_or_else(|| self.investigations.len(), Vec::len)
    }

    /// The investigation at a row of the list, newest first.
    #[must_use]
    pub fn shown(&self, row: usize) -> Option<&Known> {
        match &self.shown {
            Some(ids) => self.investigations.get(ids.get(row)?),
            None => self.investigations.at(row),
        }
    }

    /// The row of the list's marker: that of the investigation chosen, or of the one followed.
    #[must_use]
    pub fn selected_row(&self) -> usize {
        let followed = || self.followed.as_ref().map(|followed| followed.id.as_str());
        self.selected.as_deref().or_else(followed).and_then(|id| self.row_of(id)).unwrap_or(0)
    }

    /// The investigation at the list's marker.
    #[must_use]
    pub fn selected(&self) -> Option<&Known> {
        self.shown(self.selected_row())
    }

    /// Whether the list's marker follows what runs, because no investigation was chosen.
    #[must_use]
    pub const fn follows(&self) -> bool {
        self.selected.is_none()
    }

    /// Stays with what is followed until a moment after its end, then goes to the newest that runs, or the newest.
    fn follow(&mut self, now: Instant) {
        let id = self.followed.as_ref().map(|followed| followed.id.as_str());
        let known = id.filter(|id| self.row_of(id).is_some()).and_then(|id| self.investigations.get(id));
        let moving = known.is_some_and(Known::is_moving);
        if let Some(followed) = self.followed.as_mut().filter(|_| known.is_some()) {
            followed.until = if moving { None } else { followed.until.or(Some(now + LINGER)) };
            if followed.until.is_none_or(|until| now < until) {
                return;
            }
        }
        let newest = (0..self.shown_count().min(NEWEST)).filter_map(|row| self.shown(row));
        let running = newest.clone().find(|known| known.is_moving() && known.investigation.status == Status::Running);
        let next = running.or_else(|| self.shown(0)).map(|known| known.investigation.investigation_id.clone());
        let until = running.is_none().then_some(now);
        self.followed = next.map(|id| Followed { id, until });
    }
}

//! What happens to the console, and what it asks for in return.

use std::time::{Duration, Instant};

use crossterm::event::KeyEvent;
use langdeck_shared::{Accepted, AlertRequest, Costs, Investigation};

use super::{CostOrder, CostPane, FleetOrder, Order, Place, Progress, Tab};
use crate::crash::Panic;
use crate::net::{FleetAnswer, NetError};

/// One of the addresses that the console polls: its place in the list of `--url`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub usize);

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// The left button was pressed.
    Press,
    /// The wheel was turned towards earlier rows.
    WheelUp,
    /// The wheel was turned towards later rows.
    WheelDown,
}

/// What lies under the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A row of the fleet, counted from the first.
    Replica(usize),
    /// The head of a column of the fleet.
    Head(FleetOrder),
    /// An investigation, counted from the newest of those shown.
    Investigation(usize),
    /// The decisions of the opened investigation.
    Decisions,
    /// A step of the opened investigation.
    Step(usize),
    /// A row of an opened list.
    Choice(usize),
    /// The tab of a screen.
    Tab(Tab),
    /// A row of a pane of the Cost screen.
    Cost(CostPane, usize),
    /// The head of a column of the Cost screen.
    CostHead(CostOrder),
    /// Nothing that can be chosen.
    Nothing,
}

/// Something that happened; the only way for anything to reach the state.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed (releases never come this far).
    Key(KeyEvent),
    /// The mouse pressed on something, or turned its wheel over it.
    Pointed(Gesture, Target),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size now.
    Resized,
    /// Time has passed, and something on the screen depends on it.
    Tick,
    /// A source answered.
    Updated {
        /// Which one.
        source: SourceId,
        /// What it said of its fleet, cleaned.
        answer: Box<FleetAnswer>,
        /// When the answer was whole.
        received: Instant,
        /// How long it took.
        took: Duration,
    },
    /// A source did not answer.
    PollFailed {
        /// Which one.
        source: SourceId,
        /// Why.
        error: NetError,
        /// When the next try is made.
        next_try: Instant,
    },
    /// An investigation that was asked for, whole.
    Detail {
        /// The investigation's id.
        id: String,
        /// The investigation, cleaned, or why it did not come.
        result: Result<Box<Investigation>, NetError>,
    },
    /// The costs that an address was asked for.
    Costs {
        /// Which address.
        source: SourceId,
        /// The costs of its fleet, cleaned, or why they did not come.
        result: Result<Box<Costs>, NetError>,
    },
    /// What became of an alert that was sent.
    Fired {
        /// Where it was sent to.
        place: Place,
        /// The new investigation, or why there is none.
        result: Result<Accepted, NetError>,
    },
    /// How far the burst has come.
    BurstMoved(Box<Progress>),
    /// The burst is over: all is counted, or the console itself has failed.
    BurstEnded(Result<Box<Progress>, NetError>),
    /// A background task has panicked.
    Panicked(Panic),
}

impl Message {
    /// What it is called, without anything of what it holds.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Pointed(..) => "pointed",
            Self::Paste(_) => "paste",
            Self::Resized => "resized",
            Self::Tick => "tick",
            Self::Updated { .. } => "updated",
            Self::PollFailed { .. } => "poll-failed",
            Self::Detail { .. } => "detail",
            Self::Costs { .. } => "costs",
            Self::Fired { .. } => "fired",
            Self::BurstMoved(_) => "burst-moved",
            Self::BurstEnded(_) => "burst-ended",
            Self::Panicked(_) => "panicked",
        }
    }
}

/// Something that the state asks of the world outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send an alert, once. The key makes a repeated send join the first.
    Fire {
        /// Where to.
        place: Place,
        /// The alert.
        alert: Box<AlertRequest>,
        /// The `Idempotency-Key` to send with it.
        idempotency_key: String,
    },
    /// Send many alerts at a pace, each once.
    Burst(Box<Order>),
    /// Send the rest of them to these places.
    RedirectBurst(Vec<Place>),
    /// Send no more of them.
    StopBurst,
    /// Ask for one investigation, whole.
    FetchDetail {
        /// Whom to ask.
        source: SourceId,
        /// The investigation's id.
        id: String,
    },
    /// Ask for the costs of a fleet.
    FetchCosts(SourceId),
    /// Leave the screen to the shell until it says `fg`.
    Suspend,
    /// Draw every cell anew.
    Repaint,
    /// End the console.
    Quit,
}

/// How often the sources are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Once a second: nothing runs.
    #[default]
    Idle,
    /// Ten times a second: something runs, or was fired a moment ago.
    Busy,
    /// Not at all: the person wants to read.
    Paused,
}

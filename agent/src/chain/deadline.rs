//! The run's deadline: how long its tools may work, and how long it may take as a whole.

use std::time::Duration;

use tokio::time::Instant;

/// One part in so many of a run's time is kept for the reasoner, so that there is an answer from what was found.
const RESERVED: u32 = 5;

/// When a run has to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    started: Instant,
    limit: Duration,
}

/// Until when something may take, and which part of the deadline says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    pub(super) at: Instant,
    limit: Duration,
    part: Part,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Whole,
    Tools,
}

impl Deadline {
    /// The deadline of a run that started at an instant and may take as long as `limit`.
    pub(super) const fn new(started: Instant, limit: Duration) -> Self {
        Self { started, limit }
    }

    /// The end of the time for planner and reasoner, and so of the run.
    pub(super) fn whole(self) -> Until {
        self.until(self.limit, Part::Whole)
    }

    /// The end of the time for tools.
    pub(super) fn tools(self) -> Until {
        self.until(self.limit - self.limit / RESERVED, Part::Tools)
    }

    fn until(self, after: Duration, part: Part) -> Until {
        // No overflow: the settings allow a deadline of 1,000 hours at most.
        Until { at: self.started + after, limit: self.limit, part }
    }
}

impl Until {
    pub(super) fn has_passed(&self, now: Instant) -> bool {
        self.at <= now
    }

    /// Why what has not ended by then is stopped.
    pub(super) fn reason(&self) -> String {
        let limit = humantime::format_duration(self.limit);
        match self.part {
            Part::Whole => format!("the run's deadline of {limit} passed"),
            Part::Tools => format!("the time for tools is over, the run's deadline of {limit} is near"),
        }
    }
}

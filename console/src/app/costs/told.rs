//! What one address tells of costs, and when it is asked again.

use std::time::{Duration, Instant};

use langdeck_shared::Costs;

use crate::net::NetError;

/// One address.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    asked: Option<Instant>,
    under_way: bool,
    /// The last answer, and when it was heard.
    costs: Option<(Box<Costs>, Instant)>,
    /// Why the last question had none.
    error: Option<NetError>,
}

impl Told {
    /// Whether it is to be asked now; then the answer is counted on.
    pub(super) fn ask(&mut self, now: Instant, every: Duration) -> bool {
        let due = self.next_question(every).is_some_and(|due| due <= now) || self.asked.is_none();
        if due {
            (self.asked, self.under_way) = (Some(now), true);
        }
        due
    }

    /// When it is to be asked again; none while it has not answered, so that it has one question at a time.
    pub(super) fn next_question(&self, every: Duration) -> Option<Instant> {
        self.asked.filter(|_| !self.under_way).map(|asked| asked + every)
    }

    /// Takes its answer; without one, what it said before stays.
    pub(super) fn take(&mut self, result: Result<Box<Costs>, NetError>, now: Instant) {
        self.under_way = false;
        match result {
            Ok(costs) => (self.costs, self.error) = (Some((costs, now)), None),
            Err(error) => self.error = Some(error),
        }
    }

    pub(super) const fn error(&self) -> Option<&NetError> {
        self.error.as_ref()
    }

    pub(super) fn costs(&self) -> Option<(&Costs, Instant)> {
        self.costs.as_ref().map(|(costs, heard)| (&**costs, *heard))
    }

    /// Whether a question has come to an end, however.
    pub(super) const fn has_ended(&self) -> bool {
        self.costs.is_some() || self.error.is_some()
    }
}

//! What the log says of alerts that were not taken. Whoever sends them sets the pace, so thousands get a few lines.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use langdeck_shared::{AlertOutcome, PeerFailure};
use tokio::time::Instant;

use super::error::{ApiError, Kind};
use crate::fleet::Member;

/// How many lines of one sort there are in a while.
const MOST: u32 = 10;
const WHILE: Duration = Duration::from_secs(10);

/// The lines of each sort, counted.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    alerts: Ration,
    notifications: Ration,
}

impl Complaints {
    /// An alert found no room; what is wrong with an alert itself, its client learns.
    pub(super) fn about_alert(&self, error: ApiError) -> ApiError {
        if matches!(error.kind(), Kind::Full | Kind::Draining | Kind::BudgetExceeded)
            && let Some(unsaid) = self.alerts.draw()
        {
            tracing::warn!(problem = error.kind().name(), detail = error.detail(), unsaid, "an alert was refused");
        }
        error
    }

    /// A notification was not taken. Alertmanager does not read why.
    pub(super) fn about_notification(&self, error: ApiError) -> ApiError {
        if let Some(unsaid) = self.notifications.draw() {
            tracing::warn!(
                problem = error.kind().name(),
                detail = error.detail(),
                unsaid,
                "a notification was refused"
            );
        }
        error
    }

    /// Alerts of a notification did not reach the replica that owns their episodes, so another one takes them.
    pub(super) fn about_owner(&self, owner: &Member, failure: &PeerFailure, alerts: usize) {
        if let Some(unsaid) = self.notifications.draw() {
            tracing::warn!(
                owner = owner.replica,
                boot_id = owner.boot_id,
                reason = failure.detail,
                alerts,
                unsaid,
                "alerts could not be handed on to the replica that owns their episodes"
            );
        }
    }

    /// Alerts of a notification that will not come again, or not soon: refused, skipped, or left out by Alertmanager.
    pub(super) fn about_losses(&self, alerts: &[AlertOutcome], truncated: u64) {
        let mut reasons = alerts.iter().filter_map(|alert| alert.reason.as_deref());
        if let Some(first) = reasons.next()
            && let Some(unsaid) = self.notifications.draw()
        {
            let refused = reasons.count() + 1;
            tracing::warn!(
                refused,
                of = alerts.len(),
                first,
                unsaid,
                "alerts of a notification were refused or skipped"
            );
        }
        if truncated > 0
            && let Some(unsaid) = self.notifications.draw()
        {
            tracing::warn!(
                truncated,
                unsaid,
                "a notification came without all of its alerts; max_alerts of its receiver is too low"
            );
        }
    }
}

/// A few lines in each while.
#[derive(Debug, Default)]
struct Ration(Mutex<Drawn>);

#[derive(Debug, Default)]
struct Drawn {
    since: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Ration {
    /// Whether there may be one more line now, and how many there could have been since the one before.
    fn draw(&self) -> Option<u64> {
        // Numbers that a panic leaves behind are right.
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if drawn.since.is_none_or(|since| now - since >= WHILE) {
            (drawn.since, drawn.said) = (Some(now), 0);
        }
        if drawn.said == MOST {
            drawn.unsaid += 1;
            return None;
        }
        drawn.said += 1;
        Some(std::mem::take(&mut drawn.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_thousands_a_few_are_said_and_the_next_says_how_many_were_not() {
        let ration = Ration::default();
        let flood = || (0..1000).filter_map(|_| ration.draw()).collect::<Vec<_>>();
        assert_eq!(flood(), [0; MOST as usize]);
        tokio::time::advance(WHILE / 2).await;
        assert!(flood().is_empty());
        tokio::time::advance(WHILE / 2).await;
        let again = flood();
        assert_eq!((again[0], again.len()), (1990, MOST as usize));
        assert!(again[1..].iter().all(|&unsaid| unsaid == 0));
    }
}

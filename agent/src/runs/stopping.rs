//! Stopping: one investigation before its end, or all of a replica's.

use std::sync::atomic::Ordering;

use langdeck_shared::Status;
use tokio::time::Instant;

use super::Runs;
use super::books::Ending;

/// Why an investigation is stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelReason {
    /// Somebody asked for it.
    Asked,
    /// The replica stops.
    Shutdown,
}

impl CancelReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "cancelled on request",
            Self::Shutdown => "cancelled because the replica stopped",
        }
    }
}

/// Why an investigation cannot be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotCancelled {
    Unknown,
    Ended(Status),
}

impl Runs {
    /// Cancels an investigation. One that waits for a place has ended when this returns, one at work ends at once after.
    pub(crate) fn cancel(&self, number: u64, reason: CancelReason) -> Result<(), NotCancelled> {
        let mut state = self.lock();
        let Some(run) = state.schedule.get(number) else {
            let record = state.books.investigations.get(number);
            return Err(record.map_or(NotCancelled::Unknown, |record| NotCancelled::Ended(record.status)));
        };
        run.cancel(reason);
        if state.schedule.dequeue(number) {
            let ended = state.end(&run, Ending::Cancelled(reason), false, Instant::now());
            drop(state);
            self.announce(&run, ended);
        }
        Ok(())
    }

    /// Says that the replica will stop; work is still taken.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Takes no more work.
    pub(crate) fn close(&self) {
        self.lock().schedule.close();
        self.tasks.close();
    }

    /// After [`close`](Self::close): until all accepted work has ended.
    pub(crate) async fn idle(&self) {
        self.tasks.wait().await;
    }

    /// Cancels every investigation that has not ended.
    pub(crate) fn cancel_all(&self) {
        // Those that wait come first, so that none of them begins in a place which becomes free.
        let newest_first = self.lock().schedule.newest_first();
        for number in newest_first {
            // One that ended meanwhile needs no cancelling.
            let _ = self.cancel(number, CancelReason::Shutdown);
        }
    }
}

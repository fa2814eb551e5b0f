//! The writer of the decision log: a thread of its own, so that no disk and no reader can hold the agent up.
//!
//! What it has yet to write is what the ring still holds, so there is no second queue. While it cannot write it tries the
//! same line again and again, and what the ring forgets meanwhile is lost: counted, and told in the log by a line of its
//! own once there is one again.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Choice, Decision, Decisions};

/// How many decisions are taken at once; so long the ring is held still.
const BATCH: usize = 512;
/// From one batch to the next. A writer that slept whenever it had nothing to do would have to be woken for each line.
const PAUSE: Duration = Duration::from_millis(5);
/// From one attempt to the next while nothing can be written.
const RETRY: Duration = Duration::from_secs(1);
/// How often the agent's own log is reminded that the decision log cannot be written.
const REMIND: Duration = Duration::from_secs(60);
/// Room for a line, so that it is written without growing.
const USUAL_BYTES: usize = 1024;

/// Where lines go.
pub(crate) trait Lines: Send + 'static {
    /// Writes a line, which ends in a line break, whole or not at all.
    fn write_line(&mut self, line: &[u8]) -> io::Result<()>;
}

/// A log that is being written. Dropped, it is written to its end without anybody waiting for that.
#[derive(Debug)]
pub(crate) struct Writing {
    decisions: Arc<Decisions>,
    ended: oneshot::Receiver<()>,
}

impl Writing {
    /// Starts a thread that writes all decisions from here on.
    ///
    /// # Errors
    ///
    /// When there can be no thread.
    pub(crate) fn start(decisions: &Arc<Decisions>, lines: impl Lines) -> io::Result<Self> {
        Self::start_trying(decisions, lines, RETRY)
    }

    pub(super) fn start_trying(decisions: &Arc<Decisions>, lines: impl Lines, retry: Duration) -> io::Result<Self> {
        decisions.open_log();
        let (end, ended) = oneshot::channel();
        let mut writer = Writer { decisions: Arc::clone(decisions), lines, retry, last: 0, failing: None };
        thread::Builder::new().name("decision-log".to_owned()).spawn(move || {
            writer.write_all();
            // Whoever waits may want to open the same file.
            drop(writer);
            // Nobody waits for it where it was dropped.
            let _ = end.send(());
        })?;
        Ok(Self { decisions: Arc::clone(decisions), ended })
    }

    /// Writes what there is and ends; false when that takes longer than `patience`.
    pub(crate) async fn end(mut self, patience: Duration) -> bool {
        self.decisions.stop();
        tokio::time::timeout(patience, &mut self.ended).await.is_ok()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.decisions.stop();
    }
}

struct Writer<L> {
    decisions: Arc<Decisions>,
    lines: L,
    retry: Duration,
    /// The last decision that was written, or told as lost.
    last: u64,
    failing: Option<Failing>,
}

/// Since when nothing can be written, and when that was last said.
struct Failing {
    since: Instant,
    said: Instant,
}

impl<L: Lines> Writer<L> {
    fn write_all(&mut self) {
        loop {
            let batch = self.decisions.take(BATCH);
            if batch.is_empty() {
                return;
            }
            for (place, decision) in batch.iter().enumerate() {
                while let Err(error) = self.write(decision) {
                    self.complain(&error);
                    if self.decisions.pause(self.retry) {
                        let lost = self.decisions.give_up(batch.len() - place);
                        tracing::error!(lost, "the decision log cannot be written, and the agent stops");
                        return;
                    }
                }
                self.recovered();
            }
            self.decisions.pause(PAUSE);
        }
    }

    /// Writes a decision, and before it how many are missing.
    fn write(&mut self, decision: &Decision) -> io::Result<()> {
        let lost = decision.seq - 1 - self.last;
        if lost > 0 {
            let seq = self.last + 1;
            self.line(&Decision { seq, at: decision.at, investigation: None, choice: Choice::LoseLines { lost } })?;
            self.last = decision.seq - 1;
        }
        self.line(decision)?;
        self.last = decision.seq;
        Ok(())
    }

    fn line(&mut self, decision: &Decision) -> io::Result<()> {
        let mut line = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut line, &self.decisions.show(decision))?;
        line.push(b'\n');
        self.lines.write_line(&line)
    }

    fn complain(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.failing.as_ref().is_some_and(|failing| now - failing.said < REMIND) {
            return;
        }
        let since = self.failing.as_ref().map_or(now, |failing| failing.since);
        self.failing = Some(Failing { since, said: now });
        tracing::error!(%error, lost = self.decisions.lost(), "the decision log cannot be written; it is tried again and again");
    }

    fn recovered(&mut self) {
        if let Some(Failing { since, .. }) = self.failing.take() {
            let after = humantime::format_duration(Duration::from_secs(since.elapsed().as_secs()));
            tracing::info!(%after, lost = self.decisions.lost(), "the decision log is written again");
        }
    }
}

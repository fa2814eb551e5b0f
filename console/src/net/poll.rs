//! The beat: asks every source for what has changed in its fleet, at the pace that the app wishes.
//!
//! One task keeps time; each question is a task of its own. So a source that hangs delays neither the others nor the next
//! beat, and one whose answer makes the console stumble is reported like any other failure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::submit::fault;
use super::{BaseUrl, Client, FleetAnswer, NetError};
use crate::alarm::Alarm;
use crate::app::{Message, Pace, SourceId};
use crate::crash::{self, Task};

/// How often is asked, and how long is waited after a failure.
#[derive(Debug, Clone, Copy)]
pub struct PollOptions {
    /// From beat to beat while nothing runs.
    pub idle: Duration,
    /// From beat to beat while something runs.
    pub busy: Duration,
    /// From the first failure to the next try; doubled by each further one.
    pub first_retry: Duration,
    /// The longest wait for the next try.
    pub last_retry: Duration,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(1),
            busy: Duration::from_millis(100),
            first_retry: Duration::from_millis(250),
            last_retry: Duration::from_secs(5),
        }
    }
}

impl PollOptions {
    const fn period(&self, pace: Pace) -> Option<Duration> {
        match pace {
            Pace::Idle => Some(self.idle),
            Pace::Busy => Some(self.busy),
            Pace::Paused => None,
        }
    }

    /// The wait after that many failures in a row, spread over its second half so that consoles do not come in step.
    fn retry_after(&self, failures: u32) -> Duration {
        let doubled = self.first_retry.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.last_retry).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The most answers in a row that may announce more and be asked again without waiting for a beat.
const MAX_MORE: u32 = 64;

/// How long an answer waits for others of its beat, so that the screen is drawn once for all of them.
const TOGETHER: Duration = Duration::from_millis(10);

/// A poller that has lived so long is well again: a fault after that is the first one.
const WELL_AGAIN: Duration = Duration::from_secs(60);

/// Starts asking all sources, beat by beat, until nobody listens to `messages` or `pace` any more. A fault of the poller
/// itself is reported for every source, and the poller starts anew after
/// a while that grows from fault to fault.
pub fn spawn_poller(
    runtime: &Handle,
    client: Client,
    sources: Arc<[BaseUrl]>,
    pace: watch::Receiver<Pace>,
    messages: mpsc::Sender<Message>,
    options: PollOptions,
) {
    let handle = runtime.clone();
    runtime.spawn(async move {
        let mut faults = 0;
        loop {
            let began = Instant::now();
            let poller = Poller::new(client.clone(), Arc::clone(&sources), messages.clone(), options);
            let run = crash::named(Task::Poller, poller.run(pace.clone()));
            let Err(error) = handle.spawn(run).await else { return };
            faults = if began.elapsed() > WELL_AGAIN { 1 } else { faults + 1 };
            let next_try = Instant::now() + options.retry_after(faults);
            let fault = fault(error);
            for id in 0..sources.len() {
                let failed =
                    Message::PollFailed { source: SourceId(id), error: fault.clone(), next_try: next_try.into_std() };
                if messages.send(failed).await.is_err() {
                    return;
                }
            }
            tokio::time::sleep_until(next_try).await;
        }
    });
}

/// What the poller knows of one source.
#[derive(Debug, Default)]
struct Source {
    cursor: Option<String>,
    under_way: bool,
    failures: u32,
    /// Set after a failure: not before then.
    next_try: Option<Instant>,
    /// How many answers in a row have announced more.
    more: u32,
}

/// How one question ended.
struct Answer {
    source: usize,
    result: Result<FleetAnswer, NetError>,
    asked: Instant,
    received: Instant,
}

struct Poller {
    client: Client,
    urls: Arc<[BaseUrl]>,
    messages: mpsc::Sender<Message>,
    options: PollOptions,
    sources: Vec<Source>,
    questions: JoinSet<Answer>,
    /// Which source a question's task asks, for the case that it panics.
    asked: HashMap<Id, usize>,
    /// When the first beat is.
    began: Instant,
    /// When the last beat was; none before the first.
    last_beat: Option<Instant>,
    /// Answers that wait for others.
    held: Vec<Message>,
    /// Until when they do; none while there are none.
    held_until: Option<Instant>,
}

impl Poller {
    fn new(client: Client, urls: Arc<[BaseUrl]>, messages: mpsc::Sender<Message>, options: PollOptions) -> Self {
        let sources = urls.iter().map(|_| Source::default()).collect();
        Self {
            client,
            urls,
            messages,
            options,
            sources,
            questions: JoinSet::new(),
            asked: HashMap::new(),
            began: Instant::now(),
            last_beat: None,
            held: Vec::new(),
            held_until: None,
        }
    }

    async fn run(mut self, mut pace: watch::Receiver<Pace>) {
        let mut alarm = Alarm::new();
        loop {
            if self.pass_on_if_due().await.is_err() {
                return;
            }
            let period = self.options.period(*pace.borrow_and_update());
            let wake = [period.map(|period| self.wake(period)), self.held_until].into_iter().flatten().min();
            tokio::select! {
                () = alarm.until(wake.map(Instant::into_std)) => self.ask_what_is_due(period),
                changed = pace.changed() => if changed.is_err() { return },
                Some(done) = self.questions.join_next_with_id() => {
                    if let Some(answer) = self.ended(done) {
                        self.take(answer, period.is_some());
                    }
                }
            }
        }
    }

    /// Passes on what is held, unless it may wait for more.
    async fn pass_on_if_due(&mut self) -> Result<(), mpsc::error::SendError<Message>> {
        if self.questions.is_empty() || self.held_until.is_some_and(|until| until <= Instant::now()) {
            self.held_until = None;
            for message in self.held.drain(..) {
                self.messages.send(message).await?;
            }
        }
        Ok(())
    }

    fn next_beat(&self, period: Duration) -> Instant {
        self.last_beat.map_or(self.began, |last| last + period)
    }

    /// The next beat, or the next try of a source that failed, whichever comes first.
    fn wake(&self, period: Duration) -> Instant {
        let tries = self.sources.iter().filter(|source| !source.under_way).filter_map(|source| source.next_try);
        tries.fold(self.next_beat(period), Instant::min)
    }

    fn ask_what_is_due(&mut self, period: Option<Duration>) {
        let Some(period) = period else { return };
        let now = Instant::now();
        let beat = self.next_beat(period);
        let on_beat = beat <= now;
        if on_beat {
            // A console that was stopped for a while does not make up for the beats that it slept through.
            self.last_beat = Some(if now - beat < period { beat } else { now });
        }
        for id in 0..self.sources.len() {
            let source = &self.sources[id];
            let due = source.next_try.map_or(on_beat, |next_try| next_try <= now);
            if due && !source.under_way {
                self.ask(id);
            }
        }
    }

    fn ask(&mut self, id: usize) {
        let (client, urls) = (self.client.clone(), Arc::clone(&self.urls));
        let source = &mut self.sources[id];
        source.under_way = true;
        let cursor = source.cursor.clone();
        let question = async move {
            let asked = Instant::now();
            let result = client.fleet(&urls[id], cursor.as_deref()).await;
            Answer { source: id, result, asked, received: Instant::now() }
        };
        let task = self.questions.spawn(crash::named(Task::Question, question));
        self.asked.insert(task.id(), id);
    }

    /// A question's end as an answer, also where its task panicked.
    fn ended(&mut self, done: Result<(Id, Answer), JoinError>) -> Option<Answer> {
        match done {
            Ok((task, answer)) => {
                self.asked.remove(&task);
                Some(answer)
            }
            Err(error) => {
                let source = self.asked.remove(&error.id())?;
                let now = Instant::now();
                // What made the console stumble may have come with the cursor: begin anew.
                self.sources[source].cursor = None;
                Some(Answer { source, result: Err(fault(error)), asked: now, received: now })
            }
        }
    }

    /// Notes an answer, to be passed on. Asks again at once where there is more, unless all is paused.
    fn take(&mut self, answer: Answer, may_ask: bool) {
        let Answer { source: id, result, asked, received } = answer;
        let source = &mut self.sources[id];
        source.under_way = false;
        let message = match result {
            Ok(answer) => {
                let update = &answer.update;
                let moved = source.cursor.as_ref() != Some(&update.cursor);
                source.cursor = Some(update.cursor.clone());
                source.failures = 0;
                source.next_try = None;
                source.more = if update.more && moved { source.more + 1 } else { 0 };
                if source.more > MAX_MORE {
                    source.more = 0;
                } else if source.more > 0 && may_ask {
                    self.ask(id);
                }
                Message::Updated {
                    source: SourceId(id),
                    answer: Box::new(answer),
                    received: received.into_std(),
                    took: received - asked,
                }
            }
            Err(error) => {
                source.failures = source.failures.saturating_add(1);
                let next_try = received + self.options.retry_after(source.failures);
                source.next_try = Some(next_try);
                Message::PollFailed { source: SourceId(id), error, next_try: next_try.into_std() }
            }
        };
        self.held.push(message);
        self.held_until.get_or_insert(received + TOGETHER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let options = PollOptions::default();
        for (failures, most) in [(1, 250), (2, 500), (3, 1000), (5, 4000), (6, 5000), (u32::MAX, 5000)] {
            let most = Duration::from_millis(most);
            let waits: Vec<Duration> = (0..100).map(|_| options.retry_after(failures)).collect();
            let (shortest, longest) = (waits.iter().min().copied(), waits.iter().max().copied());
            assert!(shortest >= Some(most / 2) && longest <= Some(most), "{failures}: {shortest:?} to {longest:?}");
            assert!(longest > shortest, "{failures}: always {longest:?}");
        }
    }
}

//! Load: a closed loop, in which each connection asks again as soon as it is answered, and an open one at a fixed rate.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use crate::client::{Ask, Connection, Verdict};

/// Until when a closed loop goes on.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Elapsed(Duration),
    Asked(u64),
}

/// What became of the requests.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How long each right answer took.
    pub(crate) answered: Vec<Duration>,
    /// How long each refusal took.
    pub(crate) refused: Vec<Duration>,
    /// How often each kind of request was answered right.
    pub(crate) by_kind: Vec<u64>,
    pub(crate) elapsed: Duration,
    /// By how much an open loop's requests left late at most.
    pub(crate) late: Duration,
}

impl Outcome {
    /// Itself, where that is what was asked for.
    pub(crate) fn none_refused(self) -> io::Result<Self> {
        match self.refused.len() {
            0 => Ok(self),
            refused => Err(io::Error::other(format!("{refused} requests were refused"))),
        }
    }

    fn record(&mut self, kind: usize, verdict: &Verdict, took: Duration) {
        match verdict {
            Verdict::Right => {
                self.answered.push(took);
                self.by_kind[kind] += 1;
            }
            Verdict::Refused => self.refused.push(took),
        }
    }

    fn note(&mut self, done: Result<io::Result<(usize, Verdict, Duration)>, JoinError>) -> io::Result<()> {
        let (kind, verdict, took) = done.map_err(io::Error::other)??;
        self.record(kind, &verdict, took);
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.refused.extend(other.refused);
        for (sum, count) in self.by_kind.iter_mut().zip(other.by_kind) {
            *sum += count;
        }
    }
}

/// Keeps this many connections busy, with each kind of request in turn.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    kinds: &Arc<[Ask]>,
    connections: usize,
    until: Until,
) -> io::Result<Outcome> {
    let open = open(address, connections).await?;
    let asked = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut loops = JoinSet::new();
    for mut connection in open {
        let (kinds, asked) = (Arc::clone(kinds), Arc::clone(&asked));
        loops.spawn(async move {
            let mut outcome = Outcome { by_kind: vec![0; kinds.len()], ..Outcome::default() };
            let mut now = Instant::now();
            loop {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                let goes_on = match until {
                    Until::Elapsed(time) => now.duration_since(start) < time,
                    Until::Asked(count) => number < count,
                };
                if !goes_on {
                    return Ok(outcome);
                }
                let kind = usize::try_from(number).unwrap_or_default() % kinds.len();
                let verdict = kinds[kind].judge(&connection.exchange(&kinds[kind]).await?)?;
                let answered = Instant::now();
                outcome.record(kind, &verdict, answered.duration_since(now));
                now = answered;
            }
        });
    }
    gather(loops, kinds.len(), start).await
}

/// Asks at a fixed rate, however slow the answers are, each time on a connection that is free, or on one more. An answer
/// counts from the moment when its request was due, so that load which falls behind hides nothing.
pub(crate) async fn open_loop(
    address: SocketAddr,
    kinds: &Arc<[Ask]>,
    connections: usize,
    per_second: f64,
    time: Duration,
) -> io::Result<Outcome> {
    let free = Arc::new(Mutex::new(open(address, connections).await?));
    let gap = Duration::from_secs_f64(per_second.recip());
    let start = Instant::now();
    let mut due = start;
    let mut asking = JoinSet::new();
    let mut sum = Outcome { by_kind: vec![0; kinds.len()], ..Outcome::default() };
    for kind in (0..kinds.len()).cycle() {
        if due.duration_since(start) > time {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        sum.late = sum.late.max(due.elapsed());
        let (kinds, free) = (Arc::clone(kinds), Arc::clone(&free));
        asking.spawn(async move {
            let idle = lock(&free).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => Connection::open(address).await?,
            };
            let verdict = kinds[kind].judge(&connection.exchange(&kinds[kind]).await?)?;
            lock(&free).push(connection);
            Ok((kind, verdict, due.elapsed()))
        });
        due += gap;
        while let Some(done) = asking.try_join_next() {
            sum.note(done)?;
        }
    }
    while let Some(done) = asking.join_next().await {
        sum.note(done)?;
    }
    sum.elapsed = start.elapsed();
    Ok(sum)
}

async fn open(address: SocketAddr, count: usize) -> io::Result<Vec<Connection>> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        open.push(Connection::open(address).await?);
    }
    Ok(open)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn gather(mut loops: JoinSet<io::Result<Outcome>>, kinds: usize, start: Instant) -> io::Result<Outcome> {
    let mut sum = Outcome { by_kind: vec![0; kinds], ..Outcome::default() };
    while let Some(outcome) = loops.join_next().await {
        sum.add(outcome.map_err(io::Error::other)??);
    }
    sum.elapsed = start.elapsed();
    Ok(sum)
}

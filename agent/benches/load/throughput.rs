//! How many investigations a second, by whom: subjects in turn, round after round, so that none has the quieter machine.

use std::fmt::Write;
use std::io;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::Usd;

use crate::client::Ask;
use crate::generator::{Outcome, Until, closed_loop};
use crate::process::{Process, processor_time};
use crate::report::{Table, count, median, quantile, time};
use crate::subjects;

const CONNECTIONS: usize = 32;

/// How long is measured.
struct Plan {
    warm_up: Duration,
    round: Duration,
    rounds: usize,
}

/// Somebody under load, and what was seen of them.
struct Subject {
    name: &'static str,
    process: Process,
    kinds: Arc<[Ask]>,
    /// How often each kind of request was answered, warm-up and all.
    answered: Vec<u64>,
    rounds: Vec<Round>,
}

/// What one round showed.
struct Round {
    per_second: f64,
    median: Duration,
    p99: Duration,
    /// The subject's processor time per answer.
    processor: Duration,
    /// The load's own.
    load: Duration,
}

impl Subject {
    async fn new(name: &'static str, process: Process, kinds: Vec<Ask>) -> io::Result<Self> {
        let answered = vec![0; kinds.len()];
        Ok(Self { name, process, kinds: kinds.into(), answered, rounds: Vec::new() })
    }

    async fn load(&mut self, time: Duration) -> io::Result<Outcome> {
        let outcome = closed_loop(self.process.address, &self.kinds, CONNECTIONS, Until::Elapsed(time)).await?;
        for (sum, count) in self.answered.iter_mut().zip(&outcome.by_kind) {
            *sum += count;
        }
        if outcome.refused.is_empty() {
            return Ok(outcome);
        }
        let (name, refused) = (self.name, outcome.refused.len());
        Err(io::Error::other(format!("{name} refused {refused} requests of {CONNECTIONS} connections")))
    }

    async fn measure(&mut self, time: Duration) -> io::Result<()> {
        let (before, own_before) = (self.process.processor_time()?, processor_time(process::id())?);
        let mut outcome = self.load(time).await?;
        let (after, own_after) = (self.process.processor_time()?, processor_time(process::id())?);
        outcome.answered.sort_unstable();
        let answers = u32::try_from(outcome.answered.len()).unwrap_or(u32::MAX).max(1);
        self.rounds.push(Round {
            per_second: f64::from(answers) / outcome.elapsed.as_secs_f64(),
            median: quantile(&outcome.answered, 0.5),
            p99: quantile(&outcome.answered, 0.99),
            processor: (after - before) / answers,
            load: (own_after - own_before) / answers,
        });
        Ok(())
    }

    fn median_time(&self, of: impl Fn(&Round) -> Duration) -> Duration {
        Duration::from_secs_f64(median(self.rounds.iter().map(|round| of(round).as_secs_f64())))
    }

    fn row(&self, table: &mut Table) {
        let rate = || self.rounds.iter().map(|round| round.per_second);
        let (least, most) = (rate().fold(f64::INFINITY, f64::min), rate().fold(0.0, f64::max));
        table.row([
            self.name.to_owned(),
            count(median(rate())),
            format!("{} to {}", count(least), count(most)),
            time(self.median_time(|round| round.median)),
            time(self.median_time(|round| round.p99)),
            time(self.median_time(|round| round.processor)),
            time(self.median_time(|round| round.load)),
        ]);
    }

    /// How many times the other's throughput this one has, and what part of the other's processor time an answer takes.
    fn beside(&self, other: &Self) -> (f64, f64) {
        let pairs = || self.rounds.iter().zip(&other.rounds);
        let throughput = median(pairs().map(|(own, other)| own.per_second / other.per_second));
        let processor = pairs().map(|(own, other)| other.processor.as_secs_f64() / own.processor.as_secs_f64());
        (throughput, median(processor))
    }
}

/// Measures all and says what was found, in Markdown.
pub(crate) async fn measure(quick: bool) -> io::Result<String> {
    let plan = if quick {
        Plan { warm_up: Duration::from_millis(500), round: Duration::from_secs(1), rounds: 3 }
    } else {
        Plan { warm_up: Duration::from_secs(2), round: Duration::from_secs(3), rounds: 5 }
    };
    let alert = subjects::alert("high_latency", "checkout-api");
    let agent = subjects::agent(&[]).await?;
    let (report, bytes) = subjects::report(&agent, &alert).await?;
    let bare = subjects::bare(bytes).await?;
    let ask = Ask::new("POST", "/investigate", &alert, 200).about(bytes);
    let mut subjects = [
        Subject::new("the agent", agent, vec![ask.clone()]).await?,
        Subject::new("bare axum handler", bare, vec![ask]).await?,
    ];
    for subject in &mut subjects {
        subject.load(plan.warm_up).await?;
    }
    for _ in 0..plan.rounds {
        for subject in &mut subjects {
            subject.measure(plan.round).await?;
        }
    }
    let [agent, bare] = &subjects;
    // The first report was asked for before the count began.
    let investigations = agent.answered.iter().sum::<u64>() + 1;
    let cost = Usd::from_nanos(report.cost_tracking.cost_usd.nanos() * investigations);
    subjects::audit(&agent.process, investigations, cost).await?;

    let mut text = String::new();
    let mut table =
        Table::new(["subject", "requests/s", "from round to round", "p50", "p99", "CPU per request", "the load's own"]);
    for subject in &subjects {
        subject.row(&mut table);
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{table}");
    let (throughput, processor) = agent.beside(bare);
    let mut ratios = Table::new(["the agent beside", "throughput", "floor", "goal", "by CPU per request"]);
    ratios.row([
        "bare axum handler".to_owned(),
        format!("{throughput:.2} ×"),
        "0.55 ×".to_owned(),
        "0.8 ×".to_owned(),
        format!("{processor:.2} ×"),
    ]);
    let _ = write!(text, "{ratios}");
    Ok(text)
}

//! How many investigations a second, by whom: subjects in turn, round after round, so that none has the quieter machine.

use std::fs::{self, File};
use std::io;
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use langdeck_shared::{Report, Usd};

use crate::client::Ask;
use crate::fastapi;
use crate::generator::{Outcome, Until, closed_loop};
use crate::kernel::processor_time;
use crate::process::Process;
use crate::report::{Table, count, median, quantile, time};
use crate::subjects::{self, alert, investigate};

const CONNECTIONS: usize = 32;
const ALERT_TYPES: [&str; 6] =
    ["high_latency", "high_cpu", "high_error_rate", "memory_leak", "pod_crash_loop", "disk_full"];
const SERVICES: usize = 50;
const LOG: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/agent.log");

/// Rotated, so that it takes a bounded place however long is measured.
const DECISIONS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/decisions.ndjson");

/// What is asked of the agent's throughput beside another's.
struct Mark {
    subject: &'static str,
    floor: f64,
    goal: f64,
}

const BARE: Mark = Mark { subject: "bare axum handler", floor: 0.55, goal: 0.8 };
const FASTAPI: Mark = Mark { subject: "FastAPI", floor: 15.0, goal: 25.0 };

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
    /// What an investigation of each kind costs, where money is exact.
    costs: Option<Vec<Usd>>,
    /// How long its longest first answer was.
    bytes: usize,
    /// How often each kind of request was answered, from the subject's start.
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
    /// An agent that answers these alerts at this door; it has reported on each once.
    async fn agent(
        name: &'static str,
        process: Process,
        (path, status): (&str, u16),
        alerts: &[String],
    ) -> io::Result<Self> {
        let (mut kinds, mut costs, mut bytes) = (Vec::new(), Vec::new(), 0);
        for alert in alerts {
            let body = subjects::ask(&process, &Ask::new("POST", "/investigate", alert, 200)).await?;
            let report: Report = serde_json::from_slice(&body)?;
            costs.push(report.cost_tracking.cost_usd);
            bytes = bytes.max(body.len());
            let kind = Ask::new("POST", path, alert, status);
            kinds.push(if status == 200 { kind.about(body.len()) } else { kind });
        }
        let answered = vec![1; kinds.len()];
        Ok(Self { name, process, kinds: kinds.into(), costs: Some(costs), bytes, answered, rounds: Vec::new() })
    }

    /// Somebody else, who has already answered the documentation's alert once.
    async fn other(name: &'static str, process: Process) -> io::Result<Self> {
        let body = subjects::ask(&process, &investigate()).await?;
        let bytes = body.len();
        let kinds = Arc::new([investigate().about(bytes)]);
        Ok(Self { name, process, kinds, costs: None, bytes, answered: vec![1], rounds: Vec::new() })
    }

    /// Loads it until all that it accepted has ended too.
    async fn load(&mut self, time: Duration) -> io::Result<Outcome> {
        let mut outcome = closed_loop(self.process.address, &self.kinds, CONNECTIONS, Until::Elapsed(time)).await?;
        if self.costs.is_some() {
            let answered = Instant::now();
            subjects::settle(&self.process).await?;
            outcome.elapsed += answered.elapsed();
        }
        for (sum, count) in self.answered.iter_mut().zip(&outcome.by_kind) {
            *sum += count;
        }
        outcome.none_refused()
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

    /// Whether its own counters agree with what was asked of it.
    async fn audit(&self) -> io::Result<()> {
        let cost = |costs: &Vec<Usd>| {
            let parts = costs.iter().zip(&self.answered);
            parts.map(|(cost, count)| Usd::from_nanos(cost.nanos() * count)).sum()
        };
        let audit = subjects::audit(&self.process, self.answered.iter().sum(), self.costs.as_ref().map(cost));
        audit.await.map_err(|error| io::Error::other(format!("{}: {error}", self.name)))
    }

    fn median_time(&self, of: impl Fn(&Round) -> Duration) -> Duration {
        Duration::from_secs_f64(median(self.rounds.iter().map(|round| of(round).as_secs_f64())))
    }

    fn row(&self) -> [String; 7] {
        let rate = || self.rounds.iter().map(|round| round.per_second);
        let (least, most) = (rate().fold(f64::INFINITY, f64::min), rate().fold(0.0, f64::max));
        [
            self.name.to_owned(),
            count(median(rate())),
            format!("{} to {}", count(least), count(most)),
            time(self.median_time(|round| round.median)),
            time(self.median_time(|round| round.p99)),
            time(self.median_time(|round| round.processor)),
            time(self.median_time(|round| round.load)),
        ]
    }

    /// How many times the other's throughput it has, and how many times its answers for the same processor time.
    fn beside(&self, other: &Self) -> (f64, f64) {
        let pairs = || self.rounds.iter().zip(&other.rounds);
        let throughput = median(pairs().map(|(own, other)| own.per_second / other.per_second));
        let processor = pairs().map(|(own, other)| other.processor.as_secs_f64() / own.processor.as_secs_f64());
        (throughput, median(processor))
    }
}

impl Mark {
    fn row(&self, agent: &Subject, other: Option<&Subject>) -> [String; 5] {
        let (measured, processor) = match other.map(|other| agent.beside(other)) {
            Some((throughput, processor)) => (times(throughput), times(processor)),
            None => ("not measured".to_owned(), "not measured".to_owned()),
        };
        [self.subject.to_owned(), measured, times(self.floor), times(self.goal), processor]
    }
}

fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2} ×") } else { format!("{ratio:.1} ×") }
}

/// Measures all and says what was found, in Markdown.
pub(crate) async fn measure(quick: bool) -> io::Result<String> {
    let plan = if quick {
        Plan { warm_up: Duration::from_millis(300), round: Duration::from_millis(700), rounds: 3 }
    } else {
        Plan { warm_up: Duration::from_secs(2), round: Duration::from_secs(3), rounds: 5 }
    };
    let mut subjects = start().await?;
    for subject in &mut subjects {
        subject.load(plan.warm_up).await?;
    }
    for _ in 0..plan.rounds {
        for subject in &mut subjects {
            subject.measure(plan.round).await?;
        }
    }

    let head = ["subject", "requests/s", "from round to round", "p50", "p99", "CPU per request", "the load's own"];
    let mut table = Table::new(head);
    for subject in &subjects {
        // The bare handler counts nothing.
        if subject.name != BARE.subject {
            subject.audit().await?;
        }
        table.row(subject.row());
    }
    let mut ratios = Table::new(["the agent beside", "throughput", "floor", "goal", "answers for the same CPU time"]);
    for mark in [BARE, FASTAPI] {
        let other = subjects.iter().find(|subject| subject.name == mark.subject);
        ratios.row(mark.row(&subjects[0], other));
    }
    Ok(format!("{table}\n{ratios}"))
}

/// Everybody at once, since who is not asked uses nothing; the agent comes first.
async fn start() -> io::Result<Vec<Subject>> {
    const INVESTIGATE: (&str, u16) = ("/investigate", 200);
    const SUBMIT: (&str, u16) = ("/v1/investigations", 202);
    let one = [alert("high_latency", "checkout-api")];
    let many: Vec<_> = (0..ALERT_TYPES.len() * SERVICES)
        .map(|number| {
            alert(ALERT_TYPES[number % ALERT_TYPES.len()], &format!("service-{}", number / ALERT_TYPES.len()))
        })
        .collect();
    let at_once = ["--sim-delay=0"];

    let agent = subjects::agent(&at_once).await?;
    let agent = Subject::agent("the agent", agent, INVESTIGATE, &one).await?;
    let bare = subjects::bare(agent.bytes).await?;
    let mut subjects = vec![agent, Subject::other(BARE.subject, bare).await?];
    match fastapi::start().await {
        Ok(process) => subjects.push(Subject::other(FASTAPI.subject, process).await?),
        Err(error) => eprintln!("FastAPI is not measured: {error}"),
    }
    let more = subjects::agent(&at_once).await?;
    subjects.push(Subject::agent("the agent, 300 different alerts", more, INVESTIGATE, &many).await?);
    let logging = subjects::logging_agent(File::create(LOG)?, &at_once).await?;
    // It goes on for as long as the agent writes it, and nobody has to clear it away.
    fs::remove_file(LOG)?;
    subjects.push(Subject::agent("the agent, logging into a file", logging, INVESTIGATE, &one).await?);
    let written = [&at_once[..], &["--decision-log", DECISIONS]].concat();
    let deciding = subjects::agent(&written).await?;
    subjects.push(Subject::agent("the agent, decision log to a file", deciding, INVESTIGATE, &one).await?);
    let submitting = subjects::agent(&at_once).await?;
    subjects.push(Subject::agent("the agent, not waited for", submitting, SUBMIT, &one).await?);
    Ok(subjects)
}

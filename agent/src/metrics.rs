//! Metrics for Prometheus: what is measured as it happens, and a view of the books, made at each scrape.

mod page;

use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::{FailureKind, Status, StepStatus};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts};

use crate::memory::{Record, StepName};
use crate::runs::Refusal;
pub(crate) use page::expose;

/// In seconds. The documented buckets, and enough around them for real models.
const LATENCY_BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

const ANSWERED: &str = "answered";
const FAILED: &str = "failed";
/// How a question to a peer can end that got no answer.
const FAILURES: [FailureKind; 6] = [
    FailureKind::Unresolved,
    FailureKind::Refused,
    FailureKind::Unreachable,
    FailureKind::TimedOut,
    FailureKind::Lost,
    FailureKind::Faulty,
];

/// Which request was handed on to the replica that it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandedOn {
    /// For an investigation.
    Look,
    /// To cancel one.
    Cancel,
    /// An alert.
    Submit,
    /// Alerts of a notification.
    Notification,
}

impl HandedOn {
    const ALL: [Self; 4] = [Self::Look, Self::Cancel, Self::Submit, Self::Notification];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Cancel => "cancel",
            Self::Submit => "submit",
            Self::Notification => "notification",
        }
    }
}

/// What is measured as it happens, beside the books: how long things took, and what was turned away.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) latency: Histogram,
    queue_wait: Histogram,
    step_latency: HistogramVec,
    /// Those of `step_latency`, found without its lock: the planner's, the reasoner's, each tool's.
    planner: Histogram,
    reasoner: Histogram,
    tools: Vec<(Arc<str>, Histogram)>,
    /// The models that may be asked.
    models: Vec<Arc<str>>,
    refused: IntCounterVec,
    peer_requests: IntCounterVec,
    handed_on: IntCounterVec,
}

impl Meters {
    /// Meters of an agent with these tools, which may ask these models.
    pub(crate) fn new<'a>(tools: &[Arc<str>], models: impl IntoIterator<Item = &'a str>) -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str| HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec());
        let step_latency = histogram("agent_step_latency_seconds", "Step latency by step, retries included");
        let step_latency = HistogramVec::new(step_latency, &["step"])?;
        let step = |name: &str| step_latency.with_label_values(&[name]);
        let refused = Opts::new("agent_requests_refused_total", "Alerts turned away by reason");
        let refused = IntCounterVec::new(refused, &["reason"])?;
        for reason in ["full", "draining", "budget"] {
            refused.with_label_values(&[reason]);
        }
        let peer_requests = Opts::new("agent_peer_requests_total", "Requests to peers by outcome");
        let peer_requests = IntCounterVec::new(peer_requests, &["outcome"])?;
        for outcome in FAILURES.map(FailureKind::as_str).into_iter().chain([ANSWERED]) {
            peer_requests.with_label_values(&[outcome]);
        }
        let handed_on = Opts::new(
            "agent_handed_on_total",
            "Requests handed on to the replica that they concern, by kind and outcome",
        );
        let handed_on = IntCounterVec::new(handed_on, &["request", "outcome"])?;
        for request in HandedOn::ALL {
            for outcome in [ANSWERED, FAILED] {
                handed_on.with_label_values(&[request.as_str(), outcome]);
            }
        }
        Ok(Self {
            latency: Histogram::with_opts(histogram("agent_latency_seconds", "Investigation latency"))?,
            queue_wait: Histogram::with_opts(histogram("agent_queue_wait_seconds", "Time from admission to start"))?,
            planner: step(StepName::Planner.as_str()),
            reasoner: step(StepName::Reasoner.as_str()),
            tools: tools.iter().map(|tool| (Arc::clone(tool), step(tool))).collect(),
            models: models.into_iter().map(Arc::from).collect(),
            step_latency,
            refused,
            peer_requests,
            handed_on,
        })
    }

    /// An investigation begins that waited so long for a place, which may be no time at all.
    pub(crate) fn observe_wait(&self, wait: Duration) {
        self.queue_wait.observe(wait.as_secs_f64());
    }

    /// An investigation has ended. How long it took counts unless it was cancelled, and so do its steps that came to an
    /// end.
    pub(crate) fn observe(&self, record: &Record) {
        if let Some(took) = record.took().filter(|_| record.status != Status::Cancelled) {
            self.latency.observe(took.as_secs_f64());
        }
        for step in &record.steps {
            if let (StepStatus::Succeeded | StepStatus::Failed, Some(took)) = (step.status, step.took)
                && let Some(latency) = self.step(&step.name)
            {
                latency.observe(took.as_secs_f64());
            }
        }
    }

    /// The names of all steps that there can be.
    fn steps(&self) -> impl Iterator<Item = &str> {
        let tools = self.tools.iter().map(|(tool, _)| &**tool);
        [StepName::Planner.as_str(), StepName::Reasoner.as_str()].into_iter().chain(tools)
    }

    /// The names of the models that may be asked; some more than once.
    fn models(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| &**model)
    }

    /// An alert was turned away.
    pub(crate) fn count_refused(&self, refusal: &Refusal) {
        let reason = match refusal {
            Refusal::Full(_) => "full",
            Refusal::Draining => "draining",
            Refusal::Spent(_) => "budget",
            Refusal::KeyReused { .. } => return,
        };
        self.refused.with_label_values(&[reason]).inc();
    }

    /// A question to a peer has ended, without an answer where it failed.
    pub(crate) fn count_peer_request(&self, failure: Option<FailureKind>) {
        self.peer_requests.with_label_values(&[failure.map_or(ANSWERED, FailureKind::as_str)]).inc();
    }

    /// A request was handed on, and answered or not.
    pub(crate) fn count_handed_on(&self, request: HandedOn, answered: bool) {
        let outcome = if answered { ANSWERED } else { FAILED };
        self.handed_on.with_label_values(&[request.as_str(), outcome]).inc();
    }

    fn step(&self, name: &StepName) -> Option<&Histogram> {
        match name {
            StepName::Planner => Some(&self.planner),
            StepName::Reasoner => Some(&self.reasoner),
            StepName::Tool(tool) => self.tools.iter().find(|(name, _)| name == tool).map(|(_, latency)| latency),
        }
    }
}

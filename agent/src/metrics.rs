//! Metrics for Prometheus: a view of the books, made at each scrape.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Budget, BudgetState, FailureKind, Status, StepStatus};
use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::identity::Identity;
use crate::memory::{Record, StepName};
use crate::runs::{Refusal, Runs, ToolCalls};

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
    refused: IntCounterVec,
    peer_requests: IntCounterVec,
    handed_on: IntCounterVec,
}

impl Meters {
    /// Meters of an agent with these tools.
    pub(crate) fn new(tools: &[Arc<str>]) -> prometheus::Result<Self> {
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

/// The exposition in Prometheus' text format.
///
/// Every number but the meters' comes from the books' integers at this moment, so nothing is counted twice over, and
/// money is not summed as floats. Labels take their values from the configuration, never from an alert.
pub(crate) fn expose(runs: &Runs, identity: &Identity, meters: &Meters) -> prometheus::Result<String> {
    let now = Timestamp::now();
    let (totals, attribution, tool_calls, model_retries, (running, queued), caught, saved, budgets) =
        runs.look(|state| {
            let books = &state.books;
            let gauges = state.gauges();
            (
                books.totals(),
                books.ledger.attribution(),
                books.tool_calls.clone(),
                books.model_retries,
                gauges,
                state.caught(),
                books.ledger.saved(),
                state.budgets.tell(now),
            )
        });
    let page = Page(Registry::new());
    page.add(meters.latency.clone())?;
    page.add(meters.queue_wait.clone())?;
    page.add(meters.step_latency.clone())?;
    page.add(meters.refused.clone())?;
    page.add(meters.peer_requests.clone())?;
    page.add(meters.handed_on.clone())?;
    page.count("agent_requests_total", "Total investigation requests", totals.requests)?;
    page.count("agent_tokens_total", "Total tokens consumed", totals.spend.tokens)?;
    page.count("agent_errors_total", "Total failed investigations", totals.failed)?;
    page.count("agent_tools_executed_total", "Total tool steps executed", totals.tools_executed)?;
    let cost = Counter::new("agent_cost_total", "Total cost in USD")?;
    cost.inc_by(totals.spend.cost_usd.as_f64());
    page.add(cost)?;
    let unpriced = "Tokens of models without a price, which the cost does not include";
    page.count("agent_unpriced_tokens_total", unpriced, totals.spend.unpriced_tokens)?;

    let ended = Opts::new("agent_investigations_ended_total", "Ended investigations by status");
    let ended = IntCounterVec::new(ended, &["status"])?;
    for (status, count) in [
        (Status::Succeeded, totals.succeeded),
        (Status::Partial, totals.partial),
        (Status::Failed, totals.failed),
        (Status::Cancelled, totals.cancelled),
    ] {
        ended.with_label_values(&[status.as_str()]).inc_by(count);
    }
    page.add(ended)?;
    // Each series is there from the first scrape on: of one that begins above zero, `rate` would miss the beginning.
    let steps = IntCounterVec::new(Opts::new("agent_step_tokens_total", "Tokens consumed by step"), &["step"])?;
    let step_costs = CounterVec::new(Opts::new("agent_step_cost_usd_total", "Cost in USD by step"), &["step"])?;
    for step in meters.steps() {
        steps.with_label_values(&[step]);
        step_costs.with_label_values(&[step]);
    }
    for share in &attribution.by_step {
        steps.with_label_values(&[&share.key]).inc_by(share.spend.tokens);
        step_costs.with_label_values(&[&share.key]).inc_by(share.spend.cost_usd.as_f64());
    }
    page.add(steps)?;
    page.add(step_costs)?;
    let models = CounterVec::new(Opts::new("agent_model_cost_usd_total", "Cost in USD by model"), &["model"])?;
    for share in &attribution.by_model {
        models.with_label_values(&[&share.key]).inc_by(share.spend.cost_usd.as_f64());
    }
    page.add(models)?;
    let tools = Opts::new("agent_tool_calls_total", "Tool steps by tool and outcome");
    let tools = IntCounterVec::new(tools, &["tool", "outcome"])?;
    let retries = Opts::new("agent_tool_retries_total", "Retries of tools, each after a failed attempt");
    let retries = IntCounterVec::new(retries, &["tool"])?;
    for (tool, _) in &meters.tools {
        let calls =
            tool_calls.iter().find(|(name, _)| name == tool).map_or_else(ToolCalls::default, |(_, calls)| *calls);
        let outcomes = [
            ("succeeded", calls.succeeded),
            ("failed", calls.failed),
            ("timed_out", calls.timed_out),
            ("cancelled", calls.cancelled),
        ];
        for (outcome, count) in outcomes {
            tools.with_label_values(&[&**tool, outcome]).inc_by(count);
        }
        retries.with_label_values(&[tool]).inc_by(calls.retries);
    }
    page.add(tools)?;
    page.add(retries)?;
    page.count("agent_model_retries_total", "Retries of model calls that no answer came to", model_retries)?;

    let decisions = IntCounterVec::new(Opts::new("agent_decisions_total", "Decisions by code"), &["code"])?;
    for (code, count) in runs.decisions().counts() {
        decisions.with_label_values(&[code.as_str()]).inc_by(count);
    }
    page.add(decisions)?;
    let lost = "Decisions that are missing in the decision log";
    page.count("agent_decisions_lost_total", lost, runs.decisions().lost())?;

    page.count("agent_cache_hits_total", "Alerts answered with an earlier report", caught.hits)?;
    page.count("agent_cache_joins_total", "Alerts that joined an investigation of the same under way", caught.joins)?;
    page.count("agent_cache_misses_total", "Alerts that the cache had nothing for", caught.misses)?;
    for (name, help, amount) in [
        ("agent_cache_saved_usd_total", "What the reports given again had cost, in USD", caught.saved),
        ("agent_models_saved_usd_total", "What cheaper models saved against the usual one, in USD", saved),
    ] {
        let counter = Counter::new(name, help)?;
        counter.inc_by(amount.as_f64());
        page.add(counter)?;
    }
    page.budgets(&budgets)?;
    page.gauge("agent_investigations_in_flight", "Investigations at work", running)?;
    page.gauge("agent_investigations_queued", "Investigations waiting for a place to run", queued)?;
    let build = IntGaugeVec::new(Opts::new("agent_build_info", "The agent's version; always 1"), &["version"])?;
    build.with_label_values(&[identity.version()]).set(1);
    page.add(build)?;
    TextEncoder::new().encode_to_string(&page.0.gather())
}

/// One scrape's families.
struct Page(Registry);

impl Page {
    fn add(&self, family: impl Collector + 'static) -> prometheus::Result<()> {
        self.0.register(Box::new(family))
    }

    fn count(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(value);
        self.add(counter)
    }

    /// Their scopes come from the configuration. A scope may have a budget a window.
    fn budgets(&self, budgets: &[Budget]) -> prometheus::Result<()> {
        let labels = ["scope", "window"];
        let of_budget = |name, help| GaugeVec::new(Opts::new(name, help), &labels);
        let limit = of_budget("agent_budget_limit_usd", "Limit of a budget in USD")?;
        let spent = of_budget("agent_budget_spent_usd", "Spent of a budget in its window under way, in USD")?;
        let reserved = of_budget("agent_budget_reserved_usd", "Set aside of a budget for work under way, in USD")?;
        let threshold =
            of_budget("agent_budget_threshold_ratio", "From which part of its limit on a budget is a warning")?;
        let exceeded =
            of_budget("agent_budget_exceeded", "Whether a budget is spent or has no room for what was asked")?;
        let end = of_budget("agent_budget_window_end_timestamp_seconds", "When a budget's window under way ends")?;
        let rejections = Opts::new("agent_budget_rejections_total", "Alerts turned away by a budget without room");
        let rejections = IntCounterVec::new(rejections, &labels)?;
        for budget in budgets {
            let name = [&*budget.scope, budget.window.as_str()];
            limit.with_label_values(&name).set(budget.limit_usd.as_f64());
            spent.with_label_values(&name).set(budget.spent_usd.as_f64());
            reserved.with_label_values(&name).set(budget.reserved_usd.as_f64());
            threshold.with_label_values(&name).set(f64::from(budget.threshold_percent) / 100.0);
            exceeded.with_label_values(&name).set(f64::from(u8::from(budget.state == BudgetState::Exceeded)));
            end.with_label_values(&name).set(budget.resets_at.as_duration().as_secs_f64());
            rejections.with_label_values(&name).inc_by(budget.rejections);
        }
        self.add(limit)?;
        self.add(spent)?;
        self.add(reserved)?;
        self.add(threshold)?;
        self.add(exceeded)?;
        self.add(end)?;
        self.add(rejections)
    }

    fn gauge(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.add(gauge)
    }
}

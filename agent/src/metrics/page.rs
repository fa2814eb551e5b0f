//! The page that Prometheus scrapes.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Attribution, Budget, BudgetState, CostShare, Status, Totals, Usd};
use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::Meters;
use crate::decisions::Decisions;
use crate::identity::Identity;
use crate::runs::{Caught, Runs, State, ToolCalls};

/// The exposition in Prometheus' text format.
///
/// Every number but the meters' comes from the books' integers at this moment, so nothing is counted twice over, and
/// money is not summed as floats. Labels take their values from the configuration, never from an alert.
pub(crate) fn expose(runs: &Runs, identity: &Identity, meters: &Meters) -> prometheus::Result<String> {
    let now = Timestamp::now();
    let known = runs.look(|state| Known::of(state, now));
    let page = Page(Registry::new());
    page.meters(meters)?;
    page.totals(&known.totals)?;
    page.spending(&known.attribution, meters)?;
    page.tools(&known.tool_calls, meters)?;
    page.count("agent_model_retries_total", "Retries of model calls that no answer came to", known.model_retries)?;
    page.decisions(runs.decisions())?;
    page.savings(known.caught, known.models_saved)?;
    page.budgets(&known.budgets)?;
    page.gauge("agent_investigations_in_flight", "Investigations at work", known.running)?;
    page.gauge("agent_investigations_queued", "Investigations waiting for a place to run", known.queued)?;
    let build = IntGaugeVec::new(Opts::new("agent_build_info", "The agent's version; always 1"), &["version"])?;
    build.with_label_values(&[identity.version()]).set(1);
    page.add(build)?;
    TextEncoder::new().encode_to_string(&page.0.gather())
}

/// What the books say at one moment.
struct Known {
    totals: Totals,
    attribution: Attribution,
    tool_calls: Vec<(Arc<str>, ToolCalls)>,
    model_retries: u64,
    running: u64,
    queued: u64,
    caught: Caught,
    /// What cheaper models saved.
    models_saved: Usd,
    budgets: Vec<Budget>,
}

impl Known {
    /// Copied only, since the books are held still for so long.
    fn of(state: &State, now: Timestamp) -> Self {
        let books = &state.books;
        let (running, queued) = state.gauges();
        Self {
            totals: books.totals(),
            attribution: books.ledger.attribution(),
            tool_calls: books.tool_calls.clone(),
            model_retries: books.model_retries,
            running,
            queued,
            caught: state.caught(),
            models_saved: books.ledger.saved(),
            budgets: state.budgets.tell(now),
        }
    }
}

/// One scrape's families. Each series of theirs is there from the first scrape on: of one that begins above zero, `rate`
/// would miss the beginning.
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

    fn amount(&self, name: &str, help: &str, amount: Usd) -> prometheus::Result<()> {
        let counter = Counter::new(name, help)?;
        counter.inc_by(amount.as_f64());
        self.add(counter)
    }

    fn gauge(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.add(gauge)
    }

    fn meters(&self, meters: &Meters) -> prometheus::Result<()> {
        self.add(meters.latency.clone())?;
        self.add(meters.queue_wait.clone())?;
        self.add(meters.step_latency.clone())?;
        self.add(meters.refused.clone())?;
        self.add(meters.peer_requests.clone())?;
        self.add(meters.handed_on.clone())
    }

    fn totals(&self, totals: &Totals) -> prometheus::Result<()> {
        self.count("agent_requests_total", "Total investigation requests", totals.requests)?;
        self.count("agent_tokens_total", "Total tokens consumed", totals.spend.tokens)?;
        self.count("agent_errors_total", "Total failed investigations", totals.failed)?;
        self.count("agent_tools_executed_total", "Total tool steps executed", totals.tools_executed)?;
        self.amount("agent_cost_total", "Total cost in USD", totals.spend.cost_usd)?;
        let unpriced = "Tokens of models without a price, which the cost does not include";
        self.count("agent_unpriced_tokens_total", unpriced, totals.spend.unpriced_tokens)?;
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
        self.add(ended)
    }

    fn spending(&self, Attribution { by_step, by_model, .. }: &Attribution, meters: &Meters) -> prometheus::Result<()> {
        let tokens = IntCounterVec::new(Opts::new("agent_step_tokens_total", "Tokens consumed by step"), &["step"])?;
        for step in meters.steps() {
            tokens.with_label_values(&[step]);
        }
        for share in by_step {
            tokens.with_label_values(&[&share.key]).inc_by(share.spend.tokens);
        }
        self.add(tokens)?;
        self.costs("agent_step_cost_usd_total", "Cost in USD by step", "step", meters.steps(), by_step)?;
        self.costs("agent_model_cost_usd_total", "Cost in USD by model", "model", meters.models(), by_model)
    }

    /// What was spent on each of these, and on all that the shares name besides.
    fn costs<'a>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        known: impl IntoIterator<Item = &'a str>,
        shares: &[CostShare],
    ) -> prometheus::Result<()> {
        let costs = CounterVec::new(Opts::new(name, help), &[label])?;
        for key in known {
            costs.with_label_values(&[key]);
        }
        for share in shares {
            costs.with_label_values(&[&share.key]).inc_by(share.spend.cost_usd.as_f64());
        }
        self.add(costs)
    }

    fn tools(&self, tool_calls: &[(Arc<str>, ToolCalls)], meters: &Meters) -> prometheus::Result<()> {
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
        self.add(tools)?;
        self.add(retries)
    }

    fn decisions(&self, decisions: &Decisions) -> prometheus::Result<()> {
        let made = IntCounterVec::new(Opts::new("agent_decisions_total", "Decisions by code"), &["code"])?;
        for (code, count) in decisions.counts() {
            made.with_label_values(&[code.as_str()]).inc_by(count);
        }
        self.add(made)?;
        let lost = "Decisions that are missing in the decision log";
        self.count("agent_decisions_lost_total", lost, decisions.lost())
    }

    fn savings(&self, caught: Caught, models_saved: Usd) -> prometheus::Result<()> {
        self.count("agent_cache_hits_total", "Alerts answered with an earlier report", caught.hits)?;
        let joins = "Alerts that joined an investigation of the same under way";
        self.count("agent_cache_joins_total", joins, caught.joins)?;
        self.count("agent_cache_misses_total", "Alerts that the cache had nothing for", caught.misses)?;
        let by_cache = "What the reports given again had cost, in USD";
        self.amount("agent_cache_saved_usd_total", by_cache, caught.saved)?;
        let by_models = "What cheaper models saved against the usual one, in USD";
        self.amount("agent_models_saved_usd_total", by_models, models_saved)
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
}

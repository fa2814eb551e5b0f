//! Metrics for Prometheus: a view of the books, made at each scrape.

use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::identity::Identity;
use crate::runs::Runs;

/// In seconds. The documented buckets, and enough around them for real models.
const LATENCY_BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The histogram of how long investigations take, from the chain's start to its end.
pub(crate) fn latency_histogram() -> prometheus::Result<Histogram> {
    let options = HistogramOpts::new("agent_latency_seconds", "Investigation latency");
    Histogram::with_opts(options.buckets(LATENCY_BUCKETS.to_vec()))
}

/// The exposition in Prometheus' text format.
///
/// Every number but the histogram comes from the books' integers at this moment, so nothing is counted twice over, and
/// money is not summed as floats. Labels take their values from the configuration, never from an alert.
pub(crate) fn expose(runs: &Runs, identity: &Identity, latency: &Histogram) -> prometheus::Result<String> {
    let (totals, attribution, tool_calls, (running, queued)) = runs.look(|state| {
        let books = &state.books;
        (books.totals(), books.ledger.attribution(), books.tool_calls.clone(), state.gauges())
    });
    let page = Page(Registry::new());
    page.add(latency.clone())?;
    page.count("agent_requests_total", "Total investigation requests", totals.requests)?;
    page.count("agent_tokens_total", "Total tokens consumed", totals.spend.tokens)?;
    page.count("agent_errors_total", "Total failed investigations", totals.failed)?;
    page.count("agent_tools_executed_total", "Total tool steps executed", totals.tools_executed)?;
    let cost = Counter::new("agent_cost_total", "Total cost in USD")?;
    cost.inc_by(totals.spend.cost_usd.as_f64());
    page.add(cost)?;

    let steps = IntCounterVec::new(Opts::new("agent_step_tokens_total", "Tokens consumed by step"), &["step"])?;
    for share in &attribution.by_step {
        steps.with_label_values(&[&share.key]).inc_by(share.spend.tokens);
    }
    page.add(steps)?;
    let models = CounterVec::new(Opts::new("agent_model_cost_usd_total", "Cost in USD by model"), &["model"])?;
    for share in &attribution.by_model {
        models.with_label_values(&[&share.key]).inc_by(share.spend.cost_usd.as_f64());
    }
    page.add(models)?;
    let tools = Opts::new("agent_tool_calls_total", "Tool steps by tool and outcome");
    let tools = IntCounterVec::new(tools, &["tool", "outcome"])?;
    for (tool, calls) in &tool_calls {
        let outcomes = [("succeeded", calls.succeeded), ("failed", calls.failed), ("cancelled", calls.cancelled)];
        for (outcome, count) in outcomes {
            tools.with_label_values(&[&**tool, outcome]).inc_by(count);
        }
    }
    page.add(tools)?;

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

    fn gauge(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.add(gauge)
    }
}

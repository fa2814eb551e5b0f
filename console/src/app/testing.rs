//! Made-up answers of agents, for the tests of state and screens.

mod costs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use jiff::{SignedDuration, Timestamp};
use langdeck_shared::{
    Alert, Decision, FleetUpdate, Investigation, Latency, MemoryDelta, ReplicaStatus, ReplicaUpdate, Sample,
    ServicePattern, Spend, Status, Step, StepKind, StepStatus, ToolMode, Totals, Usd,
};

use serde_json::{Value, json};

use super::{App, AppOptions, Effect, Message, SourceId};
use crate::net::FleetAnswer;
pub(crate) use costs::{budget, costs, enormous_costs, no_costs, spend};

/// What one token costs in these answers.
const NANOS_PER_TOKEN: u64 = 2_000;

/// The replicas' clock at every answer.
pub(crate) fn wall() -> Timestamp {
    "2026-01-15T10:30:00Z".parse().expect("a valid time")
}

/// A console on `urls` that nobody has answered yet.
pub(crate) fn app(urls: &[&str], now: Instant) -> App {
    let sources = urls.iter().map(|url| (*url).to_owned()).collect();
    App::new(AppOptions { sources, demo: false }, 7, now)
}

/// A replica's answer while it has nothing to do.
pub(crate) fn idle(replica: &str, boot_id: &str) -> ReplicaUpdate {
    ReplicaUpdate {
        cursor: "c".to_owned(),
        reset: true,
        more: false,
        missed: 0,
        replica: replica.to_owned(),
        boot_id: boot_id.to_owned(),
        status: ReplicaStatus::Ready,
        version: "0.1.0".to_owned(),
        model: "simulated-gpt-4".to_owned(),
        tool_mode: ToolMode::Sequential,
        started_at: wall(),
        now: wall(),
        uptime_ms: 120_000,
        totals: Totals::default(),
        running: 0,
        queued: 0,
        budgets: Vec::new(),
        latency: None,
        samples: Vec::new(),
        investigations: Vec::new(),
        memory: MemoryDelta::default(),
        age_ms: 0,
        failure: None,
    }
}

/// Sums over `done` investigations like the documented one.
pub(crate) fn totals(done: u64, partial: u64, failed: u64) -> Totals {
    let ended = done + partial + failed;
    let spend = Spend {
        calls: 5 * ended,
        tokens: 157 * ended,
        input_tokens: 100 * ended,
        output_tokens: 57 * ended,
        cost_usd: Usd::from_nanos(314_000 * ended),
        ..Spend::default()
    };
    Totals { requests: ended, succeeded: done, partial, failed, cancelled: 0, tools_executed: 3 * ended, spend }
}

/// A step, from its offset and duration in milliseconds.
pub(crate) fn step(name: &str, status: StepStatus, start: Option<u64>, duration: Option<u64>, tokens: u64) -> Step {
    let kind = match name {
        "planner" => StepKind::Planner,
        "reasoner" => StepKind::Reasoner,
        _ => StepKind::Tool,
    };
    Step {
        name: name.into(),
        kind,
        status,
        start_offset_ms: start,
        duration_ms: duration,
        tokens,
        input_tokens: tokens * 2 / 3,
        output_tokens: tokens - tokens * 2 / 3,
        median_tokens: None,
        cost_usd: (tokens > 0).then(|| Usd::from_nanos(tokens * NANOS_PER_TOKEN)),
        error: None,
        attempts: 1,
        last_error: None,
        input: None,
        output: None,
    }
}

/// An investigation of `age` before the answer, with the steps of the documented one as far as its status goes.
pub(crate) fn investigation(
    id: &str,
    replica: &str,
    alert: (&str, &str),
    status: Status,
    age: Duration,
) -> Investigation {
    use StepStatus::{Cancelled, Failed, Running, Succeeded, Waiting};
    let accepted_at = wall() - SignedDuration::try_from(age).expect("a short age");
    let ran = matches!(status, Status::Succeeded | Status::Partial);
    let get_metrics = match status {
        Status::Running => step("get_metrics", Running, Some(900), None, 0),
        Status::Partial => step("get_metrics", Failed, Some(900), Some(300), 15),
        _ => step("get_metrics", Succeeded, Some(900), Some(300), 15),
    };
    let rest = |name: &str, start, duration, tokens| match status {
        Status::Running => step(name, Waiting, None, None, 0),
        Status::Cancelled => step(name, Cancelled, None, None, 0),
        _ => step(name, Succeeded, Some(start), Some(duration), tokens),
    };
    let steps = match status {
        Status::Queued => Vec::new(),
        Status::Failed => vec![step("planner", Failed, Some(0), Some(410), 45)],
        _ => vec![
            step("planner", Succeeded, Some(0), Some(410), 45),
            step("check_pods", Succeeded, Some(410), Some(490), 12),
            get_metrics,
            rest("get_logs", 1200, 380, 18),
            rest("reasoner", 1580, 300, 67),
        ],
    };
    let tokens = steps.iter().map(|step| step.tokens).sum();
    Investigation {
        investigation_id: id.to_owned(),
        replica: replica.into(),
        status,
        alert: Arc::new(Alert {
            alert_type: alert.0.to_owned(),
            original_alert_type: None,
            service: alert.1.to_owned(),
            severity: Some("critical".to_owned()),
            description: None,
            labels: BTreeMap::new(),
            timestamp: accepted_at,
        }),
        accepted_at,
        started_at: (status != Status::Queued).then_some(accepted_at),
        ended_at: status.has_ended().then_some(accepted_at + SignedDuration::from_millis(1880)),
        resolved_at: None,
        elapsed_ms: if status.has_ended() { 1880 } else { u64::try_from(age.as_millis()).unwrap_or(0) },
        tokens,
        cost_usd: Usd::from_nanos(tokens * NANOS_PER_TOKEN),
        unpriced_tokens: 0,
        degraded_by: None,
        degraded_window: None,
        capped: false,
        confidence: ran.then_some(if status == Status::Partial { 0.51 } else { 0.85 }),
        root_cause: ran.then(|| "database connection pool exhaustion".into()),
        error: (status == Status::Failed).then(|| "the planner gave no plan".into()),
        steps,
        decisions: Vec::new(),
        decisions_left_out: 0,
        report: None,
    }
}

/// What was decided about an investigation in which a tool is tried again.
pub(crate) fn decisions(about: &Investigation) -> Vec<Decision> {
    let told = json!([
        {"actor": "router", "code": "route_chosen", "choice": "simulated-gpt-3.5", "alternatives": ["simulated-gpt-4"],
            "figures": {"route": 2, "most_usd": 0.0000314}, "reason": "the policy routes severity info to it"},
        {"actor": "planner", "code": "plan_chosen", "choice": "check_pods, get_metrics, get_logs",
            "figures": {"tools": 3}, "reason": "slow answers can come from pods that restart, from a resource at its limit"},
        {"actor": "executor", "code": "retry", "choice": "try get_metrics again", "alternatives": ["give up on get_metrics"],
            "figures": {"attempt": 1, "wait_ms": 120}, "reason": "503 from the metrics store"},
        {"actor": "budget", "code": "capped", "choice": "do not call the model for get_logs",
            "figures": {"left_usd": 0.00004, "limit_usd": 0.000277}, "reason": "too little is left"},
        {"actor": "executor", "code": "tool_failed", "choice": "go on without get_metrics", "figures": {"attempts": 2},
            "reason": "no result within 80ms"},
        {"actor": "reasoner", "code": "partial_report", "choice": "conclude from a part", "alternatives": ["no report"],
            "figures": {"confidence": 0.51, "tools_found": 1, "tools_planned": 3}, "reason": "2 of 3 tools found nothing"},
    ]);
    let offsets = [-2, 410, 1020, 1140, 1210, 1880];
    let whole = |(seq, (decision, offset)): (usize, (&Value, i64))| {
        let mut decision = decision.clone();
        decision["seq"] = json!(seq + 1);
        decision["time"] = json!(about.accepted_at + SignedDuration::from_millis(offset));
        decision["replica"] = json!(about.replica);
        decision["boot_id"] = json!("b");
        decision["investigation_id"] = json!(about.investigation_id);
        serde_json::from_value(decision).expect("a decision")
    };
    told.as_array().expect("a list").iter().zip(offsets).enumerate().map(whole).collect()
}

/// An answer in which every number is as large as it can be.
pub(crate) fn enormous(replica: &str, boot_id: &str) -> ReplicaUpdate {
    const MOST: u64 = u64::MAX;
    let cost_usd = Usd::from_nanos(MOST);
    let spend = Spend::default().combine(Spend::default(), |_, _| MOST);
    let at_work = |id: &str, status| {
        let mut enormous = investigation(id, replica, ("high_cpu", "api"), status, Duration::ZERO);
        (enormous.elapsed_ms, enormous.tokens, enormous.cost_usd) = (MOST, MOST, cost_usd);
        (enormous.accepted_at, enormous.confidence) = (Timestamp::MIN, Some(f64::MAX));
        for step in &mut enormous.steps {
            (step.start_offset_ms, step.duration_ms) = (Some(MOST), step.duration_ms.map(|_| MOST));
            (step.tokens, step.input_tokens, step.output_tokens) = (MOST, MOST, MOST);
            step.cost_usd = Some(cost_usd);
            (step.attempts, step.last_error) = (u32::MAX, Some("no connection".into()));
        }
        enormous
    };
    let mut update = idle(replica, boot_id);
    (update.missed, update.uptime_ms, update.running, update.queued) = (MOST, MOST, MOST, MOST);
    (update.started_at, update.now) = (Timestamp::MIN, Timestamp::MAX);
    update.totals = Totals {
        requests: MOST,
        succeeded: MOST,
        partial: MOST,
        failed: MOST,
        cancelled: MOST,
        tools_executed: MOST,
        spend,
    };
    update.budgets = costs::enormous_budgets();
    update.latency = Some(Latency { count: MOST, p50_ms: MOST, p95_ms: MOST, p99_ms: MOST });
    update.samples = (0..20)
        .chain([MOST - 1, MOST])
        .map(|second| Sample { second, requests: MOST, errors: MOST, tokens: MOST, cost_usd })
        .collect();
    update.investigations = vec![
        at_work(&format!("inv_{boot_id}_1"), Status::Running),
        at_work(&format!("inv_{boot_id}_2"), Status::Partial),
    ];
    let mut known = pattern("api", "high_cpu", MOST, "a cause", Duration::ZERO);
    (known.last_seen, known.mean_cost_usd) = (Timestamp::MIN, cost_usd);
    update.memory = MemoryDelta { services: MOST, patterns: vec![known] };
    update
}

/// What a replica remembers of a service.
pub(crate) fn pattern(
    service: &str,
    alert_type: &str,
    investigations: u64,
    root_cause: &str,
    age: Duration,
) -> ServicePattern {
    ServicePattern {
        service: service.to_owned(),
        investigations,
        alert_types: BTreeMap::from([(alert_type.to_owned(), investigations)]),
        last_seen: wall() - SignedDuration::try_from(age).expect("a short age"),
        last_alert_type: alert_type.to_owned(),
        most_frequent_root_cause: Some(root_cause.to_owned()),
        mean_cost_usd: Usd::from_nanos(314_000),
        mean_confidence: 0.85,
    }
}

/// A wave of load over two minutes of seconds, the same every time.
pub(crate) fn samples(seed: u64) -> Vec<Sample> {
    let second = |second: u64| {
        let tokens = 157 * ((second * 7 + seed * 13) % 11) * ((second / 9 + seed) % 4) / 6;
        Sample {
            second,
            requests: tokens / 157,
            errors: 0,
            tokens,
            cost_usd: Usd::from_nanos(tokens * NANOS_PER_TOKEN),
        }
    };
    (0..=120).map(second).collect()
}

/// Feeds the answer of a replica that is alone in its fleet; it took 12 ms.
pub(crate) fn answer(app: &mut App, source: usize, update: ReplicaUpdate, now: Instant) -> Vec<Effect> {
    let (name, boot_id) = (update.replica.clone(), update.boot_id.clone());
    let mut answer = fleet_answer(&name, &boot_id, vec![update]);
    answer.update.reset = answer.update.replicas[0].reset;
    answer.update.more = answer.update.replicas[0].more;
    answer_fleet(app, source, answer, now)
}

/// What a replica tells of its fleet: a snapshot.
pub(crate) fn fleet_answer(replica: &str, boot_id: &str, replicas: Vec<ReplicaUpdate>) -> FleetAnswer {
    let update = FleetUpdate {
        cursor: "c".to_owned(),
        reset: true,
        more: false,
        replica: replica.to_owned(),
        boot_id: boot_id.to_owned(),
        replicas,
        problems: None,
    };
    FleetAnswer { update, faults: Vec::new() }
}

/// Feeds an answer of a fleet that took 12 ms.
pub(crate) fn answer_fleet(app: &mut App, source: usize, answer: FleetAnswer, now: Instant) -> Vec<Effect> {
    let took = Duration::from_millis(12);
    app.update(Message::Updated { source: SourceId(source), answer: Box::new(answer), received: now, took }, now)
}

/// Presses a key.
pub(crate) fn press(app: &mut App, code: KeyCode, now: Instant) -> Vec<Effect> {
    app.update(Message::Key(KeyEvent::from(code)), now)
}

/// Types text.
pub(crate) fn write(app: &mut App, text: &str, now: Instant) {
    for c in text.chars() {
        press(app, KeyCode::Char(c), now);
    }
}

/// A fleet of three at work: two ready, and one that answered `6 s` before the returned moment and not since.
pub(crate) fn busy_fleet(opened: Instant) -> (App, Instant) {
    let secs = Duration::from_secs;
    let now = opened + secs(60);
    let urls = ["http://localhost:8001", "http://localhost:8002", "http://localhost:8003"];
    let names = ["langchain-free-7d9c-p8mvd", "langchain-free-7d9c-q4tzn", "langchain-free-7d9c-x2kqp"];
    let latency = |p95_ms| Some(Latency { count: 200, p50_ms: 231, p95_ms, p99_ms: p95_ms + 21 });
    let mut app = app(&urls, opened);

    let mut silent = idle(names[1], "b2");
    silent.totals = totals(32, 0, 0);
    silent.latency = latency(250);
    silent.samples = samples(2);
    silent.investigations =
        vec![investigation("inv_b2_1", names[1], ("high_cpu", "payment-api"), Status::Succeeded, secs(70))];
    silent.memory = MemoryDelta {
        services: 1,
        patterns: vec![pattern("payment-api", "high_cpu", 3, "hot loop in the pricing path", secs(300))],
    };
    answer(&mut app, 1, silent, now - secs(6));

    let mut first = idle(names[0], "b1");
    first.totals = totals(129, 2, 2);
    first.running = 1;
    first.latency = latency(239);
    first.samples = samples(1);
    first.investigations = vec![
        investigation("inv_b1_2", names[0], ("disk_full", "ledger"), Status::Partial, secs(12)),
        investigation("inv_b1_3", names[0], ("high_cpu", "payment-api"), Status::Failed, secs(9)),
        investigation("inv_b1_4", names[0], ("memory_leak", "search"), Status::Running, Duration::from_millis(1100)),
    ];
    answer(&mut app, 0, first, now);

    let mut third = idle(names[2], "b3");
    third.totals = totals(214, 0, 0);
    third.running = 1;
    third.queued = 1;
    third.latency = latency(241);
    third.samples = samples(3);
    third.investigations = vec![
        investigation("inv_b3_1", names[2], ("high_error_rate", "cart-api"), Status::Cancelled, secs(40)),
        investigation(
            "inv_b3_2",
            names[2],
            ("high_latency", "checkout-api"),
            Status::Running,
            Duration::from_millis(1150),
        ),
        investigation("inv_b3_3", names[2], ("pod_crash_loop", "ledger"), Status::Queued, Duration::from_millis(400)),
    ];
    third.memory = MemoryDelta {
        services: 2,
        patterns: vec![
            pattern("checkout-api", "high_latency", 7, "database connection pool exhaustion", secs(120)),
            pattern("search", "memory_leak", 2, "an unbounded cache of query plans", secs(1400)),
        ],
    };
    answer(&mut app, 2, third, now);
    (app, now)
}

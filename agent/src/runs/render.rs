//! Records as the wire shows them.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{
    Basis, ChainExecution, CostEntry, CostTracking, ExecutorReport, Investigation, MemoryEntry, PlannerReport,
    ReasonerReport, Report, Spend, Step, StepReport, StepStatus, TokenBreakdown,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock::millis;
use crate::cost::{Charge, Prices, Told};
use crate::identity::Identity;
use crate::memory::{Record, StepName, StepRecord};
use crate::model::Arguments;

/// How much of an investigation is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Without inputs, outputs and the report.
    Brief,
    /// With them.
    Full,
}

/// An investigation as it stands at `now`.
pub(crate) fn investigation(record: &Record, identity: &Identity, now: Instant, detail: Detail) -> Investigation {
    let spend = record.spend();
    Investigation {
        investigation_id: identity.investigation_id(record.number),
        replica: Arc::clone(&identity.replica),
        status: record.status,
        alert: Arc::clone(&record.alert),
        accepted_at: record.accepted_at,
        started_at: record.started.map(|at| record.wall_clock(at)),
        ended_at: record.ended.map(|at| record.wall_clock(at)),
        resolved_at: record.resolved_at,
        elapsed_ms: millis(record.elapsed(now)),
        tokens: spend.tokens,
        cost_usd: spend.cost_usd,
        unpriced_tokens: spend.unpriced_tokens,
        degraded_by: record.degraded_by.as_ref().map(|budget| Arc::clone(&budget.scope)),
        degraded_window: record.degraded_by.as_ref().map(|budget| budget.window),
        capped: record.capped,
        confidence: record.conclusion.as_ref().map(|conclusion| conclusion.confidence),
        root_cause: record.conclusion.as_ref().map(|conclusion| Arc::clone(&conclusion.root_cause)),
        error: record.error.clone(),
        steps: record.steps.iter().map(|step| self::step(step, record, detail)).collect(),
        decisions: Vec::new(),
        decisions_left_out: 0,
        report: if detail == Detail::Full { report(record, identity).map(Box::new) } else { None },
    }
}

fn step(step: &StepRecord, record: &Record, detail: Detail) -> Step {
    let spend = &step.spend;
    Step {
        name: step.name.to_shared(),
        kind: step.name.kind(),
        status: step.status,
        start_offset_ms: step.began.map(millis),
        duration_ms: step.took.map(millis),
        tokens: spend.tokens,
        input_tokens: spend.input_tokens,
        output_tokens: spend.output_tokens,
        median_tokens: None,
        cost_usd: (spend.tokens > spend.unpriced_tokens).then_some(spend.cost_usd),
        error: step.error.clone(),
        attempts: step.attempts(),
        last_error: step.retries.as_ref().map(|retries| Arc::clone(&retries.last_error)),
        input: if detail == Detail::Full { input(step, record) } else { None },
        output: if detail == Detail::Full { output(step, record) } else { None },
    }
}

/// What a step was given; none before it is known.
fn input(step: &StepRecord, record: &Record) -> Option<Value> {
    step.began?;
    match &step.name {
        StepName::Planner => {
            let mut given = json!({ "alert": &*record.alert });
            if let Some(recall) = &record.recall {
                given["memory"] = json!(recall);
            }
            Some(given)
        }
        StepName::Tool(_) => {
            let Arguments(text) = step.arguments.as_ref()?;
            // A model's text may be no JSON: it is shown as it is.
            Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(&**text)))
        }
        StepName::Reasoner => {
            let tools = record.steps.iter().filter(|step| matches!(step.name, StepName::Tool(_)));
            let findings = tools.map(|step| match (&step.finding, &step.error) {
                (Some(found), _) => json!({ "tool": step.name.as_str(), "result": &**found }),
                (None, error) => json!({ "tool": step.name.as_str(), "error": error.as_deref() }),
            });
            Some(json!({ "findings": findings.collect::<Vec<_>>() }))
        }
    }
}

/// What a step gave; none unless it succeeded.
fn output(step: &StepRecord, record: &Record) -> Option<Value> {
    if step.status != StepStatus::Succeeded {
        return None;
    }
    match &step.name {
        StepName::Planner => {
            let plan = record.plan.as_ref()?;
            Some(json!({ "plan": plan.tools, "reasoning": plan.reasoning }))
        }
        StepName::Tool(_) => step.finding.as_deref().map(Value::from),
        StepName::Reasoner => {
            let conclusion = record.conclusion.as_ref()?;
            Some(json!({
                "summary": conclusion.summary,
                "root_cause": conclusion.root_cause,
                "recommendations": conclusion.recommendations,
                "confidence": conclusion.confidence,
            }))
        }
    }
}

/// The report of an investigation that came to a conclusion.
pub(crate) fn report(record: &Record, identity: &Identity) -> Option<Report> {
    let (plan, conclusion, took) = (record.plan.as_ref()?, record.conclusion.as_ref()?, record.took()?);
    let (planner, tools, reasoner) = match record.steps.as_slice() {
        [planner, tools @ .., reasoner] => (planner, tools, reasoner),
        _ => return None,
    };
    let executor_tokens = tools.iter().map(|step| step.spend).sum::<Spend>().tokens;
    let spend = record.spend();
    Some(Report {
        investigation_id: identity.investigation_id(record.number),
        replica: Arc::clone(&identity.replica),
        status: record.status,
        alert: Arc::clone(&record.alert),
        chain_execution: ChainExecution {
            planner: PlannerReport {
                plan: plan.tools.clone(),
                reasoning: Arc::clone(&plan.reasoning),
                tokens_used: planner.spend.tokens,
            },
            executor: ExecutorReport {
                mode: identity.tool_mode,
                steps: (1..).zip(tools).map(|(number, step)| step_report(number, step)).collect(),
                total_tokens: executor_tokens,
            },
            reasoner: ReasonerReport {
                summary: Arc::clone(&conclusion.summary),
                root_cause: Arc::clone(&conclusion.root_cause),
                recommendations: conclusion.recommendations.clone(),
                confidence: conclusion.confidence,
                tokens_used: reasoner.spend.tokens,
            },
        },
        cost_tracking: CostTracking {
            total_tokens: spend.tokens,
            breakdown: TokenBreakdown {
                planner: planner.spend.tokens,
                executor: executor_tokens,
                reasoner: reasoner.spend.tokens,
            },
            cost_usd: spend.cost_usd,
            unpriced_tokens: spend.unpriced_tokens,
            model: Arc::clone(record.other_model.as_ref().unwrap_or(&identity.model)),
            degraded_by: record.degraded_by.as_ref().map(|budget| Arc::clone(&budget.scope)),
            degraded_window: record.degraded_by.as_ref().map(|budget| budget.window),
            capped: record.capped,
            cached: false,
            joined: false,
            cached_age_ms: None,
            saved_usd: None,
        },
        execution_time_ms: millis(took),
        memory_updated: true,
    })
}

fn step_report(number: u32, step: &StepRecord) -> StepReport {
    StepReport {
        step: number,
        tool: step.name.to_shared(),
        status: step.status,
        result: step.finding.clone().or_else(|| step.error.clone()).unwrap_or_default(),
        attempts: step.attempts(),
        tokens_used: step.spend.tokens,
        duration_ms: step.took.map(millis).unwrap_or_default(),
    }
}

/// An ended investigation as memory lists it; none while it is live.
pub(crate) fn memory_entry(record: &Record, identity: &Identity) -> Option<MemoryEntry> {
    let conclusion = record.conclusion.as_ref();
    Some(MemoryEntry {
        investigation_id: identity.investigation_id(record.number),
        alert_type: record.alert.alert_type.clone(),
        service: record.alert.service.clone(),
        status: record.status,
        root_cause: conclusion.map(|conclusion| Arc::clone(&conclusion.root_cause)),
        confidence: conclusion.map(|conclusion| conclusion.confidence),
        cost_usd: record.spend().cost_usd,
        ended_at: record.wall_clock(record.ended?),
    })
}

/// An entry of the ledger.
pub(super) fn cost_entry(entry: &Told, prices: &Prices, identity: &Identity) -> CostEntry {
    let Charge { reported, price, .. } = entry.charge;
    let (spend, basis) = (entry.charge.spend(), entry.charge.basis());
    CostEntry {
        at: Timestamp::from_millisecond(entry.at_ms).unwrap_or_default(),
        investigation_id: identity.investigation_id(entry.number),
        step: entry.step.to_string(),
        attempt: entry.attempt,
        model: entry.model.to_string(),
        service: entry.service.to_string(),
        alert_type: entry.alert_type.to_string(),
        input_tokens: spend.input_tokens,
        cached_input_tokens: spend.cached_input_tokens,
        output_tokens: spend.output_tokens,
        cost_usd: (basis != Basis::Unpriced).then_some(spend.cost_usd),
        basis,
        reported: reported.usage(),
        price: price.map(|price| prices.version(price).to_owned()),
    }
}

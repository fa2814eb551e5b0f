//! The books: everything that a replica knows of its work, and how each event changes it.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Actor, Alert, Status, StepStatus, Totals};
use tokio::time::Instant;

use super::admission::Terms;
use super::recorder::{Entry, News, PaidCall, ToolEnd};
use super::{Begun, CancelReason, Run};
use crate::clock::{self, millis};
use crate::cost::{Call, Ledger};
use crate::decisions::{Choice, Decisions};
use crate::memory::{Ended, Investigations, Patterns, Record, Remembered, StepName};
use crate::model::Conclusion;
use crate::samples::{Latencies, Samples};

/// Everything that a replica knows of its work.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) investigations: Investigations,
    pub(crate) patterns: Patterns,
    pub(crate) ledger: Ledger,
    pub(crate) samples: Samples,
    pub(crate) latencies: Latencies,
    pub(crate) last_alert: Option<Arc<Alert>>,
    /// How each tool's calls ended.
    pub(crate) tool_calls: Vec<(Arc<str>, ToolCalls)>,
    /// How often a model was asked again because no answer came.
    pub(crate) model_retries: u64,
    /// Why it was done so.
    pub(crate) decisions: Arc<Decisions>,
    totals: Totals,
    started: Instant,
}

/// How a tool's calls ended, and how often one was tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ToolCalls {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) timed_out: u64,
    pub(crate) cancelled: u64,
    pub(crate) retries: u64,
}

/// How an investigation ends.
#[derive(Debug)]
pub(super) enum Ending {
    Concluded { complete: bool, conclusion: Arc<Conclusion> },
    Failed(Arc<str>),
    Cancelled(CancelReason),
}

impl Books {
    /// Books with room for `history` ended investigations, of a replica that started at `started`.
    pub(super) fn new(history: usize, started: Instant, decisions: Arc<Decisions>) -> Self {
        Self {
            investigations: Investigations::new(history),
            patterns: Patterns::default(),
            ledger: Ledger::new(),
            samples: Samples::new(),
            latencies: Latencies::new(),
            last_alert: None,
            tool_calls: Vec::new(),
            model_retries: 0,
            decisions,
            totals: Totals::default(),
            started,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals { spend: self.ledger.totals(), ..self.totals }
    }

    /// The second of the replica's uptime at an instant.
    pub(crate) fn second(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.started).as_secs()
    }

    /// Takes an alert in.
    pub(super) fn accept(&mut self, alert: Arc<Alert>, accepted_at: Timestamp, now: Instant, mut terms: Terms) -> Run {
        self.totals.requests += 1;
        let second = self.second(now);
        self.samples.at(second).requests += 1;
        self.last_alert = Some(Arc::clone(&alert));
        let account = self.ledger.account(&alert);
        let (other_model, degraded_by) = (terms.choice.other.clone(), terms.degraded_by.clone());
        let record = Record { other_model, degraded_by, ..Record::accepted(Arc::clone(&alert), accepted_at, now) };
        let number = self.investigations.insert(record);
        for choice in std::mem::take(&mut terms.choices) {
            self.decided(number, choice);
        }
        Run::new(number, alert, now, accepted_at, account, terms)
    }

    /// The chain of an accepted investigation begins.
    pub(super) fn begin(&mut self, run: &Arc<Run>, now: Instant) -> Begun {
        let recall = self.patterns.recall(&run.alert);
        self.investigations.change(run.number, |record| {
            record.status = Status::Running;
            record.started = Some(now);
            record.recall.clone_from(&recall);
        });
        Begun { run: Arc::clone(run), recall, started: now }
    }

    /// Enters what happened in an investigation.
    pub(super) fn enter(&mut self, run: &Run, News { progress, calls, entries, choices, .. }: News, now: Instant) {
        let decisions = &self.decisions;
        self.investigations.change(run.number, |record| {
            record.show(progress);
            if !choices.is_empty() {
                let at = record.wall_clock(now);
                choices.into_iter().for_each(|choice| record.note(decisions.record(at, Some(run.number), choice)));
            }
        });
        let second = self.second(now);
        let at_ms = run.wall_clock_ms(now);
        let calls = calls.iter().map(|PaidCall { step, attempt, model, charge }| {
            let (number, step) = (run.number, step.as_str());
            Call { at_ms, number, step, attempt: *attempt, model, charge: *charge }
        });
        let spend = self.ledger.enter(run.account, calls);
        let sample = self.samples.at(second);
        sample.tokens = sample.tokens.saturating_add(spend.tokens);
        sample.cost_usd += spend.cost_usd;
        for entry in entries {
            match entry {
                Entry::ToolEnded(tool, end) => self.count_tool(&tool, end),
                Entry::ToolRetried(tool) => self.calls(&tool).retries += 1,
                Entry::ModelRetried => self.model_retries += 1,
            }
        }
    }

    /// An investigation ends; what of it was still at work or waiting is over.
    ///
    /// `capped` says that it was not allowed to spend enough for all of its calls.
    pub(super) fn end(&mut self, number: u64, ending: Ending, capped: bool, now: Instant) -> Option<Ended> {
        let mut cut_off = Vec::new();
        let decisions = &self.decisions;
        let ended = self.investigations.end(number, |record| {
            let at = record.elapsed(now);
            for step in &mut record.steps {
                if let (StepStatus::Running, StepName::Tool(tool)) = (step.status, &step.name) {
                    cut_off.push(Arc::clone(tool));
                }
                if matches!(step.status, StepStatus::Waiting | StepStatus::Running) {
                    step.end(StepStatus::Cancelled, at);
                }
            }
            record.ended = Some(now);
            record.capped = capped;
            if let Some(choice) = ending.choice(record) {
                record.note(decisions.record(record.wall_clock(now), Some(number), choice));
            }
            match ending {
                Ending::Concluded { complete, conclusion } => {
                    record.status = if complete { Status::Succeeded } else { Status::Partial };
                    record.conclusion = Some(conclusion);
                }
                Ending::Failed(reason) => {
                    record.status = Status::Failed;
                    record.error = Some(reason);
                }
                Ending::Cancelled(reason) => {
                    record.status = Status::Cancelled;
                    record.error = Some(reason.as_str().into());
                }
            }
        })?;
        for tool in cut_off {
            self.count_tool(&tool, ToolEnd::Cancelled);
        }
        self.count_ended(&ended.record, now);
        self.learn(&ended.record, now);
        Some(ended)
    }

    /// An investigation's alert was resolved, or fires again; nothing happens when it is no longer remembered.
    pub(super) fn resolved(&mut self, number: u64, at: Option<Timestamp>) {
        self.investigations.amend(number, |record| record.resolved_at = at);
    }

    /// An alert fires that belongs to an investigation, whatever was said of another that does.
    pub(super) fn fires(&mut self, number: u64) {
        if self.investigations.get(number).is_some_and(|record| record.resolved_at.is_some()) {
            self.resolved(number, None);
        }
    }

    /// It was decided something about an investigation that leaves it as it is.
    pub(super) fn decided(&mut self, number: u64, choice: Choice) {
        let decision = self.decisions.record(clock::now(), Some(number), choice);
        self.investigations.annotate(number, |record| record.note_aside(decision));
    }

    fn count_ended(&mut self, record: &Record, now: Instant) {
        match record.status {
            Status::Succeeded => self.totals.succeeded += 1,
            Status::Partial => self.totals.partial += 1,
            Status::Failed => {
                self.totals.failed += 1;
                let second = self.second(now);
                self.samples.at(second).errors += 1;
            }
            Status::Cancelled => self.totals.cancelled += 1,
            Status::Queued | Status::Running => {}
        }
        if let Some(took) = record.took().filter(|_| record.status != Status::Cancelled) {
            self.latencies.record(millis(took));
        }
    }

    fn learn(&mut self, record: &Record, now: Instant) {
        let Some(conclusion) = &record.conclusion else { return };
        let remembered = Remembered {
            alert: &record.alert,
            root_cause: &conclusion.root_cause,
            confidence: conclusion.confidence,
            cost: record.spend().cost_usd,
            ended_at: record.wall_clock(now),
        };
        self.patterns.learn(remembered, record.changed);
    }

    fn count_tool(&mut self, tool: &Arc<str>, end: ToolEnd) {
        self.totals.tools_executed += 1;
        let calls = self.calls(tool);
        match end {
            ToolEnd::Succeeded => calls.succeeded += 1,
            ToolEnd::Failed => calls.failed += 1,
            ToolEnd::TimedOut => calls.timed_out += 1,
            ToolEnd::Cancelled => calls.cancelled += 1,
        }
    }

    fn calls(&mut self, tool: &Arc<str>) -> &mut ToolCalls {
        let place = self.tool_calls.iter().position(|(name, _)| name == tool).unwrap_or_else(|| {
            // Only tools that there are can be planned, so their names are bounded.
            self.tool_calls.push((Arc::clone(tool), ToolCalls::default()));
            self.tool_calls.len() - 1
        });
        &mut self.tool_calls[place].1
    }
}

impl Ending {
    /// What it decides about an investigation; nothing where all went as planned.
    fn choice(&self, record: &Record) -> Option<Choice> {
        match self {
            Self::Concluded { complete: true, .. } => None,
            Self::Concluded { complete: false, conclusion } => {
                let tools = record.steps.iter().filter(|step| matches!(step.name, StepName::Tool(_)));
                let planned = tools.clone().count();
                let found = tools.filter(|step| step.finding.is_some()).count();
                let reasoner = record.steps.last().and_then(|reasoner| reasoner.error.clone());
                Some(match reasoner {
                    Some(reason) => Choice::Fallback { found, planned, reason },
                    None => Choice::Partial { found, planned, confidence: conclusion.confidence },
                })
            }
            Self::Failed(reason) => {
                let by = if record.plan.is_some() { Actor::Reasoner } else { Actor::Planner };
                Some(Choice::Fail { by, reason: Arc::clone(reason) })
            }
            Self::Cancelled(reason) => Some(Choice::Cancel(reason.as_str())),
        }
    }
}

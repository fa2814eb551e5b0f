//! What the contract promises of an answer and types cannot say: which numbers are possible, and that ids are none but
//! ids.
//!
//! An answer that breaks a promise is to be refused whole, with the reason that comes back from here. A number that
//! cannot be would bend every sum and every axis that it entered, of other replicas too.

mod costs;

use costs::{budgets, spend};

use crate::{Decision, DecisionPage, FleetUpdate, Investigation, Memory, ReplicaUpdate, Sample, ServicePattern, Usd};

/// The largest number that every reader of JSON holds exactly (RFC 8259, section 6); of money, so many nano-dollars.
const MOST: u64 = (1 << 53) - 1;
/// By how much the clocks of one answer may differ, in milliseconds: its parts are not all from one moment.
const SLACK_MS: u64 = 60_000;
/// Far more samples than an agent keeps.
const MAX_SAMPLES: usize = 2_000;
/// Far more investigations, patterns and keys of costs than a page has.
const MAX_PAGE: usize = 2_000;
/// Far more steps than a plan has.
const MAX_STEPS: usize = 64;
/// Far more decisions than an investigation keeps.
const MAX_DECISIONS: usize = 512;
/// Far more than a decision stands on, or could have been.
const MAX_FIGURES: usize = 64;
const MAX_ALTERNATIVES: usize = 256;
/// Far more characters than the name of a figure has.
const MAX_FIGURE_NAME: usize = 256;
/// Far more peers than a fleet may have.
const MAX_PROBLEMS: usize = 16_384;
/// Far more alert types than a pattern tells apart.
const MAX_ALERT_TYPES: usize = 256;

impl ReplicaUpdate {
    /// Checks what a replica says of itself.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if !self.status.answers() {
            return Err(format!("status: no replica that answers is {}", self.status));
        }
        self.check_told()
    }

    /// Checks what another replica tells of it, which may be that it does not answer.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check).
    pub fn check_told(&self) -> Result<(), String> {
        not_blank("boot_id", &self.boot_id)?;
        not_blank("cursor", &self.cursor)?;
        let totals = &self.totals;
        numbers(
            "",
            &[
                ("missed", self.missed),
                ("uptime_ms", self.uptime_ms),
                ("age_ms", self.age_ms),
                ("running", self.running),
                ("queued", self.queued),
                ("totals.requests", totals.requests),
                ("totals.succeeded", totals.succeeded),
                ("totals.partial", totals.partial),
                ("totals.failed", totals.failed),
                ("totals.cancelled", totals.cancelled),
                ("totals.tools_executed", totals.tools_executed),
                ("memory.services", self.memory.services),
            ],
        )?;
        spend("totals.spend.", &totals.spend)?;
        if let Some(latency) = &self.latency {
            let figures = [
                ("count", latency.count),
                ("p50_ms", latency.p50_ms),
                ("p95_ms", latency.p95_ms),
                ("p99_ms", latency.p99_ms),
            ];
            numbers("latency.", &figures)?;
        }
        let longest = self.uptime_ms.saturating_add(SLACK_MS);
        budgets(&self.budgets)?;
        samples(&self.samples, longest / 1000)?;
        few("investigations", self.investigations.len(), MAX_PAGE)?;
        for (index, investigation) in self.investigations.iter().enumerate() {
            self::investigation(&format!("investigations[{index}]."), investigation, longest)?;
        }
        patterns("memory.patterns", &self.memory.patterns)
    }
}

impl FleetUpdate {
    /// Checks the answer apart from its replicas, each of which has a [check](ReplicaUpdate::check_told) of its own.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        not_blank("boot_id", &self.boot_id)?;
        not_blank("cursor", &self.cursor)?;
        let problems = self.problems.as_deref().unwrap_or_default();
        few("problems", problems.len(), MAX_PROBLEMS)?;
        let mut ages = problems.iter().enumerate();
        ages.try_for_each(|(index, problem)| numbers(&format!("problems[{index}]."), &[("age_ms", problem.age_ms)]))
    }
}

impl Investigation {
    /// Checks an investigation.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        investigation("", self, MOST)
    }
}

impl DecisionPage {
    /// Checks a page of decisions.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        not_blank("cursor", &self.cursor)?;
        numbers("", &[("missed", self.missed)])?;
        few("decisions", self.decisions.len(), MAX_PAGE)?;
        for (index, decision) in self.decisions.iter().enumerate() {
            self::decision(&format!("decisions[{index}]."), decision)?;
            if index > 0 && decision.seq <= self.decisions[index - 1].seq {
                let before = self.decisions[index - 1].seq;
                return Err(format!("decisions[{index}].seq: {} comes after {before}", decision.seq));
            }
        }
        Ok(())
    }
}

impl Memory {
    /// Checks what a replica remembers.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        few("history", self.history.len(), MAX_PAGE)?;
        for (index, entry) in self.history.iter().enumerate() {
            let at = format!("history[{index}].");
            not_blank(&format!("{at}investigation_id"), &entry.investigation_id)?;
            money(&format!("{at}cost_usd"), entry.cost_usd)?;
            fraction(&format!("{at}confidence"), entry.confidence.unwrap_or_default())?;
        }
        patterns("patterns", &self.patterns)
    }
}

/// Checks an investigation that cannot have run longer than `longest` milliseconds.
fn investigation(at: &str, investigation: &Investigation, longest: u64) -> Result<(), String> {
    not_blank(&format!("{at}investigation_id"), &investigation.investigation_id)?;
    let unpriced = ("unpriced_tokens", investigation.unpriced_tokens);
    numbers(at, &[("tokens", investigation.tokens), unpriced])?;
    money(&format!("{at}cost_usd"), investigation.cost_usd)?;
    time(&format!("{at}elapsed_ms"), investigation.elapsed_ms, longest)?;
    if let Some(confidence) = investigation.confidence {
        fraction(&format!("{at}confidence"), confidence)?;
    }
    if let Some(report) = &investigation.report {
        fraction(
            &format!("{at}report.chain_execution.reasoner.confidence"),
            report.chain_execution.reasoner.confidence,
        )?;
    }
    few(&format!("{at}steps"), investigation.steps.len(), MAX_STEPS)?;
    few(&format!("{at}decisions"), investigation.decisions.len(), MAX_DECISIONS)?;
    for (index, decision) in investigation.decisions.iter().enumerate() {
        self::decision(&format!("{at}decisions[{index}]."), decision)?;
    }
    numbers(at, &[("decisions_left_out", investigation.decisions_left_out)])?;
    for (index, step) in investigation.steps.iter().enumerate() {
        let at = format!("{at}steps[{index}].");
        let tokens = [("input_tokens", step.input_tokens), ("output_tokens", step.output_tokens)];
        numbers(&at, &[("tokens", step.tokens), tokens[0], tokens[1]])?;
        money(&format!("{at}cost_usd"), step.cost_usd.unwrap_or_default())?;
        time(&format!("{at}start_offset_ms"), step.start_offset_ms.unwrap_or(0), longest)?;
        time(&format!("{at}duration_ms"), step.duration_ms.unwrap_or(0), longest)?;
    }
    Ok(())
}

fn decision(at: &str, decision: &Decision) -> Result<(), String> {
    numbers(at, &[("seq", decision.seq)])?;
    few(&format!("{at}alternatives"), decision.alternatives.len(), MAX_ALTERNATIVES)?;
    few(&format!("{at}figures"), decision.figures.len(), MAX_FIGURES)?;
    match decision.figures.keys().map(|name| name.chars().count()).find(|chars| *chars > MAX_FIGURE_NAME) {
        Some(chars) => {
            Err(format!("{at}figures: a name of {chars} characters, at most {MAX_FIGURE_NAME} are expected"))
        }
        None => Ok(()),
    }
}

fn samples(samples: &[Sample], last: u64) -> Result<(), String> {
    few("samples", samples.len(), MAX_SAMPLES)?;
    for (index, sample) in samples.iter().enumerate() {
        let at = format!("samples[{index}].");
        if sample.second > last {
            return Err(format!("{at}second: {} lies after all of its uptime", sample.second));
        }
        if index > 0 && sample.second <= samples[index - 1].second {
            return Err(format!("{at}second: {} comes after {}", sample.second, samples[index - 1].second));
        }
        numbers(&at, &[("requests", sample.requests), ("errors", sample.errors), ("tokens", sample.tokens)])?;
        money(&format!("{at}cost_usd"), sample.cost_usd)?;
    }
    Ok(())
}

fn patterns(at: &str, patterns: &[ServicePattern]) -> Result<(), String> {
    few(at, patterns.len(), MAX_PAGE)?;
    for (index, pattern) in patterns.iter().enumerate() {
        let at = format!("{at}[{index}].");
        numbers(&at, &[("investigations", pattern.investigations)])?;
        few(&format!("{at}alert_types"), pattern.alert_types.len(), MAX_ALERT_TYPES)?;
        money(&format!("{at}mean_cost_usd"), pattern.mean_cost_usd)?;
        fraction(&format!("{at}mean_confidence"), pattern.mean_confidence)?;
    }
    Ok(())
}

fn numbers(at: &str, figures: &[(&str, u64)]) -> Result<(), String> {
    match figures.iter().find(|(_, figure)| *figure > MOST) {
        Some((field, figure)) => Err(format!("{at}{field}: {figure} is more than can be counted")),
        None => Ok(()),
    }
}

fn money(field: &str, amount: Usd) -> Result<(), String> {
    if amount.nanos() > MOST { Err(format!("{field}: {amount} is more money than can be counted")) } else { Ok(()) }
}

fn time(field: &str, ms: u64, longest: u64) -> Result<(), String> {
    if ms > longest { Err(format!("{field}: {ms} ms is longer than its replica has been up")) } else { Ok(()) }
}

fn fraction(field: &str, fraction: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&fraction) { Ok(()) } else { Err(format!("{field}: {fraction:e} is not from 0 to 1")) }
}

fn few(field: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most { Err(format!("{field}: {count} of them, at most {most} are expected")) } else { Ok(()) }
}

fn not_blank(field: &str, id: &str) -> Result<(), String> {
    if id.trim().is_empty() { Err(format!("{field}: is blank")) } else { Ok(()) }
}

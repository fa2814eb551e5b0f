//! A report as text, for people.

use std::fmt::Write as _;

use langdeck_shared::{Investigation, Report, Status, Step, StepStatus};

use super::table::{Align, Table};
use crate::view::format::{duration_ms, percent, usd, width};

/// How wide running text gets at most; longer lines are hard to read.
const MEASURE: usize = 100;
/// Where running text begins.
const INDENT: usize = 12;

/// Everything of a report that a person wants to know, in a line of at most `room` cells.
#[must_use]
pub(super) fn render(investigation: &Investigation, report: &Report, room: Option<usize>) -> String {
    let measure = room.map_or(MEASURE, |room| room.min(MEASURE));
    let chain = &report.chain_execution;
    let reasoner = &chain.reasoner;
    let cost = &report.cost_tracking;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} on {}: {}\n{}, {} tokens, {}{}, {}\n{} on {}\n",
        report.alert.alert_type,
        report.alert.service,
        word(report.status),
        duration_ms(report.execution_time_ms),
        cost.total_tokens,
        usd(cost.cost_usd),
        if cost.unpriced_tokens > 0 { format!(" and {} unpriced tokens", cost.unpriced_tokens) } else { String::new() },
        cost.model,
        report.investigation_id,
        report.replica,
    );
    paragraph(&mut text, "Summary", &reasoner.summary, measure);
    let cause = format!("{} (confidence {})", reasoner.root_cause, percent(reasoner.confidence));
    paragraph(&mut text, "Root cause", &cause, measure);
    paragraph(&mut text, "Planned", &chain.planner.reasoning, measure);
    for (at, recommendation) in reasoner.recommendations.iter().enumerate() {
        let name = if at == 0 { "To do" } else { "" };
        paragraph(&mut text, name, &format!("{}. {recommendation}", at + 1), measure);
    }
    for step in &chain.executor.steps {
        paragraph(&mut text, &step.tool, &step.result, measure);
    }
    text.push('\n');
    text.push_str(&steps(&investigation.steps).render(room));
    text
}

/// The word for how a run ended.
#[must_use]
pub(super) const fn word(status: Status) -> &'static str {
    match status {
        Status::Partial => "partial (a step failed)",
        other => other.as_str(),
    }
}

fn steps(steps: &[Step]) -> Table {
    let mut table = Table::new(&[
        ("STEP", Align::Left),
        ("STATE", Align::Left),
        ("BEGAN", Align::Right),
        ("TOOK", Align::Right),
        ("TOKENS", Align::Right),
        ("COST", Align::Right),
    ]);
    for step in steps {
        table.row(vec![
            step.name.clone(),
            state(step).to_owned(),
            step.start_offset_ms.map_or_else(dash, duration_ms),
            step.duration_ms.map_or_else(dash, duration_ms),
            step.tokens.to_string(),
            step.cost_usd.map_or_else(dash, usd),
        ]);
    }
    table
}

/// The word for where a step stands.
#[must_use]
pub(super) const fn state(step: &Step) -> &'static str {
    match step.status {
        StepStatus::Waiting => "waiting",
        StepStatus::Running => "running",
        StepStatus::Succeeded => "succeeded",
        StepStatus::Failed => "failed",
        StepStatus::Cancelled => "cancelled",
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// A name at the left, its text beside it, broken between words.
fn paragraph(text: &mut String, name: &str, words: &str, measure: usize) {
    let room = measure.saturating_sub(INDENT).max(20);
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    for (at, line) in lines.iter().enumerate() {
        let name = if at == 0 { name } else { "" };
        let padding = " ".repeat(INDENT.saturating_sub(width(name)).max(1));
        let _ = writeln!(text, "{name}{padding}{line}");
    }
}

//! A report as text, for people.

use langdeck_shared::{CostTracking, Investigation, Report, Status, Step, StepStatus};

use super::table::{Align, Table};
use crate::view::format::{duration_ms, percent, usd, width};

/// How wide running text gets at most; longer lines are hard to read.
const MEASURE: usize = 100;
/// How wide it is at least, however narrow the terminal says it is.
const NARROWEST: usize = 40;
/// Where running text begins.
const INDENT: usize = 13;

/// Everything of a report that a person wants to know, in lines of at most `room` cells where its figures allow.
#[must_use]
pub(super) fn render(investigation: &Investigation, report: &Report, room: Option<usize>) -> String {
    let measure = room.unwrap_or(MEASURE).clamp(NARROWEST, MEASURE);
    let chain = &report.chain_execution;
    let reasoner = &chain.reasoner;
    let cost = &report.cost_tracking;
    let unpriced = match cost.unpriced_tokens {
        0 => String::new(),
        tokens => format!(" and {tokens} unpriced tokens"),
    };
    let given = match cost {
        CostTracking { cached: true, cached_age_ms: age, saved_usd: saved, .. } => format!(
            "from the cache, {} after its end; it had cost {}\n",
            duration_ms(age.unwrap_or_default()),
            usd(saved.unwrap_or_default())
        ),
        CostTracking { joined: true, .. } => "joined while it was under way, at no cost of its own\n".to_owned(),
        _ => String::new(),
    };
    let mut text = format!(
        "{} on {}: {}\n{} · {} tokens · {}{unpriced} · {}\n{} on {}\n{given}\n",
        report.alert.alert_type,
        report.alert.service,
        word(report.status),
        duration_ms(report.execution_time_ms),
        cost.total_tokens,
        usd(cost.cost_usd),
        cost.model,
        report.investigation_id,
        report.replica,
    );
    let cause = format!("{} (confidence {})", reasoner.root_cause, percent(reasoner.confidence));
    paragraph(&mut text, "Root cause", "", &cause, measure);
    paragraph(&mut text, "Summary", "", &reasoner.summary, measure);
    for (at, recommendation) in reasoner.recommendations.iter().enumerate() {
        let name = if at == 0 { "To do" } else { "" };
        paragraph(&mut text, name, &format!("{}. ", at + 1), recommendation, measure);
    }
    text.push('\n');
    paragraph(&mut text, "Plan", "", &chain.planner.reasoning, measure);
    for step in &chain.executor.steps {
        paragraph(&mut text, &step.tool, "", &step.result, measure);
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
        ("STEP", Align::Left, 0),
        ("STATE", Align::Left, 0),
        ("BEGAN", Align::Right, 2),
        ("TOOK", Align::Right, 0),
        ("TOKENS", Align::Right, 1),
        ("COST", Align::Right, 0),
    ]);
    for step in steps {
        table.row(vec![
            name(step),
            state(step).to_owned(),
            step.start_offset_ms.map_or_else(dash, duration_ms),
            step.duration_ms.map_or_else(dash, duration_ms),
            step.tokens.to_string(),
            step.cost_usd.map_or_else(dash, usd),
        ]);
    }
    table
}

/// A step's name, and how often it was tried where once was not enough.
#[must_use]
pub(super) fn name(step: &Step) -> String {
    if step.attempts > 1 { format!("{} ×{}", step.name, step.attempts) } else { step.name.to_string() }
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

/// A name at the left; beside it a text that hangs below its own beginning, broken between words.
fn paragraph(text: &mut String, name: &str, mark: &str, words: &str, measure: usize) {
    let head = format!("{name}{}{mark}", " ".repeat(INDENT.saturating_sub(width(name)).max(1)));
    let hang = " ".repeat(INDENT + width(mark));
    let options = textwrap::Options::new(measure)
        .initial_indent(&head)
        .subsequent_indent(&hang)
        // Names such as `checkout-api` stay whole.
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(words, options) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

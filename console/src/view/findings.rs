//! What an investigation found, in words: a few lines beside its timeline, and its whole report.

use langdeck_shared::{Investigation, Report};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::investigations::why_lost;
use super::text::{self, Key, What, draw_lines};
use super::{Scene, format};
use crate::app::Known;
use crate::widgets::put;

/// How wide the names on the left are.
const NAME: usize = 12;

/// The lines below a timeline: the report once it has come, until then what is known.
pub(super) fn brief(scene: Scene<'_>, known: &Known, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let width = usize::from(area.width);
    let detail = scene.app.detail.as_ref().filter(|detail| detail.id == known.investigation.investigation_id);
    let key = Key { what: What::Brief, revision: scene.app.detail_revision(), width };
    let lines = scene.texts.lines(key, || {
        match detail.and_then(|detail| detail.whole.as_ref()).filter(|whole| whole.report.is_some()) {
            Some(whole) => self::whole(scene, whole, width),
            None => facts(scene, known, width),
        }
    });
    draw_lines(&lines, 0, area, buffer);
}

/// What it found, or why it did not, in one line.
pub(super) fn line(scene: Scene<'_>, known: &Known, area: Rect, buffer: &mut Buffer) {
    let (found, style) = found(scene, known);
    put(area, &format::fit(&found, usize::from(area.width), scene.theme.glyphs.ellipsis), style, buffer);
}

/// What it found, or why it did not, and how that is shown.
pub(super) fn found(scene: Scene<'_>, known: &Known) -> (String, Style) {
    let theme = scene.theme;
    let investigation = &known.investigation;
    if let Some(loss) = known.lost {
        return (why_lost(loss).to_owned(), theme.dim);
    }
    if let Some(error) = &investigation.error {
        return (error.to_string(), theme.failed);
    }
    match (&investigation.root_cause, investigation.confidence) {
        (Some(cause), Some(confidence)) => (format!("{} {cause}", format::percent(confidence)), theme.text),
        (Some(cause), None) => (cause.to_string(), theme.text),
        (None, _) => (String::new(), theme.dim),
    }
}

fn facts(scene: Scene<'_>, known: &Known, width: usize) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let investigation = &known.investigation;
    let mut facts = Facts::new(scene, width);
    if let Some(loss) = known.lost {
        facts.add("error", &format!("{}; nobody knows more", why_lost(loss)), theme.failed);
    }
    if let Some(error) = &investigation.error {
        facts.add("error", error, theme.failed);
    }
    for step in &investigation.steps {
        if let Some(error) = &step.error {
            facts.add("missing", &format!("{}: {error}", step.name), theme.partial);
        } else if let Some(error) = &step.last_error {
            facts.add("tried again", &format!("{}: {error}", step.name), theme.warning);
        }
    }
    if let Some(cause) = &investigation.root_cause {
        facts.add("root cause", cause, theme.strong);
    }
    if let Some(confidence) = investigation.confidence {
        facts.add("confidence", &format::percent(confidence), theme.text);
    }
    if let Some(severity) = &investigation.alert.severity {
        facts.add("severity", severity, theme.text);
    }
    if let Some(description) = &investigation.alert.description {
        facts.add("alert", description, theme.text);
    }
    facts.add("replica", &investigation.replica, theme.dim);
    facts.add("id", &investigation.investigation_id, theme.dim);
    facts.lines
}

/// The whole report, or what is known while there is none.
pub(super) fn whole(scene: Scene<'_>, investigation: &Investigation, width: usize) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut facts = Facts::new(scene, width);
    if let Some(error) = &investigation.error {
        facts.add("error", error, theme.failed);
    }
    match &investigation.report {
        Some(report) => facts.report(report),
        None if investigation.error.is_none() => {
            facts.add("report", "comes when the investigation has ended", theme.dim)
        }
        None => {}
    }
    facts.gap();
    let alert = &investigation.alert;
    let named = alert.original_alert_type.as_ref().map(|name| format!(" (sent as {name})")).unwrap_or_default();
    facts.add("alert", &format!("{} on {}{named}", alert.alert_type, alert.service), theme.text);
    if let Some(severity) = &alert.severity {
        facts.add("severity", severity, theme.text);
    }
    if let Some(description) = &alert.description {
        facts.add("description", description, theme.text);
    }
    for (name, value) in &alert.labels {
        facts.add("label", &format!("{name}={value}"), theme.text);
    }
    facts.add("replica", &investigation.replica, theme.dim);
    facts.add("id", &investigation.investigation_id, theme.dim);
    let zone = jiff::tz::TimeZone::system();
    facts.add("accepted", &format::date_clock(investigation.accepted_at, &zone), theme.dim);
    if let Some(resolved_at) = investigation.resolved_at {
        facts.add("resolved", &format::date_clock(resolved_at, &zone), theme.dim);
    }
    facts.lines
}

/// Lines of a name and what is said under it, wrapped beside the name.
struct Facts<'a> {
    scene: Scene<'a>,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Facts<'a> {
    const fn new(scene: Scene<'a>, width: usize) -> Self {
        Self { scene, width, lines: Vec::new() }
    }

    fn add(&mut self, name: &str, said: &str, style: Style) {
        self.hang(name, "", said, style);
    }

    /// The same with something before the first line, under which no other line begins: `1. `.
    fn hang(&mut self, name: &str, before: &str, said: &str, style: Style) {
        let name = Span::styled(format!("{name:<NAME$}"), self.scene.theme.dim);
        let indent = Span::raw(" ".repeat(NAME + before.len()));
        let width = self.width.saturating_sub(NAME + before.len());
        for (index, part) in text::wrap(said, width).into_iter().enumerate() {
            let said = Span::styled(part, style);
            self.lines.push(match index {
                0 => Line::from(vec![name.clone(), Span::styled(before.to_owned(), style), said]),
                _ => Line::from(vec![indent.clone(), said]),
            });
        }
    }

    fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
    }

    fn report(&mut self, report: &Report) {
        let theme = self.scene.theme;
        let reasoner = &report.chain_execution.reasoner;
        self.add("summary", &reasoner.summary, theme.text);
        self.gap();
        self.add("root cause", &reasoner.root_cause, theme.strong);
        self.add("confidence", &format::percent(reasoner.confidence), theme.text);
        self.gap();
        for (index, recommendation) in reasoner.recommendations.iter().enumerate() {
            let name = if index == 0 { "to do" } else { "" };
            self.hang(name, &format!("{}. ", index + 1), recommendation, theme.text);
        }
        self.gap();
        let cost = &report.cost_tracking;
        let breakdown = &cost.breakdown;
        let parts = format!(
            "{} = planner {} + tools {} + reasoner {}",
            cost.total_tokens, breakdown.planner, breakdown.executor, breakdown.reasoner
        );
        self.add("tokens", &parts, theme.text);
        self.add("cost", &format!("{} by {}", format::usd(cost.cost_usd), cost.model), theme.money);
        if cost.unpriced_tokens > 0 {
            self.add("unpriced", &format!("{} tokens have no known price", cost.unpriced_tokens), theme.warning);
        }
    }
}

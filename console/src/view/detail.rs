//! One investigation, whole: its timeline, the chosen step's input and output, its report.

use langdeck_shared::{Step, StepKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::layout::{Beside, Detail as Areas};
use super::text::{Key, What, draw_lines};
use super::{Scene, decisions, findings, format, text, timeline, value};
use crate::app::{App, Detail, Known, Target};
use crate::widgets::panel::Panel;
use crate::widgets::put;

/// Draws all of it; answers how far the text that keys go to reaches beyond its place.
pub(super) fn render(scene: Scene<'_>, areas: Areas, buffer: &mut Buffer) -> usize {
    let Scene { app, theme, .. } = scene;
    let Some(detail) = app.opened() else { return 0 };
    let Some(known) = app.opened_known() else {
        let inner = Panel::new(detail.id.clone()).focused(true).render(areas.timeline, buffer, theme);
        let (said, style) = match (&detail.apart, &detail.error) {
            (Some(_), Some(error)) => (error.to_string(), theme.failed),
            (Some(_), None) => ("not among those known here; asking its fleet".to_owned(), theme.dim),
            (None, _) => ("no longer known".to_owned(), theme.dim),
        };
        for (line, said) in inner.rows().zip(text::wrap(&said, usize::from(inner.width))) {
            put(line, &said, style, buffer);
        }
        return 0;
    };
    let in_steps = !detail.reads_decisions();
    let inner = timeline::panel(scene, known).focused(in_steps).render(areas.timeline, buffer, theme);
    timeline::steps(scene, known, Some((detail.step, in_steps)), inner, buffer);
    let Some(Beside { decisions, report }) = areas.beside else {
        return if in_steps {
            step(scene, detail, known, areas, buffer)
        } else {
            decisions::render(scene, detail, known, areas.step, buffer)
        };
    };
    let step_beyond = step(scene, detail, known, areas, buffer);
    let report_beyond = self::report(scene, detail, known, report, buffer);
    let decisions_beyond = decisions::render(scene, detail, known, decisions, buffer);
    if in_steps { step_beyond.max(report_beyond) } else { decisions_beyond }
}

/// What lies at a place of the screen, for the mouse.
pub(super) fn target(app: &App, areas: Areas, at: Position) -> Target {
    let reads_decisions = app.opened().is_some_and(Detail::reads_decisions);
    let decisions = areas.beside.map(|beside| beside.decisions).or(reads_decisions.then_some(areas.step));
    if decisions.is_some_and(|area| area.contains(at)) {
        return Target::Decisions;
    }
    step_at(app, areas, at).map_or(Target::Nothing, Target::Step)
}

/// The step of the timeline at a place of the screen.
fn step_at(app: &App, areas: Areas, at: Position) -> Option<usize> {
    let inner = Panel::new("").inner(areas.timeline);
    let steps = app.opened_known()?.investigation.steps.len();
    // The first line is the axis; where the steps do not fit, not each of them has its line.
    let row = usize::from(at.y.checked_sub(inner.y + 1)?);
    (inner.contains(at) && row < steps && steps < usize::from(inner.height)).then_some(row)
}

fn step(scene: Scene<'_>, detail: &Detail, known: &Known, areas: Areas, buffer: &mut Buffer) -> usize {
    let theme = scene.theme;
    let Some(timed) = known.investigation.steps.get(detail.step) else {
        Panel::new("Step").render(areas.step, buffer, theme);
        return 0;
    };
    let mark = theme.step_status(timed.status);
    let panel = Panel::new(timed.name.to_string()).styled_figure(format!("{} {}", mark.glyph, mark.word), mark.style);
    let [tokens, cost] = spend(timed);
    let attempts = if timed.attempts > 1 { format!("{} attempts", timed.attempts) } else { String::new() };
    let panel = panel.styled_figure(attempts, theme.warning).figure(tokens).styled_figure(cost, theme.money);
    let (with_report, width) = (areas.beside.is_none(), usize::from(panel.inner(areas.step).width));
    let key = Key { what: What::Step(detail.step, with_report), revision: scene.app.detail_revision(), width };
    let lines = scene.texts.lines(key, || lines(scene, detail, known, timed, with_report, width));
    scrolled(scene, panel, &lines, detail.scroll, areas.step, buffer)
}

/// The step's tokens and what they cost; nothing while there are none.
fn spend(step: &Step) -> [String; 2] {
    if step.tokens == 0 {
        return [String::new(), String::new()];
    }
    let cost = step.cost_usd.map_or_else(|| "unpriced".to_owned(), format::usd);
    [format!("{} tokens in, {} out", step.input_tokens, step.output_tokens), cost]
}

/// The step's text: why it failed or was tried again, that its tokens stand out, what it gave, what it was given. Where
/// the report has no place of its own, it stands under the reasoner.
fn lines(
    scene: Scene<'_>,
    detail: &Detail,
    known: &Known,
    timed: &Step,
    with_report: bool,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    if let Some(error) = &timed.error {
        lines.push(Line::styled("error", theme.dim));
        lines.extend(text::wrap(error, width).into_iter().map(|part| Line::styled(part, theme.failed)));
    }
    if let Some(error) = &timed.last_error {
        lines.push(Line::styled(format!("error of attempt {}", timed.attempts.saturating_sub(1)), theme.dim));
        lines.extend(text::wrap(error, width).into_iter().map(|part| Line::styled(part, theme.warning)));
    }
    if let Some(text) = detail.whole_step().and_then(|whole| timeline::stands_out(whole, theme)) {
        lines.extend(text::wrap(&text, width).into_iter().map(|part| Line::styled(part, theme.warning)));
    }
    if let Some(whole) = detail.whole.as_ref().filter(|_| with_report && timed.kind == StepKind::Reasoner) {
        lines.extend(findings::whole(scene, whole, width));
    }
    let Some(step) = detail.whole_step() else {
        let waiting = why_not_whole(scene, detail, known, "input and output");
        lines.extend(text::wrap(&waiting, width).into_iter().map(|part| Line::styled(part, theme.dim)));
        return lines;
    };
    for (name, said) in [("output", &step.output), ("input", &step.input)] {
        let Some(said) = said else { continue };
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(name, theme.title));
        lines.extend(value::lines(said, width, theme));
    }
    if lines.is_empty() {
        lines.push(Line::styled("nothing yet", theme.dim));
    }
    lines
}

/// Why there is nothing yet of what comes only with it whole.
pub(super) fn why_not_whole(scene: Scene<'_>, detail: &Detail, known: &Known, what: &str) -> String {
    let reached = scene.app.fleet.by_boot_id(&known.boot_id).is_some();
    match &detail.error {
        _ if !reached => format!("its replica has ended, and its {what} with it"),
        Some(error) => error.to_string(),
        None => "asking for it".to_owned(),
    }
}

fn report(scene: Scene<'_>, detail: &Detail, known: &Known, area: Rect, buffer: &mut Buffer) -> usize {
    let panel = Panel::new("Report");
    let whole = detail.whole.as_deref().unwrap_or(&known.investigation);
    let width = usize::from(panel.inner(area).width);
    let key = Key { what: What::Report, revision: scene.app.detail_revision(), width };
    let lines = scene.texts.lines(key, || findings::whole(scene, whole, width));
    scrolled(scene, panel, &lines, detail.scroll, area, buffer)
}

/// Draws a panel with lines from the one at `scroll` on, and says in its title where there are more; answers how far
/// they reach beyond it.
pub(super) fn scrolled(
    scene: Scene<'_>,
    panel: Panel<'_>,
    lines: &[Line<'_>],
    scroll: usize,
    area: Rect,
    buffer: &mut Buffer,
) -> usize {
    let beyond = lines.len().saturating_sub(usize::from(panel.inner(area).height));
    let glyphs = scene.theme.glyphs;
    let more = match (beyond, scroll) {
        (0, _) => String::new(),
        (beyond, scroll) if scroll < beyond => format!("{} more below", glyphs.descending),
        _ => format!("{} more above", glyphs.ascending),
    };
    let inner = panel.note(more).render(area, buffer, scene.theme);
    draw_lines(lines, scroll, inner, buffer);
    beyond
}

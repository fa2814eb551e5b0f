//! The chosen investigation over time: a waterfall that grows while it runs, and what it found.

use langdeck_shared::{Investigation, Step, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::investigations::{state, why_lost};
use super::theme::Theme;
use super::{Scene, findings, format};
use crate::app::Known;
use crate::widgets::panel::Panel;
use crate::widgets::waterfall::{self, Waterfall, WaterfallRow};
use crate::widgets::{put, row};

/// Draws the panel for the investigation at the list's marker.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let Some(known) = app.selected() else {
        let inner = Panel::new("Timeline").render(area, buffer, theme);
        put(inner, "The steps of an investigation appear here while it runs", theme.dim, buffer);
        return;
    };
    let inner = panel(scene, known).render(area, buffer, theme);
    let ended = known.investigation.status.has_ended();
    if ended && usize::from(inner.height) <= known.investigation.steps.len() + 2 {
        // No room for more than a line: what was found goes before the axis.
        findings::line(scene, known, row(inner, 0), buffer);
        let below = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner };
        steps(scene, known, None, below, buffer);
        return;
    }
    let rows = u16::try_from(known.investigation.steps.len() + 1).unwrap_or(u16::MAX).min(inner.height);
    let (top, below) =
        (Rect { height: rows, ..inner }, Rect { y: inner.y + rows, height: inner.height - rows, ..inner });
    steps(scene, known, None, top, buffer);
    findings::brief(scene, known, below, buffer);
}

/// The panel's frame: `high_latency on checkout-api · ● running · $0.000144 · 1.9s · alert resolved`.
pub(super) fn panel(scene: Scene<'_>, known: &Known) -> Panel<'static> {
    let investigation = &known.investigation;
    let mark = scene.theme.status(investigation.status);
    let (word, style) = if known.lost.is_some() { ("lost", scene.theme.failed) } else { (mark.word, mark.style) };
    let glyph = state(scene, known).glyph;
    let followed = if scene.app.follows() && scene.app.opened().is_none() { "following" } else { "" };
    Panel::new(format!("{} on {}", investigation.alert.alert_type, investigation.alert.service))
        .styled_figure(format!("{glyph} {word}"), style)
        .styled_figure(format::usd(investigation.cost_usd), scene.theme.money)
        .figure(format::duration_ms(elapsed_ms(scene, known)))
        .figure(if investigation.resolved_at.is_some() { "alert resolved" } else { "" })
        .note(followed)
}

/// Draws the steps; `selected` is the one chosen, where steps can be, and whether keys go there.
pub(super) fn steps(scene: Scene<'_>, known: &Known, selected: Option<(usize, bool)>, area: Rect, buffer: &mut Buffer) {
    let investigation = &known.investigation;
    if investigation.steps.is_empty() {
        let text = known.lost.map_or("waits for a place to run", why_lost);
        put(area, text, scene.theme.dim, buffer);
        return;
    }
    let rows = rows(scene, known, investigation);
    let mut waterfall = Waterfall::new(&rows, elapsed_ms(scene, known));
    (waterfall.selected, waterfall.focused) = selected.map_or((None, false), |(step, focused)| (Some(step), focused));
    waterfall.render(area, buffer, scene.theme);
}

/// Draws all steps in one line, for the row of a list.
pub(super) fn strip(scene: Scene<'_>, known: &Known, area: Rect, buffer: &mut Buffer) {
    let rows = rows(scene, known, &known.investigation);
    let elapsed = elapsed_ms(scene, known);
    waterfall::strip(&rows, elapsed, waterfall::span_ms(elapsed), area, buffer, scene.theme);
}

fn rows<'a>(scene: Scene<'_>, known: &Known, investigation: &'a Investigation) -> Vec<WaterfallRow<'a>> {
    let now_ms = elapsed_ms(scene, known);
    let whole = scene.app.detail.as_ref().filter(|detail| detail.id == investigation.investigation_id);
    let whole = whole.and_then(|detail| detail.whole.as_ref()).map_or(&[][..], |whole| &whole.steps);
    let marks = whole.iter().any(|step| stands_out(step, scene.theme).is_some());
    let row = |(at, step): (usize, &'a Step)| {
        // What a lost run was doing, nobody does any more.
        let state = match step.status {
            StepStatus::Running | StepStatus::Waiting if known.lost.is_some() => StepStatus::Cancelled,
            state => state,
        };
        let took = step.duration_ms.or_else(|| step.start_offset_ms.map(|start| now_ms.saturating_sub(start)));
        let took = took.map(format::duration_ms).unwrap_or_default();
        let tokens = if step.tokens > 0 { format!("{} tok", format::count(step.tokens)) } else { String::new() };
        // Only the whole investigation says what is usual.
        let mark = match whole.get(at).filter(|whole| whole.name == step.name) {
            Some(whole) if stands_out(whole, scene.theme).is_some() => scene.theme.glyphs.ascending,
            _ if marks => " ",
            _ => "",
        };
        WaterfallRow {
            label: &step.name,
            attempts: step.attempts,
            kind: step.kind,
            state,
            start_ms: step.start_offset_ms,
            duration_ms: step.duration_ms,
            right: format!("{took:>6} {tokens:>8}{mark}"),
        }
    };
    investigation.steps.iter().enumerate().map(row).collect()
}

/// By how much a step's tokens stand out, in words: `tokens 3.1× the median`; none where they do not.
pub(super) fn stands_out(step: &Step, theme: &Theme) -> Option<String> {
    let median = step.median_tokens.filter(|median| langdeck_shared::stands_out(step.tokens, *median))?;
    Some(format!("tokens {} the median", format::times(step.tokens, median, theme.glyphs.times)))
}

/// How long the investigation has run. The clock of one whose replica no longer answers stands still.
pub(super) fn elapsed_ms(scene: Scene<'_>, known: &Known) -> u64 {
    let replica = scene.app.fleet.by_boot_id(&known.boot_id);
    let as_of = replica.filter(|replica| !replica.is_fresh(scene.now)).map_or(scene.now, |replica| replica.answered);
    u64::try_from(known.elapsed(as_of).as_millis()).unwrap_or(u64::MAX)
}

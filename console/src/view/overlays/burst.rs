//! How far a burst has come, and what became of its alerts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::layout::centred;
use super::super::{Scene, format};
use crate::app::{Burst, Stage};
use crate::view::theme::Theme;
use crate::widgets::gauge;
use crate::widgets::panel::Panel;
use crate::widgets::{cells, put, put_right, row, skip};

/// How wide the labels are.
const LABEL: u16 = 13;
/// The rows above the reasons: progress, a blank, six lines of figures, a blank.
const ABOVE: u16 = 9;
/// How much of a replica's name is shown: its end, where pods differ.
const NAME: usize = 12;
/// How many reasons are shown.
const REASONS: usize = 4;

/// ```text
/// ╭ Burst · high_latency on checkout-api ──────────────────────────╮
/// │ sending      ━━━━━━━━━━━━────────────────────    412 of 1000   │
/// │                                                                │
/// │ to           the ready replicas by turns, 3 at present         │
/// │ pace         10 a second, 58s left                             │
/// │ answers      400 accepted, 8 refused, 0 failed, 4 under way    │
/// │ accepted as  380 new, 15 cached, 5 joined                      │
/// │ accepted in  p50 3ms  p95 12ms  p99 40ms                       │
/// │ accepted by  pod-a 134  pod-b 133  pod-c 133                   │
/// │                                                                │
/// │ ✗ 8 × the queue is full; try again later                       │
/// ╰────────────────────────────────────────────────────────────────╯
/// ```
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let Some(burst) = &scene.app.burst else { return };
    let alert = &burst.order.alert;
    let panel = Panel::new("Burst").figure(format!("{} on {}", alert.alert_type, alert.service)).focused(true);
    let reasons = reasons(burst, theme);
    // It grows once, when the first alert was not accepted.
    let rows = if reasons.is_empty() { ABOVE - 1 } else { ABOVE + cells(REASONS) };
    let inner = super::open(scene, &panel, centred(area, 80, rows + 2), buffer);
    progress(scene, burst, row(inner, 0), buffer);
    for (y, (label, figures)) in (2..).zip(figures(scene, burst)) {
        let line = row(inner, y);
        put(line, label, theme.dim, buffer);
        let place = skip(line, LABEL);
        buffer.set_line(place.x, place.y, &fit(figures, usize::from(place.width), theme), place.width);
    }
    for (y, (text, style)) in (ABOVE..).zip(reasons) {
        let line = row(inner, y);
        put(line, &format::fit(&text, usize::from(line.width), theme.glyphs.ellipsis), style, buffer);
    }
}

/// In a few words for the header, while the panel is hidden: `burst 412/1000 ✗8`.
pub(in crate::view) fn mark(burst: &Burst, theme: &Theme) -> Vec<Span<'static>> {
    let (word, style) = stage(burst, theme);
    let (sent, not_accepted) = (burst.progress.sent, burst.progress.not_accepted());
    let word = if burst.stage == Stage::Sending { String::new() } else { format!(" {word}") };
    let mut spans = vec![Span::styled(format!("burst{word} {sent}/{}", burst.order.count), style)];
    if not_accepted > 0 {
        spans.push(Span::styled(format!(" {}{not_accepted}", theme.glyphs.failed), theme.failed));
    }
    spans
}

fn stage(burst: &Burst, theme: &Theme) -> (&'static str, Style) {
    match burst.stage {
        Stage::Sending => ("sending", theme.running),
        Stage::Stopping => ("stopping", theme.warning),
        Stage::Over if burst.progress.sent < burst.order.count => ("stopped", theme.warning),
        Stage::Over => ("done", theme.done),
        Stage::Broken(_) => ("broken", theme.failed),
    }
}

fn progress(scene: Scene<'_>, burst: &Burst, line: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let (word, style) = stage(burst, theme);
    put(line, word, style, buffer);
    let (sent, count) = (burst.progress.sent, burst.order.count);
    let text = format!("{sent} of {count}");
    // As wide as it will be at its end, so that the bar keeps its length.
    let room = cells(2 * count.to_string().len() + " of ".len() + 2);
    let bar = skip(line, LABEL);
    gauge::render(
        sent.into(),
        count.into(),
        style,
        Rect { width: bar.width.saturating_sub(room), ..bar },
        buffer,
        theme,
    );
    put_right(line, &text, theme.text, buffer);
}

fn figures(scene: Scene<'_>, burst: &Burst) -> [(&'static str, Line<'static>); 6] {
    let theme = scene.theme;
    let (progress, order) = (&burst.progress, &burst.order);
    let text = |text: String| Span::styled(text, theme.text);
    let dim = |text: &'static str| Span::styled(text, theme.dim);

    let mut pace = vec![text(order.rate.to_string()), dim(" a second")];
    let elapsed = u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX);
    if burst.stage == Stage::Sending {
        let left = u64::try_from(progress.left(order.count, order.rate).as_millis()).unwrap_or(u64::MAX);
        pace.extend([dim(", "), text(format::duration_ms(left)), dim(" left")]);
    } else {
        pace.extend([dim(", "), text(format::duration_ms(elapsed)), dim(" in all")]);
    }

    let mut answers = vec![text(progress.accepted.to_string()), dim(" accepted")];
    if progress.over_budget > 0 {
        answers.extend([dim(", "), Span::styled(format!("{} over budget", progress.over_budget), theme.failed)]);
    }
    for (count, word) in [(progress.refused, " refused"), (progress.failed, " failed")] {
        let style = if count > 0 { theme.failed } else { theme.dim };
        answers.extend([dim(", "), Span::styled(format!("{count}{word}"), style)]);
    }
    let under_way = progress.sent.saturating_sub(progress.answered());
    if under_way > 0 {
        let word = if burst.is_going_on() { " under way" } else { " unknown" };
        answers.extend([dim(", "), text(under_way.to_string()), dim(word)]);
    }

    let kinds =
        [("", progress.begun(), " new"), (", ", progress.cached, " cached"), (", ", progress.joined, " joined")];
    let kinds = kinds.into_iter().flat_map(|(before, count, word)| [dim(before), text(count.to_string()), dim(word)]);

    let took = progress.latency.map_or_else(
        || vec![dim(theme.glyphs.dash)],
        |latency| {
            let quantiles = [("p50 ", latency.p50_ms), ("  p95 ", latency.p95_ms), ("  p99 ", latency.p99_ms)];
            quantiles.into_iter().flat_map(|(name, ms)| [dim(name), text(format::latency_ms(ms))]).collect()
        },
    );

    let mut replicas: Vec<_> = progress.by_replica.iter().collect();
    replicas.sort_by(|(a, more), (b, most)| most.cmp(more).then_with(|| a.cmp(b)));
    let mut by: Vec<Span<'static>> = Vec::new();
    for (name, count) in &replicas {
        by.extend([
            Span::styled(format::fit_start(name, NAME, theme.glyphs.ellipsis).into_owned(), theme.dim),
            text(format!(" {count}  ")),
        ]);
    }
    if by.is_empty() {
        by.push(dim(theme.glyphs.dash));
    }
    [
        ("to", Line::from(text(scene.app.aim_in_words(&burst.aim, scene.now)))),
        ("pace", Line::from(pace)),
        ("answers", Line::from(answers)),
        ("accepted as", kinds.collect()),
        ("accepted in", Line::from(took)),
        ("accepted by", Line::from(by)),
    ]
}

/// The latest reasons, each with how many alerts it befell; the rest in one line.
fn reasons(burst: &Burst, theme: &Theme) -> Vec<(String, Style)> {
    let progress = &burst.progress;
    let broken = match &burst.stage {
        Stage::Broken(error) => Some(error.to_string()),
        _ => None,
    };
    let mut lines: Vec<(String, Style)> =
        broken.into_iter().map(|why| (format!("{} {why}", theme.glyphs.failed), theme.failed)).collect();
    // What does not fit is told in the last line.
    let all = lines.len() + progress.reasons.len() + usize::from(progress.other_reasons > 0);
    let room = if all > REASONS { REASONS - 1 } else { REASONS } - lines.len();
    let shown = progress.reasons.iter().take(room);
    let line = |alerts: u32, text: &str| format!("{} {alerts} {} {text}", theme.glyphs.failed, theme.glyphs.times);
    lines.extend(shown.map(|reason| (line(reason.alerts, &reason.text), theme.failed)));
    let hidden: u32 = progress.reasons.iter().skip(room).map(|reason| reason.alerts).sum();
    if hidden + progress.other_reasons > 0 {
        lines.push((line(hidden + progress.other_reasons, "other reasons"), theme.dim));
    }
    lines
}

/// A line in so many cells; what does not fit ends in an ellipsis.
fn fit(line: Line<'static>, width: usize, theme: &Theme) -> Line<'static> {
    let mut left = width;
    let mut fitted = Line::default();
    for span in line.spans {
        let text = format::fit(&span.content, left, theme.glyphs.ellipsis).into_owned();
        let cut = text != span.content;
        left = left.saturating_sub(format::width(&text));
        fitted.push_span(Span::styled(text, span.style));
        if cut {
            break;
        }
    }
    fitted
}

//! The first line: is the fleet well, what runs, what does it cost, and is anybody there.

use langdeck_shared::ReplicaStatus;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::overlays::burst::mark;
use super::{Scene, format};
use crate::app::{Link, Overlay, Replica};

/// The order in which the fleet's states are counted.
const STATES: [ReplicaStatus; 5] = [
    ReplicaStatus::Ready,
    ReplicaStatus::Draining,
    ReplicaStatus::Stale,
    ReplicaStatus::Unreachable,
    ReplicaStatus::Gone,
];

/// ```text
///  langdeck   3 replicas: 2 ready, 1 stale   2 running   377 done, 2 failed   $0.1184                          ● live 12ms
/// ```
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let connection = connection(scene);
    let right = u16::try_from(connection.width()).unwrap_or(u16::MAX).saturating_add(1).min(area.width);
    let mut left = Line::default();
    let mut room = usize::from(area.width.saturating_sub(right + 1));
    let gap = if area.width < 100 { "  " } else { "   " };
    for part in parts(scene) {
        let width = part.iter().map(Span::width).sum::<usize>() + gap.len();
        if width > room {
            break;
        }
        room -= width;
        left.spans.extend(part);
        left.push_span(gap);
    }
    buffer.set_line(area.x + 1, area.y, &left, area.width.saturating_sub(right + 1));
    buffer.set_line(area.right() - right, area.y, &connection, right);
}

/// What is said, the most important first; what finds no room is left out from the end on.
fn parts(scene: Scene<'_>) -> Vec<Vec<Span<'static>>> {
    let Scene { app, theme, now, .. } = scene;
    let mut name = vec![Span::styled("langdeck", theme.title)];
    if app.demo {
        name.push(Span::styled(" demo", theme.dim));
    }
    let mut parts = vec![name];
    let hidden = app.unseen_burst().filter(|_| !matches!(app.overlay, Some(Overlay::Burst)));
    parts.extend(hidden.map(|burst| mark(burst, theme)));
    let replicas = app.fleet.replicas();
    if replicas.is_empty() {
        return parts;
    }
    let count = replicas.len();
    let noun = if count == 1 { "replica" } else { "replicas" };
    let mut states = vec![Span::styled(format!("{count} {noun}: "), theme.dim)];
    let of_status = |status| move |replica: &&Replica| !replica.is_faulty() && replica.status(now) == status;
    let counts = STATES.map(|status| (theme.replica_status(status), replicas.iter().filter(of_status(status)).count()));
    let faulty = (theme.faulty(), replicas.iter().filter(|replica| replica.is_faulty()).count());
    for (mark, count) in counts.into_iter().chain([faulty]).filter(|(_, count)| *count > 0) {
        if states.len() > 1 {
            states.push(Span::styled(", ", theme.dim));
        }
        states.push(Span::styled(format!("{count} {}", mark.word), mark.style));
    }
    parts.push(states);

    let totals = app.fleet.totals();
    let running = app.fleet.running(now);
    let style = if running > 0 { theme.running } else { theme.dim };
    parts.push(vec![Span::styled(format!("{} running", format::count(running)), style)]);
    parts.push(vec![Span::styled(format::usd(totals.spend.cost_usd), theme.money), Span::styled(" spent", theme.dim)]);
    let mut ended = vec![Span::styled(format::count(totals.ended()), theme.text), Span::styled(" done", theme.dim)];
    if totals.failed > 0 {
        ended.push(Span::styled(", ", theme.dim));
        ended.push(Span::styled(format!("{} failed", format::count(totals.failed)), theme.failed));
    }
    parts.push(ended);
    parts.push(vec![Span::styled(format::count(totals.spend.tokens), theme.text), Span::styled(" tokens", theme.dim)]);
    parts
}

fn connection(scene: Scene<'_>) -> Line<'static> {
    let Scene { app, theme, now, .. } = scene;
    let glyphs = theme.glyphs;
    if app.is_paused() {
        return Line::styled("paused, p goes on", theme.warning);
    }
    let down = app.sources.iter().filter(|source| matches!(source.link, Link::Down { .. })).count();
    let up = app.sources.iter().filter(|source| source.is_up()).count();
    if down > 0 {
        return Line::styled(format!("{} {down} of {} down", glyphs.failed, app.sources.len()), theme.failed);
    }
    if up == 0 {
        return Line::styled(format!("{} connecting", glyphs.waiting), theme.dim);
    }
    let slowest = app.fleet.replicas().iter().filter(|replica| replica.is_fresh(now)).map(|replica| replica.took).max();
    let Some(slowest) = slowest else { return Line::styled(format!("{} silent", glyphs.stale), theme.stale) };
    let took = format::latency_ms(u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX));
    Line::from(vec![Span::styled(format!("{} live ", glyphs.running), theme.done), Span::styled(took, theme.dim)])
}

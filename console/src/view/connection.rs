//! What is said while agents do not answer: which, since when, why, what is tried, and what to type.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::centred;
use super::text::{self, draw_lines};
use super::{Scene, format};
use crate::app::{Link, Source};
use crate::widgets::panel::Panel;
use crate::widgets::put;

/// One line over the body: the first address that does not answer.
pub(super) fn banner(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let mut silent = scene.app.sources.iter().filter(|source| !source.is_up());
    let Some(first) = silent.next() else { return };
    let more = match silent.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let text = format!("{} {}: {}{more}", theme.glyphs.failed, first.url, said(scene, first));
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    put(area, &format::fit(&text, usize::from(area.width), theme.glyphs.ellipsis), theme.failed, buffer);
}

/// How wide the panel is, where there is room.
const WIDTH: u16 = 76;

/// The whole body while nobody has answered yet.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let sources = &scene.app.sources;
    let connecting = sources.iter().all(|source| matches!(source.link, Link::Connecting { .. }));
    let panel = Panel::new(if connecting { "Connecting" } else { "No agent answers" });
    let width = usize::from(panel.inner(centred(area, WIDTH, area.height)).width);
    let lines = lines(scene, connecting, width);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = panel.render(centred(area, WIDTH, rows), buffer, scene.theme);
    draw_lines(&lines, 0, inner, buffer);
}

fn lines(scene: Scene<'_>, connecting: bool, width: usize) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    for source in scene.app.sources.iter().take(4) {
        lines.push(Line::styled(source.url.clone(), theme.strong));
        for part in text::wrap(&said(scene, source), width) {
            lines.push(Line::styled(part, if connecting { theme.dim } else { theme.failed }));
        }
    }
    if connecting {
        return lines;
    }
    for (why, command) in WAYS_OUT {
        lines.push(Line::default());
        lines.push(Line::styled(why, theme.dim));
        lines.push(Line::from(vec![Span::raw("  "), Span::styled(command, theme.accent)]));
    }
    lines
}

/// What a person can do when nobody answers.
const WAYS_OUT: [(&str, &str); 3] = [
    (
        "To reach agents on Kubernetes, open the port:",
        "kubectl -n langchain-free port-forward svc/langchain-free 8000:8000",
    ),
    ("To start one here:", "langdeck-agent"),
    ("To see the console at work without any:", "langdeck demo"),
];

/// `connection refused for 12s, next try in 2s`.
fn said(scene: Scene<'_>, source: &Source) -> String {
    match &source.link {
        Link::Up => String::new(),
        Link::Connecting { since } => {
            format!("waiting for an answer for {}", format::age(scene.now.saturating_duration_since(*since)))
        }
        Link::Down { since, error, next_try } => {
            let silent = format::age(scene.now.saturating_duration_since(*since));
            let wait = next_try.saturating_duration_since(scene.now);
            let next =
                if wait.is_zero() { "trying again".to_owned() } else { format!("next try in {}", format::age(wait)) };
            format!("{error}, for {silent}, {next}")
        }
    }
}

//! What is said while agents do not answer: which, since when, why, what is tried, and what to type.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::layout::centred;
use super::text::{self, draw_lines};
use super::theme::Theme;
use super::{Scene, format, warnings};
use crate::app::{App, Fault, Link, Source};
use crate::crash::Panic;
use crate::net::clean_text;
use crate::widgets::panel::Panel;
use crate::widgets::put;

/// How many rows the banner would like.
pub(super) fn banner_rows(app: &App) -> u16 {
    let down = if is_down(app) { 1 + u16::from(nobody_answers(app)) } else { 0 };
    fault_rows(app) + down + warnings::rows(app)
}

/// How many of them tell of a fault of the console itself.
pub(super) fn fault_rows(app: &App) -> u16 {
    if app.fault.is_some() { 2 } else { 0 }
}

/// What is wrong, over the end of the body: a fault of the console itself, an address that does not answer, what to type
/// when none does, and what is odd about the fleet.
///
/// ```text
/// ✗ the poller panicked: index out of bounds; it is started again
///   report /home/me/.local/state/langdeck/langdeck-panic-20260131T140322Z-4711-0.txt
/// ✗ http://localhost:8000: down 12s, retry in 2s: connection refused
///   kubectl -n langchain-free port-forward svc/langchain-free 8000:8000   or   langdeck demo
/// ? two living replicas call themselves agent-0; --replica-name must differ
/// ```
pub(super) fn banner(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let mut lines = Vec::new();
    if let Some(Fault { panic, .. }) = &app.fault {
        lines.extend(fault(panic, theme));
    }
    if let Some(first) = foremost(app).filter(|_| app.fleet.known_count() > 0) {
        let more = match app.sources.iter().filter(|source| source.is_down()).count() {
            0 | 1 => String::new(),
            down => format!(" and {} more", down - 1),
        };
        lines.push((format!("{} {}{more}: {}", theme.glyphs.failed, first.url, said(scene, first)), theme.failed));
        if nobody_answers(app) {
            lines.push((format!("  {}", ways_out(app, usize::from(area.width.saturating_sub(4)))), theme.accent));
        }
    }
    lines.extend(warnings::lines(scene, usize::from(area.width)));
    Clear.render(area, buffer);
    for (y, (text, style)) in (area.y..area.bottom()).zip(lines) {
        let line = Rect { x: area.x + 1, y, width: area.width.saturating_sub(2), height: 1 };
        put(line, &format::fit(&text, usize::from(line.width), theme.glyphs.ellipsis), style, buffer);
    }
}

/// A panic that did not end the console: what it was and what becomes of it, and where the report is.
pub(super) fn fault(panic: &Panic, theme: &Theme) -> [(String, Style); 2] {
    let Panic { task, words, report } = panic;
    let said = format!("{} {} panicked: {words}; {}", theme.glyphs.failed, task.as_str(), task.consequence());
    let report = match report {
        Ok(path) => format!("  report {}", clean_text(&path.to_string_lossy())),
        Err(_) => "  its report could not be written, and is printed at the end".to_owned(),
    };
    [(said, theme.failed), (report, theme.accent)]
}

/// The address to tell of: that of the replica at the fleet's marker if it does not answer, else the first that does not.
fn foremost(app: &App) -> Option<&Source> {
    let marked = app.replica().and_then(|replica| app.sources.get(replica.source.0));
    marked.filter(|source| source.is_down()).or_else(|| app.sources.iter().find(|source| source.is_down()))
}

fn is_down(app: &App) -> bool {
    app.sources.iter().any(Source::is_down)
}

fn nobody_answers(app: &App) -> bool {
    app.sources.iter().all(Source::is_down)
}

/// What to type, as far as whole commands fit.
fn ways_out(app: &App, width: usize) -> String {
    if app.demo {
        return "its agents have ended with it: q, and langdeck demo again".to_owned();
    }
    let both = format!("{PORT_FORWARD}   or   {DEMO}");
    [both.as_str(), PORT_FORWARD, DEMO].into_iter().find(|text| text.len() <= width).unwrap_or_default().to_owned()
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
    ("To reach agents on Kubernetes, open the port:", PORT_FORWARD),
    ("To start one here:", "langdeck-agent"),
    ("To see the console at work without any:", DEMO),
];

const PORT_FORWARD: &str = "kubectl -n langchain-free port-forward svc/langchain-free 8000:8000";
const DEMO: &str = "langdeck demo";

/// `down 12s, retry in 2s: connection refused`; a reason may be long and be cut, so it comes last.
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
                if wait.is_zero() { "trying again".to_owned() } else { format!("retry in {}", format::age(wait)) };
            format!("down {silent}, {next}: {error}")
        }
    }
}

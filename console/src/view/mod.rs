//! What the console draws. It reads the state and changes nothing.

pub(crate) mod budget;
mod cells;
mod charts;
mod connection;
mod costs;
mod decisions;
mod detail;
mod findings;
mod fleet;
#[cfg(test)]
mod fleets;
mod footer;
pub mod format;
mod header;
mod investigations;
mod layout;
mod memory;
mod overlays;
#[cfg(test)]
mod screens;
mod tabs;
#[cfg(test)]
pub(crate) mod testing;
mod text;
pub mod theme;
mod timeline;
mod value;
mod warnings;

use std::time::Instant;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::{App, Target};
use crate::crash::Panic;
use crate::widgets::put;
use layout::{Areas, Body, Charts};
pub use text::Texts;
use theme::Theme;

/// What every screen is drawn from.
#[derive(Clone, Copy)]
struct Scene<'a> {
    app: &'a App,
    theme: &'a Theme,
    texts: &'a Texts,
    /// The moment shown: now, or when the screen was paused.
    now: Instant,
}

impl Scene<'_> {
    /// The spinner's cell at this moment.
    fn spinner(&self) -> &'static str {
        let ticks = self.now.saturating_duration_since(self.app.began()).as_millis() / 100;
        self.theme.spinner(u64::try_from(ticks).unwrap_or(0))
    }

    /// In which order a table stands: `by cost` with an arrow down for the largest first, up for the smallest.
    fn order(&self, by: &str, rises: bool) -> String {
        let glyphs = self.theme.glyphs;
        format!("by {by} {}", if rises { glyphs.ascending } else { glyphs.descending })
    }
}

/// Draws everything; answers how far the text that can be scrolled reaches beyond its place, in lines.
/// `texts` is what this left behind the last time.
pub fn draw(app: &App, frame: &mut Frame<'_>, theme: &Theme, texts: &Texts, now: Instant) -> usize {
    let area = frame.area();
    let beyond = render(app, area, frame.buffer_mut(), theme, texts, now);
    cells::part(frame.buffer_mut());
    beyond
}

/// Draws what stands there while a screen cannot be drawn: the panic, where its report is, and the way out. Draws as
/// little as it can, so as not to panic too.
pub fn draw_instead(panic: Option<&Panic>, frame: &mut Frame<'_>, theme: &Theme) {
    let area = frame.area();
    let way_out = ("another key or another size may help, q ends the console".to_owned(), theme.text);
    let lines = panic.map(|panic| connection::fault(panic, theme)).into_iter().flatten().chain([way_out]);
    for (row, (text, style)) in area.rows().zip(lines) {
        put(row, &text, style, frame.buffer_mut());
    }
}

fn render(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme, texts: &Texts, now: Instant) -> usize {
    let scene = Scene { app, theme, texts, now: app.shown_at(now) };
    let Some(areas) = Areas::of(app, area) else {
        too_small(area, buffer, theme);
        return 0;
    };
    header::render(scene, areas.header, buffer);
    tabs::render(scene, areas.tabs, buffer);
    let mut beyond = 0;
    match areas.body {
        Body::NoConnection(area) => connection::render(scene, area, buffer),
        Body::Overview(overview) => {
            fleet::render(scene, overview.fleet, buffer);
            investigations::render(scene, overview.list, buffer);
            timeline::render(scene, overview.timeline, buffer);
            match overview.charts {
                Charts::None => {}
                Charts::Line(area) => charts::line(scene, area, buffer),
                Charts::Panels(panels) => {
                    charts::panels(scene, panels.tokens, panels.money, buffer);
                    memory::render(scene, panels.memory, buffer);
                }
            }
        }
        Body::Cost(cost) => costs::render(scene, &cost, buffer),
        Body::Detail(detail) => beyond = detail::render(scene, detail, buffer),
    }
    connection::banner(scene, areas.banner, buffer);
    footer::render(scene, areas.footer, buffer);
    overlays::render(scene, areas.overlay, buffer).unwrap_or(beyond)
}

/// What lies at a place of the screen, for the mouse.
#[must_use]
pub fn target(app: &App, area: Rect, at: Position) -> Target {
    let Some(areas) = Areas::of(app, area) else { return Target::Nothing };
    if app.overlay.is_some() {
        return overlays::target(app, areas.overlay, at);
    }
    if areas.banner.contains(at) {
        return Target::Nothing;
    }
    if areas.tabs.contains(at) {
        return tabs::tab_at(areas.tabs, at).map_or(Target::Nothing, Target::Tab);
    }
    match areas.body {
        Body::NoConnection(_) => Target::Nothing,
        Body::Overview(overview) => {
            let head = || fleet::head_at(overview.fleet, at).map(Target::Head);
            let replica = fleet::row_at(app, overview.fleet, at).map(Target::Replica).or_else(head);
            let investigation = || investigations::row_at(app, overview.list, at).map(Target::Investigation);
            replica.or_else(investigation).unwrap_or(Target::Nothing)
        }
        Body::Cost(cost) => {
            let head = || costs::head_at(app, &cost, at).map(Target::CostHead);
            let row = costs::row_at(app, &cost, at).map(|(pane, row)| Target::Cost(pane, row));
            row.or_else(head).unwrap_or(Target::Nothing)
        }
        Body::Detail(areas) => detail::target(app, areas, at),
    }
}

fn too_small(area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let (columns, rows) = layout::SMALLEST;
    put(area, &format!("too small, {columns}x{rows} needed"), theme.warning, buffer);
}

//! What lies over the screen: the lists and forms that keys open.

pub(super) mod burst;
mod fire;
mod form;
mod help;
mod palette;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::Scene;
use crate::app::{App, Overlay, Target};
use crate::widgets::panel::Panel;
use tui_input::Input;

/// Draws what is open, if anything is; answers how far its text reaches beyond its place.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) -> Option<usize> {
    match scene.app.overlay.as_ref()? {
        Overlay::Help(scroll) => Some(help::render(scene, *scroll, area, buffer)),
        Overlay::Fire(list) => {
            fire::render(scene, list, area, buffer);
            Some(0)
        }
        Overlay::Form(form) => {
            form::render(scene, form, area, buffer);
            Some(0)
        }
        Overlay::Burst => {
            burst::render(scene, area, buffer);
            Some(0)
        }
        Overlay::Palette(input, chosen) => {
            palette::render(scene, input, *chosen, area, buffer);
            Some(0)
        }
        Overlay::Filter(_) => None,
    }
}

/// What lies at a place of the screen while something is open.
pub(super) fn target(app: &App, area: Rect, at: Position) -> Target {
    let choice = match &app.overlay {
        Some(Overlay::Fire(list)) => fire::choice_at(list, area, at),
        Some(Overlay::Palette(input, chosen)) => palette::choice_at(app, input, *chosen, area, at),
        _ => None,
    };
    choice.map_or(Target::Nothing, Target::Choice)
}

/// Draws an overlay's frame over whatever was there; its inside comes back.
fn open(scene: Scene<'_>, panel: &Panel<'_>, place: Rect, buffer: &mut Buffer) -> Rect {
    let place = place.intersection(buffer.area);
    for position in place.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
        }
    }
    panel.render(place, buffer, scene.theme)
}

/// What is chosen from several: between arrows, where keys go there.
fn choice(scene: Scene<'_>, chosen: &str, focused: bool, area: Rect, buffer: &mut Buffer) {
    let Scene { theme, .. } = scene;
    let room = usize::from(area.width.saturating_sub(4));
    let chosen = super::format::fit(chosen, room, theme.glyphs.ellipsis);
    let arrow = |arrow: &'static str| Span::styled(arrow, if focused { theme.key } else { theme.dim });
    let style = if focused { theme.text } else { theme.dim };
    let line = Line::from(vec![arrow("< "), Span::styled(chosen, style), arrow(" >")]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// A text field: what is written, with the cursor where letters go.
fn field(scene: Scene<'_>, input: &Input, focused: bool, width: usize) -> Line<'static> {
    let theme = scene.theme;
    let style = if focused { theme.text } else { theme.dim };
    if !focused {
        return Line::styled(input.value().to_owned(), style);
    }
    let scroll = input.visual_scroll(width.saturating_sub(1));
    let mut before: String = input.value().chars().take(input.cursor()).collect();
    let mut cut = 0;
    while cut < scroll && !before.is_empty() {
        cut += super::format::width(&before.remove(0).to_string());
    }
    let after: String = input.value().chars().skip(input.cursor()).collect();
    Line::from(vec![
        Span::styled(before, style),
        Span::styled(theme.glyphs.cursor, theme.accent),
        Span::styled(after, style),
    ])
}

//! The row of tabs: which screens there are, and which one this is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::Scene;
use crate::app::Tab;
use crate::widgets::{cells, put, skip};

/// Cells between two tabs.
const GAP: u16 = 2;

/// Draws ` 1 Overview  2 Cost`.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    for (tab, place) in places(area) {
        let name = if tab == app.tab { theme.title.patch(theme.accent) } else { theme.dim };
        let (number, text) = label(tab);
        let end = put(place, &number, theme.key, buffer);
        put(skip(place, end), &text, name, buffer);
    }
}

/// The tab at a place of the screen.
pub(super) fn tab_at(area: Rect, at: Position) -> Option<Tab> {
    places(area).find(|(_, place)| place.contains(at)).map(|(tab, _)| tab)
}

/// The key of a tab, and its name.
fn label(tab: Tab) -> (String, String) {
    ((tab as usize + 1).to_string(), format!(" {}", tab.as_str()))
}

fn places(area: Rect) -> impl Iterator<Item = (Tab, Rect)> {
    let mut rest = skip(area, 1);
    Tab::ALL.into_iter().map(move |tab| {
        let (number, text) = label(tab);
        let width = cells(number.len() + text.len());
        let place = Rect { width: width.min(rest.width), ..rest };
        rest = skip(rest, width + GAP);
        (tab, place)
    })
}

//! The form for an alert of one's own.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::centred;
use super::super::{Scene, format};
use crate::app::{Compose, Field};
use crate::widgets::panel::Panel;
use crate::widgets::{put, row, skip};

/// How wide the labels are.
const LABEL: u16 = 14;

pub(super) fn render(scene: Scene<'_>, form: &Compose, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let mut panel = Panel::new("Compose an alert").focused(true);
    if let Some(target) = &form.target {
        panel = panel.styled_figure(format!("at {target}"), theme.accent);
    }
    let rows = u16::try_from(Field::ALL.len()).unwrap_or(u16::MAX);
    let inner = super::open(scene, &panel, centred(area, 80, rows + 4), buffer);
    for (y, (field, input)) in (0..).zip(Field::ALL.iter().zip(&form.inputs)) {
        let line = row(inner, y);
        let focused = form.focus == usize::from(y);
        put(line, if focused { theme.glyphs.marker } else { " " }, theme.accent, buffer);
        put(skip(line, 2), field.label(), if focused { theme.strong } else { theme.dim }, buffer);
        let value = skip(line, 2 + LABEL);
        let written = super::field(scene, input, focused, usize::from(value.width));
        buffer.set_line(value.x, value.y, &written, value.width);
    }
    if let Some(error) = &form.error {
        let line = skip(row(inner, rows + 1), 2);
        let text = format!("{} {error}", theme.glyphs.failed);
        put(line, &format::fit(&text, usize::from(line.width), theme.glyphs.ellipsis), theme.failed, buffer);
    }
}

//! The form for an alert of one's own, and for a burst of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::centred;
use super::super::{Scene, format};
use crate::app::{Field, Form, FormKind};
use crate::widgets::panel::Panel;
use crate::widgets::{cells, put, row, skip};

/// How wide the labels are.
const LABEL: u16 = 14;

pub(super) fn render(scene: Scene<'_>, form: &Form, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let title = match form.kind {
        FormKind::Alert => "Compose an alert",
        FormKind::Burst => "Fire a burst",
    };
    let fields = form.kind.fields();
    let rows = cells(fields.len());
    let panel = Panel::new(title).focused(true);
    let inner = super::open(scene, &panel, centred(area, 80, rows + 4), buffer);
    for (y, (at, field)) in (0..).zip(fields.iter().enumerate()) {
        let line = row(inner, y);
        let focused = form.focus == at;
        put(line, if focused { theme.glyphs.marker } else { " " }, theme.accent, buffer);
        put(skip(line, 2), field.label(), if focused { theme.strong } else { theme.dim }, buffer);
        let value = skip(line, 2 + LABEL);
        match form.inputs.get(at).filter(|_| *field != Field::To) {
            Some(input) => {
                let written = super::field(scene, input, focused, usize::from(value.width));
                buffer.set_line(value.x, value.y, &written, value.width);
            }
            None => super::choice(scene, &scene.app.aim_in_words(&form.aim, scene.now), focused, value, buffer),
        }
    }
    if let Some(error) = &form.error {
        let line = skip(row(inner, rows + 1), 2);
        let text = format!("{} {error}", theme.glyphs.failed);
        put(line, &format::fit(&text, usize::from(line.width), theme.glyphs.ellipsis), theme.failed, buffer);
    }
}

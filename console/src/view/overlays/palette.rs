//! The list of actions, narrowed by what is written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use tui_input::Input;

use super::super::Scene;
use super::super::layout::centred;
use crate::app::App;
use crate::widgets::panel::Panel;
use crate::widgets::table::{Column, Table, rows_in};
use crate::widgets::{put, row};

const COLUMNS: &[Column<'_>] = &[
    Column::new("ACTION", 14, 16),
    Column::new("KEYS", 6, 14).priority(1),
    Column::new("WHAT IT DOES", 12, 40).flex().priority(2),
];

fn place(area: Rect) -> Rect {
    centred(area, 92, 16)
}

/// The inside below the line that is written on.
fn below(inner: Rect) -> Rect {
    Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner }
}

pub(super) fn render(scene: Scene<'_>, input: &Input, chosen: usize, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let inner = super::open(scene, &Panel::new("Palette").focused(true).flush(), place(area), buffer);
    let mut written = super::field(scene, input, true, usize::from(inner.width.saturating_sub(2)));
    written.spans.insert(0, Span::styled(": ", theme.key));
    let line = row(inner, 0);
    buffer.set_line(line.x, line.y, &written, line.width);

    let offered = scene.app.palette(input.value());
    if offered.is_empty() {
        put(row(inner, 1), "  no action goes by that name", theme.dim, buffer);
        return;
    }
    let mut table = Table::new(COLUMNS, offered.len());
    table.selected = Some(chosen);
    table.focused = true;
    table.header = false;
    table.render(below(inner), buffer, theme, |index, row| {
        let Some(binding) = offered.get(index) else { return };
        row.text(0, binding.label, theme.strong);
        row.text(1, &binding.keys_text(), theme.key);
        row.text(2, binding.help, theme.dim);
    });
}

pub(super) fn choice_at(app: &App, input: &Input, chosen: usize, area: Rect, at: Position) -> Option<usize> {
    let inner = below(Panel::new("").flush().inner(place(area)));
    rows_in(inner, false, Some(chosen), app.palette(input.value()).len()).row_at(at.x, at.y)
}

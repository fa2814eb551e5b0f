//! The list of test alerts.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::Scene;
use super::super::layout::centred;
use crate::app::{FireList, PRESETS};
use crate::widgets::panel::Panel;
use crate::widgets::table::{Column, Table, rows_in};
use crate::widgets::{cells, put, row, skip};

const COLUMNS: &[Column<'_>] = &[
    Column::new("ALERT", 12, 18),
    Column::new("SERVICE", 10, 12),
    Column::new("SEVERITY", 8, 8).priority(2),
    Column::new("WHAT IT IS LIKE", 12, 40).flex().priority(1),
];

fn place(area: Rect) -> Rect {
    centred(area, 92, cells(PRESETS.len()) + 5)
}

/// The inside below the line that says where to.
fn below(inner: Rect) -> Rect {
    Rect { y: inner.y + 2.min(inner.height), height: inner.height.saturating_sub(2), ..inner }
}

pub(super) fn render(scene: Scene<'_>, list: &FireList, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let inner = super::open(scene, &Panel::new("Fire a test alert").focused(true).flush(), place(area), buffer);
    let line = skip(row(inner, 0), 2);
    put(line, "to", theme.strong, buffer);
    super::choice(scene, &scene.app.aim_in_words(&list.aim, scene.now), true, skip(line, 4), buffer);
    let mut table = Table::new(COLUMNS, PRESETS.len());
    table.selected = Some(list.selected);
    table.focused = true;
    table.render(below(inner), buffer, theme, |index, row| {
        let Some(preset) = PRESETS.get(index) else { return };
        row.text(0, preset.alert_type, theme.strong);
        row.text(1, preset.service, theme.text);
        row.text(2, preset.severity, theme.dim);
        row.text(3, preset.description, theme.dim);
    });
}

pub(super) fn choice_at(list: &FireList, area: Rect, at: Position) -> Option<usize> {
    let inner = below(Panel::new("").flush().inner(place(area)));
    rows_in(inner, true, Some(list.selected), PRESETS.len()).row_at(at.x, at.y)
}

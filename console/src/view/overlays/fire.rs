//! The list of test alerts.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::Scene;
use super::super::layout::centred;
use crate::app::{FireList, PRESETS};
use crate::widgets::panel::Panel;
use crate::widgets::table::{Column, Table, rows_in};

const COLUMNS: &[Column<'_>] = &[
    Column::new("ALERT", 12, 18),
    Column::new("SERVICE", 10, 12),
    Column::new("SEVERITY", 8, 8).priority(2),
    Column::new("WHAT IT IS LIKE", 12, 40).flex().priority(1),
];

fn place(area: Rect) -> Rect {
    let rows = u16::try_from(PRESETS.len()).unwrap_or(u16::MAX);
    centred(area, 92, rows + 3)
}

pub(super) fn render(scene: Scene<'_>, list: &FireList, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let mut panel = Panel::new("Fire a test alert").focused(true).flush();
    if let Some(target) = &list.target {
        panel = panel.styled_figure(format!("at {target}"), theme.accent);
    }
    let inner = super::open(scene, &panel, place(area), buffer);
    let mut table = Table::new(COLUMNS, PRESETS.len());
    table.selected = Some(list.selected);
    table.focused = true;
    table.render(inner, buffer, theme, |index, row| {
        let Some(preset) = PRESETS.get(index) else { return };
        row.text(0, preset.alert_type, theme.strong);
        row.text(1, preset.service, theme.text);
        row.text(2, preset.severity, theme.dim);
        row.text(3, preset.description, theme.dim);
    });
}

pub(super) fn choice_at(list: &FireList, area: Rect, at: Position) -> Option<usize> {
    let inner = Panel::new("").flush().inner(place(area));
    rows_in(inner, true, Some(list.selected), PRESETS.len()).row_at(at.x, at.y)
}

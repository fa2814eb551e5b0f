//! What the fleet remembers of each service.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, format};
use crate::widgets::panel::Panel;
use crate::widgets::put;
use crate::widgets::table::{Column, Table, rows_in};

const COLUMNS: &[Column<'_>] = &[
    Column::new("SERVICE", 12, 16),
    Column::new("SEEN", 4, 5).right().priority(1),
    Column::new("LAST ALERT", 14, 16).priority(4),
    Column::new("USUAL ROOT CAUSE", 20, 40).flex().priority(2),
    Column::new("AGE", 4, 4).right().priority(3),
];

/// Draws the panel with a row per service, last seen first.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, now, .. } = scene;
    let services = app.memory.len();
    let panel = Panel::new("Memory").flush();
    let rows = services.min(rows_in(panel.inner(area), true, None, services).count);
    let noun = if services == 1 { "service" } else { "services" };
    let panel = panel.figure(format!("{services} {noun}"));
    let inner = panel.note(if rows < services { "last seen" } else { "" }).render(area, buffer, theme);
    if app.memory.is_empty() {
        put(inner, "What agents learn of each service appears here", theme.dim, buffer);
        return;
    }
    let recalled = app.memory.recall();
    Table::new(COLUMNS, rows).render(inner, buffer, theme, |index, row| {
        let Some(of_service) = recalled.get(index) else { return };
        let age = now.saturating_duration_since(of_service.seen);
        row.text(0, of_service.service, theme.text);
        row.text(1, &format!("{}{}", format::count(of_service.investigations), theme.glyphs.times), theme.text);
        row.text(2, of_service.last_alert_type, theme.text);
        row.text(3, of_service.root_cause.unwrap_or_default(), theme.text);
        row.text(4, &format::age(age), theme.dim);
    });
}

//! Steps whose tokens stand out against what such a step usually takes: a prompt grown long, an answer that never ends.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, format};
use super::has_focus;
use crate::app::{CostPane, OutlierOrder, TableOrder};
use crate::widgets::panel::Panel;
use crate::widgets::put;
use crate::widgets::table::{Column, Table, hidden};

pub(super) const COLUMNS: [Column<'static>; 9] = [
    Column::new("STEP", 11, 14),
    Column::new("TOKENS", 6, 7).right(),
    Column::new("TIMES", 6, 7).right(),
    Column::new("MEDIAN", 6, 7).right().priority(2),
    Column::new("COST", 9, 9).right().priority(3),
    Column::new("AGE", 4, 4).right().priority(1),
    Column::new("SERVICE", 12, 16).flex().priority(4),
    Column::new("ALERT", 14, 18).priority(5),
    Column::new("MODEL", 14, 18).priority(6),
];

/// What each of them is ordered by.
pub(super) const ORDERS: [OutlierOrder; 9] = [
    OutlierOrder::Step,
    OutlierOrder::Tokens,
    OutlierOrder::Times,
    OutlierOrder::Median,
    OutlierOrder::Cost,
    OutlierOrder::Age,
    OutlierOrder::Service,
    OutlierOrder::AlertType,
    OutlierOrder::Model,
];

/// Draws the panel with a row for each.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, now, .. } = scene;
    let focused = has_focus(scene, CostPane::Outliers);
    let outliers = app.spending.outliers().rows();
    let panel = Panel::new("Steps that stand out").focused(focused);
    if outliers.is_empty() {
        let inner = panel.render(area, buffer, theme);
        let hint = "Steps that took twice their usual tokens or more appear here";
        put(inner, &format::fit(hint, usize::from(inner.width), theme.glyphs.ellipsis), theme.dim, buffer);
        return;
    }
    let panel = panel.flush().figure(outliers.len().to_string());
    let width = panel.inner(area).width;
    let inner = panel.note(hidden(&COLUMNS, width, &note(scene))).render(area, buffer, theme);
    let mut table = Table::new(&COLUMNS, outliers.len());
    table.selected = Some(app.spending.row(CostPane::Outliers));
    table.focused = focused;
    let clock = app.fleet.clock();
    table.render(inner, buffer, theme, |index, row| {
        let Some(outlier) = outliers.get(index) else { return };
        let entry = &outlier.entry;
        let tokens = entry.input_tokens.saturating_add(entry.output_tokens);
        let cost = entry.cost_usd.map_or_else(|| "unpriced".to_owned(), format::usd);
        let age = clock.map(|clock| clock.since(entry.at, now)).unwrap_or_default();
        row.text(0, &entry.step, theme.text);
        row.text(1, &format::count(tokens), theme.strong);
        row.text(2, &format::times(tokens, outlier.median_tokens, theme.glyphs.times), theme.warning);
        row.text(3, &format::count(outlier.median_tokens), theme.text);
        row.text(4, &cost, theme.money);
        row.text(5, &format::age(age), theme.dim);
        row.text(6, &entry.service, theme.text);
        row.text(7, &entry.alert_type, theme.text);
        row.text(8, &entry.model, theme.dim);
    });
}

/// What Enter does, or that they stand as they came; where they stand otherwise, in which order.
fn note(scene: Scene<'_>) -> String {
    let outliers = scene.app.spending.outliers();
    match (outliers.order(), outliers.rises()) {
        (OutlierOrder::Age, true) if has_focus(scene, CostPane::Outliers) => "Enter opens".to_owned(),
        (OutlierOrder::Age, true) => "newest first".to_owned(),
        (order, rises) => scene.order(order.as_str(), rises),
    }
}

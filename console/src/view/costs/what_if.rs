//! What-if: what the same tokens would have cost by each model.

use langdeck_shared::Usd;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, format};
use crate::widgets::panel::Panel;
use crate::widgets::put;
use crate::widgets::table::{Column, Table, hidden};

const COLUMNS: [Column<'static>; 4] = [
    Column::new("MODEL", 12, 24).flex(),
    Column::new("WOULD COST", 10, 10).right(),
    Column::new("DIFFERENCE", 10, 11).right(),
    Column::new("IN ALL", 7, 7).right().priority(1),
];

/// Draws the panel with a row for each model, the cheapest first.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let panel = Panel::new("What if");
    let Some(whole) = app.spending.whole().filter(|whole| !whole.costs.what_if.is_empty()) else {
        let inner = panel.render(area, buffer, theme);
        let hint = "What other models would cost appears here";
        put(inner, &format::fit(hint, usize::from(inner.width), theme.glyphs.ellipsis), theme.dim, buffer);
        return;
    };
    let (models, spent) = (&whole.costs.what_if, whole.costs.totals.cost_usd);
    let panel = panel.flush().figure(format!("{} tokens", format::count(whole.costs.totals.tokens)));
    let width = panel.inner(area).width;
    let shown = usize::from(panel.inner(area).height.saturating_sub(1)).min(models.len());
    let note = if shown < models.len() { format!("the cheapest of {}", models.len()) } else { "cheapest first".into() };
    let inner = panel.note(hidden(&COLUMNS, width, &note)).render(area, buffer, theme);
    Table::new(&COLUMNS, shown).render(inner, buffer, theme, |index, row| {
        let Some(other) = models.get(index) else { return };
        let (less, difference) = difference(spent, other.cost_usd);
        let style = if less { theme.done } else { theme.text };
        row.text(0, &other.model, theme.text);
        row.text(1, &format::usd(other.cost_usd), theme.money);
        row.text(2, &difference, style);
        row.text(3, &factor(spent, other.cost_usd, theme.glyphs.dash), theme.dim);
    });
}

/// Whether it would be less, and by how much: `-$0.106`, `+$0.212`, `the same`.
fn difference(spent: Usd, other: Usd) -> (bool, String) {
    match spent.cmp(&other) {
        std::cmp::Ordering::Equal => (false, "the same".to_owned()),
        std::cmp::Ordering::Greater => (true, format!("-{}", format::usd(spent.saturating_sub(other)))),
        std::cmp::Ordering::Less => (false, format!("+{}", format::usd(other.saturating_sub(spent)))),
    }
}

/// How much of what was spent it would be: `10 %`.
fn factor(spent: Usd, other: Usd, dash: &str) -> String {
    if spent == Usd::ZERO { dash.to_owned() } else { format::percent(other.as_f64() / spent.as_f64()) }
}

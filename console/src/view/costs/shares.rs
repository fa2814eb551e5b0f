//! What was spent on what: a row for each replica, service, alert type, model or step.

use langdeck_shared::{CostShare, Spend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, format};
use super::has_focus;
use crate::app::{CostPane, ShareOrder, Split, TableOrder};
use crate::widgets::panel::Panel;
use crate::widgets::table::{Column, Keep, Row, Table, hidden};
use crate::widgets::{from_right, gauge, put, put_right, row, skip};

/// Cells of `42 %` behind a bar.
const PERCENT: u16 = 6;

/// What each column is ordered by.
pub(super) const ORDERS: [ShareOrder; 8] = [
    ShareOrder::Name,
    ShareOrder::Cost,
    ShareOrder::Cost,
    ShareOrder::Input,
    ShareOrder::Cached,
    ShareOrder::Output,
    ShareOrder::Calls,
    ShareOrder::Unpriced,
];

/// The columns; those of cached and unpriced tokens where there are any.
pub(super) fn columns(split: Split, all: &Spend) -> Vec<Column<'static>> {
    let name = Column::new(split.heading(), 14, 28).keep(if split == Split::Replica { Keep::End } else { Keep::Start });
    let mut columns = vec![
        name,
        Column::new("COST", 9, 9).right(),
        Column::new("SHARE", 12, 24).priority(1).flex(),
        Column::new("TOKENS IN", 9, 9).right().priority(2),
        Column::new("CACHED", 7, 7).right().priority(4),
        Column::new("OUT", 7, 7).right().priority(3),
        Column::new("CALLS", 6, 7).right().priority(5),
    ];
    if all.unpriced_tokens > 0 {
        columns.push(Column::new("UNPRICED", 8, 8).right());
    }
    columns
}

/// The inside of the panel below the row of what it can be split by.
pub(super) fn table(inner: Rect) -> Rect {
    Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner }
}

/// Draws the panel with the table.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let focused = has_focus(scene, CostPane::Shares);
    let (shares, split) = (app.spending.shares(), app.spending.split());
    let panel = Panel::new(format!("Spent by {}", split.as_str())).focused(focused).flush();
    let Some(whole) = app.spending.whole() else {
        panel.render(area, buffer, theme);
        return;
    };
    let all = whole.costs.totals;
    let columns = columns(split, &all);
    let panel = panel.figure(format::count(shares.rows().len() as u64));
    let note = hidden(&columns, panel.inner(area).width, &scene.order(shares.order().as_str(), shares.rises()));
    let inner = panel.note(note).render(area, buffer, theme);
    splits(scene, row(inner, 0), buffer);
    let inner = table(inner);
    if shares.rows().is_empty() {
        let none = if all == Spend::default() {
            "Nothing was spent yet: f fires a test alert"
        } else {
            "These agents do not tell this"
        };
        put(skip(inner, 2), none, theme.dim, buffer);
        return;
    }
    let mut table = Table::new(&columns, shares.rows().len());
    table.selected = Some(app.spending.row(CostPane::Shares));
    table.focused = focused;
    table.render(inner, buffer, theme, |index, row| {
        if let Some(share) = shares.rows().get(index) {
            share_row(scene, share, &all, row);
        }
    });
}

/// What it can be split by, the present one marked: `replica  <service>  alert type  model  step`.
fn splits(scene: Scene<'_>, line: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let mut rest = skip(line, 1);
    for split in Split::ALL {
        let (text, style) = if split == app.spending.split() {
            (format!("<{}> ", split.as_str()), theme.title.patch(theme.accent))
        } else {
            (format!(" {}  ", split.as_str()), theme.dim)
        };
        rest = skip(rest, put(rest, &text, style, buffer));
    }
}

fn share_row(scene: Scene<'_>, share: &CostShare, all: &Spend, row: &mut Row<'_, '_>) {
    let theme = scene.theme;
    let spend = &share.spend;
    row.text(0, &share.key, theme.text);
    let has_no_price = spend.unpriced_tokens > 0 && spend.cost_usd.nanos() == 0;
    let (cost, style) =
        if has_no_price { ("unpriced".to_owned(), theme.warning) } else { (format::usd(spend.cost_usd), theme.money) };
    row.text(1, &cost, style);
    row.draw(2, |area, buffer| {
        let bar = Rect { width: area.width.saturating_sub(PERCENT), ..area };
        let (part, whole) = (spend.cost_usd, all.cost_usd);
        gauge::render(part.nanos(), whole.nanos(), theme.money, bar, buffer, theme);
        let percent = if whole.nanos() == 0 { 0.0 } else { part.as_f64() / whole.as_f64() };
        put_right(from_right(area, PERCENT), &format::percent(percent), theme.text, buffer);
    });
    row.text(3, &format::count(spend.input_tokens), theme.text);
    row.text(4, &format::count(spend.cached_input_tokens), theme.dim);
    row.text(5, &format::count(spend.output_tokens), theme.text);
    row.text(6, &format::count(spend.calls), theme.dim);
    row.text(7, &format::count(spend.unpriced_tokens), theme.warning);
}

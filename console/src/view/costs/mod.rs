//! The Cost screen: what was spent, on what, how far the budgets are spent, and what could be saved.

mod budgets;
mod outliers;
mod shares;
mod spent;
#[cfg(test)]
mod tests;
mod what_if;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::Scene;
use super::layout::Cost;
use crate::app::{App, CostOrder, CostPane};
use crate::widgets::panel::Panel;
use crate::widgets::table::{self, Column, rows_in};

/// Draws all of it.
pub(super) fn render(scene: Scene<'_>, areas: &Cost, buffer: &mut Buffer) {
    spent::render(scene, left_out(areas), areas.spent, buffer);
    budgets::render(scene, areas.budgets, buffer);
    if let Some(area) = areas.shares {
        shares::render(scene, area, buffer);
    }
    if let Some(area) = areas.what_if {
        what_if::render(scene, area, buffer);
    }
    if let Some(area) = areas.outliers {
        outliers::render(scene, area, buffer);
    }
}

/// Where the table of each pane is that has room.
fn tables(areas: &Cost) -> impl Iterator<Item = (CostPane, Rect)> {
    let inner = |area| Panel::new("").flush().inner(area);
    let tables = [
        (CostPane::Budgets, Some(inner(areas.budgets))),
        (CostPane::Shares, areas.shares.map(|area| shares::table(inner(area)))),
        (CostPane::Outliers, areas.outliers.map(inner)),
    ];
    tables.into_iter().filter_map(|(pane, area)| Some((pane, area?)))
}

/// The row at a place of the screen, and its pane.
pub(super) fn row_at(app: &App, areas: &Cost, at: Position) -> Option<(CostPane, usize)> {
    tables(areas).find_map(|(pane, area)| {
        let (row, count) = (app.spending.row(pane), app.spending.count(pane));
        Some((pane, rows_in(area, true, Some(row), count).row_at(at.x, at.y)?))
    })
}

/// The order of the column whose head is at a place of the screen. A table without rows has no heads.
pub(super) fn head_at(app: &App, areas: &Cost, at: Position) -> Option<CostOrder> {
    let (pane, area) = tables(areas).find(|(pane, area)| area.contains(at) && app.spending.count(*pane) > 0)?;
    let column = |columns: &[Column<'_>]| table::head_at(columns, area, at.x, at.y);
    match pane {
        CostPane::Budgets => budgets::ORDERS.get(column(&budgets::COLUMNS)?)?.map(CostOrder::Budgets),
        CostPane::Shares => {
            let columns = shares::columns(app.spending.split(), &app.spending.whole()?.costs.totals);
            shares::ORDERS.get(column(&columns)?).copied().map(CostOrder::Shares)
        }
        CostPane::Outliers => outliers::ORDERS.get(column(&outliers::COLUMNS)?).copied().map(CostOrder::Outliers),
    }
}

/// What finds no room.
const fn left_out(areas: &Cost) -> &'static str {
    match (areas.shares.is_some(), areas.what_if.is_some(), areas.outliers.is_some()) {
        (_, true, _) => "",
        (true, false, true) => "no room for what-if",
        (true, false, false) => "no room for what-if and steps that stand out",
        (false, false, _) => "no room for what-if and shares",
    }
}

/// Whether keys go to a pane.
fn has_focus(scene: Scene<'_>, pane: CostPane) -> bool {
    scene.app.spending.pane == pane
}

//! The budgets: a row each, with how far it is spent, until when, and what happens at its limit.

use langdeck_shared::{AtLimit, Budget, BudgetState};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, budget, format};
use super::has_focus;
use crate::app::{BudgetOrder, CostPane, FleetBudget, TableOrder};
use crate::widgets::gauge;
use crate::widgets::panel::Panel;
use crate::widgets::table::{Column, Keep, Row, Table, hidden};
use crate::widgets::{from_right, put, put_right};

pub(super) const COLUMNS: [Column<'static>; 12] = [
    Column::new("BUDGET", 10, 24).keep(Keep::End),
    Column::new("STATE", 10, 15),
    Column::new("USED", 12, 16).flex(),
    Column::new("SPENT", 8, 9).right().priority(1),
    Column::new("RESERVED", 9, 9).right().priority(6),
    Column::new("LIMIT", 8, 9).right(),
    Column::new("EACH", 11, 14).right().priority(5),
    // Without it two budgets of one scope would look alike.
    Column::new("UTC", 5, 6),
    Column::new("RESETS", 7, 8).right().priority(2),
    Column::new("$/H", 8, 8).right().priority(7),
    Column::new("LASTS", 8, 8).right().priority(3),
    Column::new("AT LIMIT", 13, 26).priority(4),
];

/// What each of them is ordered by.
pub(super) const ORDERS: [Option<BudgetOrder>; 12] = [
    Some(BudgetOrder::Scope),
    Some(BudgetOrder::State),
    Some(BudgetOrder::Used),
    Some(BudgetOrder::Spent),
    Some(BudgetOrder::Reserved),
    Some(BudgetOrder::Limit),
    None,
    Some(BudgetOrder::Window),
    Some(BudgetOrder::Resets),
    Some(BudgetOrder::Hourly),
    Some(BudgetOrder::Lasts),
    Some(BudgetOrder::AtLimit),
];

/// Cells of `42 %` behind a gauge.
const PERCENT: u16 = 7;

/// Draws the panel with the table.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let focused = has_focus(scene, CostPane::Budgets);
    let budgets = app.spending.budgets().rows();
    let panel = Panel::new("Budgets").focused(focused);
    if budgets.is_empty() {
        let inner = panel.render(area, buffer, theme);
        let hint = match app.spending.whole() {
            Some(_) => "None: the agent's --budget-usd 5 sets one; --policy, some by service too",
            None => "",
        };
        put(inner, &format::fit(hint, usize::from(inner.width), theme.glyphs.ellipsis), theme.dim, buffer);
        return;
    }
    let panel = panel.flush().figure(budgets.len().to_string());
    let width = panel.inner(area).width;
    let inner = panel.note(hidden(&COLUMNS, width, &note(scene, width))).render(area, buffer, theme);
    let mut table = Table::new(&COLUMNS, budgets.len());
    table.selected = Some(app.spending.row(CostPane::Budgets));
    table.focused = focused;
    table.render(inner, buffer, theme, |index, row| {
        if let Some(budget) = budgets.get(index) {
            budget_row(scene, budget, row);
        }
    });
}

/// Who counts, and in which order they stand where that is another one than usual; where it is narrow, only that.
fn note(scene: Scene<'_>, width: u16) -> String {
    const COUNTED: &str = "each replica for itself, from its start";
    let budgets = scene.app.spending.budgets();
    match scene.order(budgets.order().as_str(), budgets.rises()) {
        _ if budgets.order() == BudgetOrder::Scope && budgets.rises() => COUNTED.to_owned(),
        order if width < 100 => order,
        order => format!("{order}, {COUNTED}"),
    }
}

fn budget_row(scene: Scene<'_>, budget: &Budget, row: &mut Row<'_, '_>) {
    let Scene { app, theme, now, .. } = scene;
    let in_fleet = app.fleet.budget(budget);
    let mark = theme.budget(budget.state);
    let clock = app.fleet.clock();
    let until = |time| clock.and_then(|clock| clock.until(time, now));
    let wait = |time| {
        let left = until(time).map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        left.map_or_else(|| "now".to_owned(), format::duration_ms)
    };
    let rejections = match budget.rejections {
        0 => String::new(),
        count => format!(", {} so far", format::count(count)),
    };
    row.text(0, &budget::scope(budget), theme.strong);
    let room = row.area(1).map_or(0, |area| usize::from(area.width));
    row.text(1, &state(budget, in_fleet, mark.glyph, mark.word, room), mark.style);
    row.draw(2, |area, buffer| used(scene, budget, area, buffer));
    row.text(3, &format::usd(budget.spent_usd), theme.money);
    row.text(4, &format::usd(budget.reserved_usd), theme.text);
    row.text(5, &format::usd(budget.limit_usd), theme.text);
    row.text(6, &each(budget, in_fleet, theme.glyphs.times, theme.glyphs.dash), theme.text);
    row.text(7, budget.window.as_str(), theme.dim);
    row.text(8, &wait(budget.resets_at), theme.text);
    row.text(9, &format::usd_figure(budget.burn.last_5m_usd_per_hour), theme.text);
    let lasts = budget.exhausted_at.map_or_else(|| theme.glyphs.dash.to_owned(), wait);
    row.text(10, &lasts, if budget.exhausted_at.is_some() { theme.warning } else { theme.dim });
    let then = match budget.at_limit {
        AtLimit::Reject => "refuse alerts",
        AtLimit::Degrade => "cheaper model",
        AtLimit::Warn => "only warn",
    };
    row.text(11, &format!("{then}{rejections}"), theme.dim);
}

/// `● ok`, `✗ exceeded 1/3` where that is so at one replica of three.
fn state(budget: &Budget, in_fleet: Option<&FleetBudget>, glyph: &str, word: &str, room: usize) -> String {
    let worst = in_fleet.and_then(|known| known.worst.as_ref()).filter(|worst| worst.budget.state == budget.state);
    let some = worst.filter(|worst| worst.replicas < usize::try_from(budget.replicas).unwrap_or(usize::MAX));
    let short = format!("{glyph} {word}");
    let long = some.map(|worst| format!("{short} {}/{}", worst.replicas, budget.replicas));
    long.filter(|long| format::width(long) <= room).unwrap_or(short)
}

/// What one replica may spend, beside the sum: `3 × $0.28`, `3 × ≤$0.30` where they differ.
fn each(budget: &Budget, in_fleet: Option<&FleetBudget>, times: &str, dash: &str) -> String {
    match (budget.replicas, in_fleet) {
        (0 | 1, _) | (_, None) => dash.to_owned(),
        (count, Some(FleetBudget { limits: [lowest, highest], .. })) => {
            let differ = if lowest == highest { "" } else { "<=" };
            format!("{count} {times} {differ}{}", format::usd(*highest))
        }
    }
}

fn used(scene: Scene<'_>, budget: &Budget, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let style = if budget.state == BudgetState::Ok { theme.money } else { theme.budget(budget.state).style };
    let bar = Rect { width: area.width.saturating_sub(PERCENT), ..area };
    gauge::render(budget.spent_usd.nanos(), budget.limit_usd.nanos(), style, bar, buffer, theme);
    put_right(from_right(area, PERCENT), &budget::percent(budget), style, buffer);
}

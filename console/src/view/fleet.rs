//! The fleet's table: a row per replica, with its last minute as a chart.

use langdeck_shared::ReplicaStatus;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::theme::Mark;
use super::{Scene, format};
use crate::app::{App, FleetOrder, FleetRow, Pane, Replica, SilentPeer};
use crate::widgets::panel::Panel;
use crate::widgets::put;
use crate::widgets::spark::Sparkline;
use crate::widgets::table::{self, Column, Keep, Row, Table, hidden, rows_in};

/// Seconds of a replica's chart.
const CHART: usize = 60;

/// The columns of a table so wide. Where there is room, a whole name matters more than the last columns.
const fn columns(width: u16) -> [Column<'static>; 13] {
    let (name, chart) = if width < 100 { (12, 8) } else { (26, 16) };
    [
        Column::new("REPLICA", name, 28).keep(Keep::End),
        Column::new("STATE", 13, 17),
        Column::new("RUN", 3, 5).right().priority(1),
        Column::new("DONE", 5, 6).right().priority(2),
        Column::new("ERR", 4, 5).right().priority(1),
        Column::new("P50", 6, 6).right().priority(8),
        Column::new("P95", 6, 6).right().priority(3),
        Column::new("TOKENS", 6, 7).right().priority(5),
        Column::new("COST", 9, 9).right(),
        Column::new("$/H", 8, 8).right().priority(6),
        Column::new("UPTIME", 6, 7).right().priority(9),
        Column::new("MODE", 10, 10).priority(10),
        Column::new("LAST MIN", chart, 30).flex().priority(4),
    ]
}

/// What each of them is ordered by.
const ORDERS: [Option<FleetOrder>; 13] = [
    Some(FleetOrder::Name),
    Some(FleetOrder::State),
    Some(FleetOrder::Running),
    Some(FleetOrder::Done),
    Some(FleetOrder::Errors),
    Some(FleetOrder::Median),
    Some(FleetOrder::Latency),
    Some(FleetOrder::Tokens),
    Some(FleetOrder::Cost),
    Some(FleetOrder::Hourly),
    Some(FleetOrder::Uptime),
    Some(FleetOrder::Mode),
    None,
];

/// Draws the panel with the table.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let mut panel = Panel::new("Fleet").focused(app.pane == Pane::Fleet).flush();
    let filter = app.fleet_filter.value();
    if !filter.is_empty() {
        let text = format::fit(filter, 24, theme.glyphs.ellipsis);
        panel = panel.styled_figure(format!("/{text}"), theme.accent);
        panel = panel.figure(format!("{} of {}", app.fleet.row_count(), app.fleet.known_count()));
    }
    let inner = panel.inner(area);
    let columns = columns(inner.width);
    panel.note(hidden(&columns, inner.width, &order(scene))).render(area, buffer, theme);
    if app.fleet.row_count() == 0 {
        let hint = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), ..inner };
        put(hint, "Nothing matches: Esc lets go of the filter", theme.dim, buffer);
        return;
    }
    let mut table = Table::new(&columns, app.fleet.row_count());
    table.selected = Some(app.replica_row());
    table.focused = app.pane == Pane::Fleet;
    table.render(inner, buffer, theme, |index, row| match app.fleet.row(index) {
        Some(FleetRow::Replica(replica)) => replica_row(scene, replica, row),
        Some(FleetRow::Silent(silent)) => silent_row(scene, silent, row),
        None => {}
    });
}

fn replica_row(scene: Scene<'_>, replica: &Replica, row: &mut Row<'_, '_>) {
    let Scene { theme, now, .. } = scene;
    let fresh = replica.is_fresh(now);
    let shade = |style| if fresh { style } else { theme.stale };
    let totals = replica.totals();
    let dash = || theme.glyphs.dash.to_owned();
    let latency = |figure: Option<u64>| figure.map_or_else(dash, format::duration_ms);
    let hourly = replica.hourly().filter(|_| fresh).map_or_else(dash, format::usd_figure);
    let mark = state(scene, replica);
    let pin = if replica.is_pinned() { format!(" {}", theme.glyphs.pinned) } else { String::new() };

    row.text(0, &format!("{}{pin}", replica.name), shade(theme.text));
    let room = row.area(1).map_or(0, |area| usize::from(area.width));
    row.text(1, &state_text(scene, replica, &mark, room), mark.style);
    let running = if fresh { at_work(replica) } else { dash() };

    row.text(2, &running, shade(if replica.running > 0 { theme.running } else { theme.dim }));
    row.text(3, &format::count(totals.ended()), shade(theme.text));
    row.text(4, &format::count(totals.failed), shade(if totals.failed > 0 { theme.failed } else { theme.dim }));
    row.text(5, &latency(replica.latency.map(|latency| latency.p50_ms)), shade(theme.text));
    row.text(6, &latency(replica.latency.map(|latency| latency.p95_ms)), shade(theme.text));
    row.text(7, &format::count(totals.spend.tokens), shade(theme.text));
    row.text(8, &format::usd(totals.spend.cost_usd), shade(theme.money));
    row.text(9, &hourly, shade(theme.text));
    row.text(10, &format::age(replica.uptime(now)), shade(theme.dim));
    row.text(11, &replica.tool_mode.to_string(), shade(theme.dim));
    row.draw(12, |area, buffer| chart(scene, replica, area, buffer));
}

/// A peer of which no replica is known: where it is, how it stands, and why.
fn silent_row(scene: Scene<'_>, silent: &SilentPeer, row: &mut Row<'_, '_>) {
    let Scene { theme, now, .. } = scene;
    row.text(0, &silent.peer, theme.stale);
    let age = format::age(now.saturating_duration_since(silent.since));
    let room = row.area(1).map_or(0, |area| usize::from(area.width));
    let word = format::fit(silent.word(), room.saturating_sub(age.len() + 3), theme.glyphs.ellipsis);
    row.text(1, &format!("{} {word} {age}", theme.glyphs.failed), theme.failed);
    row.rest(2, |area, buffer| {
        let text = format::fit(&silent.failure.detail, usize::from(area.width), theme.glyphs.ellipsis);
        put(area, &text, theme.stale, buffer);
    });
}

/// The row of the table at a place of the screen.
pub(super) fn row_at(app: &App, area: Rect, at: Position) -> Option<usize> {
    let inner = Panel::new("").flush().inner(area);
    rows_in(inner, true, Some(app.replica_row()), app.fleet.row_count()).row_at(at.x, at.y)
}

/// The order of the column whose head is at a place of the screen.
pub(super) fn head_at(area: Rect, at: Position) -> Option<FleetOrder> {
    let inner = Panel::new("").flush().inner(area);
    ORDERS.get(table::head_at(&columns(inner.width), inner, at.x, at.y)?).copied().flatten()
}

/// The order of the rows; that by name, in which they keep their places, has no arrow.
fn order(scene: Scene<'_>) -> String {
    match (scene.app.fleet.order(), scene.app.fleet.rises()) {
        (FleetOrder::Name, true) => "by name".to_owned(),
        (order, rises) => scene.order(order.as_str(), rises),
    }
}

/// `2`, or `2+5` with five that wait.
fn at_work(replica: &Replica) -> String {
    let running = format::count(replica.running);
    if replica.queued > 0 { format!("{running}+{}", format::count(replica.queued)) } else { running }
}

fn state(scene: Scene<'_>, replica: &Replica) -> Mark {
    if replica.is_faulty() {
        return scene.theme.faulty();
    }
    let mut mark = scene.theme.replica_status(replica.status(scene.now));
    if !replica.is_fresh(scene.now) {
        return mark;
    }
    if replica.has_namesake() {
        mark.style = scene.theme.warning;
    } else if replica.is_busy(scene.now) && replica.status(scene.now) == ReplicaStatus::Ready {
        mark.word = "busy";
        mark.style = scene.theme.running;
    }
    if replica.running > 0 {
        mark.glyph = scene.spinner();
    }
    mark
}

/// `● ready`, `⠹ busy`, `● restarted`, `● same name`, `? stale 6s`; where that finds no room the word is cut, and never the age:
/// `✗ unrea… 12s`.
fn state_text(scene: Scene<'_>, replica: &Replica, mark: &Mark, room: usize) -> String {
    let now = scene.now;
    let (glyph, word) = (mark.glyph, mark.word);
    if !replica.is_fresh(now) {
        let age = format::age(replica.age(now));
        let word = format::fit(word, room.saturating_sub(age.len() + 3), scene.theme.glyphs.ellipsis);
        return format!("{glyph} {word} {age}");
    }
    if replica.has_namesake() {
        format!("{glyph} same name")
    } else if replica.restarted_lately(now) {
        format!("{glyph} restarted")
    } else {
        format!("{glyph} {word}")
    }
}

fn chart(scene: Scene<'_>, replica: &Replica, area: Rect, buffer: &mut Buffer) {
    let seconds = scene.app.fleet.chart(replica, CHART, scene.now);
    let tokens: Vec<Option<u64>> = seconds.iter().map(|slot| slot.map(|sample| sample.tokens)).collect();
    let stale = [scene.theme.stale];
    let mut spark = Sparkline::new(&tokens).end(replica.series.end()).window(CHART);
    if !replica.is_fresh(scene.now) {
        spark = spark.ramp(&stale);
    }
    spark.render(area, buffer, scene.theme);
}

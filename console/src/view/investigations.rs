//! The list of investigations, newest first: which step each is in, what it found, what it cost.

use langdeck_shared::{Status, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::theme::Mark;
use super::{Scene, findings, format, timeline};
use crate::app::{App, Known, Loss, Pane};
use crate::widgets::panel::Panel;
use crate::widgets::put;
use crate::widgets::table::{Column, Keep, Table, hidden, rows_in};

const COLUMNS: &[Column<'_>] = &[
    Column::new("STATE", 13, 14),
    Column::new("ALERT", 15, 18),
    Column::new("SERVICE", 12, 16).priority(1),
    Column::new("FOUND", 22, 40).flex().priority(5),
    Column::new("REPLICA", 11, 18).keep(Keep::End).priority(6),
    Column::new("TOOK", 6, 7).right().priority(2),
    Column::new("COST", 9, 9).right().priority(4),
    Column::new("AGE", 4, 4).right().priority(3),
];

/// Draws the panel with the list.
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, now, .. } = scene;
    let focused = app.pane == Pane::Investigations;
    let inner = Panel::new("").flush().inner(area);
    panel(scene, inner).focused(focused).flush().render(area, buffer, theme);
    if app.shown_count() == 0 {
        empty(scene, inner, buffer);
        return;
    }
    let mut table = Table::new(COLUMNS, app.shown_count());
    table.selected = Some(app.selected_row());
    table.focused = focused;
    table.render(inner, buffer, theme, |index, row| {
        let Some(known) = app.shown(index) else { return };
        let investigation = &known.investigation;
        let mark = state(scene, known);
        let (found, style) = findings::found(scene, known);
        let took = match investigation.started_at {
            Some(_) => format::duration_ms(timeline::elapsed_ms(scene, known)),
            None => theme.glyphs.dash.to_owned(),
        };

        row.text(0, &format!("{} {}", mark.glyph, mark.word), mark.style);
        row.text(1, &investigation.alert.alert_type, theme.text);
        row.text(2, &investigation.alert.service, theme.text);
        if known.is_moving() {
            row.draw(3, |area, buffer| timeline::strip(scene, known, area, buffer));
        } else {
            row.text(3, &found, style);
        }
        row.text(4, &investigation.replica, theme.dim);
        row.text(5, &took, theme.text);
        row.text(6, &format::usd(investigation.cost_usd), theme.money);
        row.text(7, &format::age(app.investigations.age(known, now)), theme.dim);
    });
}

/// The row of the list at a place of the screen.
pub(super) fn row_at(app: &App, area: Rect, at: Position) -> Option<usize> {
    let inner = Panel::new("").flush().inner(area);
    rows_in(inner, true, Some(app.selected_row()), app.shown_count()).row_at(at.x, at.y)
}

fn panel(scene: Scene<'_>, inner: Rect) -> Panel<'_> {
    let Scene { app, theme, .. } = scene;
    let mut panel = Panel::new("Investigations");
    let moving = app.investigations.newest_first().take(RECENT).filter(|known| known.is_moving());
    let (seen, unseen): (Vec<_>, Vec<_>) = moving.partition(|known| is_seen(scene, known));
    let running = seen.iter().filter(|known| known.investigation.status == Status::Running).count();
    let queued = seen.len() - running;
    if running > 0 {
        panel = panel.styled_figure(format!("{running} running"), theme.running);
    }
    if queued > 0 {
        panel = panel.figure(format!("{queued} queued"));
    }
    if !unseen.is_empty() {
        panel = panel.styled_figure(format!("{} stale", unseen.len()), theme.stale);
    }
    let filter = app.filter.value();
    if let Some(replica) = &app.scope {
        let name = format::fit_start(replica, 16, theme.glyphs.ellipsis);
        panel = panel.styled_figure(format!("only {name}"), theme.accent);
    }
    if !filter.is_empty() {
        let text = format::fit(filter, 24, theme.glyphs.ellipsis);
        panel = panel.styled_figure(format!("/{text}"), theme.accent);
    }
    if app.scope.is_some() || !filter.is_empty() {
        panel = panel.figure(format!("{} of {}", app.shown_count(), app.investigations.len()));
    }
    panel.note(hidden(COLUMNS, inner.width, "newest first"))
}

/// Among how many of the newest those that still run are counted: old ones have ended.
const RECENT: usize = 2_000;

fn empty(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let hint = if app.investigations.is_empty() {
        "No investigations yet: f fires a test alert"
    } else {
        "Nothing matches: Esc lets go of filter and replica"
    };
    put(Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area }, hint, theme.dim, buffer);
}

/// How an investigation stands: its status, or the step that it is in.
pub(super) fn state<'a>(scene: Scene<'_>, known: &'a Known) -> StateMark<'a> {
    let theme = scene.theme;
    let investigation = &known.investigation;
    let Mark { mut glyph, word, mut style } = theme.status(investigation.status);
    let mut word = word;
    if known.lost.is_some() {
        return StateMark { glyph: theme.glyphs.failed, word: "lost", style: theme.failed };
    }
    if known.is_moving() && !is_seen(scene, known) {
        return StateMark { glyph: theme.glyphs.stale, word, style: theme.stale };
    }
    if investigation.status == Status::Running {
        glyph = scene.spinner();
        style = theme.running;
        let mut at_work = investigation.steps.iter().filter(|step| step.status == StepStatus::Running);
        word = match (at_work.next(), at_work.next()) {
            (Some(step), None) => return StateMark { glyph, word: &step.name, style },
            (Some(_), Some(_)) => "tools",
            (None, _) => word,
        };
    }
    StateMark { glyph, word, style }
}

/// Whether its replica still tells of it.
fn is_seen(Scene { app, now, .. }: Scene<'_>, known: &Known) -> bool {
    app.fleet.by_boot_id(&known.boot_id).is_some_and(|replica| replica.is_fresh(now))
}

/// A [`Mark`] whose word may be a step's name.
pub(super) struct StateMark<'a> {
    pub(super) glyph: &'static str,
    pub(super) word: &'a str,
    pub(super) style: ratatui::style::Style,
}

/// Why nobody will say how it went.
pub(super) const fn why_lost(loss: Loss) -> &'static str {
    match loss {
        Loss::Ended => "its replica has ended",
        Loss::Missed => "its end was missed",
    }
}

//! The first line: is the fleet well, what runs, what does it cost, and is anybody there.

use langdeck_shared::{BudgetState, ReplicaStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::overlays::burst::mark;
use super::{Scene, budget, format};
use crate::app::{Link, Overlay, Replica, SourceId};
use crate::widgets::gauge;

/// What is worth a word beside how many answer, in this order.
const STATES: [ReplicaStatus; 4] =
    [ReplicaStatus::Draining, ReplicaStatus::Stale, ReplicaStatus::Unreachable, ReplicaStatus::Gone];

/// ```text
///  langdeck   2 of 3 replicas answer, 1 stale   2 running   $0.1184 spent   377 done, 2 failed       via …x2kqp  ● live 12ms
/// ```
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let wide = area.width >= 100;
    let gap = if wide { "   " } else { "  " };
    // Two blanks are enough before what stands at the right.
    let spare = gap.len() - 2;
    let mut connection = connection(scene);
    let mut room = usize::from(area.width).saturating_sub(connection.width() + 2);
    let of = |part: &Vec<Span<'_>>| part.iter().map(Span::width).sum::<usize>() + gap.len();
    let first = |parts: &Parts| parts.all.iter().take(parts.first).map(of).sum::<usize>();
    let mut parts = Parts::of(scene, wide, true);
    // How each of the others is stands in the table; what runs and what it costs only here.
    if first(&parts) > room + spare {
        parts = Parts::of(scene, wide, false);
    }
    // Through whom the fleet is seen matters less than that, and more than all that follows.
    let first = first(&parts);
    if let Some(via) = via(scene).filter(|via| first + format::width(via) <= room + spare) {
        room = room.saturating_sub(format::width(&via));
        connection.spans.insert(0, Span::styled(via, scene.theme.dim));
    }
    let right = u16::try_from(connection.width()).unwrap_or(u16::MAX).saturating_add(1).min(area.width);
    let mut left = Line::default();
    for part in parts.all {
        let width = of(&part);
        if width > room + spare {
            break;
        }
        room = room.saturating_sub(width);
        left.spans.extend(part);
        left.push_span(gap);
    }
    buffer.set_line(area.x + 1, area.y, &left, area.width.saturating_sub(right + 1));
    buffer.set_line(area.right() - right, area.y, &connection, right);
}

/// What is said, the most important first; what finds no room is left out from the end on.
struct Parts {
    all: Vec<Vec<Span<'static>>>,
    /// How many of them matter most: who this is, who answers, what runs, what it costs.
    first: usize,
}

impl Parts {
    /// With a word for each state of those that do not answer, or without.
    fn of(scene: Scene<'_>, wide: bool, with_states: bool) -> Self {
        let Scene { app, theme, now, .. } = scene;
        let mut name = vec![Span::styled("langdeck", theme.title)];
        if app.demo {
            name.push(Span::styled(" demo", theme.dim));
        }
        let mut all = vec![name];
        let hidden = app.unseen_burst().filter(|_| !matches!(app.overlay, Some(Overlay::Burst)));
        all.extend(hidden.map(|burst| mark(burst, theme)));
        if app.fleet.known_count() == 0 {
            return Self { first: all.len(), all };
        }
        all.push(states(scene, wide, with_states));
        let totals = app.fleet.totals();
        let running = app.fleet.running(now);
        let style = if running > 0 { theme.running } else { theme.dim };
        all.push(vec![Span::styled(format!("{} running", format::count(running)), style)]);
        all.push(budget(scene, wide).unwrap_or_else(|| {
            let spent = Span::styled(format::usd(totals.spend.cost_usd), theme.money);
            vec![spent, Span::styled(" spent", theme.dim)]
        }));
        let first = all.len();
        let mut ended = vec![Span::styled(format::count(totals.ended()), theme.text), Span::styled(" done", theme.dim)];
        if totals.failed > 0 {
            ended.push(Span::styled(", ", theme.dim));
            ended.push(Span::styled(format!("{} failed", format::count(totals.failed)), theme.failed));
        }
        all.push(ended);
        let tokens = format::count(totals.spend.tokens);
        all.push(vec![Span::styled(tokens, theme.text), Span::styled(" tokens", theme.dim)]);
        Self { all, first }
    }
}

/// Cells of the header's gauge.
const GAUGE: u16 = 10;

/// How far the budget of everything is spent, of all replicas together: `today UTC $0.118 ━━━━╸───── 42 % of $0.28`,
/// where it is narrow `day $0.118 · 42 %`. Of several windows the one that matters most; none where there is no such
/// budget.
fn budget(scene: Scene<'_>, wide: bool) -> Option<Vec<Span<'static>>> {
    let Scene { app, theme, .. } = scene;
    let of_all = app.fleet.budgets().iter().map(|budget| &budget.sum).filter(|sum| sum.scope == budget::TOTAL);
    let sum = of_all.min_by(|one, other| budget::most_urgent_first(one, other))?;
    let style = match sum.state {
        BudgetState::Ok => theme.text,
        state => theme.budget(state).style,
    };
    let spent = Span::styled(format::usd(sum.spent_usd), theme.money);
    let percent = Span::styled(budget::percent(sum), style);
    if !wide {
        let window = Span::styled(format!("{} ", sum.window), theme.dim);
        return Some(vec![window, spent, Span::styled(format!(" {} ", theme.glyphs.dot), theme.dim), percent]);
    }
    let [filled, rest] = gauge::text(sum.spent_usd.nanos(), sum.limit_usd.nanos(), GAUGE, theme);
    Some(vec![
        Span::styled(format!("{} ", budget::window(sum)), theme.dim),
        spent,
        Span::raw(" "),
        Span::styled(filled, if sum.state == BudgetState::Ok { theme.money } else { style }),
        Span::styled(rest, theme.faint),
        Span::raw(" "),
        percent,
        Span::styled(format!(" of {}", format::usd(sum.limit_usd)), theme.dim),
    ])
}

/// `9 of 12 replicas answer`; with states `9 of 12 replicas answer, 1 stale, 2 unreachable`, and how many have left the
/// table.
fn states(scene: Scene<'_>, wide: bool, with_states: bool) -> Vec<Span<'static>> {
    let Scene { app, theme, now, .. } = scene;
    let replicas = app.fleet.replicas();
    let answering = replicas.iter().filter(|replica| replica.is_fresh(now)).count();
    let noun = if !wide {
        ""
    } else if app.fleet.known_count() == 1 {
        "replica "
    } else {
        "replicas "
    };
    let style = if answering == app.fleet.known_count() { theme.done } else { theme.text };
    let answer = if answering == 1 { "answers" } else { "answer" };
    let mut states = vec![
        Span::styled(answering.to_string(), style),
        Span::styled(format!(" of {} {noun}{answer}", app.fleet.known_count()), theme.dim),
    ];
    if !with_states {
        return states;
    }
    let of_status = |status| move |replica: &&Replica| !replica.is_faulty() && replica.status(now) == status;
    let mut counts =
        STATES.map(|status| (theme.replica_status(status), replicas.iter().filter(of_status(status)).count()));
    let silent = |word| app.fleet.silent().iter().filter(|silent| silent.word() == word).count();
    for (mark, count) in &mut counts {
        *count += silent(mark.word);
    }
    let faulty = replicas.iter().filter(|replica| replica.is_faulty()).count() + silent("faulty");
    for (mark, count) in counts.into_iter().chain([(theme.faulty(), faulty)]).filter(|(_, count)| *count > 0) {
        states.push(Span::styled(", ", theme.dim));
        states.push(Span::styled(format!("{count} {}", mark.word), mark.style));
    }
    if app.fleet.left() > 0 {
        states.push(Span::styled(format!(", {} left", app.fleet.left()), theme.dim));
    }
    states
}

/// How the addresses are.
fn connection(scene: Scene<'_>) -> Line<'static> {
    let Scene { app, theme, now, .. } = scene;
    let glyphs = theme.glyphs;
    if app.is_paused() {
        return Line::styled("paused, p goes on", theme.warning);
    }
    let down = app.sources.iter().filter(|source| matches!(source.link, Link::Down { .. })).count();
    let up = app.sources.iter().filter(|source| source.is_up()).count();
    if down > 0 {
        return Line::styled(format!("{} {down} of {} down", glyphs.failed, app.sources.len()), theme.failed);
    }
    if up == 0 {
        return Line::styled(format!("{} connecting", glyphs.waiting), theme.dim);
    }
    let slowest = app.fleet.replicas().iter().filter(|replica| replica.is_fresh(now)).map(|replica| replica.took).max();
    let Some(slowest) = slowest else { return Line::styled(format!("{} silent", glyphs.stale), theme.stale) };
    let took = format::latency_ms(u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX));
    Line::from(vec![Span::styled(format!("{} live ", glyphs.running), theme.done), Span::styled(took, theme.dim)])
}

/// `via langchain-free-7d9c-x2kqp`: the replica that tells of the fleet, or how many addresses do.
fn via(scene: Scene<'_>) -> Option<String> {
    let app = scene.app;
    match app.sources.as_slice() {
        [source] if source.is_up() && !app.is_paused() => {
            let name = app.fleet.via(SourceId(0))?;
            Some(format!("via {}  ", format::fit_start(name, 28, scene.theme.glyphs.ellipsis)))
        }
        [_] => None,
        sources => Some(format!("via {} URLs  ", sources.len())),
    }
}

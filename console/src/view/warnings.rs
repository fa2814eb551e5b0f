//! What is odd about the fleet and cannot be seen from its rows: budgets that come to their end, names that two share, names
//! that lead to nobody, and why a replica is faulty.

use langdeck_shared::BudgetState;
use ratatui::style::Style;

use super::{Scene, budget, format};
use crate::app::{App, Replica, SilentPeer, Worst};

/// How many rows they take.
pub(super) fn rows(app: &App) -> u16 {
    let budgets = STATES.into_iter().filter(|state| at(app, *state).next().is_some()).count();
    let kinds = [!app.fleet.ambiguous().is_empty(), unresolved(app).next().is_some(), faulty(app).next().is_some()];
    kinds.into_iter().map(u16::from).sum::<u16>() + u16::try_from(budgets).unwrap_or(u16::MAX)
}

/// The states of a budget that are told of, the worst first.
const STATES: [BudgetState; 2] = [BudgetState::Exceeded, BudgetState::Warning];
/// What is said around a name that two share, in cells.
const AROUND: usize = 72;

/// A line of about `width` cells for each kind, about the first of it; of budgets, about the one that matters most.
///
/// ```text
/// ✗ budget total per day exceeded at agent-0 and 1 more: alerts are refused for 5h 12m; $5.00 of $5.00 spent today UTC
/// ◐ budget service search per hour at 83 %: $0.415 of $0.500 spent this hour UTC, resets in 12m; then …
/// ? two living replicas call themselves agent-0; --replica-name must differ
/// ? dns://agents:8000 does not resolve for 12s: no such host
/// ? agent-1 is faulty: totals.spend.tokens: 18446744073709551615 is more than can be counted
/// ```
pub(super) fn lines(scene: Scene<'_>, width: usize) -> Vec<(String, Style)> {
    let Scene { app, now, theme, .. } = scene;
    let budgets: Vec<_> = STATES.into_iter().filter_map(|state| spent(scene, state, width)).collect();
    let mut lines = Vec::new();
    let ambiguous = app.fleet.ambiguous();
    if let Some(name) = ambiguous.first() {
        let more = more(ambiguous.len());
        // What it means is worth more than the beginning of the name.
        let room = width.saturating_sub(AROUND + more.len()).max(12);
        let name = format::fit_start(name, room, scene.theme.glyphs.ellipsis);
        lines.push(format!("two living replicas call themselves {name}{more}; --replica-name must differ"));
    }
    if let Some(silent) = unresolved(app).next() {
        let age = format::age(now.saturating_duration_since(silent.since));
        let more = more(unresolved(app).count());
        lines.push(format!("{}{more} does not resolve for {age}: {}", silent.peer, silent.failure.detail));
    }
    let marked = app.replica().map(|replica| replica.boot_id.as_str());
    let first = faulty(app).find(|(replica, _)| Some(replica.boot_id.as_str()) == marked);
    if let Some((replica, reason)) = first.or_else(|| faulty(app).next()) {
        lines.push(format!("{}{} is faulty: {reason}", replica.name, more(faulty(app).count())));
    }
    let odd = lines.into_iter().map(|line| (format!("{} {line}", theme.glyphs.stale), theme.warning));
    budgets.into_iter().chain(odd).collect()
}

/// The budgets that stand so, each where it does.
fn at(app: &App, state: BudgetState) -> impl Iterator<Item = &Worst> {
    let worst = app.fleet.budgets().iter().filter_map(|budget| budget.worst.as_ref());
    worst.filter(move |worst| worst.budget.state == state)
}

/// The one of them that matters most: which it is, at whom, how much is spent, when that is over, and what happens now
/// or then.
fn spent(scene: Scene<'_>, state: BudgetState, width: usize) -> Option<(String, Style)> {
    let Scene { app, now, theme, .. } = scene;
    let worst = at(app, state).min_by(|one, other| budget::most_urgent_first(&one.budget, &other.budget))?;
    let budget = &worst.budget;
    let others = match at(app, state).count() {
        0 | 1 => String::new(),
        2 => "; 1 more budget so".to_owned(),
        count => format!("; {} more budgets so", count - 1),
    };
    let place = place(scene, worst, width);
    let left = app.fleet.clock().and_then(|clock| clock.until(budget.resets_at, now)).unwrap_or_default();
    let left = format::duration_ms(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let name = format!("{} per {}", budget::scope(budget), budget.window);
    let its = if budget.scope == budget::TOTAL { "" } else { "its " };
    let then = format!("{its}{}", budget::at_limit(budget));
    let figures = format!(
        "{} of {} spent {}",
        format::usd(budget.spent_usd),
        format::usd(budget.limit_usd),
        budget::window(budget)
    );
    let mark = theme.budget(state);
    // What matters most stands first: a narrow screen cuts the end.
    let said = if state == BudgetState::Exceeded {
        format!("budget {name} exceeded{place}: {then} for {left}; {figures}{others}")
    } else {
        let percent = budget::percent(budget);
        format!("budget {name} at {percent}{place}: {figures}, resets in {left}; at the limit {then}{others}")
    };
    Some((format!("{} {said}", mark.glyph), mark.style))
}

/// Where a budget stands so: ` at agent-0 and 1 more`, ` everywhere`; nothing where there is one replica. A narrow screen
/// has no room for whole names.
fn place(scene: Scene<'_>, worst: &Worst, width: usize) -> String {
    let Scene { app, theme, .. } = scene;
    let of = app.fleet.budget(&worst.budget).map_or(1, |known| known.sum.replicas);
    let wide = width >= 120;
    if app.fleet.known_count() == 1 {
        String::new()
    } else if worst.replicas > 1 && u32::try_from(worst.replicas).is_ok_and(|count| count >= of) {
        " everywhere".to_owned()
    } else {
        let name = format::fit_start(&worst.replica, if wide { 28 } else { 8 }, theme.glyphs.ellipsis);
        match worst.replicas - 1 {
            0 => format!(" at {name}"),
            others if wide => format!(" at {name} and {others} more"),
            others => format!(" at {name} +{others}"),
        }
    }
}

fn more(count: usize) -> String {
    if count > 1 { format!(" and {} more", count - 1) } else { String::new() }
}

fn unresolved(app: &App) -> impl Iterator<Item = &SilentPeer> {
    app.fleet.silent().iter().filter(|silent| silent.is_unresolved())
}

/// The replicas whose own word is none, and why. Why an address gives no answer is told beside the address.
fn faulty(app: &App) -> impl Iterator<Item = (&Replica, &str)> {
    let is_told = |replica: &Replica| app.sources.get(replica.source.0).is_none_or(|source| !source.is_down());
    let faulty = app.fleet.replicas().iter().filter(move |replica| replica.is_faulty() && is_told(replica));
    faulty.filter_map(|replica| replica.failure().map(|failure| (replica, failure.detail.as_str())))
}

//! What is odd about the fleet and cannot be seen from its rows: names that two share, names that lead to nobody, and why a
//! replica is faulty.

use super::{Scene, format};
use crate::app::{App, Replica, SilentPeer};

/// How many rows they take.
pub(super) fn rows(app: &App) -> u16 {
    let kinds = [!app.fleet.ambiguous().is_empty(), unresolved(app).next().is_some(), faulty(app).next().is_some()];
    kinds.into_iter().map(u16::from).sum()
}

/// What is said around a name that two share, in cells.
const AROUND: usize = 72;

/// A line of about `width` cells for each kind, about the first of it.
///
/// ```text
/// ? two living replicas call themselves agent-0; --replica-name must differ
/// ? dns://agents:8000 does not resolve for 12s: no such host
/// ? agent-1 is faulty: totals.spend.tokens: 18446744073709551615 is more than can be counted
/// ```
pub(super) fn lines(scene: Scene<'_>, width: usize) -> Vec<String> {
    let Scene { app, now, .. } = scene;
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
    lines.into_iter().map(|line| format!("{} {line}", scene.theme.glyphs.stale)).collect()
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

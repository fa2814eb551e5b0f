//! Pages of decisions, for those who ask over HTTP.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Actor, DecisionCode};

use super::Decision;
use super::ring::Ring;

/// Which decisions are wanted: those that fit everything which is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) investigation: Option<Wanted>,
    pub(crate) actor: Option<Actor>,
    pub(crate) code: Option<DecisionCode>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// An investigation that somebody asks for by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Number(u64),
    /// One of another replica, or of another life of this one.
    NotOurs,
}

/// Decisions, oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) decisions: Vec<Arc<Decision>>,
    /// After which the next page begins.
    pub(crate) upto: u64,
    /// Whether there are more after these.
    pub(crate) more: bool,
    /// Whether the cursor was of no use.
    pub(crate) reset: bool,
    /// Decisions that could have been in it and are forgotten.
    pub(crate) missed: u64,
}

impl Filter {
    fn fits(&self, decision: &Decision) -> bool {
        self.investigation.is_none_or(|wanted| decision.investigation.map(Wanted::Number) == Some(wanted))
            && self.actor.is_none_or(|actor| decision.choice.actor() == actor)
            && self.code.is_none_or(|code| decision.choice.code() == code)
            && self.from.is_none_or(|from| from <= decision.at)
            && self.to.is_none_or(|to| decision.at <= to)
    }
}

/// A page of up to `limit` decisions. With a cursor it holds those after its place; a cursor without a place, or with
/// one that there is not, is of no use. Without, it holds the first that fit where `from` says since when, else the last.
pub(super) fn page(ring: &Ring<Arc<Decision>>, cursor: Option<Option<u64>>, filter: &Filter, limit: usize) -> Page {
    let place = cursor.flatten().filter(|place| *place <= ring.last());
    let reset = cursor.is_some() && place.is_none();
    let forgotten = ring.forgotten();
    if place.is_none() && filter.from.is_none() {
        let last = ring.after(0).rev().map(|(_, decision)| decision).filter(|decision| filter.fits(decision));
        let mut decisions: Vec<_> = last.take(limit).cloned().collect();
        decisions.reverse();
        let missed = if decisions.len() < limit { forgotten } else { 0 };
        return Page { decisions, upto: ring.last(), more: false, reset, missed };
    }
    let missed = match place {
        Some(place) => forgotten.saturating_sub(place),
        None => {
            let oldest = ring.after(0).next().map(|(_, decision)| decision.at);
            if oldest.is_some_and(|oldest| filter.from.is_some_and(|from| from < oldest)) { forgotten } else { 0 }
        }
    };
    let mut fitting = ring.after(place.unwrap_or(0)).filter(|(_, decision)| filter.fits(decision));
    let decisions: Vec<_> = fitting.by_ref().take(limit).map(|(_, decision)| Arc::clone(decision)).collect();
    let more = fitting.next().is_some();
    let upto = decisions.last().filter(|_| more).map_or(ring.last(), |last| last.seq);
    Page { decisions, upto, more, reset, missed }
}

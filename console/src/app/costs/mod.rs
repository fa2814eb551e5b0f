//! The Cost screen's state: what was spent, as the addresses tell it, and where in it the person looks.

mod reach;
mod split;
mod told;

use std::time::{Duration, Instant};

use langdeck_shared::{Budget, Costs, Outlier};

use super::SourceId;
use crate::net::NetError;
pub use reach::{Reach, without_repeats};
pub use split::{ShareOrder, Shares, Split};
use told::Told;

/// From question to question while the screen is open.
const EVERY: Duration = Duration::from_secs(2);
/// From here on what was told is old: two questions had no answer.
const OLD_AFTER: Duration = Duration::from_secs(5);

/// A part of the Cost screen that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CostPane {
    /// The budgets.
    Budgets,
    /// What was spent on what.
    #[default]
    Shares,
    /// Steps whose tokens stand out.
    Outliers,
}

impl CostPane {
    /// All of them, from the top of the screen down.
    pub const ALL: [Self; 3] = [Self::Budgets, Self::Shares, Self::Outliers];
}

/// What all addresses together tell.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Their sums.
    pub costs: Costs,
    /// When the oldest of the words that they stand on was heard.
    pub heard: Instant,
}

/// The state of the Cost screen.
#[derive(Debug, Clone, Default)]
pub struct Spending {
    /// Where keys go.
    pub pane: CostPane,
    told: Vec<Told>,
    /// The addresses that are asked, so that no replica is counted twice.
    asked: Vec<SourceId>,
    whole: Option<Whole>,
    shares: Shares,
    /// What the marker of each pane was put at.
    marked: [Option<String>; 3],
}

impl Spending {
    /// What was spent, as far as anybody said; none before the first answer.
    #[must_use]
    pub const fn whole(&self) -> Option<&Whole> {
        self.whole.as_ref()
    }

    /// What was spent on what, in the order chosen.
    #[must_use]
    pub const fn shares(&self) -> &Shares {
        &self.shares
    }

    /// The budgets.
    #[must_use]
    pub fn budgets(&self) -> &[Budget] {
        self.whole.as_ref().map_or(&[], |whole| &whole.costs.budgets)
    }

    /// The steps whose tokens stand out, the latest first.
    #[must_use]
    pub fn outliers(&self) -> &[Outlier] {
        self.whole.as_ref().map_or(&[], |whole| &whole.costs.outliers)
    }

    /// The addresses that gave no answer the last time, and why.
    pub fn failures(&self) -> impl Iterator<Item = (SourceId, &NetError)> {
        self.asked.iter().filter_map(|id| Some((*id, self.told.get(id.0)?.error()?)))
    }

    /// Whether an address or a replica is missing in it, or may be.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.failures().next().is_some() || self.whole.as_ref().is_some_and(|whole| !whole.costs.missing.is_empty())
    }

    /// How old what is known is; none while it is of now.
    #[must_use]
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.whole.as_ref()?.heard);
        (age > OLD_AFTER).then_some(age)
    }

    /// When what is known will be old, or an age has grown by a second.
    #[must_use]
    pub(super) fn aging(&self, now: Instant) -> Option<Instant> {
        let old_from = self.whole.as_ref()?.heard + OLD_AFTER;
        Some(if old_from < now { now + super::AGES } else { old_from + Duration::from_millis(1) })
    }

    /// The addresses to ask now, of those through which every replica is told of once.
    pub(super) fn ask(&mut self, through: Vec<SourceId>, now: Instant) -> Vec<SourceId> {
        let most = through.iter().map(|id| id.0 + 1).max().unwrap_or(0);
        if self.told.len() < most {
            self.told.resize_with(most, Told::default);
        }
        let due = through.iter().copied().filter(|id| self.told[id.0].ask(now, EVERY)).collect();
        self.asked = through;
        due
    }

    /// Whether an address is to be asked now, or nobody knows yet which.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.asked.is_empty() || self.next_question().is_some_and(|due| due <= now)
    }

    /// When the next address is to be asked.
    pub(super) fn next_question(&self) -> Option<Instant> {
        self.asked.iter().filter_map(|id| self.told.get(id.0)?.next_question(EVERY)).min()
    }

    /// Takes an answer.
    pub(super) fn take(&mut self, source: SourceId, result: Result<Box<Costs>, NetError>, now: Instant) {
        let Some(told) = self.told.get_mut(source.0) else { return };
        told.take(result, now);
        self.add_up();
    }

    /// Adds up what the addresses asked have told. While one of them is yet to say anything the sum before stays, so that
    /// it does not fall for a moment when another address takes the place of one.
    fn add_up(&mut self) {
        let mut told = self.asked.iter().filter_map(|id| self.told.get(id.0));
        if self.whole.is_some() && !told.clone().all(Told::has_ended) {
            return;
        }
        let mut answers = told.by_ref().filter_map(Told::costs);
        let Some((costs, heard)) = answers.next() else { return };
        let mut whole = Whole { costs: costs.clone(), heard };
        for (costs, heard) in answers {
            whole.costs.absorb(costs.clone(), 0);
            whole.heard = whole.heard.min(heard);
        }
        self.shares.take(&whole.costs.by);
        self.whole = Some(whole);
    }

    /// Splits what was spent by another thing.
    pub(super) fn split_by(&mut self, split: Split) {
        self.marked[CostPane::Shares as usize] = None;
        self.shares.split = split;
        self.rearrange();
    }

    /// Puts the rows into the next order.
    pub(super) fn order_by_next(&mut self) {
        self.shares.order_by_next();
        self.rearrange();
    }

    /// Turns the order of the rows round.
    pub(super) fn reverse(&mut self) {
        self.shares.reverse();
        self.rearrange();
    }

    fn rearrange(&mut self) {
        if let Some(whole) = &self.whole {
            self.shares.take(&whole.costs.by);
        }
    }

    /// To the next pane, or to the one before.
    pub(super) fn move_focus(&mut self, forward: bool) {
        let count = CostPane::ALL.len();
        let by = if forward { 1 } else { count - 1 };
        self.pane = CostPane::ALL[(self.pane as usize + by) % count];
    }

    /// How many rows a pane has.
    #[must_use]
    pub fn count(&self, pane: CostPane) -> usize {
        match pane {
            CostPane::Budgets => self.budgets().len(),
            CostPane::Shares => self.shares.rows().len(),
            CostPane::Outliers => self.outliers().len(),
        }
    }

    /// The row of a pane's marker.
    #[must_use]
    pub fn row(&self, pane: CostPane) -> usize {
        let marked = self.marked[pane as usize].as_deref();
        marked.and_then(|key| (0..self.count(pane)).find(|row| self.is_at(pane, *row, key))).unwrap_or(0)
    }

    /// Puts a pane's marker at a row; it follows what stands there.
    pub(super) fn mark(&mut self, pane: CostPane, row: usize) {
        self.marked[pane as usize] = self.key(pane, row);
    }

    fn is_at(&self, pane: CostPane, row: usize, key: &str) -> bool {
        self.key(pane, row).is_some_and(|known| known == key)
    }

    /// What tells a row from every other.
    fn key(&self, pane: CostPane, row: usize) -> Option<String> {
        match pane {
            CostPane::Budgets => self.budgets().get(row).map(|budget| format!("{} {}", budget.window, budget.scope)),
            CostPane::Shares => self.shares.rows().get(row).map(|share| share.key.clone()),
            CostPane::Outliers => self.outliers().get(row).map(|Outlier { entry, .. }| {
                format!("{} {} {} {}", entry.at, entry.investigation_id, entry.attempt, entry.step)
            }),
        }
    }

    /// The investigation of the marked outlier.
    #[must_use]
    pub fn marked_investigation(&self) -> Option<&str> {
        let outlier = self.outliers().get(self.row(CostPane::Outliers))?;
        Some(&outlier.entry.investigation_id)
    }
}

//! The Cost screen's state: what was spent, as the addresses tell it, and where in it the person looks.

mod orders;
mod reach;
mod rows;
mod split;
mod told;

use std::time::{Duration, Instant};

use langdeck_shared::{CostEntry, Costs, Outlier};

use super::SourceId;
use crate::net::NetError;
pub use orders::{BudgetOrder, CostOrder, OutlierOrder, ShareOrder};
pub use reach::{Reach, without_repeats};
pub use rows::{Rows, TableOrder};
pub use split::Split;
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
    split: Split,
    budgets: Rows<BudgetOrder>,
    shares: Rows<ShareOrder>,
    outliers: Rows<OutlierOrder>,
    /// What the marker of each pane was put at.
    marked: [Option<String>; 3],
}

impl Spending {
    /// What was spent, as far as anybody said; none before the first answer.
    #[must_use]
    pub const fn whole(&self) -> Option<&Whole> {
        self.whole.as_ref()
    }

    /// By what spending is split.
    #[must_use]
    pub const fn split(&self) -> Split {
        self.split
    }

    /// The budgets.
    #[must_use]
    pub const fn budgets(&self) -> &Rows<BudgetOrder> {
        &self.budgets
    }

    /// What was spent on what.
    #[must_use]
    pub const fn shares(&self) -> &Rows<ShareOrder> {
        &self.shares
    }

    /// The steps whose tokens stand out.
    #[must_use]
    pub const fn outliers(&self) -> &Rows<OutlierOrder> {
        &self.outliers
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
        self.whole = Some(whole);
        self.arrange();
    }

    /// Splits what was spent by another thing.
    pub(super) fn split_by(&mut self, split: Split) {
        self.marked[CostPane::Shares as usize] = None;
        self.split = split;
        self.arrange();
    }

    /// Puts the rows of the pane that keys go to into the next order.
    pub(super) fn order_by_next(&mut self) {
        self.order_by(self.order_after(1));
    }

    /// Turns that order round.
    pub(super) fn reverse(&mut self) {
        self.order_by(self.order_after(0));
    }

    /// The order so many places after the one in which the rows of the pane that keys go to stand.
    fn order_after(&self, places: usize) -> CostOrder {
        match self.pane {
            CostPane::Budgets => CostOrder::Budgets(self.budgets.order_after(places)),
            CostPane::Shares => CostOrder::Shares(self.shares.order_after(places)),
            CostPane::Outliers => CostOrder::Outliers(self.outliers.order_after(places)),
        }
    }

    /// Puts the rows of a table into this order; turns them round where they stand in it.
    pub(super) fn order_by(&mut self, order: CostOrder) {
        match order {
            CostOrder::Budgets(order) => self.budgets.order_by(order),
            CostOrder::Shares(order) => self.shares.order_by(order),
            CostOrder::Outliers(order) => self.outliers.order_by(order),
        }
        self.pane = order.pane();
        self.arrange();
    }

    /// Works out the rows of all tables anew.
    fn arrange(&mut self) {
        let Some(Whole { costs, .. }) = &self.whole else { return };
        self.budgets.take(&costs.budgets);
        self.shares.take(self.split.of(&costs.by));
        self.outliers.take(&costs.outliers);
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
            CostPane::Budgets => self.budgets.rows().len(),
            CostPane::Shares => self.shares.rows().len(),
            CostPane::Outliers => self.outliers.rows().len(),
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
            CostPane::Budgets => {
                self.budgets.rows().get(row).map(|budget| format!("{} {}", budget.window, budget.scope))
            }
            CostPane::Shares => self.shares.rows().get(row).map(|share| share.key.clone()),
            CostPane::Outliers => self.outliers.rows().get(row).map(|Outlier { entry, .. }| {
                format!("{} {} {} {}", entry.at, entry.investigation_id, entry.attempt, entry.step)
            }),
        }
    }

    /// The marked step that stands out.
    #[must_use]
    pub fn marked_entry(&self) -> Option<&CostEntry> {
        self.outliers.rows().get(self.row(CostPane::Outliers)).map(|outlier| &outlier.entry)
    }

    /// The address that told of an investigation in which a step stands out.
    pub(super) fn told_by(&self, investigation: &str) -> Option<SourceId> {
        let tells = |id: &SourceId| {
            let costs = self.told.get(id.0).and_then(Told::costs);
            let mut outliers = costs.iter().flat_map(|(costs, _)| &costs.outliers);
            outliers.any(|outlier| outlier.entry.investigation_id == investigation)
        };
        self.asked.iter().copied().find(tells)
    }
}

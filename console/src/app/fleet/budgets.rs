//! The budgets of the fleet: how each stands at those that have it, and at all of them together.

use std::time::Instant;

use langdeck_shared::{Budget, BudgetState, Usd};

use super::{Fleet, Replica};
use crate::app::AgentClock;

/// One budget of the fleet. Each replica holds its own limit, whatever the others spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetBudget {
    /// The figures of all together, and the state of those that stand worst.
    pub sum: Budget,
    /// The lowest and the highest limit that one of them has.
    pub limits: [Usd; 2],
    /// Where it stands worst; none where it is well everywhere.
    pub worst: Option<Worst>,
}

/// Where a budget has reached its threshold, or its limit if it has at any replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worst {
    /// The first such replica, by its name.
    pub replica: String,
    /// The budget there.
    pub budget: Budget,
    /// At how many replicas it stands so.
    pub replicas: usize,
}

impl FleetBudget {
    fn new(budget: Budget, replica: &str) -> Self {
        let limits = [budget.limit_usd; 2];
        Self { worst: Worst::of(&budget, replica), sum: budget, limits }
    }

    fn add(&mut self, budget: &Budget, replica: &str) {
        let [lowest, highest] = self.limits;
        self.limits = [lowest.min(budget.limit_usd), highest.max(budget.limit_usd)];
        match &mut self.worst {
            Some(worst) if worst.budget.state == budget.state => worst.replicas += 1,
            Some(worst) if worst.budget.state > budget.state => {}
            worst => *worst = Worst::of(budget, replica),
        }
        self.sum.absorb(budget);
    }
}

impl Worst {
    fn of(budget: &Budget, replica: &str) -> Option<Self> {
        let worst = || Self { replica: replica.to_owned(), budget: budget.clone(), replicas: 1 };
        (budget.state != BudgetState::Ok).then(worst)
    }
}

/// A budget as it stands at `now`: of a window that is over, nothing is spent any more.
fn standing(budget: &Budget, clock: AgentClock, now: Instant) -> Budget {
    let mut budget = budget.clone();
    if clock.until(budget.resets_at, now).is_none() {
        (budget.spent_usd, budget.reserved_usd) = (Usd::ZERO, Usd::ZERO);
        (budget.state, budget.exhausted_at) = (BudgetState::Ok, None);
    }
    budget
}

/// The budgets of these replicas at `now`, in the order in which they come first.
pub(super) fn together<'a>(replicas: impl Iterator<Item = &'a Replica>, now: Instant) -> Vec<FleetBudget> {
    let mut all: Vec<FleetBudget> = Vec::new();
    for replica in replicas {
        for budget in replica.budgets.iter().map(|budget| standing(budget, replica.clock, now)) {
            let is_same = |known: &&mut FleetBudget| is_same(&known.sum, &budget);
            match all.iter_mut().find(is_same) {
                Some(known) => known.add(&budget, &replica.name),
                None => all.push(FleetBudget::new(budget, &replica.name)),
            }
        }
    }
    all
}

fn is_same(one: &Budget, other: &Budget) -> bool {
    one.scope == other.scope && one.window == other.window
}

impl Fleet {
    /// The budgets of the replicas that are not gone.
    #[must_use]
    pub fn budgets(&self) -> &[FleetBudget] {
        &self.budgets
    }

    /// How the budget of this scope and window stands in the fleet.
    #[must_use]
    pub fn budget(&self, like: &Budget) -> Option<&FleetBudget> {
        self.budgets.iter().find(|known| is_same(&known.sum, like))
    }

    /// The time by the clock of the replica that spoke last.
    #[must_use]
    pub fn clock(&self) -> Option<AgentClock> {
        self.replicas().iter().map(|replica| replica.clock).reduce(AgentClock::later)
    }
}

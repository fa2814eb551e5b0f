//! By what spending is split, and in which order its parts stand.

use std::cmp::Reverse;

use clap::ValueEnum;
use langdeck_shared::{Attribution, CostShare};

/// By what spending is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Split {
    /// By the replica that spent it.
    Replica,
    /// By the alert's service.
    #[default]
    Service,
    /// By alert type.
    AlertType,
    /// By model.
    Model,
    /// By step of the chain.
    Step,
}

impl Split {
    /// All of them, in the order in which they follow each other.
    pub const ALL: [Self; 5] = [Self::Replica, Self::Service, Self::AlertType, Self::Model, Self::Step];

    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replica => "replica",
            Self::Service => "service",
            Self::AlertType => "alert type",
            Self::Model => "model",
            Self::Step => "step",
        }
    }

    /// The same as the head of a column.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Replica => "REPLICA",
            Self::Service => "SERVICE",
            Self::AlertType => "ALERT TYPE",
            Self::Model => "MODEL",
            Self::Step => "STEP",
        }
    }

    /// So many further on, round and round.
    #[must_use]
    pub fn moved(self, by: isize) -> Self {
        let count = Self::ALL.len();
        Self::ALL[(self as usize + count).saturating_add_signed(by) % count]
    }

    /// The sums by it, dearest first.
    #[must_use]
    pub fn of(self, by: &Attribution) -> &[CostShare] {
        match self {
            Self::Replica => &by.by_replica,
            Self::Service => &by.by_service,
            Self::AlertType => &by.by_alert_type,
            Self::Model => &by.by_model,
            Self::Step => &by.by_step,
        }
    }
}

/// In which order the parts stand; the largest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShareOrder {
    /// By cost.
    #[default]
    Cost,
    /// By tokens.
    Tokens,
    /// By model calls.
    Calls,
    /// By name.
    Name,
}

impl ShareOrder {
    /// The next one, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Cost => Self::Tokens,
            Self::Tokens => Self::Calls,
            Self::Calls => Self::Name,
            Self::Name => Self::Cost,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
            Self::Name => "name",
        }
    }
}

/// The parts, in their order.
#[derive(Debug, Clone, Default)]
pub struct Shares {
    /// By what it is split.
    pub split: Split,
    order: ShareOrder,
    reversed: bool,
    rows: Vec<CostShare>,
}

impl Shares {
    /// The parts.
    #[must_use]
    pub fn rows(&self) -> &[CostShare] {
        &self.rows
    }

    /// The order, and whether it is turned round.
    #[must_use]
    pub const fn order(&self) -> (ShareOrder, bool) {
        (self.order, self.reversed)
    }

    pub(super) const fn order_by_next(&mut self) {
        (self.order, self.reversed) = (self.order.next(), false);
    }

    pub(super) const fn reverse(&mut self) {
        self.reversed = !self.reversed;
    }

    /// Takes what was spent on what.
    pub(super) fn take(&mut self, by: &Attribution) {
        self.rows = self.split.of(by).to_vec();
        match self.order {
            ShareOrder::Cost => self.rows.sort_by(CostShare::dearest_first),
            ShareOrder::Tokens => self.rows.sort_by_key(|share| Reverse(share.spend.tokens)),
            ShareOrder::Calls => self.rows.sort_by_key(|share| Reverse(share.spend.calls)),
            ShareOrder::Name => self.rows.sort_by(|a, b| a.key.cmp(&b.key)),
        }
        if self.reversed {
            self.rows.reverse();
        }
    }
}

//! By what spending is split.

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

    /// Its name in a query and in a row of CSV.
    #[must_use]
    pub const fn dimension(self) -> &'static str {
        match self {
            Self::AlertType => "alert_type",
            Self::Replica | Self::Service | Self::Model | Self::Step => self.as_str(),
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

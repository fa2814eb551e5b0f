//! In which orders the rows of the Cost screen stand: each by a column of its table.

use std::cmp::Ordering;

use langdeck_shared::{Budget, CostShare, Outlier, Usd};

use super::CostPane;
use super::rows::TableOrder;

/// A column of one of the tables, by which it can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostOrder {
    /// Of the budgets.
    Budgets(BudgetOrder),
    /// Of what was spent on what.
    Shares(ShareOrder),
    /// Of the steps that stand out.
    Outliers(OutlierOrder),
}

impl CostOrder {
    /// The pane of its table.
    #[must_use]
    pub const fn pane(self) -> CostPane {
        match self {
            Self::Budgets(_) => CostPane::Budgets,
            Self::Shares(_) => CostPane::Shares,
            Self::Outliers(_) => CostPane::Outliers,
        }
    }
}

/// A column by which what was spent on what can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShareOrder {
    /// Cost, and so the share of it.
    #[default]
    Cost,
    /// Tokens read.
    Input,
    /// Those of them from a provider's cache.
    Cached,
    /// Tokens written.
    Output,
    /// Model calls.
    Calls,
    /// Tokens without a price.
    Unpriced,
    /// The name of what it was spent on.
    Name,
}

impl TableOrder for ShareOrder {
    type Row = CostShare;

    const ALL: &'static [Self] =
        &[Self::Cost, Self::Input, Self::Cached, Self::Output, Self::Calls, Self::Unpriced, Self::Name];

    fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Input => "tokens in",
            Self::Cached => "cached",
            Self::Output => "out",
            Self::Calls => "calls",
            Self::Unpriced => "unpriced",
            Self::Name => "name",
        }
    }

    fn rises(self) -> bool {
        self == Self::Name
    }

    fn compare(self, a: &CostShare, b: &CostShare) -> Ordering {
        let figure = |of: fn(&CostShare) -> u64| of(a).cmp(&of(b));
        match self {
            Self::Cost => CostShare::dearest_first(b, a),
            Self::Input => figure(|share| share.spend.input_tokens),
            Self::Cached => figure(|share| share.spend.cached_input_tokens),
            Self::Output => figure(|share| share.spend.output_tokens),
            Self::Calls => figure(|share| share.spend.calls),
            Self::Unpriced => figure(|share| share.spend.unpriced_tokens),
            Self::Name => a.key.cmp(&b.key),
        }
    }
}

/// A column by which the budgets can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BudgetOrder {
    /// What they are budgets of: everything first, then services, then alert types.
    #[default]
    Scope,
    /// How they stand, the worst first.
    State,
    /// How far they are spent.
    Used,
    /// What is spent.
    Spent,
    /// What is set aside.
    Reserved,
    /// The limit.
    Limit,
    /// The window, the shortest first.
    Window,
    /// When they begin anew, the soonest first.
    Resets,
    /// How fast they are spent.
    Hourly,
    /// When they will be spent, the soonest first.
    Lasts,
    /// What happens at the limit, the strictest first.
    AtLimit,
}

impl TableOrder for BudgetOrder {
    type Row = Budget;

    const ALL: &'static [Self] = &[
        Self::Scope,
        Self::State,
        Self::Used,
        Self::Spent,
        Self::Reserved,
        Self::Limit,
        Self::Window,
        Self::Resets,
        Self::Hourly,
        Self::Lasts,
        Self::AtLimit,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "budget",
            Self::State => "state",
            Self::Used => "used",
            Self::Spent => "spent",
            Self::Reserved => "reserved",
            Self::Limit => "limit",
            Self::Window => "window",
            Self::Resets => "resets",
            Self::Hourly => "$/h",
            Self::Lasts => "lasts",
            Self::AtLimit => "at limit",
        }
    }

    fn rises(self) -> bool {
        matches!(self, Self::Scope | Self::Window | Self::Resets | Self::Lasts | Self::AtLimit)
    }

    fn compare(self, a: &Budget, b: &Budget) -> Ordering {
        let amount = |of: fn(&Budget) -> Usd| of(a).cmp(&of(b));
        match self {
            Self::Scope => scope(a).cmp(&scope(b)),
            Self::State => a.state.cmp(&b.state),
            Self::Used => used(a).total_cmp(&used(b)),
            Self::Spent => amount(|budget| budget.spent_usd),
            Self::Reserved => amount(|budget| budget.reserved_usd),
            Self::Limit => amount(|budget| budget.limit_usd),
            Self::Window => a.window.cmp(&b.window),
            Self::Resets => a.resets_at.cmp(&b.resets_at),
            Self::Hourly => amount(|budget| budget.burn.last_5m_usd_per_hour),
            // One that will not be spent comes after all others.
            Self::Lasts => (a.exhausted_at.is_none(), a.exhausted_at).cmp(&(b.exhausted_at.is_none(), b.exhausted_at)),
            Self::AtLimit => a.at_limit.cmp(&b.at_limit),
        }
    }
}

/// Its place among the kinds of budgets, and its name.
fn scope(budget: &Budget) -> (u8, &str) {
    let kind = match budget.scope.split_once(':') {
        None => 0,
        Some(("service", _)) => 1,
        Some(_) => 2,
    };
    (kind, &budget.scope)
}

fn used(budget: &Budget) -> f64 {
    budget.spent_usd.as_f64() / budget.limit_usd.as_f64()
}

/// A column by which the steps that stand out can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutlierOrder {
    /// How long ago they were, the latest first.
    #[default]
    Age,
    /// By how much they stand out.
    Times,
    /// Their tokens.
    Tokens,
    /// What such a step usually takes.
    Median,
    /// What they cost.
    Cost,
    /// The step's name.
    Step,
    /// The alert's service.
    Service,
    /// The alert type.
    AlertType,
    /// The model.
    Model,
}

impl TableOrder for OutlierOrder {
    type Row = Outlier;

    const ALL: &'static [Self] = &[
        Self::Age,
        Self::Times,
        Self::Tokens,
        Self::Median,
        Self::Cost,
        Self::Step,
        Self::Service,
        Self::AlertType,
        Self::Model,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Times => "times",
            Self::Tokens => "tokens",
            Self::Median => "median",
            Self::Cost => "cost",
            Self::Step => "step",
            Self::Service => "service",
            Self::AlertType => "alert",
            Self::Model => "model",
        }
    }

    fn rises(self) -> bool {
        matches!(self, Self::Age | Self::Step | Self::Service | Self::AlertType | Self::Model)
    }

    fn compare(self, a: &Outlier, b: &Outlier) -> Ordering {
        let text = |of: fn(&Outlier) -> &str| of(a).cmp(of(b));
        match self {
            Self::Age => b.entry.at.cmp(&a.entry.at),
            Self::Times => times(a).total_cmp(&times(b)),
            Self::Tokens => tokens(a).cmp(&tokens(b)),
            Self::Median => a.median_tokens.cmp(&b.median_tokens),
            Self::Cost => a.entry.cost_usd.cmp(&b.entry.cost_usd),
            Self::Step => text(|outlier| &outlier.entry.step),
            Self::Service => text(|outlier| &outlier.entry.service),
            Self::AlertType => text(|outlier| &outlier.entry.alert_type),
            Self::Model => text(|outlier| &outlier.entry.model),
        }
    }
}

const fn tokens(outlier: &Outlier) -> u64 {
    outlier.entry.input_tokens.saturating_add(outlier.entry.output_tokens)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio only to order by")]
fn times(outlier: &Outlier) -> f64 {
    tokens(outlier) as f64 / outlier.median_tokens as f64
}

//! Money: what tokens cost, and on what they were spent.

mod budgets;
mod history;
mod ledger;
mod policy;
mod prices;
mod purse;
mod window;

use langdeck_shared::Spend;

pub(crate) use budgets::{BudgetStore, Grant, LocalBudgets, Quote, ReservationId, Rule, Scope, Spent};
pub(crate) use ledger::{Account, Attribution, Call, Ledger, Told};
pub use policy::PolicyError;
pub(crate) use policy::{Policy, Route};
pub(crate) use prices::{Charge, Prices};
pub(crate) use purse::{Held, Purse};

/// The sum of two amounts spent. Sums saturate: no provider's report can make them wrap.
pub(crate) fn add(a: Spend, b: Spend) -> Spend {
    Spend {
        calls: a.calls.saturating_add(b.calls),
        tokens: a.tokens.saturating_add(b.tokens),
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        cost_usd: a.cost_usd + b.cost_usd,
        unpriced_tokens: a.unpriced_tokens.saturating_add(b.unpriced_tokens),
    }
}

/// The sum of amounts spent.
pub(crate) fn sum(amounts: impl IntoIterator<Item = Spend>) -> Spend {
    amounts.into_iter().fold(Spend::default(), add)
}

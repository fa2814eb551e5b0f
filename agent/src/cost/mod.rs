//! Money: what tokens cost, and on what they were spent.

mod budgets;
mod dimension;
mod forecast;
mod history;
mod ledger;
mod medians;
mod minutes;
mod policy;
mod prices;
mod purse;
mod reported;
mod sums;
mod window;

pub(crate) use budgets::{BudgetName, BudgetStore, Grant, LocalBudgets, Quote, ReservationId, Rule, Scope, Spent};
pub(crate) use ledger::{Account, Call, Ledger, SpanSpend, Told};
pub use policy::PolicyError;
pub(crate) use policy::{Policy, Route};
pub(crate) use prices::{Charge, Prices};
pub(crate) use purse::{Held, Purse, Short};

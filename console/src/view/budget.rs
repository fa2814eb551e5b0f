//! How budgets are put into words.

use std::borrow::Cow;

use langdeck_shared::{AtLimit, Budget, BudgetWindow};

use super::format;

/// The scope that covers everything.
pub(crate) const TOTAL: &str = "total";

/// Whose spending it limits: `total`, `service checkout-api`, `alert type high_cpu`.
pub(crate) fn scope(budget: &Budget) -> Cow<'_, str> {
    match budget.scope.split_once(':') {
        Some((kind, name)) => Cow::Owned(format!("{} {name}", kind.replace('_', " "))),
        None => Cow::Borrowed(&budget.scope),
    }
}

/// The window under way.
pub(crate) const fn window(budget: &Budget) -> &'static str {
    match budget.window {
        BudgetWindow::Hour => "this hour UTC",
        BudgetWindow::Day => "today UTC",
        BudgetWindow::Month => "this month UTC",
    }
}

/// How much of it is spent.
pub(crate) fn percent(budget: &Budget) -> String {
    format::percent(budget.spent_usd.as_f64() / budget.limit_usd.as_f64())
}

/// What becomes of alerts at the limit.
pub(crate) const fn at_limit(budget: &Budget) -> &'static str {
    match budget.at_limit {
        AtLimit::Reject => "alerts are refused",
        AtLimit::Degrade => "alerts go to the cheaper model",
        AtLimit::Warn => "alerts go on beyond the limit",
    }
}

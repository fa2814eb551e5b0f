//! How budgets are put into words, and which of them matters most.

use std::borrow::Cow;
use std::cmp::Ordering;

use langdeck_shared::{AtLimit, Budget, BudgetState, BudgetWindow};

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

/// Which of two is told of first: the one that stands worse. Of two without room, the stricter one, and then the one
/// that has none for longer; of others, the one that is nearer to its limit.
pub(crate) fn most_urgent_first(one: &Budget, other: &Budget) -> Ordering {
    let worse = other.state.cmp(&one.state);
    worse.then_with(|| match one.state {
        BudgetState::Exceeded => one.at_limit.cmp(&other.at_limit).then_with(|| other.resets_at.cmp(&one.resets_at)),
        BudgetState::Ok | BudgetState::Warning => {
            // Fractions of integers, without rounding: `a / b < c / d` where `a d < c b`.
            let part =
                |spent: &Budget, of: &Budget| u128::from(spent.spent_usd.nanos()) * u128::from(of.limit_usd.nanos());
            part(other, one).cmp(&part(one, other))
        }
    })
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

//! What readers are told of decisions about money.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{AtLimit, Budget, BudgetState, Decision, ToolMode, Usd};

use super::{Choice, Decisions};
use crate::cost::{BudgetStore, LocalBudgets, Quote, Rule, Scope, Short, Spent};
use crate::identity::Identity;
use crate::testing::alert;

const fn usd(nanos: u64) -> Usd {
    Usd::from_nanos(nanos)
}

fn told(choice: Choice) -> Decision {
    let decisions = Decisions::new(Arc::new(Identity::new("r", "usual", ToolMode::Sequential)), &[]);
    decisions.show(&decisions.record(Timestamp::UNIX_EPOCH, None, choice))
}

fn figures(decision: &Decision) -> Vec<(&str, String)> {
    decision.figures.iter().map(|(name, figure)| (name.as_str(), figure.to_string())).collect()
}

/// A budget of 100 nano-dollars of which 60 are set aside.
fn budget(at_limit: AtLimit, state: BudgetState) -> Budget {
    let (now, window) = (Timestamp::UNIX_EPOCH, langdeck_shared::BudgetWindow::Hour);
    let rule = Rule { scope: Scope::Service("api".into()), limit: usd(100), window, threshold_percent: 75, at_limit };
    let mut budgets = LocalBudgets::new(vec![rule], now);
    budgets.reserve(&alert("high_cpu", "api"), Quote { usual: usd(60), cheaper: None }, now).unwrap();
    Budget { state, ..budgets.tell(now).remove(0) }
}

fn spent(at_limit: AtLimit) -> Box<Spent> {
    Box::new(Spent { budget: budget(at_limit, BudgetState::Exceeded), needed: usd(50) })
}

const STANDING: [(&str, &str); 3] = [("limit_usd", "1e-7"), ("reserved_usd", "6e-8"), ("spent_usd", "0.0")];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
    let mut all: Vec<_> = STANDING.iter().chain(more).map(|(name, figure)| (*name, (*figure).to_owned())).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_cheaper_model_says_which_one_it_is_instead_of_and_which_budget_had_no_room() {
    let (model, set_aside) = (Some(Arc::from("cheaper")), usd(5));
    let choice = Choice::Degrade { model, instead_of: None, set_aside, spent: spent(AtLimit::Degrade) };
    let decision = told(choice);
    assert_eq!((decision.choice.as_str(), decision.alternatives.as_slice()), ("cheaper", &["usual".to_owned()][..]));
    assert_eq!(figures(&decision), with(&[("needed_usd", "5e-8"), ("set_aside_usd", "5e-9")]));
    assert_eq!(decision.reason, "the budget of service:api per hour has no room for it");
    // Routed to another one, and degraded to the usual one.
    let instead_of = Some(Arc::from("dear"));
    let decision = told(Choice::Degrade { model: None, instead_of, set_aside, spent: spent(AtLimit::Degrade) });
    assert_eq!((decision.choice.as_str(), decision.alternatives.as_slice()), ("usual", &["dear".to_owned()][..]));
}

#[test]
fn beyond_a_limit_says_why_it_does_not_hold() {
    for (at_limit, why) in
        [(AtLimit::Warn, "only warns"), (AtLimit::Degrade, "there is no cheaper model that it has room for")]
    {
        let decision = told(Choice::Exceed(spent(at_limit)));
        assert_eq!(decision.choice, "investigate beyond the limit");
        assert_eq!(figures(&decision), with(&[("needed_usd", "5e-8")]));
        assert_eq!(decision.reason, format!("the budget of service:api per hour has no room for it, and {why}"));
    }
}

#[test]
fn a_budget_that_stands_worse_says_what_happens_now() {
    use AtLimit::{Degrade, Reject, Warn};
    use BudgetState::{Exceeded, Warning};
    let cases = [
        (Reject, Warning, "warn", "has reached 75 %"),
        (Reject, Exceeded, "refuse what it has no room for", "has no room left"),
        (Degrade, Exceeded, "go on with the cheaper model", "has no room left"),
        (Warn, Exceeded, "go on beyond the limit", "has no room left"),
    ];
    for (at_limit, state, choice, how) in cases {
        let decision = told(Choice::Worsen(Box::new(budget(at_limit, state))));
        assert_eq!(decision.choice, choice);
        assert_eq!(
            decision.reason,
            format!("the budget of service:api per hour {how}; it resets at 1970-01-01T01:00:00Z")
        );
        assert_eq!(figures(&decision), with(&[("threshold_percent", "75")]));
    }
}

#[test]
fn a_call_that_is_not_made_says_what_is_left_and_what_it_would_take() {
    let short = Short { limit: usd(90), left: usd(30), needed: usd(20), kept: usd(15) };
    let decision = told(Choice::Cap { step: "get_logs".into(), short });
    assert_eq!(decision.choice, "do not call the model for get_logs");
    let expected = [("kept_usd", "1.5e-8"), ("left_usd", "3e-8"), ("limit_usd", "9e-8"), ("needed_usd", "2e-8")];
    assert_eq!(figures(&decision), expected.map(|(name, figure)| (name, figure.to_owned())));
    let last = told(Choice::Cap { step: "reasoner".into(), short: Short { kept: Usd::ZERO, ..short } });
    assert!(!last.figures.contains_key("kept_usd"));
}

//! Budgets under a clock that the tests hold: limits, windows, scopes, and any order of events.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::testing::alert;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn usd(nanos: u64) -> Usd {
    Usd::from_nanos(nanos)
}

fn rule(scope: Scope, limit: u64, at_limit: AtLimit) -> Rule {
    Rule { scope, limit: usd(limit), window: BudgetWindow::Hour, threshold_percent: 80, at_limit }
}

fn over(window: BudgetWindow, rule: Rule) -> Rule {
    Rule { window, ..rule }
}

fn name(scope: &str, window: BudgetWindow) -> BudgetName {
    BudgetName { scope: scope.into(), window }
}

fn quote(usual: u64) -> Quote {
    Quote { usual: usd(usual), cheaper: None }
}

/// Spent and reserved of each budget.
fn figures(budgets: &LocalBudgets, now: Timestamp) -> Vec<(u64, u64)> {
    budgets.tell(now).iter().map(|budget| (budget.spent_usd.nanos(), budget.reserved_usd.nanos())).collect()
}

const NOON: &str = "2026-01-15T12:00:00Z";
const ALMOST_ONE: &str = "2026-01-15T12:59:59.999Z";
const ONE: &str = "2026-01-15T13:00:00Z";

#[test]
fn no_more_is_set_aside_than_there_is_and_what_is_left_over_is_free_again() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let alert = alert("high_cpu", "api");
    let first = budgets.reserve(&alert, quote(60), at(NOON)).unwrap();
    let spent = budgets.reserve(&alert, quote(41), at(NOON)).unwrap_err();
    assert_eq!((spent.budget.scope.as_str(), spent.needed, spent.budget.reserved_usd), ("total", usd(41), usd(60)));
    assert_eq!((spent.budget.state, spent.budget.rejections), (BudgetState::Exceeded, 1));
    assert_eq!(spent.budget.resets_at, at(ONE));
    let second = budgets.reserve(&alert, quote(40), at(NOON)).unwrap();
    budgets.settle(first.reservation, usd(25), at(NOON).as_millisecond());
    assert_eq!(figures(&budgets, at(NOON)), [(25, 75)]);
    budgets.release(first.reservation);
    budgets.release(first.reservation);
    assert_eq!(figures(&budgets, at(NOON)), [(25, 40)]);
    budgets.settle(second.reservation, usd(40), at(NOON).as_millisecond());
    budgets.release(second.reservation);
    assert_eq!(figures(&budgets, at(NOON)), [(65, 0)]);
}

#[test]
fn a_budget_without_room_is_no_longer_exceeded_once_there_is_some_again() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let alert = alert("high_cpu", "api");
    let state = |budgets: &LocalBudgets| budgets.tell(at(NOON))[0].state;
    let grant = budgets.reserve(&alert, quote(60), at(NOON)).unwrap();
    assert!(budgets.reserve(&alert, quote(60), at(NOON)).is_err());
    budgets.settle(grant.reservation, usd(40), at(NOON).as_millisecond());
    assert_eq!(state(&budgets), BudgetState::Exceeded);
    budgets.release(grant.reservation);
    assert_eq!(state(&budgets), BudgetState::Ok, "the 60 fit now");
    let grant = budgets.reserve(&alert, quote(60), at(NOON)).unwrap();
    budgets.settle(grant.reservation, usd(41), at(NOON).as_millisecond());
    budgets.release(grant.reservation);
    assert!(budgets.reserve(&alert, quote(60), at(NOON)).is_err());
    assert_eq!(state(&budgets), BudgetState::Exceeded, "nothing is set aside that could make room");
}

#[test]
fn what_was_set_aside_in_one_window_is_spent_of_that_window() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let alert = alert("high_cpu", "api");
    let early = budgets.reserve(&alert, quote(100), at(ALMOST_ONE)).unwrap();
    assert!(budgets.reserve(&alert, quote(1), at(ALMOST_ONE)).is_err());
    let late = budgets.reserve(&alert, quote(100), at(ONE)).unwrap();
    budgets.settle(early.reservation, usd(70), at(ONE).as_millisecond());
    assert_eq!(figures(&budgets, at(ONE)), [(0, 100)]);
    budgets.settle(late.reservation, usd(100), at(ONE).as_millisecond());
    assert_eq!(figures(&budgets, at(ONE)), [(100, 0)]);
    budgets.release(early.reservation);
    assert_eq!(figures(&budgets, at(ONE)), [(100, 0)]);
    // Told in the next one before anybody asks for money of it.
    let next = &budgets.tell(at("2026-01-15T14:30:00Z"))[0];
    assert_eq!((next.spent_usd, next.state, next.resets_at), (Usd::ZERO, BudgetState::Ok, at("2026-01-15T15:00:00Z")));
}

#[test]
fn each_window_of_a_scope_ends_by_itself_and_an_alert_needs_room_in_all() {
    let rules = [(BudgetWindow::Month, 300), (BudgetWindow::Hour, 100), (BudgetWindow::Day, 200)];
    let rules = rules.map(|(window, limit)| over(window, rule(Scope::Total, limit, AtLimit::Reject)));
    let mut budgets = LocalBudgets::new(rules.to_vec(), at("2026-01-31T21:30:00Z"));
    let alert = alert("high_cpu", "api");
    let mut spend = |amount, time| {
        let grant =
            budgets.reserve(&alert, quote(amount), at(time)).map_err(|spent| (spent.budget.window, spent.needed))?;
        budgets.settle(grant.reservation, usd(amount), at(time).as_millisecond());
        budgets.release(grant.reservation);
        Ok(figures(&budgets, at(time)).into_iter().map(|(spent, _)| spent).collect::<Vec<_>>())
    };
    assert_eq!(spend(90, "2026-01-31T21:30:00Z"), Ok(vec![90, 90, 90]));
    assert_eq!(spend(20, "2026-01-31T21:59:59.999Z"), Err((BudgetWindow::Hour, usd(20))));
    assert_eq!(spend(100, "2026-01-31T22:00:00Z"), Ok(vec![190, 100, 190]));
    assert_eq!(spend(20, "2026-01-31T23:00:00Z"), Err((BudgetWindow::Day, usd(20))));
    assert_eq!(spend(10, "2026-01-31T23:59:59.999Z"), Ok(vec![200, 10, 200]));
    assert_eq!(spend(60, "2026-02-01T00:00:00Z"), Ok(vec![60, 60, 60]));

    // What was set aside in the last moment of all three is spent of those, and of none that began since.
    let late = budgets.reserve(&alert, quote(40), at("2026-02-28T23:59:59.999Z")).unwrap();
    assert_eq!(figures(&budgets, at("2026-02-28T23:59:59.999Z")), [(60, 40), (0, 40), (0, 40)]);
    let march = at("2026-03-01T00:00:00Z");
    let early = budgets.reserve(&alert, quote(100), march).unwrap();
    budgets.settle(late.reservation, usd(40), march.as_millisecond());
    budgets.release(late.reservation);
    assert_eq!(figures(&budgets, march), [(0, 100); 3]);
    budgets.release(early.reservation);
    assert_eq!(figures(&budgets, march), [(0, 0); 3]);
}

#[test]
fn an_alert_is_covered_by_three_scopes_over_three_windows() {
    let scopes = [Scope::Total, Scope::Service("api".into()), Scope::AlertType("high_cpu".into())];
    let windows = [BudgetWindow::Hour, BudgetWindow::Day, BudgetWindow::Month];
    let rules: Vec<_> = scopes
        .iter()
        .flat_map(|scope| windows.map(|window| over(window, rule(scope.clone(), 100, AtLimit::Reject))))
        .collect();
    assert_eq!(rules.len(), MOST);
    let mut budgets = LocalBudgets::new(rules, at(NOON));
    let grant = budgets.reserve(&alert("high_cpu", "api"), quote(60), at(NOON)).unwrap();
    assert_eq!(figures(&budgets, at(NOON)), [(0, 60); MOST]);
    budgets.settle(grant.reservation, usd(50), at(NOON).as_millisecond());
    budgets.release(grant.reservation);
    assert_eq!(figures(&budgets, at(NOON)), [(50, 0); MOST]);
}

#[test]
fn of_several_that_refuse_the_one_is_told_of_that_does_so_for_longest() {
    let rules = [(BudgetWindow::Hour, 100), (BudgetWindow::Month, 120), (BudgetWindow::Day, 110)];
    let rules = rules.map(|(window, limit)| over(window, rule(Scope::Total, limit, AtLimit::Reject)));
    let mut budgets = LocalBudgets::new(rules.to_vec(), at(NOON));
    let alert = alert("high_cpu", "api");
    let grant = budgets.reserve(&alert, quote(95), at(NOON)).unwrap();
    let refused = |budgets: &mut LocalBudgets, most| {
        let spent = budgets.reserve(&alert, quote(most), at(NOON)).unwrap_err();
        (spent.budget.window, spent.needed.nanos())
    };
    // Nothing is spent yet: whoever ends may make room in each.
    assert_eq!(refused(&mut budgets, 30), (BudgetWindow::Hour, 30));
    budgets.settle(grant.reservation, usd(95), at(NOON).as_millisecond());
    assert_eq!(refused(&mut budgets, 30), (BudgetWindow::Month, 30));
    assert_eq!(refused(&mut budgets, 20), (BudgetWindow::Day, 20));
    assert_eq!(refused(&mut budgets, 10), (BudgetWindow::Hour, 10));
    let rejections: Vec<_> = budgets.tell(at(NOON)).iter().map(|budget| budget.rejections).collect();
    assert_eq!(rejections, [2, 1, 1]);
}

#[test]
fn the_strictest_of_the_windows_without_room_decides() {
    use AtLimit::{Degrade, Reject, Warn};
    let budgets = |actions: [AtLimit; 3]| {
        let windows = [BudgetWindow::Hour, BudgetWindow::Day, BudgetWindow::Month];
        let rules = windows.into_iter().zip(actions);
        let rules = rules.map(|(window, at_limit)| over(window, rule(Scope::Total, 100, at_limit)));
        LocalBudgets::new(rules.collect(), at(NOON))
    };
    let (alert, quote) = (alert("high_cpu", "api"), Quote { usual: usd(101), cheaper: Some(usd(101)) });
    for actions in [[Reject, Degrade, Warn], [Warn, Degrade, Reject], [Degrade, Reject, Warn]] {
        let spent = budgets(actions).reserve(&alert, quote, at(NOON)).unwrap_err();
        assert_eq!(spent.budget.at_limit, Reject);
    }
    let grant = budgets([Warn, Degrade, Degrade]).reserve(&alert, quote, at(NOON)).unwrap();
    // What is degraded stays so for as long as the last of them has no room.
    assert_eq!((grant.degraded_by, grant.short.len()), (Some(name("total", BudgetWindow::Month)), 3));
    // The limit that refuses has room for the cheaper model.
    let quote = Quote { usual: usd(101), cheaper: Some(usd(10)) };
    let grant = budgets([Reject, Warn, Degrade]).reserve(&alert, quote, at(NOON)).unwrap();
    assert_eq!((grant.degraded_by, grant.amount), (Some(name("total", BudgetWindow::Month)), usd(10)));
    let grant = budgets([Warn, Warn, Warn]).reserve(&alert, quote, at(NOON)).unwrap();
    assert_eq!((grant.degraded_by, grant.amount, grant.short.len()), (None, usd(101), 3));
}

#[test]
fn a_clock_that_goes_back_opens_no_window_again() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let alert = alert("high_cpu", "api");
    budgets.reserve(&alert, quote(100), at(ONE)).unwrap();
    assert!(budgets.reserve(&alert, quote(100), at(ALMOST_ONE)).is_err());
}

#[test]
fn an_alert_needs_room_in_every_budget_that_covers_it_or_takes_of_none() {
    let service = rule(Scope::Service("api".into()), 50, AtLimit::Reject);
    let kind = rule(Scope::AlertType("high_cpu".into()), 70, AtLimit::Reject);
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject), service, kind], at(NOON));
    budgets.reserve(&alert("high_cpu", "api"), quote(40), at(NOON)).unwrap();
    assert_eq!(figures(&budgets, at(NOON)), [(0, 40); 3]);
    let spent = budgets.reserve(&alert("other", "api"), quote(40), at(NOON)).unwrap_err();
    assert_eq!(spent.budget.scope, "service:api");
    let spent = budgets.reserve(&alert("high_cpu", "other"), quote(40), at(NOON)).unwrap_err();
    assert_eq!(spent.budget.scope, "alert_type:high_cpu");
    assert_eq!(figures(&budgets, at(NOON)), [(0, 40); 3]);
    budgets.reserve(&alert("other", "other"), quote(40), at(NOON)).unwrap();
    assert_eq!(figures(&budgets, at(NOON)), [(0, 80), (0, 40), (0, 40)]);
}

#[test]
fn where_a_budget_degrades_the_cheaper_model_takes_over_beyond_the_limit_too() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Degrade)], at(NOON));
    let (alert, quote) = (alert("high_cpu", "api"), Quote { usual: usd(80), cheaper: Some(usd(8)) });
    assert_eq!(budgets.reserve(&alert, quote, at(NOON)).unwrap().degraded_by, None);
    for _ in 0..5 {
        let grant = budgets.reserve(&alert, quote, at(NOON)).unwrap();
        assert_eq!((grant.degraded_by, grant.amount), (Some(name("total", BudgetWindow::Hour)), usd(8)));
    }
    assert_eq!(figures(&budgets, at(NOON)), [(0, 120)]);
    assert_eq!(budgets.tell(at(NOON))[0].state, BudgetState::Exceeded);
    assert_eq!(budgets.reserve(&alert, quote, at(ONE)).unwrap().degraded_by, None);
}

#[test]
fn a_hard_limit_beside_one_that_degrades_holds() {
    let soft = rule(Scope::Service("api".into()), 10, AtLimit::Degrade);
    let mut budgets = LocalBudgets::new(vec![soft, rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let (alert, quote) = (alert("high_cpu", "api"), Quote { usual: usd(80), cheaper: Some(usd(30)) });
    for _ in 0..3 {
        assert_eq!(budgets.reserve(&alert, quote, at(NOON)).unwrap().amount, usd(30));
    }
    assert_eq!(budgets.reserve(&alert, quote, at(NOON)).unwrap_err().budget.scope, "total");
}

#[test]
fn what_only_warns_is_said_once_and_stops_nobody() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Warn)], at(NOON));
    let alert = alert("high_cpu", "api");
    let mut spend = |amount, time| {
        let grant = budgets.reserve(&alert, quote(amount), at(time)).unwrap();
        budgets.settle(grant.reservation, usd(amount), at(time).as_millisecond());
        budgets.release(grant.reservation);
        budgets.worsened(at(time).as_millisecond()).iter().map(|budget| budget.state).collect::<Vec<_>>()
    };
    assert_eq!(spend(79, NOON), []);
    assert_eq!(spend(1, NOON), [BudgetState::Warning]);
    assert_eq!(spend(1, NOON), []);
    assert_eq!(spend(50, NOON), [BudgetState::Exceeded]);
    assert_eq!(spend(50, NOON), []);
    assert_eq!(spend(80, ONE), [BudgetState::Warning]);
}

#[test]
fn a_model_that_reports_more_than_it_could_take_is_charged_and_takes_from_nobody_else() {
    let mut budgets = LocalBudgets::new(vec![rule(Scope::Total, 100, AtLimit::Reject)], at(NOON));
    let alert = alert("high_cpu", "api");
    let liar = budgets.reserve(&alert, quote(10), at(NOON)).unwrap();
    let honest = budgets.reserve(&alert, quote(90), at(NOON)).unwrap();
    budgets.settle(liar.reservation, usd(25), at(NOON).as_millisecond());
    budgets.release(liar.reservation);
    assert_eq!(figures(&budgets, at(NOON)), [(25, 90)]);
    budgets.release(honest.reservation);
    assert_eq!(figures(&budgets, at(NOON)), [(25, 0)]);
}

#[test]
fn a_budget_says_how_fast_it_is_spent_and_when_it_will_be() {
    let rules = vec![rule(Scope::Total, 1000, AtLimit::Warn), rule(Scope::Service("api".into()), 300, AtLimit::Warn)];
    let mut budgets = LocalBudgets::new(rules, at("2026-01-15T10:00:00Z"));
    let mut spend = |service, amount, time| {
        let grant = budgets.reserve(&alert("high_cpu", service), quote(amount), at(time)).unwrap();
        budgets.settle(grant.reservation, usd(amount), at(time).as_millisecond());
        budgets.release(grant.reservation);
    };
    spend("api", 60, "2026-01-15T11:58:00Z");
    spend("other", 100, "2026-01-15T12:01:00Z");
    spend("api", 120, "2026-01-15T12:02:59Z");
    let forecast = |budgets: &LocalBudgets, time| -> Vec<_> {
        let rates = |Budget { burn, exhausted_at, .. }: Budget| {
            let rates = (burn.last_5m_usd_per_hour.nanos(), burn.last_60m_usd_per_hour.nanos());
            (rates, exhausted_at.map(|at| at.to_string()))
        };
        budgets.tell(at(time)).into_iter().map(rates).collect()
    };
    let soon = |time: &str| Some(time.to_owned());
    // Of the 280 and 180 that these five minutes took, 220 and 120 belong to this hour.
    let three = forecast(&budgets, "2026-01-15T12:03:00Z");
    assert_eq!(three, [((3360, 280), soon("2026-01-15T12:16:55.715Z")), ((2160, 180), soon("2026-01-15T12:08:00Z"))]);
    // A minute counts whole as long as it reaches into the five.
    let edge = forecast(&budgets, "2026-01-15T12:03:59.999Z");
    assert_eq!((edge[0].0.0, edge[1].0.0), (280 * 10, 180 * 10));
    assert_eq!(forecast(&budgets, "2026-01-15T12:04:00Z")[1].0, (120 * 12, 180));
    assert_eq!(forecast(&budgets, "2026-01-15T12:06:30Z")[0].1, soon("2026-01-15T12:26:00Z"));
    assert_eq!(forecast(&budgets, "2026-01-15T12:08:00Z")[0], ((0, 280), None));
    let grant = budgets.reserve(&alert("high_cpu", "api"), quote(400), at("2026-01-15T12:59:30Z")).unwrap();
    budgets.settle(grant.reservation, usd(180), at("2026-01-15T12:59:30Z").as_millisecond());
    assert_eq!(forecast(&budgets, ALMOST_ONE)[1].1, None, "spent to the last");
    assert_eq!(forecast(&budgets, ALMOST_ONE)[0].1, None, "the window ends before");
    let fresh = &forecast(&budgets, ONE)[1];
    assert_eq!((fresh.0.0, fresh.1.as_deref()), (180 * 12, Some("2026-01-15T13:08:20Z")));
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Reserve { service: u8, most: u64 },
    Settle { which: usize, percent: u64 },
    Release { which: usize },
    Wait { minutes: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_u8, 0..60_u64).prop_map(|(service, most)| Event::Reserve { service, most }),
        4 => (any::<usize>(), 0..=100_u64).prop_map(|(which, percent)| Event::Settle { which, percent }),
        2 => any::<usize>().prop_map(|which| Event::Release { which }),
        1 => (-5..40_i64).prop_map(|minutes| Event::Wait { minutes }),
    ]
}

proptest! {
    #[test]
    fn spent_and_reserved_never_exceed_the_limit_whatever_happens(events in proptest::collection::vec(event(), 1..300)) {
        let total = |window, limit| over(window, rule(Scope::Total, limit, AtLimit::Reject));
        let rules = vec![
            total(BudgetWindow::Hour, 200),
            rule(Scope::Service("service-0".into()), 70, AtLimit::Reject),
            rule(Scope::AlertType("t".into()), 190, AtLimit::Reject),
            total(BudgetWindow::Day, 350),
            over(BudgetWindow::Month, rule(Scope::Service("service-0".into()), 150, AtLimit::Reject)),
            total(BudgetWindow::Month, 500),
        ];
        let totals = [0, 3, 5];
        // Hours, days and the month end under way.
        let mut now = at("2026-01-31T20:00:00Z");
        let mut budgets = LocalBudgets::new(rules, now);
        let mut live: Vec<(ReservationId, u64)> = Vec::new();
        let mut settled = 0;
        for event in events {
            match event {
                Event::Reserve { service, most } => {
                    let alert = alert("t", &format!("service-{service}"));
                    let before = figures(&budgets, now);
                    match budgets.reserve(&alert, quote(most), now) {
                        Ok(grant) => live.push((grant.reservation, most)),
                        Err(spent) => {
                            let budget = &spent.budget;
                            prop_assert!(budget.spent_usd + budget.reserved_usd + usd(most) > budget.limit_usd);
                            prop_assert_eq!(before, figures(&budgets, now));
                        }
                    }
                }
                Event::Settle { which, percent } if !live.is_empty() => {
                    let place = which % live.len();
                    let (reservation, left) = &mut live[place];
                    let cost = *left * percent / 100;
                    *left -= cost;
                    settled += cost;
                    budgets.settle(*reservation, usd(cost), now.as_millisecond());
                }
                Event::Release { which } if !live.is_empty() => {
                    let (reservation, _) = live.swap_remove(which % live.len());
                    budgets.release(reservation);
                }
                Event::Wait { minutes } => now += SignedDuration::from_mins(minutes),
                Event::Settle { .. } | Event::Release { .. } => {}
            }
            for budget in &budgets.budgets {
                for window in &budget.windows {
                    prop_assert!(window.spent + window.reserved <= budget.rule.limit);
                }
            }
            for place in totals {
                let set_aside: Usd = budgets.budgets[place].windows.iter().map(|window| window.reserved).sum();
                prop_assert_eq!(set_aside, usd(live.iter().map(|(_, left)| left).sum()));
            }
        }
        for place in totals {
            let spent: Usd = budgets.budgets[place].windows.iter().map(|window| window.spent).sum();
            prop_assert!(spent <= usd(settled));
        }
        live.iter().for_each(|(reservation, _)| budgets.release(*reservation));
        prop_assert!(budgets.reservations.is_empty());
        prop_assert!(budgets.budgets.iter().flat_map(|budget| &budget.windows).all(|window| window.reserved == Usd::ZERO));
    }
}

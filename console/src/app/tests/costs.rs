//! The Cost screen: whom it asks and when, what it makes of the answers, and its keys. And the fleet's budgets.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use jiff::SignedDuration;
use langdeck_shared::{AtLimit, Budget, BudgetState, Outlier, ReplicaUpdate, Status, Usd};
use serde_json::json;

use super::SECOND;
use crate::app::testing::{
    answer, answer_fleet, app, budget, busy_fleet, costs, fleet_answer, idle, investigation, no_costs, press, spend,
    wall,
};
use crate::app::{
    App, BudgetOrder, Context, CostOrder, CostPane, Effect, Gesture, Message, OutlierOrder, ShareOrder, SourceId,
    Split, Tab, TableOrder, Target,
};
use crate::net::NetError;

/// The addresses that are asked for costs.
fn asked(effects: &[Effect]) -> Vec<usize> {
    let ask = |effect: &Effect| if let Effect::FetchCosts(source) = effect { Some(source.0) } else { None };
    effects.iter().filter_map(ask).collect()
}

fn told(app: &mut App, source: usize, costs: langdeck_shared::Costs, now: Instant) -> Vec<Effect> {
    app.update(Message::Costs { source: SourceId(source), result: Ok(Box::new(costs)) }, now)
}

/// Two replicas of one fleet, each with an address of its own, and a third that is alone.
fn two_fleets(now: Instant) -> App {
    let mut app = app(&["http://a", "http://b", "http://c"], now);
    for (source, name, boot_id) in [(0, "a", "one"), (1, "b", "two")] {
        let both = vec![idle("a", "one"), idle("b", "two")];
        answer_fleet(&mut app, source, fleet_answer(name, boot_id, both), now);
    }
    answer(&mut app, 2, idle("c", "three"), now);
    app
}

#[test]
fn costs_are_asked_for_only_while_their_screen_is_open_and_at_once_when_it_opens() {
    let now = Instant::now();
    let mut app = two_fleets(now);
    assert_eq!(asked(&app.update(Message::Tick, now)), [0; 0]);
    assert_eq!(asked(&press(&mut app, KeyCode::Char('2'), now)), [0, 2], "of one fleet one address");
    assert_eq!((app.context(), app.tab), (Context::Cost, Tab::Cost));
    told(&mut app, 0, costs("a", "one"), now);
    told(&mut app, 2, no_costs("c", "three"), now);

    let soon = now + 1900 * SECOND / 1000;
    assert_eq!(asked(&app.update(Message::Tick, soon)), [0; 0]);
    let due = app.next_tick(soon).expect("it is asked again by the clock");
    assert!(due <= now + 2 * SECOND, "{:?}", due - now);
    assert_eq!(asked(&app.update(Message::Tick, now + 2 * SECOND)), [0, 2]);
    for close in [KeyCode::Char('1'), KeyCode::Char('p'), KeyCode::Esc] {
        let mut app = app.clone();
        for source in [0, 2] {
            told(&mut app, source, costs("a", "one"), now + 2 * SECOND);
        }
        press(&mut app, close, now + 2 * SECOND);
        assert_eq!(asked(&app.update(Message::Tick, now + 60 * SECOND)), [0; 0], "{close:?}");
    }
}

#[test]
fn an_address_that_hangs_has_one_question_and_holds_up_no_other() {
    let now = Instant::now();
    let mut app = two_fleets(now);
    press(&mut app, KeyCode::Char('2'), now);
    told(&mut app, 2, costs("c", "three"), now);
    assert_eq!(asked(&app.update(Message::Tick, now + 2 * SECOND)), [2]);
    told(&mut app, 2, costs("c", "three"), now + 2 * SECOND);
    let failed = Message::Costs { source: SourceId(0), result: Err(NetError::TimedOut(5)) };
    assert_eq!(asked(&app.update(failed, now + 5 * SECOND)), [0, 2]);
    assert_eq!(app.spending.failures().map(|(source, _)| source.0).collect::<Vec<_>>(), [0]);
    let known = app.spending.whole().expect("the other one answered");
    assert_eq!(known.costs.totals, costs("c", "three").totals);
}

#[test]
fn what_is_told_is_added_up_and_nobody_is_counted_twice() {
    let now = Instant::now();
    let mut app = two_fleets(now);
    press(&mut app, KeyCode::Char('2'), now);
    let tokens = |app: &App| app.spending.whole().map(|whole| whole.costs.totals.tokens);
    assert_eq!(tokens(&app), None);
    told(&mut app, 0, costs("a", "one"), now);
    assert_eq!(tokens(&app), Some(62_400), "what is there is shown before the others come");
    let mut alone = no_costs("c", "three");
    alone.totals = spend(600);
    told(&mut app, 2, alone, now + SECOND);
    assert_eq!(tokens(&app), Some(63_000));

    // The other address of the fleet takes the place of one that is lost, and the sum does not fall meanwhile.
    let next_try = now + 60 * SECOND;
    app.update(Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try }, now + SECOND);
    assert_eq!(asked(&app.update(Message::Tick, now + 2 * SECOND)), [1, 2]);
    told(&mut app, 2, no_costs("c", "three"), now + 2 * SECOND);
    assert_eq!(tokens(&app), Some(63_000));
    told(&mut app, 1, costs("b", "two"), now + 3 * SECOND);
    assert_eq!(tokens(&app), Some(62_400));
}

#[test]
fn what_is_old_has_an_age_that_grows() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    press(&mut app, KeyCode::Char('2'), now);
    told(&mut app, 0, costs("a", "one"), now);
    assert_eq!(app.spending.age(now + 4 * SECOND), None);
    // The next question hangs.
    app.update(Message::Tick, now + 2 * SECOND);
    let wake = app.next_tick(now + 4 * SECOND).expect("it becomes old by the clock alone");
    assert_eq!(app.spending.age(wake.max(now + 6 * SECOND)), Some(6 * SECOND));
    assert!(app.next_tick(now + 6 * SECOND).is_some_and(|tick| tick <= now + 7 * SECOND));
}

#[test]
fn keys_split_order_and_mark() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    press(&mut app, KeyCode::Char('2'), now);
    told(&mut app, 0, costs("a", "one"), now);
    let rows = |app: &App| app.spending.shares().rows().iter().map(|share| share.key.clone()).collect::<Vec<_>>();
    assert_eq!((app.spending.split(), rows(&app)[0].as_str()), (Split::Service, "checkout-api"));
    press(&mut app, KeyCode::Right, now);
    assert_eq!((app.spending.split(), rows(&app)[0].as_str()), (Split::AlertType, "high_latency"));
    for _ in 0..2 {
        press(&mut app, KeyCode::Left, now);
    }
    assert_eq!(app.spending.split(), Split::Replica);
    press(&mut app, KeyCode::Left, now);
    assert_eq!(app.spending.split(), Split::Step, "round and round");

    assert_eq!(rows(&app), ["reasoner", "planner", "get_logs", "get_metrics", "check_pods"]);
    press(&mut app, KeyCode::Char('j'), now);
    for _ in 1..ShareOrder::ALL.len() {
        press(&mut app, KeyCode::Char('s'), now);
    }
    assert_eq!(rows(&app), ["check_pods", "get_logs", "get_metrics", "planner", "reasoner"], "by name");
    assert_eq!(app.spending.row(CostPane::Shares), 3, "the marker follows the planner");
    press(&mut app, KeyCode::Char('S'), now);
    assert_eq!(app.spending.row(CostPane::Shares), 1);
    told(&mut app, 0, costs("a", "one"), now);
    assert_eq!(app.spending.row(CostPane::Shares), 1, "an answer changes neither order nor marker");
    press(&mut app, KeyCode::BackTab, now);
    assert_eq!(app.spending.pane, CostPane::Budgets);
    press(&mut app, KeyCode::Char('G'), now);
    assert_eq!(app.spending.row(CostPane::Budgets), 2);
}

/// A click on the head of a column of the Cost screen.
fn order_by(app: &mut App, order: CostOrder, now: Instant) {
    app.update(Message::Pointed(Gesture::Press, Target::CostHead(order)), now);
}

#[test]
fn budgets_are_ordered_by_every_column() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    press(&mut app, KeyCode::Char('2'), now);
    let mut costs = costs("a", "one");
    costs.budgets.reverse();
    let [alert_type, service, total] = costs.budgets.as_mut_slice() else { panic!("{:?}", costs.budgets) };
    for (budget, reserved, hourly) in [(total, 1, 2), (service, 3, 1), (&mut *alert_type, 2, 3)] {
        budget.reserved_usd = Usd::from_nanos(reserved);
        budget.burn.last_5m_usd_per_hour = Usd::from_nanos(hourly);
    }
    alert_type.at_limit = AtLimit::Warn;
    alert_type.resets_at += SignedDuration::from_hours(24);
    told(&mut app, 0, costs.clone(), now);
    // The first letters of what they are budgets of: everything, a service, an alert type.
    let letter = |budget: &Budget| budget.scope.chars().next();
    let scopes = |app: &App| app.spending.budgets().rows().iter().filter_map(letter).collect::<String>();
    assert_eq!(scopes(&app), "tsa", "in whatever order they are told");

    let orders = [
        (BudgetOrder::State, "ast"),
        (BudgetOrder::Used, "ast"),
        (BudgetOrder::Spent, "sta"),
        (BudgetOrder::Reserved, "sat"),
        (BudgetOrder::Limit, "tsa"),
        (BudgetOrder::Window, "sta"),
        (BudgetOrder::Resets, "sta"),
        (BudgetOrder::Hourly, "ats"),
        // Those that will not be spent stay as they are told.
        (BudgetOrder::Lasts, "tas"),
        (BudgetOrder::Scope, "tsa"),
        (BudgetOrder::AtLimit, "tsa"),
    ];
    assert_eq!(orders.len(), BudgetOrder::ALL.len());
    for (order, expected) in orders {
        order_by(&mut app, CostOrder::Budgets(order), now);
        assert_eq!((app.spending.pane, scopes(&app).as_str()), (CostPane::Budgets, expected), "{order:?}");
    }
    order_by(&mut app, CostOrder::Budgets(BudgetOrder::AtLimit), now);
    assert_eq!(scopes(&app), "ast", "a second click turns it round");
    told(&mut app, 0, costs, now);
    assert_eq!(scopes(&app), "ast", "an answer does not change it");
}

#[test]
fn steps_that_stand_out_are_ordered_by_every_column() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, idle("a", "one"), now);
    press(&mut app, KeyCode::Char('2'), now);
    let mut costs = costs("a", "one");
    let mut tool = costs.outliers[1].clone();
    tool.entry.at -= SignedDuration::from_secs(60);
    (tool.entry.input_tokens, tool.entry.output_tokens, tool.median_tokens) = (90, 30, 15);
    (tool.entry.step, tool.entry.service) = ("get_logs".to_owned(), "ledger".to_owned());
    (tool.entry.alert_type, tool.entry.model) = ("disk_full".to_owned(), "small-llm".to_owned());
    tool.entry.cost_usd = Some(Usd::from_nanos(1));
    costs.outliers[0].entry.cost_usd = None;
    costs.outliers[1].entry.alert_type = "pod_crash_loop".to_owned();
    costs.outliers[1].entry.model = "simulated-gpt-3.5".to_owned();
    costs.outliers.insert(0, tool);
    told(&mut app, 0, costs, now);
    // The first letters of the steps: the reasoner, the planner, and the tool `get_logs`.
    let letter = |outlier: &Outlier| outlier.entry.step.chars().next();
    let steps = |app: &App| app.spending.outliers().rows().iter().filter_map(letter).collect::<String>();
    assert_eq!(steps(&app), "rpg", "the latest first");

    let orders = [
        (OutlierOrder::Times, "pgr"),
        (OutlierOrder::Tokens, "prg"),
        (OutlierOrder::Median, "rpg"),
        // One without a price comes last.
        (OutlierOrder::Cost, "pgr"),
        (OutlierOrder::Step, "gpr"),
        (OutlierOrder::AlertType, "grp"),
        (OutlierOrder::Model, "prg"),
        (OutlierOrder::Age, "rpg"),
        (OutlierOrder::Service, "rgp"),
    ];
    assert_eq!(orders.len(), OutlierOrder::ALL.len());
    for (order, expected) in orders {
        order_by(&mut app, CostOrder::Outliers(order), now);
        assert_eq!((app.spending.pane, steps(&app).as_str()), (CostPane::Outliers, expected), "{order:?}");
    }
    press(&mut app, KeyCode::Char('S'), now);
    assert_eq!(steps(&app), "pgr", "the keys go where the click went");
    press(&mut app, KeyCode::Char('s'), now);
    assert_eq!((app.spending.outliers().order(), steps(&app).as_str()), (OutlierOrder::AlertType, "grp"));
    assert_eq!(app.spending.shares().order(), ShareOrder::Cost, "each table has its own");
}

#[test]
fn enter_opens_the_investigation_of_a_step_that_stands_out_and_esc_leads_back() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('2'), now);
    told(&mut app, 0, costs("a", "b1"), now);
    press(&mut app, KeyCode::Enter, now);
    assert!(app.opened().is_none(), "a service is nothing to open");
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Enter, now);
    let opened = app.opened().expect("the first outlier's investigation");
    assert_eq!((opened.id.as_str(), opened.step), ("inv_b1_2", 4), "at its reasoner");
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.context(), Context::Cost);
    press(&mut app, KeyCode::Enter, now);
    press(&mut app, KeyCode::Char('2'), now);
    assert_eq!(app.context(), Context::Cost, "a tab leads out of what is opened");
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.context(), Context::Overview);
}

/// Two fleets on the Cost screen, whose marker is at a step of an investigation that is not in the list: its id, and how
/// the one of the fleets that told of it is asked for it.
fn at_one_that_is_gone(now: Instant) -> (App, String, Effect) {
    let mut app = two_fleets(now);
    press(&mut app, KeyCode::Char('2'), now);
    told(&mut app, 0, no_costs("a", "one"), now);
    told(&mut app, 2, costs("c", "three"), now);
    for key in [KeyCode::Tab, KeyCode::Char('j')] {
        press(&mut app, key, now);
    }
    let id = "inv_gone_1".to_owned();
    let asks = Effect::FetchDetail { source: SourceId(2), id: id.clone() };
    (app, id, asks)
}

#[test]
fn an_investigation_that_is_older_than_the_list_is_asked_of_the_fleet_that_told_of_it() {
    let now = Instant::now();
    let (mut app, id, asks) = at_one_that_is_gone(now);
    assert_eq!(press(&mut app, KeyCode::Enter, now), std::slice::from_ref(&asks));
    assert_eq!((app.context(), app.opened_known().is_none()), (Context::Detail, true));
    assert_eq!(app.update(Message::Tick, now), [], "one question");
    app.update(Message::Detail { id: id.clone(), result: Err(NetError::TimedOut(5)) }, now);
    assert_eq!(app.opened().and_then(|detail| detail.error.clone()), Some(NetError::TimedOut(5)));

    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.context(), Context::Cost);
    assert_eq!(press(&mut app, KeyCode::Enter, now), [asks], "once more");
    let mut whole = investigation(&id, "c", ("high_latency", "search"), Status::Succeeded, Duration::ZERO);
    whole.steps.swap(0, 1);
    app.update(Message::Detail { id: id.clone(), result: Ok(Box::new(whole)) }, now);
    let (known, detail) = (app.opened_known().expect("it has come"), app.opened().expect("it is open"));
    assert_eq!((&known.investigation.investigation_id, detail.step), (&id, 1), "at its planner");
    press(&mut app, KeyCode::Char('j'), now);
    assert_eq!(app.opened().map(|detail| detail.step), Some(2));
    assert!(app.investigations.get(&id).is_none(), "it is no news, and not in the list");
    press(&mut app, KeyCode::Esc, now);
    press(&mut app, KeyCode::Char('1'), now);
    assert!(app.detail.is_none() && app.follows());
}

#[test]
fn one_that_was_lost_on_the_way_is_asked_for_again_when_its_fleet_answers() {
    let now = Instant::now();
    let (mut app, id, asks) = at_one_that_is_gone(now);
    let result = |app: &mut App, result| app.update(Message::Detail { id: id.clone(), result }, now);
    // A fleet in which nothing moves tells of nobody.
    let quiet =
        |app: &mut App, source, name, boot_id| answer_fleet(app, source, fleet_answer(name, boot_id, Vec::new()), now);
    assert_eq!(press(&mut app, KeyCode::Enter, now), std::slice::from_ref(&asks));
    for _ in 0..2 {
        assert_eq!(result(&mut app, Err(NetError::TimedOut(5))), [], "not at once");
        assert_eq!(quiet(&mut app, 0, "a", "one"), [], "another fleet does not know it");
        assert_eq!(quiet(&mut app, 2, "c", "three"), std::slice::from_ref(&asks));
        assert_eq!(quiet(&mut app, 2, "c", "three"), [], "one question");
    }
    let whole = investigation(&id, "c", ("high_latency", "search"), Status::Succeeded, Duration::ZERO);
    let mut come = app.clone();
    assert_eq!(result(&mut come, Ok(Box::new(whole))), []);
    assert_eq!(quiet(&mut come, 2, "c", "three"), [], "it has come");

    let problem = json!({
        "type": "urn:langdeck:problem:not-found", "title": "Not found", "status": 404,
        "detail": "it is no longer remembered", "request_id": "req_1",
    });
    let refused = NetError::Problem(serde_json::from_value(problem).expect("a problem"));
    assert_eq!(result(&mut app, Err(refused)), []);
    assert_eq!(quiet(&mut app, 2, "c", "three"), [], "it would be refused again");
}

#[test]
fn the_mouse_finds_tabs_rows_and_opens_what_it_presses_twice() {
    let (mut app, now) = busy_fleet(Instant::now());
    let press = |app: &mut App, target| app.update(Message::Pointed(Gesture::Press, target), now);
    press(&mut app, Target::Tab(Tab::Cost));
    told(&mut app, 0, costs("a", "b1"), now);
    press(&mut app, Target::Cost(CostPane::Shares, 2));
    assert_eq!(app.spending.row(CostPane::Shares), 2);
    app.update(Message::Pointed(Gesture::WheelDown, Target::Cost(CostPane::Budgets, 0)), now);
    assert_eq!((app.spending.pane, app.spending.row(CostPane::Budgets)), (CostPane::Budgets, 1));
    press(&mut app, Target::Cost(CostPane::Outliers, 0));
    assert!(app.opened().is_none());
    press(&mut app, Target::Cost(CostPane::Outliers, 0));
    assert!(app.opened().is_some());
}

/// A replica of which so many percent of its budget are spent.
fn with_budget(name: &str, boot_id: &str, percent: u64) -> ReplicaUpdate {
    ReplicaUpdate { budgets: vec![budget("total", 280_000_000, percent)], ..idle(name, boot_id) }
}

#[test]
fn the_budgets_of_a_fleet_are_those_of_its_living_replicas_and_stand_as_the_worst() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    answer(&mut app, 0, with_budget("a", "one", 42), now);
    assert_eq!(app.fleet.budgets()[0].worst, None);
    answer(&mut app, 1, with_budget("b", "two", 100), now);
    let [total] = app.fleet.budgets() else { panic!("{:?}", app.fleet.budgets()) };
    assert_eq!(total.sum.spent_usd, Usd::from_nanos(2_800_000 * 142));
    assert_eq!((total.sum.limit_usd, total.sum.replicas), (Usd::from_nanos(560_000_000), 2));
    assert_eq!(total.sum.state, BudgetState::Exceeded);
    let worst = total.worst.as_ref().map(|worst| (worst.replica.as_str(), worst.replicas));
    assert_eq!(worst, Some(("b", 1)));

    // A replica that is gone for good holds no budget any more.
    app.update(Message::PollFailed { source: SourceId(1), error: NetError::Refused, next_try: now }, now);
    answer(&mut app, 0, with_budget("a", "one", 43), now + 70 * SECOND);
    let [total] = app.fleet.budgets() else { panic!("{:?}", app.fleet.budgets()) };
    assert_eq!((total.sum.replicas, total.sum.state), (1, BudgetState::Ok));
}

#[test]
fn of_a_window_that_is_over_nothing_is_spent_any_more() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut update = with_budget("a", "one", 100);
    update.budgets[0].resets_at = wall() + SignedDuration::from_secs(2);
    answer(&mut app, 0, update, now);
    assert!(app.fleet.budgets()[0].worst.is_some());
    app.update(Message::Tick, now + Duration::from_millis(1999));
    assert!(app.fleet.budgets()[0].worst.is_some());
    app.update(Message::Tick, now + 2 * SECOND);
    let total = &app.fleet.budgets()[0];
    assert_eq!((&total.worst, total.sum.spent_usd, total.sum.state), (&None, Usd::ZERO, BudgetState::Ok));
}

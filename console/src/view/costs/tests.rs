//! The Cost screen, the header's gauge and the banner under snapshots.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{AtLimit, Budget, BudgetState, BudgetWindow, Costs, Status};
use ratatui::layout::{Position, Rect};

use super::super::screens::{SIZES, draw, snapshot, theme};
use super::super::testing;
use super::super::theme::{ColorDepth, Theme};
use crate::app::testing::{
    answer, app, budget, busy_fleet, costs, enormous, enormous_costs, idle, investigation, no_costs, press,
};
use crate::app::{App, CostOrder, Gesture, Message, OutlierOrder, SourceId, TableOrder, Target};
use crate::net::NetError;

fn tell(app: &mut App, costs: Costs, now: Instant) {
    app.update(Message::Costs { source: SourceId(0), result: Ok(Box::new(costs)) }, now);
}

/// A fleet at work with budgets, on its Cost screen.
fn at_work() -> (App, Instant) {
    let (mut app, now) = busy_fleet(Instant::now());
    for (source, name, boot_id, percent) in
        [(0, "langchain-free-7d9c-p8mvd", "b1", 42), (2, "langchain-free-7d9c-x2kqp", "b3", 100)]
    {
        let mut update = idle(name, boot_id);
        (update.reset, update.running) = (false, 1);
        let mut service = budget("service:checkout-api", 500_000_000, 83);
        service.at_limit = AtLimit::Degrade;
        update.budgets = vec![budget("total", 280_000_000, percent), service];
        answer(&mut app, source, update, now);
    }
    press(&mut app, KeyCode::Char('2'), now);
    tell(&mut app, costs("a", "b1"), now);
    (app, now)
}

#[test]
fn the_cost_screen() {
    let (app, now) = at_work();
    for size in SIZES {
        snapshot("cost", &app, size, &theme(), now);
    }
    for size in [SIZES[0], SIZES[2]] {
        snapshot("cost_ascii_without_colour", &app, size, &Theme::new(ColorDepth::None, true), now);
    }
}

#[test]
fn before_the_first_answer_and_before_anything_was_spent() {
    let now = Instant::now();
    let mut app = app(&["http://localhost:8000"], now);
    answer(&mut app, 0, idle("agent-0", "b0"), now);
    press(&mut app, KeyCode::Char('2'), now);
    let screen = testing::render(&draw(&app, (80, 24), &theme(), now));
    assert!(screen.contains("asking the agents"), "{screen}");
    tell(&mut app, no_costs("agent-0", "b0"), now);
    for size in SIZES {
        snapshot("cost_empty", &app, size, &theme(), now);
    }
}

#[test]
fn what_is_old_says_so_and_who_is_missing_is_named() {
    let (mut app, now) = at_work();
    app.update(Message::Tick, now + Duration::from_secs(2));
    app.update(
        Message::Costs { source: SourceId(0), result: Err(NetError::TimedOut(5)) },
        now + Duration::from_secs(7),
    );
    for size in SIZES {
        let screen = testing::render(&draw(&app, size, &theme(), now + Duration::from_secs(9)));
        assert!(screen.contains("? 9s old"), "{screen}");
        assert!(screen.contains("no answer from http://localhost:8001 (no answer within 5 s)"), "{screen}");
    }
    let screen = testing::render(&draw(&app, SIZES[2], &theme(), now));
    assert!(screen.contains("without langchain-free-7d9c-k7rtd (no answer within 2 s)"), "{screen}");
}

#[test]
fn no_size_panics_and_everything_is_ascii_where_asked() {
    let (mut app, now) = at_work();
    let ascii = Theme::new(ColorDepth::TrueColor, true);
    for key in [KeyCode::Tab, KeyCode::Tab, KeyCode::Tab] {
        for size in [(40, 12), (41, 13), (60, 17), (80, 24), (115, 33), (116, 34), (159, 50), (160, 50), (400, 100)] {
            let buffer = draw(&app, size, &ascii, now);
            let strange = buffer.content().iter().find(|cell| !cell.symbol().is_ascii());
            assert!(strange.is_none(), "{:?} at {size:?}", strange.map(|cell| cell.symbol()));
        }
        press(&mut app, key, now);
    }
}

#[test]
fn the_largest_numbers_draw_without_a_panic() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    answer(&mut app, 0, enormous("a", "one"), now);
    press(&mut app, KeyCode::Char('2'), now);
    tell(&mut app, enormous_costs("a", "one"), now);
    for _ in 0..5 {
        for size in SIZES {
            draw(&app, size, &theme(), now);
        }
        press(&mut app, KeyCode::Right, now);
    }
}

#[test]
fn the_mouse_finds_rows_and_tabs() {
    let (app, now) = at_work();
    let buffer = draw(&app, SIZES[1], &theme(), now);
    let mut found = 0;
    for y in 0..SIZES[1].1 {
        for x in [4, 60] {
            let Target::Cost(pane, row) = super::super::target(&app, buffer.area, Position::new(x, y)) else {
                continue;
            };
            let line: String = (0..SIZES[1].0).map(|x| buffer[(x, y)].symbol()).collect();
            let name = match pane {
                crate::app::CostPane::Budgets => {
                    super::super::budget::scope(&app.spending.budgets().rows()[row]).into_owned()
                }
                crate::app::CostPane::Shares => app.spending.shares().rows()[row].key.clone(),
                crate::app::CostPane::Outliers => app.spending.outliers().rows()[row].entry.step.clone(),
            };
            assert!(line.contains(&name[name.len() - 5..]), "{y}: {name} in {line}");
            found += 1;
        }
    }
    assert!(found >= 2 * 3 + 2 * 3 + 2, "{found}");
    let tabs: String = (0..SIZES[1].0).map(|x| buffer[(x, 1)].symbol()).collect();
    let at = |name: &str| Position::new(u16::try_from(tabs.find(name).unwrap()).unwrap(), 1);
    let area = Rect::new(0, 0, SIZES[1].0, SIZES[1].1);
    for tab in crate::app::Tab::ALL {
        assert_eq!(super::super::target(&app, area, at(tab.as_str())), Target::Tab(tab));
    }
}

#[test]
fn the_mouse_finds_the_heads_of_columns_and_the_order_is_said() {
    let (mut app, now) = at_work();
    let area = Rect::new(0, 0, SIZES[2].0, SIZES[2].1);
    let mut orders = Vec::new();
    for at in area.positions() {
        let Target::CostHead(order) = super::super::target(&app, area, at) else { continue };
        if !orders.contains(&(order, at.y)) {
            orders.push((order, at.y));
        }
    }
    // Share and cost are one order; what each replica may spend is none.
    assert_eq!(orders.len(), 11 + 7 + 9, "{orders:?}");
    let buffer = draw(&app, SIZES[2], &theme(), now);
    for (order, y) in orders {
        let heads: String = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
        let (said, head) = match order {
            CostOrder::Budgets(order) => (format!("by {} ", order.as_str()), "BUDGET"),
            CostOrder::Shares(order) => (format!("by {} ", order.as_str()), "SERVICE"),
            // As they came, which is no order that a person has chosen.
            CostOrder::Outliers(OutlierOrder::Age) => ("Enter opens".to_owned(), "STEP"),
            CostOrder::Outliers(order) => (format!("by {} ", order.as_str()), "STEP"),
        };
        assert!(heads.contains(head), "{order:?}: {heads}");
        app.update(Message::Pointed(Gesture::Press, Target::CostHead(order)), now);
        let screen = testing::render(&draw(&app, SIZES[2], &theme(), now));
        assert!(screen.contains(&said), "{order:?}\n{screen}");
    }
    for size in SIZES {
        snapshot("cost_ordered", &app, size, &theme(), now);
    }
}

#[test]
fn an_investigation_that_is_not_in_the_list_is_asked_for_and_shown_or_it_is_said_why_not() {
    let (mut app, now) = at_work();
    for key in [KeyCode::Tab, KeyCode::Char('j'), KeyCode::Enter] {
        press(&mut app, key, now);
    }
    let see = |app: &App, said: &str| {
        for size in SIZES {
            let screen = testing::render(&draw(app, size, &theme(), now));
            assert!(screen.contains(said), "{said:?} at {size:?}\n{screen}");
        }
    };
    see(&app, "not among those known here; asking its fleet");
    let id = "inv_gone_1".to_owned();
    let problem =
        r#"{"type": "urn:x", "title": "t", "status": 404, "detail": "it is remembered nowhere", "request_id": "r"}"#;
    let forgotten = NetError::Problem(Box::new(serde_json::from_str(problem).unwrap()));
    app.update(Message::Detail { id: id.clone(), result: Err(forgotten) }, now);
    see(&app, "it is remembered nowhere");
    let whole = investigation(&id, "old-pod", ("disk_full", "search"), Status::Partial, Duration::from_secs(900));
    app.update(Message::Detail { id, result: Ok(Box::new(whole)) }, now);
    see(&app, "disk_full on search");
    see(&app, "get_metrics");
}

/// On whatever screen: which budget, of whom, how much, until when, and what happens now.
#[test]
fn a_budget_at_its_end_is_told_on_every_screen() {
    let (mut app, now) = at_work();
    for key in ['2', '1', 'f'] {
        press(&mut app, KeyCode::Char(key), now);
        for size in SIZES {
            let screen = testing::render(&draw(&app, size, &theme(), now));
            for said in [
                "budget total per day exceeded at",
                "x2kqp: alerts are refused for 13h 30m",
                "checkout-api per day at 83 %",
            ] {
                assert!(screen.contains(said), "{said:?} at {size:?}\n{screen}");
            }
        }
    }
    snapshot("budgets_at_their_end", &app, (120, 40), &theme(), now);
    let mut well = idle("langchain-free-7d9c-x2kqp", "b3");
    (well.reset, well.uptime_ms) = (false, 125_000);
    well.budgets = vec![budget("total", 280_000_000, 10)];
    answer(&mut app, 2, well, now);
    let screen = testing::render(&draw(&app, SIZES[1], &theme(), now));
    assert!(!screen.contains("exceeded"), "{screen}");
}

#[test]
fn each_way_at_the_limit_has_its_words() {
    let now = Instant::now();
    for (at_limit, said) in [
        (AtLimit::Reject, "alerts are refused for 13h 30m"),
        (AtLimit::Degrade, "alerts go to the cheaper model for 13h 30m"),
        (AtLimit::Warn, "alerts go on beyond the limit for 13h 30m"),
    ] {
        let mut app = app(&["http://localhost:8000"], now);
        let mut update = idle("agent-0", "b0");
        update.budgets = vec![budget("total", 280_000_000, 100)];
        (update.budgets[0].at_limit, update.budgets[0].state) = (at_limit, BudgetState::Exceeded);
        answer(&mut app, 0, update, now);
        let screen = testing::render(&draw(&app, (120, 40), &theme(), now));
        assert!(
            screen.contains(&format!("budget total per day exceeded: {said}; $0.280 of $0.280 spent today UTC")),
            "{screen}"
        );
    }
}

/// A month's budget of everything beside a day's, with so many percent spent of each.
fn two_windows(day: u64, month: u64) -> [Budget; 2] {
    let mut of_month = budget("total", 5_000_000_000, month);
    (of_month.window, of_month.resets_at) =
        (BudgetWindow::Month, of_month.resets_at + Duration::from_secs(16 * 86_400));
    [budget("total", 280_000_000, day), of_month]
}

/// An agent with these budgets, on its Cost screen.
fn with_budgets(budgets: &[Budget], now: Instant) -> App {
    let mut app = app(&["http://localhost:8000"], now);
    let mut update = idle("agent-0", "b0");
    update.budgets = budgets.to_vec();
    answer(&mut app, 0, update, now);
    press(&mut app, KeyCode::Char('2'), now);
    tell(&mut app, Costs { budgets: budgets.to_vec(), ..costs("agent-0", "b0") }, now);
    app
}

#[test]
fn two_windows_of_one_scope_stand_side_by_side() {
    let now = Instant::now();
    let app = with_budgets(&two_windows(42, 91), now);
    for size in &SIZES[..2] {
        snapshot("cost_of_two_windows", &app, *size, &theme(), now);
    }
    // However narrow it is, they do not look alike.
    let screen = testing::render(&draw(&app, (60, 24), &theme(), now));
    let rows: Vec<_> = screen.lines().filter(|line| line.contains("total  ")).collect();
    assert!(rows[0].contains(" day ") && rows[1].contains(" month "), "{screen}");
}

#[test]
fn the_head_shows_the_window_that_matters_most() {
    let now = Instant::now();
    let mut patient = two_windows(81, 89);
    (patient[1].threshold_percent, patient[1].state) = (90, BudgetState::Ok);
    let mut lenient = two_windows(100, 100);
    lenient[1].at_limit = AtLimit::Degrade;
    for (budgets, said) in [
        (two_windows(42, 40), "today UTC $0.118"),
        (two_windows(40, 42), "this month UTC $2.10"),
        // One past its threshold matters more than one that is nearer its limit, whose threshold is higher.
        (patient, "today UTC $0.227"),
        // What is spent matters more than what is nearly so, and what is so for longer more than what is over soon,
        // unless that is stricter.
        (two_windows(100, 99), "today UTC $0.280"),
        (two_windows(100, 100), "this month UTC $5.00"),
        (lenient, "today UTC $0.280"),
    ] {
        let app = with_budgets(&budgets, now);
        let screen = testing::render(&draw(&app, SIZES[1], &theme(), now));
        assert!(screen.lines().next().unwrap().contains(said), "{said}\n{screen}");
        let narrow = testing::render(&draw(&app, SIZES[0], &theme(), now));
        let word = if said.contains("month") { " month $" } else { " day $" };
        assert!(narrow.lines().next().unwrap().contains(word), "{word}\n{narrow}");
    }
}

#[test]
fn the_banner_is_about_the_budget_that_decides() {
    let now = Instant::now();
    let said = |budgets: &[Budget]| testing::render(&draw(&with_budgets(budgets, now), (160, 40), &theme(), now));
    let warned = said(&two_windows(83, 91));
    assert!(warned.contains("budget total per month at 91 %: $4.55 of $5.00 spent this month UTC"), "{warned}");
    assert!(warned.contains("alerts are refused; 1 more budget so"), "{warned}");
    let both = said(&two_windows(100, 100));
    assert!(both.contains("budget total per month exceeded: alerts are refused for 16d 13h"), "{both}");
    let mut strict = two_windows(100, 100);
    strict[1].at_limit = AtLimit::Degrade;
    let strict = said(&strict);
    assert!(strict.contains("budget total per day exceeded: alerts are refused for 13h 30m"), "{strict}");
}

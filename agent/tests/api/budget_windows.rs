//! Budgets of one scope over several windows: an alert needs room in each, and each is told of by its window.

use jiff::Timestamp;
use langdeck_agent::{AtLimit, BudgetWindow, Config, Usd};
use langdeck_shared::{Budget, BudgetState, Costs, Counted, DecisionPage};
use reqwest::StatusCode;
use serde_json::json;

use crate::costs::policy;
use crate::fleet::ready_fleet;
use crate::support::{Server, alert, config, problem};

/// What the documented alert costs.
const DOCUMENTED: Usd = Usd::from_nanos(314_000);

/// Room for one such alert by the month, and for so many by the day, which may end before the test does.
fn one_a_month(a_day: u64) -> String {
    let day = Usd::from_nanos(DOCUMENTED.nanos() * a_day);
    format!("[[budget]]\nlimit_usd = {DOCUMENTED}\nwindow = \"month\"\n[[budget]]\nlimit_usd = {day}\n")
}

/// Those of the total, by window.
fn by_window(budgets: &[Budget]) -> [&Budget; 2] {
    let of = |window| budgets.iter().find(|budget| budget.scope == "total" && budget.window == window).unwrap();
    [of(BudgetWindow::Day), of(BudgetWindow::Month)]
}

#[tokio::test]
async fn a_day_and_a_month_stand_side_by_side_and_the_one_that_refuses_for_longest_is_named() {
    // By the second alert either both are spent or only the month is.
    for a_day in [1, 2] {
        let file = policy(&one_a_month(a_day));
        let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
        server.investigate("high_latency", "checkout-api").await;
        let before = Timestamp::now();
        let response = server.post("/investigate", &alert("high_latency", "checkout-api")).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        let retry_after: i64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        let problem = problem(response).await;
        assert!(problem.detail.contains("`total` of 0.000314 USD per month (UTC)"), "{}", problem.detail);
        let refusing = problem.budget.unwrap();
        assert_eq!((refusing.scope.as_str(), refusing.window), ("total", BudgetWindow::Month));
        let wait = refusing.resets_at.duration_since(before).as_secs();
        assert!((wait - 60..=wait + 1).contains(&retry_after), "{retry_after} of {wait}");

        let costs: Costs = server.read("/v1/costs").await;
        costs.check().unwrap();
        let [day, month] = by_window(&costs.budgets);
        assert_eq!((day.rejections, month.rejections), (0, 1));
        assert_eq!(month.state, BudgetState::Exceeded);
        assert!(a_day == 1 || day.state == BudgetState::Ok);
        let told = server.replica(None).await.budgets;
        assert_eq!(by_window(&told).map(|budget| budget.rejections), [0, 1]);
        let metrics = server.get("/metrics").await.text().await.unwrap();
        for line in [
            &format!("agent_budget_limit_usd{{scope=\"total\",window=\"day\"}} {}", day.limit_usd),
            "agent_budget_limit_usd{scope=\"total\",window=\"month\"} 0.000314",
            "agent_budget_rejections_total{scope=\"total\",window=\"day\"} 0",
            "agent_budget_rejections_total{scope=\"total\",window=\"month\"} 1",
        ] {
            assert!(metrics.lines().any(|actual| actual == line), "{line:?} is not in:\n{metrics}");
        }
        let decisions = server.read::<DecisionPage>("/v1/decisions?code=budget_exceeded").await.decisions;
        assert_eq!(decisions[0].reason, "the budget of total per month has no room for it");
        let spent = server.read::<DecisionPage>("/v1/decisions?code=budget_spent").await.decisions;
        assert!(spent[0].reason.starts_with("the budget of total per month has no room left"), "{}", spent[0].reason);
        assert!(a_day == 1 || spent.len() == 1);
    }
}

#[tokio::test]
async fn a_report_says_which_window_made_it_cheaper() {
    let text =
        "[[budget]]\nlimit_usd = 1\n[[budget]]\nlimit_usd = 0.0001\nwindow = \"month\"\nat_limit = \"degrade\"\n";
    let file = policy(text);
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let report = server.investigate("high_latency", "checkout-api").await;
    let tracking = &report["cost_tracking"];
    assert_eq!((&tracking["degraded_by"], &tracking["degraded_window"]), (&json!("total"), &json!("month")));
}

#[tokio::test]
async fn the_budget_of_the_flags_stands_beside_one_of_another_window() {
    let file = policy("[[budget]]\nlimit_usd = 7\nwindow = \"month\"\n");
    let config = |budget_window| Config {
        policy: Some(file.path().into()),
        budget_usd: Some(DOCUMENTED),
        budget_window,
        budget_at_limit: AtLimit::Warn,
        ..config()
    };
    let server = Server::with(config(BudgetWindow::Day)).await;
    let costs: Costs = server.read("/v1/costs").await;
    let limits = by_window(&costs.budgets).map(|budget| (budget.limit_usd, budget.at_limit));
    assert_eq!(limits, [(DOCUMENTED, AtLimit::Warn), (Usd::from_nanos(7_000_000_000), AtLimit::Reject)]);
    let refused = langdeck_agent::Agent::start(config(BudgetWindow::Month)).await.err().unwrap();
    assert!(
        refused.is_usage() && refused.to_string().contains("is one of everything per month, as --budget-usd"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_fleet_adds_up_each_window_by_itself() {
    let file = policy(&one_a_month(3));
    let servers = ready_fleet(2, Config { policy: Some(file.path().into()), ..config() }).await;
    servers[1].investigate("high_latency", "checkout-api").await;
    let costs: Costs = servers[0].read("/v1/costs?scope=fleet").await;
    assert_eq!((costs.missing.len(), costs.budgets.len()), (0, 2));
    let figures = |budget: &Budget| (budget.limit_usd.nanos(), budget.replicas, budget.counted);
    let expected = [6, 2].map(|times| (times * DOCUMENTED.nanos(), 2, Counted::EachReplicaItsLife));
    assert_eq!(by_window(&costs.budgets).map(figures), expected);
    assert_eq!(by_window(&costs.budgets)[1].spent_usd, DOCUMENTED);
}

#[tokio::test]
async fn an_alert_is_degraded_once_for_as_long_as_the_last_window_has_no_room() {
    let budget = |window| format!("[[budget]]\nlimit_usd = 0.0002\nwindow = \"{window}\"\nat_limit = \"degrade\"\n");
    let file = policy(&(budget("hour") + &budget("month")));
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let report = server.investigate("high_latency", "checkout-api").await;
    assert_eq!(report["cost_tracking"]["degraded_window"], "month");
    for (code, times) in [("degraded", 1), ("limit_exceeded", 0)] {
        let page: DecisionPage = server.read(&format!("/v1/decisions?code={code}")).await;
        assert_eq!(page.decisions.len(), times, "{code}: {:?}", page.decisions);
    }
}

//! Budgets over HTTP: a limit that holds for any number of clients at once, and what they are told at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use langdeck_agent::{AtLimit, BudgetWindow, Config, Usd};
use langdeck_shared::{Budget, BudgetState, Costs, Outcome, Report, Status, WebhookAnswer};
use reqwest::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::costs::policy;
use crate::support::{Server, alert, config, problem};

const DOCUMENTED: Usd = Usd::from_nanos(314_000);

/// A month's budget for so many investigations like the documented one.
fn for_investigations(count: u64, budget_at_limit: AtLimit) -> Config {
    let budget_usd = Some(Usd::from_nanos(DOCUMENTED.nanos() * count));
    Config { budget_usd, budget_window: BudgetWindow::Month, budget_at_limit, ..config() }
}

async fn only_budget(server: &Server) -> Budget {
    let costs: Costs = server.read("/v1/costs").await;
    costs.check().unwrap();
    let [budget] = costs.budgets.try_into().unwrap();
    budget
}

/// How the answers to the documented alert end that 200 clients send at once.
async fn two_hundred_clients(server: &Arc<Server>) -> BTreeMap<(StatusCode, Option<Status>), usize> {
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let server = Arc::clone(server);
        clients.spawn(async move {
            let response = server.post("/investigate", &alert("high_latency", "checkout-api")).await;
            let status = response.status();
            if status == StatusCode::OK {
                let report: Report = response.json().await.unwrap();
                assert_eq!(report.cost_tracking.cost_usd, DOCUMENTED);
                return (status, Some(report.status));
            }
            assert!(problem(response).await.kind.ends_with("budget-exceeded"));
            (status, None)
        });
    }
    let mut ends = BTreeMap::new();
    for end in clients.join_all().await {
        *ends.entry(end).or_default() += 1;
    }
    ends
}

#[tokio::test]
async fn a_budget_for_fifty_lets_fifty_of_two_hundred_clients_succeed_and_refuses_the_rest() {
    // Without a delay one after the other ends; with one, all that there is room for are at work at once.
    for sim_delay in [0.0, 1.0] {
        let server = Arc::new(Server::with(Config { sim_delay, ..for_investigations(50, AtLimit::Reject) }).await);
        let ends = two_hundred_clients(&server).await;
        let expected = [((StatusCode::OK, Some(Status::Succeeded)), 50), ((StatusCode::TOO_MANY_REQUESTS, None), 150)];
        assert_eq!(ends, BTreeMap::from(expected), "with a delay of {sim_delay}");
        let budget = only_budget(&server).await;
        assert_eq!((budget.spent_usd, budget.reserved_usd), (budget.limit_usd, Usd::ZERO));
        assert_eq!((budget.state, budget.rejections), (BudgetState::Exceeded, 150));
    }
}

#[tokio::test]
async fn who_is_refused_learns_which_budget_it_was_and_when_to_come_back() {
    let server = Server::with(for_investigations(1, AtLimit::Reject)).await;
    server.investigate("high_latency", "checkout-api").await;
    let before = Timestamp::now();
    for path in ["/investigate", "/v1/investigations"] {
        let response = server.post(path, &alert("high_latency", "checkout-api")).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        let retry_after: i64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        let problem = problem(response).await;
        let budget = problem.budget.unwrap();
        assert_eq!((budget.scope.as_str(), budget.limit_usd, budget.spent_usd), ("total", DOCUMENTED, DOCUMENTED));
        let wait = budget.resets_at.duration_since(before).as_secs();
        assert!((wait - 60..=wait + 1).contains(&retry_after), "{retry_after} of {wait}");
        for part in ["`total`", "0.000314 USD per month (UTC)", "this replica", "resets at"] {
            assert!(problem.detail.contains(part), "{part:?} is not in: {}", problem.detail);
        }
    }
    let budget = only_budget(&server).await;
    assert_eq!(server.replica(None).await.budgets, std::slice::from_ref(&budget));
    let resets_at = budget.resets_at;
    let metrics = server.get("/metrics").await.text().await.unwrap();
    for line in [
        "agent_budget_limit_usd{scope=\"total\",window=\"month\"} 0.000314",
        "agent_budget_spent_usd{scope=\"total\",window=\"month\"} 0.000314",
        "agent_budget_reserved_usd{scope=\"total\",window=\"month\"} 0",
        "agent_budget_threshold_ratio{scope=\"total\",window=\"month\"} 0.8",
        "agent_budget_exceeded{scope=\"total\",window=\"month\"} 1",
        &format!(
            "agent_budget_window_end_timestamp_seconds{{scope=\"total\",window=\"month\"}} {}",
            resets_at.as_second()
        ),
        "agent_step_cost_usd_total{step=\"planner\"} 0.00009",
        "agent_budget_rejections_total{scope=\"total\",window=\"month\"} 2",
        "agent_requests_refused_total{reason=\"budget\"} 2",
    ] {
        assert!(metrics.lines().any(|actual| actual == line), "{line:?} is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn money_that_is_only_set_aside_comes_back_soon() {
    let text = "[[price]]\nmodel = \"no-such-price\"\nfrom = 2025-01-01\ninput = 1\ncached_input = 1\noutput = 1\nsource = \"t\"";
    let file = policy(text);
    // Three tokens a call, and for 18 of them is set aside, since a plan may have 16 tools; only three are made.
    let limit = Some(Usd::from_nanos(20 * 3000));
    let config =
        Config { policy: Some(file.path().into()), budget_usd: limit, budget_window: BudgetWindow::Month, ..config() };
    let (server, gate) = Server::gated(config).await;
    let first = server.submit("high_cpu", "a").await;
    gate.entered().await;
    let budget = only_budget(&server).await;
    assert_eq!((budget.spent_usd, budget.reserved_usd), (Usd::from_nanos(2 * 3000), Usd::from_nanos(16 * 3000)));
    let response = server.post("/v1/investigations", &alert("high_cpu", "b")).await;
    assert_eq!(
        (response.status(), &response.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    let cancelled = server.post(&format!("/v1/investigations/{first}/cancel"), &json!({})).await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    server.ended(&first).await;
    let budget = only_budget(&server).await;
    assert_eq!((budget.spent_usd, budget.reserved_usd), (Usd::from_nanos(2 * 3000), Usd::ZERO));
}

#[tokio::test]
async fn a_budget_that_degrades_goes_on_with_the_cheaper_model_and_says_so() {
    let server = Server::with(for_investigations(1, AtLimit::Degrade)).await;
    let usual = server.investigate("high_latency", "checkout-api").await;
    assert_eq!(usual["cost_tracking"]["degraded_by"], json!(null));
    let report = server.investigate("high_latency", "checkout-api").await;
    assert_eq!(report["status"], "succeeded");
    let tracking = &report["cost_tracking"];
    assert_eq!(tracking["cost_usd"].to_string(), "0.0000314");
    assert_eq!((&tracking["model"], &tracking["degraded_by"]), (&json!("simulated-gpt-3.5"), &json!("total")));
    let investigation = server.investigation(report["investigation_id"].as_str().unwrap()).await;
    assert_eq!(tracking["degraded_window"], "month");
    let degraded = (investigation.degraded_by.as_deref(), investigation.degraded_window);
    assert_eq!(degraded, (Some("total"), Some(BudgetWindow::Month)));
    let budget = only_budget(&server).await;
    assert_eq!((budget.state, budget.spent_usd), (BudgetState::Exceeded, Usd::from_nanos(345_400)));
    assert_eq!(server.read::<Costs>("/v1/costs").await.savings.models_usd, Usd::from_nanos(282_600));
}

#[tokio::test]
async fn a_budget_degrades_where_the_cap_is_below_what_either_model_may_take() {
    let file = policy(
        "investigation_cap_usd = 0.00015\n\
         [[budget]]\nlimit_usd = 0.0002\nwindow = \"month\"\nat_limit = \"degrade\"\n\
         [[price]]\nmodel = \"simulated-gpt-3.5\"\nfrom = 2026-01-01\ninput = 1\ncached_input = 1\noutput = 1\n\
         source = \"half of the usual one's\"\n",
    );
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    for (model, degraded_by) in [("simulated-gpt-4", json!(null)), ("simulated-gpt-3.5", json!("total"))] {
        let tracking = &server.investigate("high_latency", "checkout-api").await["cost_tracking"];
        assert_eq!((&tracking["model"], &tracking["degraded_by"]), (&json!(model), &degraded_by));
        assert_eq!(tracking["capped"], json!(true), "{model}");
    }
}

#[tokio::test]
async fn a_budget_that_only_warns_stops_nobody() {
    let server = Server::with(for_investigations(2, AtLimit::Warn)).await;
    let mut states = Vec::new();
    for _ in 0..3 {
        server.investigate("high_latency", "checkout-api").await;
        states.push(only_budget(&server).await.state);
    }
    assert_eq!(states, [BudgetState::Ok, BudgetState::Exceeded, BudgetState::Exceeded]);
}

#[tokio::test]
async fn budgets_of_a_service_and_of_an_alert_type_leave_others_alone() {
    let file = policy(
        "[[budget]]\nservice = \"checkout-api\"\nlimit_usd = 0.000314\nwindow = \"month\"\n\
         [[budget]]\nalert_type = \"HighCPU\"\nlimit_usd = 0.0001\nwindow = \"month\"\n",
    );
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    server.investigate("high_latency", "checkout-api").await;
    server.investigate("high_latency", "payment-api").await;
    for (alert_type, service, scope) in
        [("high_latency", "checkout-api", "service:checkout-api"), ("high_cpu", "payment-api", "alert_type:high_cpu")]
    {
        let refused = server.post("/investigate", &alert(alert_type, service)).await;
        assert_eq!(problem(refused).await.budget.unwrap().scope, scope);
    }
}

#[tokio::test]
async fn at_its_cap_an_investigation_gives_the_best_partial_answer() {
    // Planner and reasoner cost 0.000224, the first tool 0.000024, the second 0.00003.
    let file = policy("investigation_cap_usd = \"0.000277\"");
    let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
    let report = server.investigate("high_latency", "checkout-api").await;
    assert_eq!((&report["status"], &report["cost_tracking"]["capped"]), (&json!("partial"), &json!(true)));
    assert_eq!(report["cost_tracking"]["cost_usd"].to_string(), "0.000248");
    let steps = report.pointer("/chain_execution/executor/steps").unwrap().as_array().unwrap();
    let statuses: Vec<_> = steps.iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["succeeded", "cancelled", "cancelled"]);
    assert!(steps[1]["result"].as_str().unwrap().contains("0.000277 USD that this investigation may spend"));
    let summary = report.pointer("/chain_execution/reasoner/summary").unwrap().as_str().unwrap();
    assert!(summary.contains("without get_metrics: of the 0.000277 USD"), "{summary}");
    let investigation = server.investigation(report["investigation_id"].as_str().unwrap()).await;
    assert!(investigation.capped);
}

#[tokio::test]
async fn a_cap_that_is_too_small_for_a_report_is_named_with_what_it_would_take() {
    // The planner alone costs 0.00009.
    for (cap, without) in [("0.00001", "no plan"), ("0.00009", "no conclusion")] {
        let file = policy(&format!("investigation_cap_usd = \"{cap}\""));
        let server = Server::with(Config { policy: Some(file.path().into()), ..config() }).await;
        let failed = server.post("/investigate", &alert("high_latency", "checkout-api")).await;
        assert_eq!(failed.status(), StatusCode::BAD_GATEWAY);
        let problem = problem(failed).await;
        let told = format!("the policy's investigation_cap_usd leaves it {cap} USD");
        for part in [without, &told, "may cost 0.000314 USD"] {
            assert!(problem.detail.contains(part), "{part:?} is not in: {}", problem.detail);
        }
        let investigation = server.investigation(&problem.investigation_id.unwrap()).await;
        assert!(investigation.capped && investigation.error.is_some_and(|error| error.contains(&told)));
    }
}

#[tokio::test]
async fn alertmanagers_alerts_are_skipped_and_never_dropped() {
    let server = Server::with(for_investigations(1, AtLimit::Reject)).await;
    server.investigate("high_latency", "checkout-api").await;
    let notification = json!({"alerts": [{
        "status": "firing", "labels": {"alertname": "HighLatency", "service": "checkout-api"},
        "startsAt": "2026-01-15T10:30:00Z", "fingerprint": "4b1d2d6a1f0c9e77",
    }]});
    // Told of again it is skipped again: it has no episode that it could join.
    for _ in 0..2 {
        let response = server.post("/v1/alerts/alertmanager", &notification).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: WebhookAnswer = response.json().await.unwrap();
        let [skipped] = answer.alerts.try_into().unwrap();
        assert_eq!((skipped.outcome, skipped.investigation_id), (Outcome::Skipped, None));
        assert!(skipped.reason.unwrap().starts_with("the budget `total`"));
    }
}

#[tokio::test]
async fn a_budget_of_a_model_without_a_price_is_refused_at_the_start() {
    let config = for_investigations(1, AtLimit::Reject);
    let refused = Server::gated_refused(config).await;
    assert!(refused.is_usage() && refused.to_string().contains("`no-such-price` has no price"), "{refused}");
    let file = policy("[[budget]]\nlimit_usd = 1\nwindow = \"month\"\n");
    let twice = Config { policy: Some(file.path().into()), ..for_investigations(1, AtLimit::Reject) };
    let refused = langdeck_agent::Agent::start(twice).await.err().unwrap();
    let told = format!("--policy (environment: LANGDECK_POLICY): {}, line 2: [[budget]]", file.path().display());
    assert!(refused.is_usage() && refused.to_string().starts_with(&told), "{refused}");
}

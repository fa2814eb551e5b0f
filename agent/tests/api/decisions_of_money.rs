//! Decisions of budgets and routes over HTTP: which model, how much there was, and what a limit changed.

use langdeck_agent::Config;
use langdeck_shared::{Actor, Decision, DecisionCode, DecisionPage};
use serde_json::json;

use crate::costs::policy;
use crate::support::{Server, config};

/// An agent with this policy; what the documented alert costs is 0.000314 USD, and a tenth of it with the cheaper model.
async fn server(text: &str) -> Server {
    let file = policy(text);
    Server::with(Config { policy: Some(file.path().into()), ..config() }).await
}

async fn decisions(server: &Server) -> Vec<Decision> {
    server.read::<DecisionPage>("/v1/decisions").await.decisions
}

fn codes(decisions: &[Decision]) -> Vec<DecisionCode> {
    decisions.iter().map(|decision| decision.code).collect()
}

fn figures(decision: &Decision) -> serde_json::Value {
    serde_json::to_value(&decision.figures).unwrap()
}

#[tokio::test]
async fn a_route_is_a_decision_and_the_usual_model_is_none() {
    let route = "[[route]]\nseverity = \"page\"\nmodel = \"simulated-gpt-4\"\n\
                 [[route]]\nalert_type = \"HighLatency\"\nseverity = \"info\"\nmodel = \"simulated-gpt-3.5\"\n";
    for (budget, expected) in
        [("", json!({"route": 2})), ("[[budget]]\nlimit_usd = 1\n", json!({"route": 2, "most_usd": 0.0000314}))]
    {
        let server = server(&format!("{budget}{route}")).await;
        for severity in ["page", "info"] {
            let alert = json!({"alert_type": "high_latency", "service": "checkout-api", "severity": severity});
            server.post("/investigate", &alert).await;
        }
        let decisions = decisions(&server).await;
        assert_eq!(codes(&decisions), [DecisionCode::PlanChosen, DecisionCode::RouteChosen, DecisionCode::PlanChosen]);
        let routed = &decisions[1];
        assert_eq!((routed.actor, routed.choice.as_str()), (Actor::Router, "simulated-gpt-3.5"));
        assert_eq!(routed.alternatives, ["simulated-gpt-4"]);
        assert_eq!(routed.reason, "the policy routes alert type high_latency, severity info to it");
        assert_eq!(figures(routed), expected);
        let id = routed.investigation_id.as_deref().unwrap();
        assert_eq!(server.investigation(id).await.decisions, decisions[1..]);
    }
}

#[tokio::test]
async fn a_budget_that_degrades_says_what_was_missing() {
    let server = server("[[budget]]\nlimit_usd = 0.000314\nwindow = \"month\"\nat_limit = \"degrade\"\n").await;
    server.investigate("high_latency", "checkout-api").await;
    server.investigate("high_latency", "checkout-api").await;
    let decisions = decisions(&server).await;
    use DecisionCode::{BudgetSpent, Degraded, PlanChosen};
    assert_eq!(codes(&decisions), [PlanChosen, BudgetSpent, Degraded, PlanChosen]);
    let [_, spent, degraded, _] = decisions.as_slice() else { unreachable!() };
    assert_eq!((spent.actor, &spent.investigation_id), (Actor::Budget, &None));
    assert_eq!(spent.choice, "go on with the cheaper model");
    let standing = json!({"limit_usd": 0.000314, "spent_usd": 0.000314, "reserved_usd": 0.0, "threshold_percent": 80});
    assert_eq!(figures(spent), standing);
    assert_eq!((degraded.actor, degraded.choice.as_str()), (Actor::Budget, "simulated-gpt-3.5"));
    assert_eq!(degraded.alternatives, ["simulated-gpt-4"]);
    let expected = json!({
        "limit_usd": 0.000314, "spent_usd": 0.000314, "reserved_usd": 0.0,
        "needed_usd": 0.000314, "set_aside_usd": 0.0000314,
    });
    assert_eq!(figures(degraded), expected);
}

#[tokio::test]
async fn a_budget_that_warns_says_when_and_what_goes_beyond_it() {
    let server = server("[[budget]]\nlimit_usd = 0.0003925\nwindow = \"month\"\nat_limit = \"warn\"\n").await;
    server.investigate("high_latency", "checkout-api").await;
    server.investigate("high_latency", "checkout-api").await;
    let decisions = decisions(&server).await;
    use DecisionCode::{BudgetSpent, BudgetWarning, LimitExceeded, PlanChosen};
    assert_eq!(codes(&decisions), [PlanChosen, BudgetWarning, LimitExceeded, PlanChosen, BudgetSpent]);
    assert_eq!(decisions[2].choice, "investigate beyond the limit");
    assert_eq!(decisions[2].figures["needed_usd"].as_f64(), Some(0.000314));
    let second = decisions[2].investigation_id.as_deref().unwrap();
    assert_eq!(server.investigation(second).await.decisions, decisions[2..4]);
}

#[tokio::test]
async fn a_budget_without_room_says_so_at_once_and_whether_the_alert_comes_again() {
    let server = server("[[budget]]\nlimit_usd = 0.0004\nwindow = \"month\"\n").await;
    server.investigate("high_latency", "checkout-api").await;
    server.post("/investigate", &json!({"alert_type": "high_latency", "service": "checkout-api"})).await;
    let notification = json!({"alerts": [{
        "status": "firing", "labels": {"alertname": "HighLatency", "service": "checkout-api"},
        "startsAt": "2026-01-15T10:30:00Z", "fingerprint": "4b1d2d6a1f0c9e77",
    }]});
    server.post("/v1/alerts/alertmanager", &notification).await;
    let decisions = decisions(&server).await;
    use DecisionCode::{BudgetExceeded, BudgetSpent, PlanChosen};
    assert_eq!(codes(&decisions), [PlanChosen, BudgetExceeded, BudgetSpent, BudgetExceeded]);
    let choices = [&decisions[1], &decisions[3]].map(|decision| (decision.choice.as_str(), decision.reason.as_str()));
    let reason = "the budget of total per month has no room for it";
    assert_eq!(choices[0], ("refuse high_latency of checkout-api", reason));
    assert_eq!(choices[1], ("skip high_latency of checkout-api", &*format!("{reason}; it is told of again")));
    assert_eq!(figures(&decisions[1]), figures(&decisions[3]));
    let metrics = server.get("/metrics").await.text().await.unwrap();
    for line in ["agent_decisions_total{code=\"budget_spent\"} 1", "agent_decisions_total{code=\"budget_exceeded\"} 2"]
    {
        assert!(metrics.lines().any(|actual| actual == line), "{line:?} is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn each_call_that_the_cap_prevents_is_a_decision() {
    // Planner and reasoner cost 0.000224, the tools 0.000024, 0.00003 and 0.000036.
    let server = server("investigation_cap_usd = \"0.000277\"").await;
    server.investigate("high_latency", "checkout-api").await;
    let decisions = decisions(&server).await;
    use DecisionCode::{Capped, PartialReport, PlanChosen};
    assert_eq!(codes(&decisions), [PlanChosen, Capped, Capped, PartialReport]);
    let choices: Vec<_> = decisions[1..3].iter().map(|decision| (decision.actor, decision.choice.as_str())).collect();
    let not_made = ["do not call the model for get_metrics", "do not call the model for get_logs"];
    assert_eq!(choices, not_made.map(|choice| (Actor::Budget, choice)));
    let expected = json!({"limit_usd": 0.000277, "left_usd": 0.000163, "needed_usd": 0.00003, "kept_usd": 0.000134});
    assert_eq!(figures(&decisions[1]), expected);
    // Not even a plan.
    let server = self::server("investigation_cap_usd = \"0.00001\"").await;
    server.post("/investigate", &json!({"alert_type": "high_latency", "service": "checkout-api"})).await;
    let codes = codes(&self::decisions(&server).await);
    assert_eq!(codes, [DecisionCode::Capped, DecisionCode::InvestigationFailed]);
}

//! Decisions over HTTP: with their reasons, filtered, followed, and beside the investigation that they are about.

use langdeck_agent::Config;
use langdeck_shared::{Actor, Decision, DecisionCode, DecisionPage, Investigation};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{REPLICA, Server, alert, config, problem};

async fn page(server: &Server, query: &str) -> DecisionPage {
    server.read(&format!("/v1/decisions?{query}")).await
}

fn codes(decisions: &[Decision]) -> Vec<DecisionCode> {
    decisions.iter().map(|decision| decision.code).collect()
}

#[tokio::test]
async fn a_decision_says_who_what_instead_of_what_and_why() {
    let server = Server::start().await;
    let report = server.investigate("high_cpu", "payment-api").await;
    let page = page(&server, "").await;
    assert_eq!((page.reset, page.more, page.missed), (false, false, 0));
    let [decision] = page.decisions.as_slice() else { panic!("{page:?}") };
    assert_eq!((decision.seq, &*decision.replica, &*decision.boot_id), (1, REPLICA, server.agent.boot_id()));
    assert_eq!((decision.actor, decision.code), (Actor::Planner, DecisionCode::PlanChosen));
    assert_eq!(decision.investigation_id.as_deref(), report["investigation_id"].as_str());
    assert_eq!(decision.choice, "get_metrics, check_pods");
    assert_eq!(decision.alternatives, ["get_logs"]);
    assert_eq!(decision.figures["tools"].as_u64(), Some(2));
    assert_eq!(decision.reason, report["chain_execution"]["planner"]["reasoning"].as_str().unwrap());
}

#[tokio::test]
async fn an_investigation_lists_its_own_in_order() {
    let server = Server::start().await;
    server.investigate("high_cpu", "before").await;
    let id = server.submit("log_store_down", "ledger").await;
    let ended = server.ended(&id).await;
    server.investigate("high_cpu", "after").await;
    assert_eq!(
        codes(&ended.decisions),
        [
            DecisionCode::PlanChosen,
            DecisionCode::Retry,
            DecisionCode::Retry,
            DecisionCode::ToolFailed,
            DecisionCode::PartialReport,
        ]
    );
    assert_eq!(ended.decisions[1].figures["attempt"].as_u64(), Some(1));
    assert_eq!(ended.decisions[2].figures["attempt"].as_u64(), Some(2));
    assert_eq!(ended.decisions[3].figures["attempts"].as_u64(), Some(3));
    let partial = &ended.decisions[4];
    assert_eq!((&partial.figures["tools_found"], &partial.figures["tools_planned"]), (&2.into(), &3.into()));
    assert_eq!(page(&server, &format!("investigation_id={id}")).await.decisions, ended.decisions);
    let update = server.replica(None).await;
    assert!(update.investigations.iter().all(|investigation| investigation.decisions.is_empty()));
}

#[tokio::test]
async fn who_is_turned_away_cancelled_or_joined_is_on_record() {
    let config = Config { max_running: 1, max_queued: 0, ..config() };
    let (server, gate) = Server::gated(config).await;
    let with_key =
        |alert: Value| server.request("POST", "/v1/investigations").header("idempotency-key", "k").json(&alert).send();
    let first: Value = with_key(alert("high_cpu", "a")).await.unwrap().json().await.unwrap();
    let id = first["investigation_id"].as_str().unwrap();
    gate.entered().await;
    assert_eq!(with_key(alert("high_cpu", "a")).await.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(with_key(alert("high_cpu", "b")).await.unwrap().status(), StatusCode::CONFLICT);
    let refused = server.post("/v1/investigations", &alert("disk_full", "ledger")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    server.post(&format!("/v1/investigations/{id}/cancel"), &json!({})).await;
    server.ended(id).await;
    let page = page(&server, "").await;
    assert_eq!(
        codes(&page.decisions),
        [
            DecisionCode::PlanChosen,
            DecisionCode::KeyJoined,
            DecisionCode::RefusedKeyReused,
            DecisionCode::RefusedFull,
            DecisionCode::Cancelled,
        ]
    );
    let full = &page.decisions[3];
    assert_eq!((&full.investigation_id, full.choice.as_str()), (&None, "refuse disk_full of ledger"));
    assert_eq!((&full.figures["running"], &full.figures["queued"]), (&1.into(), &0.into()));
    assert_eq!(page.decisions[4].actor, Actor::Operator);
}

#[tokio::test]
async fn an_episode_joins_and_is_resolved() {
    let server = Server::start().await;
    let notify = async |status: &str| {
        let alert = json!({
            "status": status, "labels": {"alertname": "HighCPU", "service": "api"},
            "startsAt": "2026-01-15T10:30:00Z", "endsAt": "2026-01-15T10:40:00Z", "fingerprint": "f",
        });
        let answer = server.post("/v1/alerts/alertmanager", &json!({"version": "4", "alerts": [alert]})).await;
        answer.json::<Value>().await.unwrap()["alerts"][0]["investigation_id"].as_str().unwrap().to_owned()
    };
    let id = notify("firing").await;
    server.ended(&id).await;
    notify("firing").await;
    notify("resolved").await;
    let whole: Investigation = server.investigation(&id).await;
    let expected = [DecisionCode::PlanChosen, DecisionCode::EpisodeJoined, DecisionCode::Resolved];
    assert_eq!(codes(&whole.decisions), expected);
}

#[tokio::test]
async fn whoever_follows_gets_each_once() {
    let server = Server::start().await;
    server.investigate("high_cpu", "a").await;
    let first = page(&server, "code=plan_chosen").await;
    for service in ["b", "c", "d"] {
        server.investigate("high_cpu", service).await;
    }
    let second = page(&server, &format!("cursor={}&limit=2", first.cursor)).await;
    let third = page(&server, &format!("cursor={}&limit=2", second.cursor)).await;
    let numbers = |page: &DecisionPage| page.decisions.iter().map(|decision| decision.seq).collect::<Vec<_>>();
    assert_eq!((numbers(&second), second.more), (vec![2, 3], true));
    assert_eq!((numbers(&third), third.more), (vec![4], false));
    let other = page(&server, "cursor=zzzzzzzzzz.1&limit=1").await;
    assert_eq!((numbers(&other), other.reset), (vec![4], true));
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_by_name() {
    let server = Server::start().await;
    for query in ["code=whatever", "actor=me", "from=yesterday", "to=1", "limit=0", "since=x"] {
        let problem = problem(server.get(&format!("/v1/decisions?{query}")).await).await;
        assert_eq!(problem.status, 422);
        let name = query.split('=').next().unwrap();
        assert_eq!(problem.errors[0].field, name, "{problem:?}");
    }
    server.investigate("high_cpu", "a").await;
    let backwards = server.get("/v1/decisions?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z").await;
    let detail = problem(backwards).await.detail;
    assert_eq!(detail, "to: expected a time that is not before from, 2026-02-01T00:00:00Z, found 2026-01-01T00:00:00Z");
    let future = page(&server, "from=2999-01-01T00:00:00Z").await;
    assert!(future.decisions.is_empty());
    assert_eq!(page(&server, "actor=planner&code=plan_chosen&to=2999-01-01T00:00:00Z").await.decisions.len(), 1);
}

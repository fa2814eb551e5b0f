//! The cache over HTTP: what is answered from it, how that is marked and counted, and what is not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use langdeck_agent::{BudgetWindow, Config, Usd};
use langdeck_shared::{
    Accepted, Actor, Costs, DecisionCode, DecisionPage, Outcome, Report, Savings, Status, WebhookAnswer,
};
use reqwest::{Response, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::costs::policy;
use crate::support::{Server, alert, config, eventually, problem};

const DOCUMENTED: Usd = Usd::from_nanos(314_000);

fn caching() -> Config {
    Config { cache_ttl: Some(Duration::from_secs(3600)), ..config() }
}

async fn report(response: Response) -> Report {
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

async fn investigate(server: &Server, alert_type: &str, service: &str) -> Report {
    report(server.post("/investigate", &alert(alert_type, service)).await).await
}

async fn savings(server: &Server) -> Savings {
    let costs: Costs = server.read("/v1/costs").await;
    costs.check().unwrap();
    costs.savings
}

#[tokio::test]
async fn an_alert_like_the_last_one_gets_its_report_again_at_no_cost() {
    let server = Server::with(caching()).await;
    let first = investigate(&server, "high_latency", "checkout-api").await;
    let before: Costs = server.read("/v1/costs").await;
    // Whatever else it says.
    let more = json!({"alert_type": "HighLatency", "service": "checkout-api", "severity": "critical"});
    let again = report(server.post("/investigate", &more).await).await;

    let id = &first.investigation_id;
    assert_eq!(&again.investigation_id, id);
    assert_eq!(again.chain_execution, first.chain_execution);
    let (paid, free) = (&first.cost_tracking, &again.cost_tracking);
    assert_eq!((paid.total_tokens, paid.cost_usd, paid.cached, paid.saved_usd), (157, DOCUMENTED, false, None));
    assert_eq!((free.total_tokens, free.cost_usd, free.cached, free.saved_usd), (0, Usd::ZERO, true, Some(DOCUMENTED)));
    assert!(free.cached_age_ms.is_some() && !free.joined && free.breakdown.executor == 0);

    let accepted = server.post("/v1/investigations", &alert("high_latency", "checkout-api")).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    assert_eq!(accepted.headers()["location"], format!("/v1/investigations/{id}"));
    let accepted: Accepted = accepted.json().await.unwrap();
    assert_eq!((&accepted.investigation_id, accepted.status, accepted.cached), (id, Status::Succeeded, true));

    // The investigation itself cost what it cost.
    let investigation = server.investigation(id).await;
    assert_eq!(investigation.cost_usd, DOCUMENTED);
    let itself = investigation.report.unwrap().cost_tracking;
    assert_eq!((itself.cost_usd, itself.cached), (DOCUMENTED, false));
    let of_cache = investigation.decisions.iter().filter(|decision| decision.code == DecisionCode::CacheHit);
    let of_cache: Vec<_> = of_cache.collect();
    assert_eq!((of_cache.len(), of_cache[0].actor), (2, Actor::Cache));
    assert_eq!(of_cache[0].figures["saved_usd"].to_string(), "0.000314");
    assert_eq!(of_cache[0].figures["age_ms"].as_u64(), free.cached_age_ms);

    let after: Costs = server.read("/v1/costs").await;
    assert_eq!((&after.totals, &after.by), (&before.totals, &before.by));
    let twice = Usd::from_nanos(2 * DOCUMENTED.nanos());
    assert_eq!(after.savings, Savings { cache_usd: twice, cache_hits: 2, ..Savings::default() });
    let metrics = server.get("/metrics").await.text().await.unwrap();
    for line in [
        "agent_requests_total 1",
        "agent_cache_hits_total 2",
        "agent_cache_joins_total 0",
        "agent_cache_misses_total 1",
        "agent_cache_saved_usd_total 0.000628",
        "agent_decisions_total{code=\"cache_hit\"} 2",
    ] {
        assert!(metrics.lines().any(|actual| actual == line), "{line:?} is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn without_a_cache_each_alert_is_investigated() {
    let server = Server::start().await;
    for requests in 1..3 {
        assert!(!investigate(&server, "high_latency", "checkout-api").await.cost_tracking.cached);
        assert_eq!(server.replica(None).await.totals.requests, requests);
    }
    assert_eq!(savings(&server).await, Savings::default());
    assert!(server.get("/metrics").await.text().await.unwrap().contains("\nagent_cache_misses_total 0\n"));
}

#[tokio::test]
async fn when_its_time_is_over_an_alert_is_investigated_anew() {
    let server = Server::with(Config { cache_ttl: Some(Duration::from_secs(1)), ..config() }).await;
    let first = investigate(&server, "high_cpu", "api").await.investigation_id;
    let anew = eventually("the report is too old", async || {
        let report = investigate(&server, "high_cpu", "api").await;
        assert!(report.cost_tracking.cached_age_ms.is_none_or(|age| age <= 1000));
        (report.investigation_id != first).then_some(report)
    })
    .await;
    assert!(!anew.cost_tracking.cached);
}

#[tokio::test]
async fn another_model_makes_another_report() {
    let file = policy("[[route]]\nseverity = \"info\"\nmodel = \"simulated-gpt-3.5\"\n");
    let server = Server::with(Config { policy: Some(file.path().into()), ..caching() }).await;
    let usual = alert("high_latency", "checkout-api");
    let cheap = json!({"alert_type": "high_latency", "service": "checkout-api", "severity": "info"});
    let mut models = Vec::new();
    for alert in [&usual, &cheap, &usual, &cheap] {
        let tracking = report(server.post("/investigate", alert).await).await.cost_tracking;
        models.push((tracking.model.to_string(), tracking.cached));
    }
    let models: Vec<_> = models.iter().map(|(model, cached)| (model.as_str(), *cached)).collect();
    let (usual, cheap) = ("simulated-gpt-4", "simulated-gpt-3.5");
    assert_eq!(models, [(usual, false), (cheap, false), (usual, true), (cheap, true)]);
}

#[tokio::test]
async fn a_report_that_is_not_whole_is_not_given_again() {
    let server = Server::with(caching()).await;
    for _ in 0..2 {
        let report = investigate(&server, "disk_full", "ledger").await;
        assert_eq!((report.status, report.cost_tracking.cached), (Status::Partial, false));
    }
}

#[tokio::test]
async fn a_spent_budget_keeps_nobody_from_what_is_known_and_is_not_touched() {
    let budget = Config { budget_usd: Some(DOCUMENTED), budget_window: BudgetWindow::Month, ..caching() };
    let server = Server::with(budget).await;
    investigate(&server, "high_latency", "checkout-api").await;
    let before = server.replica(None).await.budgets;
    assert!(investigate(&server, "high_latency", "checkout-api").await.cost_tracking.cached);
    assert_eq!(server.replica(None).await.budgets, before);
    let refused = server.post("/investigate", &alert("high_latency", "other")).await;
    assert!(problem(refused).await.kind.ends_with("budget-exceeded"));

    // What a budget has degraded is for nobody else.
    let file = policy("[[budget]]\nservice = \"a\"\nlimit_usd = 0.0000001\nwindow = \"month\"\nat_limit = \"degrade\"");
    let server = Server::with(Config { policy: Some(file.path().into()), ..caching() }).await;
    for _ in 0..2 {
        let tracking = investigate(&server, "high_latency", "a").await.cost_tracking;
        assert_eq!((tracking.degraded_by.as_deref(), tracking.cached), (Some("service:a"), false));
    }
}

#[tokio::test]
async fn an_episode_that_is_answered_from_the_cache_belongs_to_that_investigation() {
    let server = Server::with(caching()).await;
    let first = investigate(&server, "high_latency", "checkout-api").await;
    let tell = async |status: &str, fingerprint: &str| {
        let notification = json!({"alerts": [{
            "status": status, "labels": {"alertname": "HighLatency", "service": "checkout-api"},
            "startsAt": "2026-01-15T10:30:00Z", "fingerprint": fingerprint,
        }]});
        let answer = server.post("/v1/alerts/alertmanager", &notification).await;
        let [outcome] = answer.json::<WebhookAnswer>().await.unwrap().alerts.try_into().unwrap();
        assert_eq!(outcome.investigation_id.as_ref(), Some(&first.investigation_id));
        outcome.outcome
    };
    let is_over = async || server.investigation(&first.investigation_id).await.resolved_at.is_some();
    assert_eq!(tell("firing", "a").await, Outcome::Cached);
    assert_eq!(tell("firing", "a").await, Outcome::Joined);
    assert_eq!(tell("resolved", "a").await, Outcome::Resolved);
    assert!(is_over().await);
    assert_eq!(tell("firing", "b").await, Outcome::Cached);
    assert!(!is_over().await, "it fires again");
    assert_eq!(server.replica(None).await.totals.requests, 1);
    assert_eq!(savings(&server).await.cache_hits, 2);
}

#[tokio::test]
async fn a_key_gets_the_same_answer_from_the_cache_each_time() {
    let server = Server::with(caching()).await;
    investigate(&server, "high_latency", "checkout-api").await;
    let send = async |service: &str| {
        let request = server.request("POST", "/investigate").header("idempotency-key", "k");
        request.json(&alert("high_latency", service)).send().await.unwrap()
    };
    let first = report(send("checkout-api").await).await;
    assert!(first.cost_tracking.cached);
    assert_eq!(report(send("checkout-api").await).await, first);
    assert_eq!(problem(send("other").await).await.status, 409);
    assert_eq!(savings(&server).await.cache_hits, 1);
}

#[tokio::test]
async fn alerts_that_come_while_one_like_them_is_at_work_join_it() {
    let (server, gate) = Server::gated(caching()).await;
    let id = server.submit("high_cpu", "api").await;
    gate.entered().await;
    let joined = server.post("/v1/investigations", &alert("high_cpu", "api")).await;
    let joined: Accepted = joined.json().await.unwrap();
    assert_eq!((&joined.investigation_id, joined.joined, joined.cached), (&id, true, false));
    assert_eq!(joined.status, Status::Running);
    let same = alert("high_cpu", "api");
    let waiting = server.post("/investigate", &same);
    let let_through = async {
        // It has come when it is counted.
        eventually("it has joined", async || (savings(&server).await.cache_joins == 2).then_some(())).await;
        gate.open(1);
    };
    let (waited, ()) = tokio::join!(waiting, let_through);
    let report = report(waited).await;
    assert_eq!(report.investigation_id, id);
    let tracking = &report.cost_tracking;
    assert_eq!((tracking.joined, tracking.total_tokens, tracking.unpriced_tokens), (true, 0, 0));
    let own = server.investigation(&id).await;
    assert_eq!((own.tokens, own.report.unwrap().cost_tracking.joined), (9, false));
    let page: DecisionPage = server.read("/v1/decisions?actor=cache").await;
    let codes: Vec<_> = page.decisions.iter().map(|decision| decision.code).collect();
    assert_eq!(codes, [DecisionCode::CacheJoined; 2]);
}

#[tokio::test]
async fn who_joined_gets_what_it_gets_also_where_that_is_nothing() {
    let (server, gate) = Server::gated(caching()).await;
    let id = server.submit("high_cpu", "api").await;
    gate.entered().await;
    let same = alert("high_cpu", "api");
    let waiting = server.post("/investigate", &same);
    let cancel = async {
        eventually("it has joined", async || (savings(&server).await.cache_joins == 1).then_some(())).await;
        let cancelled = server.post(&format!("/v1/investigations/{id}/cancel"), &json!({})).await;
        assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    };
    let (waited, ()) = tokio::join!(waiting, cancel);
    let problem = problem(waited).await;
    assert_eq!((problem.status, problem.investigation_id.as_ref()), (409, Some(&id)));
}

#[tokio::test]
async fn of_any_number_of_clients_with_the_same_alert_one_pays() {
    // Without a delay one after the other is answered; with one, all but the first join.
    for sim_delay in [0.0, 1.0] {
        let server = Arc::new(Server::with(Config { sim_delay, ..caching() }).await);
        let mut clients = JoinSet::new();
        for client in 0..100 {
            let server = Arc::clone(&server);
            clients.spawn(async move {
                let request = server.request("POST", "/investigate").header("idempotency-key", format!("k{client}"));
                report(request.json(&alert("high_latency", "checkout-api")).send().await.unwrap()).await
            });
        }
        let reports = clients.join_all().await;
        let ids: BTreeSet<_> = reports.iter().map(|report| &report.investigation_id).collect();
        assert_eq!(ids.len(), 1);
        assert!(reports.iter().all(|report| report.chain_execution == reports[0].chain_execution));
        let together: Usd = reports.iter().map(|report| report.cost_tracking.cost_usd).sum();
        let costs: Costs = server.read("/v1/costs").await;
        assert_eq!((together, costs.totals.cost_usd, costs.totals.calls), (DOCUMENTED, DOCUMENTED, 5));
        let Savings { cache_usd, cache_hits, cache_joins, .. } = costs.savings;
        assert_eq!(cache_hits + cache_joins, 99, "with a delay of {sim_delay}");
        assert_eq!(cache_usd.nanos(), cache_hits * DOCUMENTED.nanos());
        let saved: Usd = reports.iter().filter_map(|report| report.cost_tracking.saved_usd).sum();
        assert_eq!(saved, cache_usd);
        assert_eq!(server.replica(None).await.totals.requests, 1);
    }
}

#[tokio::test]
async fn a_cache_time_that_cannot_be_is_refused_at_the_start() {
    let config = Config { cache_ttl: Some(Duration::ZERO), ..config() };
    let refused = langdeck_agent::Agent::start(config).await.err().unwrap();
    assert!(refused.is_usage() && refused.to_string().contains("--cache-ttl (environment: LANGDECK_CACHE_TTL)"));
}

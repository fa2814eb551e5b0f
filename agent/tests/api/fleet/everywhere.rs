//! `scope=fleet`: investigations, memory and costs of all replicas through any of them.

use std::collections::{BTreeMap, BTreeSet};

use langdeck_shared::{CostShare, Costs, FailureKind, InvestigationPage, Memory, MissingReplica, Usd};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use super::{ACTOR, Part, bad_peer, fleet, fleet_with_actor, ready_fleet};
use crate::support::{Server, config, eventually, problem_from};

async fn page(server: &Server, query: &str) -> InvestigationPage {
    server.read(&format!("/v1/investigations?scope=fleet{query}")).await
}

fn services(page: &InvestigationPage) -> Vec<&str> {
    page.investigations.iter().map(|investigation| investigation.alert.service.as_str()).collect()
}

fn failure(missing: &[MissingReplica], replica: &str) -> Option<FailureKind> {
    missing.iter().find(|missing| missing.replica == replica).map(|missing| missing.failure.kind)
}

#[tokio::test]
async fn a_page_holds_the_newest_of_all_replicas() {
    let servers = ready_fleet(3, config()).await;
    let mut expected = Vec::new();
    for number in 0..9 {
        let alert_type = if number % 2 == 0 { "HighCPU" } else { "disk_full" };
        servers[number % 3].investigate(alert_type, &format!("service {number}")).await;
        expected.insert(0, format!("service {number}"));
    }
    for server in &servers {
        let all = page(server, "").await;
        assert!(all.investigations.is_sorted_by(|a, b| a.accepted_at >= b.accepted_at));
        assert_eq!((all.reset, &all.next_cursor, &all.missing), (false, &None, &Vec::new()));
        let mut found = services(&all);
        found.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(found, expected);
        assert!(all.investigations.iter().all(|one| one.report.is_none()));

        let some = page(server, "&status=succeeded&alert_type=HighCPU").await;
        assert_eq!(some.investigations.len(), 5);
        assert_eq!(services(&page(server, "&service=service%204").await), ["service 4"]);
        assert_eq!(services(&page(server, "&service=service%204&status=partial").await), [""; 0]);

        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = page(server, &format!("&limit=2{cursor}")).await;
            assert!(page.investigations.len() <= 2 && !page.reset);
            paged.extend(page.investigations);
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all.investigations);
    }
}

#[tokio::test]
async fn paging_while_investigations_are_added_loses_none_and_repeats_none() {
    let servers = ready_fleet(3, config()).await;
    let mut before = BTreeSet::new();
    for number in 0..30 {
        before.insert(servers[number % 3].submit("high_cpu", &format!("before {number}")).await);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0.. {
        // Each page by another replica, with something new at each of them in between.
        for server in &servers {
            server.submit("high_cpu", "meanwhile").await;
        }
        let page = page(&servers[round % 3], &format!("&limit=4{cursor}")).await;
        seen.extend(page.investigations.into_iter().map(|investigation| investigation.investigation_id));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    let unique: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(unique.len(), seen.len(), "one came twice");
    assert!(before.is_subset(&unique), "lost: {:?}", before.difference(&unique));
}

#[tokio::test]
async fn a_cursor_survives_the_loss_of_a_replica_and_one_of_another_scope_begins_again() {
    let mut servers = ready_fleet(3, config()).await;
    for number in 0..9 {
        servers[number % 3].investigate("high_cpu", &format!("service {number}")).await;
    }
    let all = page(&servers[0], "").await;
    let first = page(&servers[0], "&limit=3").await;
    servers.pop().unwrap().agent.shutdown().await;
    let query = format!("&cursor={}", first.next_cursor.unwrap());
    let rest = eventually("the loss is told", async || {
        Some(page(&servers[1], &query).await).filter(|page| !page.missing.is_empty())
    })
    .await;
    assert!(!rest.reset && rest.missing[0].boot_id.is_some());
    assert!(matches!(failure(&rest.missing, "agent-2"), Some(FailureKind::Refused | FailureKind::Lost)));
    let expected = all.investigations[3..].iter().filter(|one| *one.replica != *"agent-2");
    assert!(rest.investigations.iter().eq(expected));

    for cursor in ["x", "fleet~", &format!("{}.1", servers[0].agent.boot_id())] {
        let page = page(&servers[0], &format!("&cursor={cursor}")).await;
        assert_eq!((page.reset, page.investigations.len()), (true, 6), "{cursor}");
    }
}

#[tokio::test]
async fn costs_of_the_fleet_are_the_sum_to_the_nano_dollar() {
    let servers = ready_fleet(3, config()).await;
    for (number, alert_type) in
        ["high_latency", "high_cpu", "disk_full", "unheard_of", "high_latency"].iter().enumerate()
    {
        servers[number % 3].investigate(alert_type, &format!("service {}", number % 2)).await;
    }
    let mut each: Vec<Costs> = Vec::new();
    for server in &servers {
        each.push(server.read("/v1/costs").await);
    }
    for server in &servers {
        let all: Costs = server.read("/v1/costs?scope=fleet").await;
        assert_eq!((all.boot_id.as_str(), all.missing.len()), (server.agent.boot_id(), 0));
        assert_eq!(all.since, each.iter().map(|costs| costs.since).min().unwrap());
        let sum = |of: fn(&Costs) -> u64| each.iter().map(of).sum::<u64>();
        assert_eq!(all.totals.cost_usd.nanos(), sum(|costs| costs.totals.cost_usd.nanos()));
        assert_eq!(all.totals.tokens, sum(|costs| costs.totals.tokens));
        assert_eq!(all.totals.calls, sum(|costs| costs.totals.calls));
        for of in [
            (|costs| &costs.by.by_step) as fn(&Costs) -> &Vec<CostShare>,
            |costs| &costs.by.by_model,
            |costs| &costs.by.by_service,
            |costs| &costs.by.by_alert_type,
        ] {
            let mut expected: BTreeMap<&str, Usd> = BTreeMap::new();
            for share in each.iter().flat_map(of) {
                *expected.entry(&share.key).or_default() += share.spend.cost_usd;
            }
            let found = of(&all).iter().map(|share| (share.key.as_str(), share.spend.cost_usd));
            assert_eq!(found.clone().collect::<BTreeMap<_, _>>(), expected);
            assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
        }
    }
}

#[tokio::test]
async fn a_span_of_the_fleet_is_that_of_all_with_the_lists_and_entries_that_were_asked_for() {
    let servers = ready_fleet(2, config()).await;
    servers[0].investigate("high_latency", "a").await;
    servers[1].investigate("high_latency", "b").await;
    let query = "scope=fleet&from=2026-01-01T00:00:00%2B01:00&to=2100-01-01T00:00:00Z&by=service,replica&entries=7";
    for server in &servers {
        let costs: Costs = server.read(&format!("/v1/costs?{query}")).await;
        assert!(costs.missing.is_empty(), "{:?}", costs.missing);
        let span = costs.span.unwrap();
        assert_eq!((span.spend, span.spend.calls), (costs.totals, 10));
        let keys = |list: &[CostShare]| list.iter().map(|share| share.key.clone()).collect::<Vec<_>>();
        assert_eq!((keys(&span.by.by_service), span.by.by_replica.len()), (vec!["a".to_owned(), "b".to_owned()], 2));
        assert_eq!((span.by.by_step.len(), costs.by.by_step.len(), costs.by.by_replica.len()), (0, 0, 2));
        assert_eq!(costs.entries.len(), 7);
        assert_eq!(costs.burn.last_5m_usd_per_hour, Usd::from_nanos(2 * 314_000 * 60));
        assert_eq!(costs.what_if[1].cost_usd, costs.totals.cost_usd);
    }
}

#[tokio::test]
async fn memory_of_the_fleet_is_merged() {
    let servers = ready_fleet(3, config()).await;
    servers[0].investigate("high_latency", "shared").await;
    servers[1].investigate("high_latency", "shared").await;
    servers[1].investigate("high_latency", "shared").await;
    servers[1].investigate("disk_full", "own").await;
    let last = json!({ "alert_type": "high_cpu", "service": "last", "timestamp": "2100-01-01T00:00:00Z" });
    assert_eq!(servers[2].post("/investigate", &last).await.status(), StatusCode::OK);
    for server in &servers {
        let memory: Memory = server.read("/v1/memory?scope=fleet&limit=4").await;
        assert_eq!((memory.replica.as_str(), memory.missing.len()), (server.agent.replica(), 0));
        assert_eq!(memory.last_alert.unwrap().service, "last");
        assert_eq!(memory.history.len(), 4);
        assert!(memory.history.is_sorted_by(|a, b| a.ended_at >= b.ended_at));
        let shared = memory.patterns.iter().find(|pattern| pattern.service == "shared").unwrap();
        assert_eq!((shared.investigations, shared.alert_types["high_latency"]), (3, 3));
        assert_eq!(shared.mean_cost_usd, Usd::from_nanos(314_000));
        assert_eq!(shared.most_frequent_root_cause.as_deref(), Some("database connection pool exhaustion"));
        assert_eq!(memory.patterns.len(), 3);
    }
}

#[tokio::test]
async fn those_that_do_not_answer_are_named_and_hold_nobody_up() {
    let garbage = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\ngarbage";
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let others = [bad_peer(garbage, false).await, bad_peer(b"", false).await, format!("http://{nobody}")];
    let servers = fleet(2, &others).await;
    servers[1].investigate("high_cpu", "api").await;
    let missing = eventually("all three are named", async || {
        let page = page(&servers[0], "").await;
        assert_eq!(services(&page), ["api"], "the good ones answer all the while");
        (page.missing.len() == 3).then_some(page.missing)
    })
    .await;
    let kinds: Vec<_> = others.iter().map(|url| failure(&missing, url)).collect();
    assert_eq!(kinds, [Some(FailureKind::Faulty), Some(FailureKind::TimedOut), Some(FailureKind::Refused)]);
    let csv = servers[0].get("/v1/costs?scope=fleet&format=csv").await.text().await.unwrap();
    assert_eq!(
        csv.lines().filter(|line| line.starts_with("missing,") && line.ends_with(",,,,,,,")).count(),
        3,
        "{csv}"
    );
    for path in ["/v1/costs?scope=fleet", "/v1/memory?scope=fleet"] {
        let answer: serde_json::Value = servers[0].read(path).await;
        assert_eq!(answer["missing"].as_array().unwrap().len(), 3, "{path}");
    }
}

#[tokio::test]
async fn a_known_peer_that_answers_badly_is_left_out_and_named() {
    let (servers, actor) = fleet_with_actor(1, Part::Silence).await;
    let id = servers[0].submit("high_cpu", "api").await;
    let own = serde_json::to_value(servers[0].ended(&id).await).unwrap();
    let of = |id: &str, more: bool| {
        let mut investigation = own.clone();
        investigation["investigation_id"] = json!(id);
        let next = if more { json!("fleet~1~inv_actorlife0_1") } else { json!(null) };
        json!({ "investigations": [investigation.clone(), investigation], "reset": false, "next_cursor": next })
    };
    let mut empty = of("x", true);
    empty["investigations"] = json!([]);
    for (part, kind) in [
        (Part::Silence, FailureKind::TimedOut),
        (Part::HangUp, FailureKind::Lost),
        (Part::Endless(vec![b' '; 65_536]), FailureKind::Faulty),
        (Part::Answer(200, "garbage".to_owned()), FailureKind::Faulty),
        (Part::Answer(500, "{}".to_owned()), FailureKind::Faulty),
        (Part::Answer(200, of(&id, false).to_string()), FailureKind::Faulty),
        (Part::Answer(200, of("inv_actorlife0_7", false).to_string()), FailureKind::Faulty),
        (Part::Answer(200, empty.to_string()), FailureKind::Faulty),
    ] {
        actor.play(part.clone());
        let page = page(&servers[0], "").await;
        assert_eq!(services(&page), ["api"], "{part:.40?}");
        assert_eq!(failure(&page.missing, ACTOR.0), Some(kind), "{part:.40?}: {:?}", page.missing);
    }
    let mut costs: Costs = servers[0].read("/v1/costs").await;
    let own = costs.totals;
    actor.play(Part::Answer(200, json!(costs).to_string()));
    let all: Costs = servers[0].read("/v1/costs?scope=fleet").await;
    assert_eq!((failure(&all.missing, ACTOR.0), all.totals), (Some(FailureKind::Faulty), own));
    costs.boot_id = ACTOR.1.to_owned();
    actor.play(Part::Answer(200, json!(costs).to_string()));
    let all: Costs = servers[0].read("/v1/costs?scope=fleet").await;
    assert_eq!((all.missing.len(), all.totals.cost_usd.nanos()), (0, 2 * own.cost_usd.nanos()));
}

#[tokio::test]
async fn a_scope_is_the_replica_or_the_fleet() {
    let server = Server::start().await;
    server.investigate("high_cpu", "api").await;
    for path in ["/v1/investigations", "/v1/memory", "/v1/costs"] {
        let read = async |path: &str| {
            let mut answer: serde_json::Value = server.read(path).await;
            // A forecast is one of its moment.
            answer.as_object_mut().unwrap().remove("month_usd");
            answer
        };
        let plain = read(path).await;
        assert_eq!(read(&format!("{path}?scope=replica")).await, plain);
        assert_eq!(read(&format!("{path}?scope=fleet")).await, plain, "a fleet of one");
        let response = server.get(&format!("{path}?scope=world")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem = problem_from("test-replica", response).await;
        assert_eq!(problem.detail, "scope: expected replica or fleet, found \"world\"");
    }
}

//! Lists: pages and filters of investigations, memory, costs.

use langdeck_agent::Config;
use langdeck_shared::{Costs, InvestigationPage, Memory, Status, Usd};

use crate::support::{REPLICA, Server, config};

async fn page(server: &Server, query: &str) -> InvestigationPage {
    server.read(&format!("/v1/investigations?{query}")).await
}

fn services(page: &InvestigationPage) -> Vec<&str> {
    page.investigations.iter().map(|investigation| investigation.alert.service.as_str()).collect()
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let server = Server::start().await;
    for service in ["a", "b", "c", "d", "e"] {
        server.investigate("high_cpu", service).await;
    }
    let first = page(&server, "limit=2").await;
    assert_eq!(services(&first), ["e", "d"]);
    // What comes in between does not shift the pages.
    server.investigate("high_cpu", "f").await;
    let second = page(&server, &format!("limit=2&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!(services(&second), ["c", "b"]);
    let third = page(&server, &format!("limit=2&cursor={}", second.next_cursor.unwrap())).await;
    assert_eq!(services(&third), ["a"]);
    assert_eq!(third.next_cursor, None);
    let all = page(&server, "").await;
    assert_eq!((all.investigations.len(), all.next_cursor, all.reset), (6, None, false));
    assert!(
        all.investigations.iter().all(|one| one.report.is_none() && one.steps.iter().all(|step| step.input.is_none()))
    );
}

#[tokio::test]
async fn a_cursor_of_another_life_begins_again() {
    let server = Server::start().await;
    server.investigate("high_cpu", "a").await;
    for cursor in ["zzzzzzzzzz.1", "x", ".", "%F0%9F%98%80"] {
        let page = page(&server, &format!("cursor={cursor}")).await;
        assert_eq!((services(&page), page.reset), (vec!["a"], true), "{cursor}");
    }
}

#[tokio::test]
async fn filters_choose_by_status_service_and_alert_type() {
    let server = Server::start().await;
    for (alert_type, service) in [("high_cpu", "a"), ("disk_full", "a"), ("disk_full", "b c"), ("HighCPU", "d")] {
        server.investigate(alert_type, service).await;
    }
    assert_eq!(services(&page(&server, "status=partial").await), ["b c", "a"]);
    assert_eq!(services(&page(&server, "service=b%20c").await), ["b c"]);
    assert_eq!(services(&page(&server, "alert_type=high_cpu").await), ["d", "a"]);
    assert_eq!(services(&page(&server, "alert_type=HighCPU").await), ["d", "a"]);
    assert_eq!(services(&page(&server, "alert_type=disk_full&service=a&status=partial").await), ["a"]);
    assert!(services(&page(&server, "status=running").await).is_empty());
    let first = page(&server, "status=partial&limit=1").await;
    let second = page(&server, &format!("status=partial&limit=1&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!((services(&second), second.next_cursor.is_none()), (vec!["a"], true));
}

#[tokio::test]
async fn memory_holds_the_last_alert_the_history_and_a_pattern_per_service() {
    let server = Server::with(Config { history: 3, ..config() }).await;
    let empty: Memory = server.read("/v1/memory").await;
    assert_eq!((empty.replica.as_str(), empty.last_alert, empty.history.len()), (REPLICA, None, 0));
    for service in ["a", "b", "a", "a"] {
        server.investigate("high_latency", service).await;
    }
    server.investigate("disk_full", "a").await;

    let memory: Memory = server.read("/v1/memory").await;
    assert_eq!(memory.last_alert.unwrap().alert_type, "disk_full");
    let history: Vec<_> = memory.history.iter().map(|entry| (entry.alert_type.as_str(), entry.status)).collect();
    let expected =
        [("disk_full", Status::Partial), ("high_latency", Status::Succeeded), ("high_latency", Status::Succeeded)];
    assert_eq!(history, expected);
    assert_eq!(memory.history[0].root_cause.as_deref(), Some("write-ahead log not archived"));
    assert_eq!(memory.patterns.iter().map(|pattern| pattern.service.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let a = &memory.patterns[0];
    assert_eq!((a.investigations, a.alert_types["high_latency"], a.alert_types["disk_full"]), (4, 3, 1));
    assert_eq!(a.most_frequent_root_cause.as_deref(), Some("database connection pool exhaustion"));
    assert_eq!(a.last_alert_type, "disk_full");
    assert_eq!(memory.patterns[1].mean_cost_usd, Usd::from_nanos(314_000));

    let short: Memory = server.read("/v1/memory?limit=1").await;
    assert_eq!((short.history.len(), short.patterns.len()), (1, 2));
}

#[tokio::test]
async fn costs_add_up_in_every_direction() {
    let server = Server::start().await;
    for (alert_type, service) in [("high_latency", "a"), ("high_cpu", "a"), ("disk_full", "b"), ("unheard_of", "c")] {
        server.investigate(alert_type, service).await;
    }
    let costs: Costs = server.read("/v1/costs").await;
    assert_eq!(costs.boot_id, server.agent.boot_id());
    assert_eq!(costs.totals, server.replica(None).await.totals.spend);
    assert_eq!(costs.totals.cost_usd, Usd::from_nanos(costs.totals.tokens * 2000));
    for shares in [&costs.by.by_step, &costs.by.by_model, &costs.by.by_service, &costs.by.by_alert_type] {
        let sum = |of: fn(&langdeck_shared::Spend) -> u64| shares.iter().map(|share| of(&share.spend)).sum::<u64>();
        assert_eq!(sum(|spend| spend.calls), costs.totals.calls);
        assert_eq!(sum(|spend| spend.input_tokens), costs.totals.input_tokens);
        assert_eq!(sum(|spend| spend.output_tokens), costs.totals.output_tokens);
        assert_eq!(sum(|spend| spend.cost_usd.nanos()), costs.totals.cost_usd.nanos());
        assert!(shares.is_sorted_by(|a, b| a.spend.cost_usd >= b.spend.cost_usd));
    }
    assert_eq!(costs.by.by_model.len(), 1);
    assert_eq!(costs.by.by_model[0].key, "simulated-gpt-4");
    let latency = costs.by.by_alert_type.iter().find(|share| share.key == "high_latency").unwrap();
    assert_eq!((latency.spend.tokens, latency.spend.cost_usd), (157, Usd::from_nanos(314_000)));
}

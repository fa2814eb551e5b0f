//! The HTTP client against agents that are well, ill and hostile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use langdeck_console::net::{BaseUrl, Client, FleetAnswer, NetError, Timeouts};
use langdeck_shared::{AlertRequest, Status};
use serde_json::json;
use support::{Reply, Scripted, alone, nobody, snapshot, within};

async fn ask(url: &BaseUrl) -> Result<FleetAnswer, NetError> {
    // Short where a test waits for it; long enough that a slow machine does not run into it elsewhere.
    ask_for(url, Duration::from_secs(20)).await
}

async fn ask_for(url: &BaseUrl, total: Duration) -> Result<FleetAnswer, NetError> {
    let urls = [url.clone()];
    let client = Client::with_timeouts(&urls, Timeouts { connect: total, total }).unwrap();
    within("an answer or an error", client.fleet(url, None)).await
}

fn failure(result: Result<FleetAnswer, NetError>) -> NetError {
    match result {
        Err(error) => error,
        Ok(answer) => panic!("taken for an agent: {answer:?}"),
    }
}

fn malformed(result: Result<FleetAnswer, NetError>) -> String {
    match result {
        Err(NetError::Malformed(why)) => why,
        other => panic!("taken for an agent: {other:?}"),
    }
}

#[tokio::test]
async fn an_agent_that_is_well_is_understood_and_the_cursor_is_sent_back() {
    let agent = Scripted::start(|_| Reply::Json(200, alone(snapshot("a", "c 1&x")))).await;
    let client = Client::new(&[agent.url()]).unwrap();
    let first = client.fleet(&agent.url(), None).await.unwrap().update;
    assert_eq!((first.replica.as_str(), first.replicas[0].totals.spend.tokens), ("a", 471));
    client.fleet(&agent.url(), Some(&first.cursor)).await.unwrap();
    let requests = agent.requests();
    assert!(requests[0].starts_with("GET /v1/fleet HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /v1/fleet?since=c+1%26x HTTP/1.1\r\n"), "{}", requests[1]);
}

#[tokio::test]
async fn unknown_fields_are_no_matter() {
    let agent = Scripted::start(|_| {
        let mut body = snapshot("a", "1");
        body["from_a_later_version"] = json!({"x": [1, 2]});
        Reply::Json(200, alone(body))
    })
    .await;
    assert!(ask(&agent.url()).await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_refused() {
    assert_eq!(failure(ask(&nobody().await).await), NetError::Refused);
}

#[tokio::test]
async fn a_hung_agent_runs_out_of_time() {
    let agent = Scripted::start(|_| Reply::Hang).await;
    assert_eq!(failure(ask_for(&agent.url(), Duration::from_millis(50)).await), NetError::TimedOut(1));
}

#[tokio::test]
async fn an_answer_that_ends_in_the_middle_is_a_lost_connection() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"cursor\"".to_vec();
    for raw in [half, Vec::new()] {
        let agent = Scripted::start(move |_| Reply::Raw(raw.clone())).await;
        let result = ask(&agent.url()).await;
        assert!(matches!(result, Err(NetError::Lost(_))), "{result:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let agent = Scripted::start(|_| Reply::Endless).await;
    assert_eq!(malformed(ask(&agent.url()).await), "longer than 8 MiB");
}

#[tokio::test]
async fn what_is_no_answer_is_named() {
    let deep = "[".repeat(100_000);
    let cases = [
        ("application/json", "", "it is empty"),
        ("application/json", "{\"cursor\": \"1\"}", "missing field"),
        ("application/json", "[1, 2]", "expected a JSON object"),
        ("application/json", "{\"cursor\": tr", "line 1"),
        ("application/json", deep.as_str(), "recursion"),
        ("text/html; charset=utf-8", "<html>Welcome to nginx!</html>", "a web page"),
    ];
    for (content_type, body, reason) in cases {
        let raw = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n{body}");
        let agent = Scripted::start(move |_| Reply::Raw(raw.clone().into_bytes())).await;
        let why = malformed(ask(&agent.url()).await);
        assert!(why.contains(reason), "{why}");
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_named_with_its_place() {
    let agent = Scripted::start(|_| {
        let mut body = snapshot("a", "1");
        body["totals"]["spend"]["cost_usd"] = json!(-3);
        Reply::Json(200, alone(body))
    })
    .await;
    let answer = ask(&agent.url()).await.unwrap();
    let why = &answer.faults[0].reason;
    assert!(answer.update.replicas.is_empty() && why.contains("totals.spend.cost_usd"), "{why}");
}

#[tokio::test]
async fn something_that_is_no_http_is_no_agent() {
    let agent = Scripted::start(|_| Reply::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())).await;
    let result = ask(&agent.url()).await;
    assert!(matches!(result, Err(NetError::Lost(_) | NetError::Malformed(_))), "{result:?}");
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let elsewhere = Scripted::start(|_| Reply::Json(200, snapshot("b", "1"))).await;
    let location = format!("http://{}/v1/fleet", elsewhere.address);
    let agent = Scripted::start(move |_| {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        Reply::Raw(head.into_bytes())
    })
    .await;
    let why = malformed(ask(&agent.url()).await);
    assert!(why.contains("302") && why.contains(&elsewhere.address.to_string()), "{why}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn what_a_header_says_is_harmless_too() {
    let head = "HTTP/1.1 302 Found\r\nlocation: http://evil/\u{9b}31mx\u{202e}\u{200b}\r\ncontent-length: 0\r\n\r\n";
    let agent = Scripted::start(|_| Reply::Raw(head.into())).await;
    let why = malformed(ask(&agent.url()).await);
    assert!(why.contains("a redirect to http://evil/x;"), "{why:?}");
}

#[tokio::test]
async fn a_problem_keeps_the_agents_own_words() {
    let agent = Scripted::start(|_| {
        Reply::Json(
            422,
            json!({
                "type": "urn:langdeck:problem:invalid-alert", "title": "The alert is invalid", "status": 422,
                "detail": "service must not be blank", "request_id": "r1",
                "errors": [{"field": "service", "reason": "must not be blank"}],
            }),
        )
    })
    .await;
    let error = ask(&agent.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "service must not be blank");
    let NetError::Problem(problem) = error else { panic!("{error:?}") };
    assert_eq!(problem.errors[0].field, "service");
}

#[tokio::test]
async fn a_refusal_without_a_problem_is_named_by_its_status() {
    let agent = Scripted::start(|_| Reply::Json(404, json!({"detail": "Not Found"}))).await;
    assert_eq!(malformed(ask(&agent.url()).await), "status 404 Not Found: Not Found");
}

#[tokio::test]
async fn hostile_text_is_harmless_wherever_it_stands() {
    const EVIL: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\r\nb";
    let agent = Scripted::start(|request| {
        if request.starts_with("GET /v1/fleet") {
            let mut body = snapshot("a", "1");
            body["replica"] = json!(EVIL);
            body["memory"]["patterns"] = json!([{
                "service": EVIL, "investigations": 1, "alert_types": {EVIL: 1}, "last_seen": "2026-01-01T00:00:00Z",
                "last_alert_type": EVIL, "mean_cost_usd": 0, "mean_confidence": 0.5,
            }]);
            Reply::Json(200, alone(body))
        } else {
            let body =
                json!({"type": EVIL, "title": EVIL, "status": 404, "detail": EVIL, "request_id": EVIL, "errors": []});
            Reply::Json(404, body)
        }
    })
    .await;
    let client = Client::new(&[agent.url()]).unwrap();
    let update = &client.fleet(&agent.url(), None).await.unwrap().update.replicas[0];
    let pattern = &update.memory.patterns[0];
    assert_eq!((update.replica.as_str(), pattern.service.as_str()), ("a b", "a b"));
    assert_eq!(pattern.alert_types.keys().collect::<Vec<_>>(), ["a b"]);
    let error = client.investigation(&agent.url(), "inv_1").await.unwrap_err();
    assert_eq!(error.to_string(), "a b");
}

#[tokio::test]
async fn an_alert_is_sent_with_its_key() {
    let agent =
        Scripted::start(|_| Reply::Json(202, json!({"investigation_id": "inv_1", "replica": "a", "status": "queued"})))
            .await;
    let client = Client::new(&[agent.url()]).unwrap();
    let alert =
        AlertRequest { alert_type: "high_cpu".to_owned(), service: "api".to_owned(), ..AlertRequest::default() };
    let accepted = client.submit(&agent.url(), None, &alert, "key-1").await.unwrap();
    assert_eq!((accepted.investigation_id.as_str(), accepted.status), ("inv_1", Status::Queued));
    let request = &agent.requests()[0];
    assert!(request.starts_with("POST /v1/investigations HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("idempotency-key: key-1\r\n"), "{request}");
    assert!(request.ends_with("{\"alert_type\":\"high_cpu\",\"service\":\"api\"}"), "{request}");
}

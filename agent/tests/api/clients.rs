//! Clients that vanish, dawdle, talk nonsense or too much: the agent goes on, and its gauges return to zero.

use langdeck_shared::{Report, Usd};

use crate::raw::{Raw, get, post};
use crate::support::{Server, assert_calm, config, eventually};

const ALERT: &str = r#"{"alert_type":"high_latency","service":"checkout-api"}"#;

#[tokio::test]
async fn who_has_only_stopped_sending_gets_the_answer() {
    let (server, gate) = Server::gated(config()).await;
    let mut client = Raw::saying(&server, post("/investigate", ALERT)).await;
    client.finish().await;
    gate.entered().await;
    gate.open(2);
    let answer = client.answer().await.unwrap();
    answer.check();
    let report: Report = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(report.alert.service, "checkout-api");
    assert!(client.answer().await.is_none());
    assert_calm(&server).await;
}

#[tokio::test]
async fn what_a_vanished_client_asked_for_is_done_remembered_and_paid_for() {
    let server = Server::with(langdeck_agent::Config { sim_delay: 1.0, ..config() }).await;
    let politely = Raw::saying(&server, post("/investigate", ALERT)).await;
    let rudely = Raw::saying(&server, post("/investigate", ALERT)).await;
    eventually("both run", async || (server.replica(None).await.totals.requests == 2).then_some(())).await;
    drop(politely);
    rudely.vanish();
    let update = eventually("both end", async || {
        let update = server.replica(None).await;
        (update.totals.succeeded == 2).then_some(update)
    })
    .await;
    assert_eq!((update.running, update.queued), (0, 0));
    assert_eq!(update.memory.patterns[0].investigations, 2);
    assert_eq!(update.totals.spend.cost_usd, Usd::from_nanos(2 * 314_000));
    assert_calm(&server).await;
}

#[tokio::test]
async fn half_a_request_is_none() {
    let server = Server::start().await;
    let whole = post("/investigate", ALERT);
    let body = whole.find("\r\n\r\n").unwrap() + 4;
    for end in [1, 10, body - 1, body, whole.len() - 1] {
        drop(Raw::saying(&server, &whole[..end]).await);
        Raw::saying(&server, &whole[..end]).await.vanish();
        let mut client = Raw::saying(&server, &whole[..end]).await;
        client.finish().await;
        let answer = client.answer().await;
        // What has no headers is nobody's request.
        assert_eq!(answer.is_some(), end >= body);
        if let Some(answer) = answer {
            assert_eq!(answer.status, 400);
            assert!(answer.check().unwrap().detail.contains("broke off"), "{answer:?}");
        }
    }
    assert_eq!(server.replica(None).await.totals.requests, 0);
    assert_calm(&server).await;
}

#[tokio::test]
async fn requests_in_one_go_are_answered_one_by_one() {
    let server = Server::start().await;
    let numbered =
        |request: String, number: usize| request.replacen("\r\n", &format!("\r\nx-request-id: {number}\r\n"), 1);
    let all = (0..60).map(|number| match number % 3 {
        0 => numbered(post("/investigate", ALERT), number),
        1 => numbered(get("/livez"), number),
        _ => numbered(post("/investigate", "{"), number),
    });
    let mut client = Raw::saying(&server, all.collect::<String>()).await;
    for number in 0..60 {
        let answer = client.answer().await.unwrap();
        answer.check();
        assert_eq!(answer.headers["x-request-id"], number.to_string());
        assert_eq!(answer.status, [200, 200, 400][number % 3]);
    }
    assert_eq!(server.replica(None).await.totals.succeeded, 20);
    assert_calm(&server).await;
}

#[tokio::test]
async fn silent_clients_are_in_nobodys_way() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Raw::connect(&server).await);
        clients.push(Raw::saying(&server, "POST /investigate HTTP/1.1\r\nhost: ").await);
    }
    assert_calm(&server).await;
    server.agent.shutdown().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_connection_closed() {
    let server = Server::start().await;
    let nonsense: [&[u8]; 10] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x05\x01\x00",
        b"\0\0\0\0\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/3.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /investigate HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /investigate HTTP/1.1\r\ncontent-length: minus one\r\n\r\n{}",
    ];
    for bytes in nonsense {
        let mut client = Raw::saying(&server, bytes).await;
        client.finish().await;
        let answer = client.answer().await.unwrap_or_else(|| panic!("{} gets no answer", bytes.escape_ascii()));
        assert_eq!(answer.status, 400, "{}", bytes.escape_ascii());
        assert!(client.answer().await.is_none());
    }
    // Of another protocol, this one is not even answered.
    let mut client = Raw::saying(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(client.answer().await.is_none());
    let chunks = "POST /investigate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = Raw::saying(&server, chunks).await.answer().await.unwrap();
    assert_eq!(answer.check().unwrap().kind, "urn:langdeck:problem:not-json");
    assert_eq!(server.replica(None).await.totals.requests, 0);
    assert_calm(&server).await;
}

#[tokio::test]
async fn headers_are_bounded_in_length_and_number() {
    let server = Server::start().await;
    let with = |headers: &str| get("/livez").replacen("\r\n", &format!("\r\n{headers}"), 1);
    let long = |length: usize| with(&format!("x: {}\r\n", "x".repeat(length)));
    for (request, status) in [
        (long(15 * 1024), 200),
        (long(16 * 1024), 431),
        (long(1024 * 1024), 431),
        (with(&"x: y\r\n".repeat(99)), 200),
        (with(&"x: y\r\n".repeat(100)), 431),
        (get(&format!("/{}", "x".repeat(16 * 1024))), 431),
    ] {
        let mut client = Raw::saying(&server, request).await;
        assert_eq!(client.answer().await.unwrap().status, status);
        if status != 200 {
            assert!(client.answer().await.is_none());
        }
    }
    assert_calm(&server).await;
}

#[tokio::test]
async fn a_body_too_long_is_refused_before_it_is_sent_and_also_after() {
    let server = Server::start().await;
    let announced =
        "POST /investigate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 65537\r\n";
    for (expect, rest) in [("expect: 100-continue\r\n", String::new()), ("", " ".repeat(65_537))] {
        let mut client = Raw::saying(&server, format!("{announced}{expect}\r\n{rest}")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.check().unwrap().kind, "urn:langdeck:problem:too-large");
        assert_eq!(answer.headers["connection"], "close");
        assert!(client.answer().await.is_none());
    }
    let mut client = Raw::connect(&server).await;
    client.send(post("/investigate", ALERT).replacen("\r\n", "\r\nexpect: 100-continue\r\n", 1)).await;
    assert_eq!(client.answer().await.unwrap().status, 100);
    assert_eq!(client.answer().await.unwrap().status, 200);
    assert_calm(&server).await;
}

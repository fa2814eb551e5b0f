//! Large notifications: a few at once, so that many cannot hold the memory of the machine.

use serde_json::json;

use crate::raw::{Raw, get, post};
use crate::support::{Server, assert_calm, eventually};

const DOOR: &str = "/v1/alerts/alertmanager";
const AT_ONCE: usize = 8;
const LARGEST: usize = 4 * 1024 * 1024;
const SMALL: &str = r#"{"alerts":[]}"#;

/// A client with a place for a body of which nothing has come: its first answer says that it may send it.
async fn invited(server: &Server) -> Raw {
    let head = format!(
        "POST {DOOR} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {LARGEST}\r\n\r\n"
    );
    let mut client = Raw::saying(server, head).await;
    assert_eq!(client.answer().await.unwrap().status, 100);
    client
}

#[tokio::test]
async fn a_few_are_read_at_once_and_small_ones_always() {
    let server = Server::start().await;
    let mut readers = Vec::new();
    for _ in 0..AT_ONCE {
        readers.push(invited(&server).await);
    }
    let just_large = " ".repeat(64 * 1024 + 1 - SMALL.len()) + SMALL;
    let chunked = format!(
        "POST {DOOR} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{SMALL}\r\n0\r\n\r\n"
    );
    let many_alerts = json!({ "alerts": vec![0; 513] }).to_string();
    for request in [post(DOOR, &just_large), chunked.clone(), post(DOOR, &many_alerts)] {
        let mut client = Raw::saying(&server, request).await;
        let answer = client.answer().await.unwrap();
        let problem = answer.check().unwrap();
        assert_eq!((answer.status, problem.kind.as_str()), (503, "urn:langdeck:problem:crowded"));
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.headers["connection"], "close");
        assert!(client.answer().await.is_none());
    }
    let not_json = post(DOOR, &just_large).replacen("application/json", "text/plain", 1);
    assert_eq!(Raw::saying(&server, not_json).await.answer().await.unwrap().status, 415);
    let few_alerts = json!({ "alerts": vec![0; 512] }).to_string();
    let just_small = &just_large[1..];
    for request in [post(DOOR, just_small), post(DOOR, &few_alerts), get("/livez")] {
        assert_eq!(Raw::saying(&server, request).await.answer().await.unwrap().status, 200);
    }

    // One gives up, another is read to its end: both places are free again.
    readers.pop().unwrap().vanish();
    let mut whole = readers.pop().unwrap();
    whole.send(" ".repeat(LARGEST - SMALL.len()) + SMALL).await;
    assert_eq!(whole.answer().await.unwrap().status, 200);
    let _first = eventually("a place", async || {
        let answer = Raw::saying(&server, post(DOOR, &just_large)).await.answer().await.unwrap();
        (answer.status == 200).then_some(())
    })
    .await;
    let again = [invited(&server).await];
    eventually("the other place", async || {
        let answer = Raw::saying(&server, &chunked).await.answer().await.unwrap();
        (answer.status == 200).then_some(())
    })
    .await;
    drop((readers, again));
    assert_calm(&server).await;
}

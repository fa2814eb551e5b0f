//! The door with short bounds: silent, slow, unreading and too many clients, each beside one who must be served.
//!
//! Clients and server share one thread here, so that a machine which is slow is slow for both.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use langdeck_shared::{Problem, ToolMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::identity::Identity;

/// For as long as a slow machine may need.
const LONGEST: Duration = Duration::from_secs(20);
/// Longer than any test takes.
const PATIENT: Duration = Duration::from_secs(3600);
/// What a client has to wait for anyhow.
const SHORT: Duration = Duration::from_millis(300);
/// More than the buffers of both sides of a connection hold.
const LARGE: usize = 32 * 1024 * 1024;
const BOUNDS: Bounds =
    Bounds { places: 100, refusals: 100, unread_kib: 64 * 1024, patience: PATIENT, refusal_patience: PATIENT };

/// A door on a free port.
struct Door {
    address: SocketAddr,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
    /// Requests at work behind `/gate`, and leave for them to end.
    entered: Arc<Semaphore>,
    leave: Arc<Semaphore>,
}

impl Door {
    async fn open(bounds: Bounds) -> Self {
        let (entered, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let gate = {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move || {
                entered.add_permits(1);
                leave.acquire().await.unwrap().forget();
                "passed"
            }
        };
        let router = Router::new()
            .route("/livez", get(async || "alive"))
            .route("/work", any(async || "done"))
            .route("/large", any(async || "x".repeat(LARGE)))
            .route("/v1/alerts/alertmanager", post(async || "x".repeat(LARGE)))
            .route("/gate", get(gate));
        let identity = Identity::new("r", "m", ToolMode::Sequential);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(());
        let api = Arc::new(Envelope::new(router, &identity));
        Self { address, stop, server: tokio::spawn(serve(listener, api, bounds, stopped)), entered, leave }
    }

    async fn connect(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// The answer to a request on a connection of its own.
    async fn get(&self, path: &str) -> Answer {
        let stream = self.connect(&request(path)).await;
        Answer::parse(&to_end(stream).await)
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
}

/// All that a connection says until it closes.
async fn to_end(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    in_time(stream.read_to_end(&mut said)).await.unwrap();
    String::from_utf8(said).unwrap()
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(LONGEST, future).await.unwrap()
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (first, headers) = head.split_once("\r\n").unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            status: first.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: headers.lines().filter_map(header).collect(),
            body: body.to_owned(),
        }
    }
}

#[tokio::test]
async fn who_says_nothing_or_only_part_of_a_request_is_let_go_and_others_are_served() {
    let door = Door::open(Bounds { patience: SHORT, ..BOUNDS }).await;
    let began = Instant::now();
    let silent = [door.connect("").await, door.connect("GET /livez HTTP/1.1\r\nx-slow: ").await];
    let mut trickling = door.connect("GET /livez HTTP/1.1\r\n").await;
    let trickle = tokio::spawn(async move {
        // Until the other side is gone.
        while trickling.write_all(b"a: b\r\n").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    in_time(async {
        for client in silent {
            assert_eq!(to_end(client).await, "");
        }
        trickle.await.unwrap();
    })
    .await;
    assert!(began.elapsed() >= SHORT);
    assert_eq!(door.get("/livez").await.body, "alive");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_request() {
    let door = Door::open(Bounds { patience: SHORT, ..BOUNDS }).await;
    let client = door.connect(&request("/gate")).await;
    in_time(door.entered.acquire()).await.unwrap().forget();
    sleep(SHORT * 2).await;
    door.leave.add_permits(1);
    assert_eq!(Answer::parse(&to_end(client).await).body, "passed");
}

#[tokio::test]
async fn who_does_not_read_is_let_go() {
    let door = Door::open(Bounds { patience: SHORT, ..BOUNDS }).await;
    let mut client = door.connect("").await;
    let pipelined = "GET /large HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100);
    let mut sent = 0;
    // Once both buffers are full, nothing more is taken; then the connection goes.
    in_time(async {
        while client.write_all(pipelined.as_bytes()).await.is_ok() {
            sent += pipelined.len();
        }
    })
    .await;
    assert!(sent < LARGE, "requests are read although their answers are not");
    assert_eq!(door.get("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn large_answers_hold_no_more_than_their_room_until_they_are_read_or_given_up() {
    for first_line in ["GET /large HTTP/1.1", "POST /v1/alerts/alertmanager HTTP/1.1"] {
        let door = Door::open(Bounds { unread_kib: 2 * LARGE / 1024, ..BOUNDS }).await;
        let request = format!("{first_line}\r\nhost: a\r\nconnection: close\r\n\r\n");
        let ask = async || Answer::parse(&to_end(door.connect(&request).await).await);
        let mut unread = Vec::new();
        for _ in 0..2 {
            let mut client = door.connect(&request).await;
            assert!(in_time(client.read(&mut [0; 100])).await.unwrap() > 0);
            unread.push(client);
        }
        let refused = ask().await;
        assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        let problem: Problem = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(problem.kind, "urn:langdeck:problem:crowded");
        assert_eq!(refused.headers["x-request-id"], problem.request_id);
        assert_eq!(door.get("/livez").await.status, StatusCode::OK);

        drop(unread.pop());
        in_time(async { while ask().await.status != StatusCode::OK {} }).await;
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_asked_for_again_is_not_taken_back() {
    let door = Door::open(Bounds { unread_kib: 0, ..BOUNDS }).await;
    assert_eq!(door.get("/large").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let client = door.connect("POST /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert_eq!(Answer::parse(&to_end(client).await).body.len(), LARGE);
}

#[tokio::test]
async fn beyond_its_places_a_connection_learns_that_there_is_none_and_that_the_process_lives() {
    let door = Door::open(Bounds { places: 2, ..BOUNDS }).await;
    let holders = [door.connect("").await, door.connect("GET /").await];

    let refused = door.get("/work").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((refused.headers["retry-after"].as_str(), refused.headers["connection"].as_str()), ("1", "close"));
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["x-agent-replica"], "r");
    let problem: Problem = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((problem.kind.as_str(), problem.status), ("urn:langdeck:problem:crowded", 503));
    assert_eq!(refused.headers["x-request-id"], problem.request_id);
    assert_eq!(door.get("/livez").await.body, "alive");

    drop(holders);
    in_time(async {
        while door.get("/work").await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_a_place_has_one_request_and_little_time() {
    let door = Door::open(Bounds { places: 1, refusal_patience: SHORT, ..BOUNDS }).await;
    let _holder = door.connect("").await;
    assert_eq!(to_end(door.connect("").await).await, "");
    let twice = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2);
    let answers = to_end(door.connect(&twice).await).await;
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
}

#[tokio::test]
async fn a_flood_is_closed_where_not_even_a_refusal_has_a_place() {
    let door = Door::open(Bounds { places: 1, refusals: 1, refusal_patience: SHORT, ..BOUNDS }).await;
    let _holder = door.connect("").await;
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.push(TcpStream::connect(door.address).await.unwrap());
    }
    for mut client in flood {
        let mut nothing = [0];
        assert!(!matches!(in_time(client.read(&mut nothing)).await, Ok(1)));
    }
    in_time(async {
        // One of the flood may hold the only place to be answered for as long as its patience lasts.
        loop {
            let mut client = door.connect("").await;
            let mut said = String::new();
            if client.write_all(request("/livez").as_bytes()).await.is_ok()
                && client.read_to_string(&mut said).await.is_ok()
                && said.ends_with("alive")
            {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_sends_more_than_is_read_still_gets_the_answer() {
    let door = Door::open(BOUNDS).await;
    let unread = format!("POST /work HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n");
    let too_long = format!("GET /livez HTTP/1.1\r\nx: {}", "x".repeat(HEAD_BYTES));
    let too_many = format!("GET /livez HTTP/1.1\r\n{}", "x: y\r\n".repeat(101));
    for (head, status) in [(unread, "200"), (too_long, "431"), (too_many, "431")] {
        let (mut reader, mut writer) = door.connect(&head).await.into_split();
        let write = tokio::spawn(async move {
            // As much as the server takes.
            let _ = writer.write_all(&vec![b'x'; 1024 * 1024]).await;
        });
        let mut said = Vec::new();
        in_time(reader.read_to_end(&mut said)).await.unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        in_time(write).await.unwrap();
    }
}

#[tokio::test]
async fn asked_to_stop_it_closes_what_is_idle_and_lets_answers_leave() {
    let door = Door::open(BOUNDS).await;
    let mut idle = door.connect("GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(in_time(idle.read(&mut [0; 1024])).await.unwrap() > 0);
    let silent = door.connect("").await;
    let waiting = door.connect("GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    in_time(door.entered.acquire()).await.unwrap().forget();

    drop(door.stop);
    for client in [idle, silent] {
        assert_eq!(to_end(client).await, "");
    }
    assert!(TcpStream::connect(door.address).await.is_err());
    assert!(!door.server.is_finished());
    door.leave.add_permits(1);
    let last = Answer::parse(&to_end(waiting).await);
    assert_eq!((last.body.as_str(), last.headers["connection"].as_str()), ("passed", "close"));
    in_time(door.server).await.unwrap();
}

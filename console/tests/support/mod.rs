//! A scripted agent: real sockets, any answer, however bad.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod command;
pub(crate) mod real;
pub(crate) mod scenario;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use langdeck_console::net::BaseUrl;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Far longer than anything takes; reached only when something is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What a scripted agent does with a request.
pub(crate) enum Reply {
    /// Answers with this status and JSON.
    Json(u16, Value),
    /// Writes these bytes and closes.
    Raw(Vec<u8>),
    /// Accepts the request and says nothing, for ever.
    Hang,
    /// Writes a good beginning and then bytes without end.
    Endless,
    /// Does that, but only after so long.
    Late(Duration, Box<Reply>),
}

/// An agent that answers as a test tells it. Ends when dropped.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Listens on a free port; `script` answers each request by its head and body.
    pub(crate) async fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, seen) = (Arc::new(script), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn url(&self) -> BaseUrl {
        format!("http://{}", self.address).parse().unwrap()
    }

    /// The requests so far, each with its head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&str) -> Reply + Send + Sync>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        let mut reply = script(&request);
        while let Reply::Late(delay, late) = reply {
            tokio::time::sleep(delay).await;
            reply = *late;
        }
        match reply {
            Reply::Json(status, body) => {
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if stream.write_all((head + &body).as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Raw(bytes) => {
                let _client_has_gone = stream.write_all(&bytes).await;
                return;
            }
            // Late ones have come out of their shell above.
            Reply::Hang | Reply::Late(..) => std::future::pending::<()>().await,
            Reply::Endless => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"cursor\": \"";
                if stream.write_all(head).await.is_err() {
                    return;
                }
                while stream.write_all(&[b'x'; 64 * 1024]).await.is_ok() {}
                return;
            }
        }
    }
}

/// One request, head and body; none when the client has closed.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|&count| count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}

/// A whole and truthful `GET /v1/replica`.
pub(crate) fn snapshot(replica: &str, cursor: &str) -> Value {
    json!({
        "cursor": cursor, "reset": true, "more": false, "missed": 0,
        "replica": replica, "boot_id": format!("boot-{replica}"), "status": "ready", "version": "0.1.0",
        "model": "simulated-gpt-4", "tool_mode": "sequential",
        "started_at": "2026-01-01T00:00:00Z", "now": "2026-01-01T00:01:00Z", "uptime_ms": 60_000,
        "totals": {
            "requests": 3, "succeeded": 2, "partial": 0, "failed": 1, "cancelled": 0, "tools_executed": 9,
            "spend": {"calls": 15, "tokens": 471, "input_tokens": 300, "output_tokens": 171, "cost_usd": 0.000942},
        },
        "running": 1, "queued": 0,
        "samples": [], "investigations": [], "memory": {"services": 0, "patterns": []},
    })
}

/// What an agent answers to `GET /v1/fleet` that is alone in its fleet and would say this to `GET /v1/replica`.
pub(crate) fn alone(replica: Value) -> Value {
    let of = |name: &str| replica.get(name).cloned().unwrap_or_default();
    // What is wrong with the replica is no fault of the fleet.
    let text = |name: &str, otherwise: &str| match of(name) {
        Value::String(text) if !text.trim().is_empty() => text,
        _ => otherwise.to_owned(),
    };
    json!({
        "cursor": text("cursor", "1"), "reset": of("reset"), "more": of("more"),
        "replica": text("replica", "pod"), "boot_id": text("boot_id", "boot"), "replicas": [replica],
    })
}

/// An address where nothing listens: it was free a moment ago.
pub(crate) async fn nobody() -> BaseUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

/// Waits for something that must come; panics with `what` where it does not.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited {DEADLINE:?} in vain: {what}"),
    }
}

//! Questions to peers: bounded in time and size, and honest about what went wrong.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use langdeck_shared::{FailureKind, PeerFailure, Problem};
use serde::de::DeserializeOwned;

/// How long a peer may take to be connected to.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a connection to a peer is kept that nothing is asked through.
const KEPT_IDLE: Duration = Duration::from_secs(30);
/// Says that a request comes from a replica, by its name, and is not to be handed on once more.
pub(crate) const HANDED_ON_BY: &str = "x-agent-handed-on-by";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("langdeck-agent/", env!("CARGO_PKG_VERSION")));

/// Asks peers by their address. Nothing is resolved, no redirect followed, no proxy used.
#[derive(Debug, Clone)]
pub(crate) struct PeerClient {
    http: Client<HttpConnector, Full<Bytes>>,
    name: HeaderValue,
}

/// A question to a peer.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long the whole answer may take.
    pub(crate) patience: Duration,
    /// How long the answer's body may be, in bytes.
    pub(crate) most: usize,
}

/// A peer's answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// In how many seconds it says to come back, if it does.
    pub(crate) retry_after: Option<u64>,
}

impl PeerClient {
    /// A client of the replica with this name.
    pub(crate) fn new(replica: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_IDLE)
            .pool_max_idle_per_host(4)
            .build(connector);
        let name = HeaderValue::from_str(replica).unwrap_or(HeaderValue::from_static("a-replica"));
        Self { http, name }
    }

    /// Asks a peer; any answer that is whole, whatever its status. Of several addresses the first one counts that takes
    /// the connection.
    pub(crate) async fn ask(&self, addresses: &[SocketAddr], question: Question) -> Result<Reply, PeerFailure> {
        let patience = question.patience;
        // What waiting for a place has taken of it is no news.
        let seconds = (patience.as_secs_f64() * 10.0).round() / 10.0;
        let late = |_| PeerFailure::new(FailureKind::TimedOut, format!("no answer within {seconds} s"));
        let ask = async {
            let mut failed = PeerFailure::new(FailureKind::Unresolved, "its name leads to no address");
            for address in addresses {
                match self.exchange(*address, question.clone()).await {
                    Err(failure) if matches!(failure.kind, FailureKind::Refused | FailureKind::Unreachable) => {
                        failed = failure;
                    }
                    result => return result,
                }
            }
            Err(failed)
        };
        tokio::time::timeout(patience, ask).await.map_err(late)?
    }

    async fn exchange(&self, address: SocketAddr, question: Question) -> Result<Reply, PeerFailure> {
        let Question { method, path, headers, body, most, .. } = question;
        let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(path).build();
        let uri = uri.map_err(|error| PeerFailure::new(FailureKind::Unreachable, error.to_string()))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        request.headers_mut().insert(HANDED_ON_BY, self.name.clone());
        let response = self.http.request(request).await.map_err(|error| failure(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                PeerFailure::new(FailureKind::Faulty, format!("its answer is longer than {most} bytes"))
            } else {
                PeerFailure::new(FailureKind::Lost, "the connection broke in the middle of its answer")
            }
        })?;
        let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Reply { status: parts.status, body: body.to_bytes(), retry_after })
    }
}

impl Question {
    /// A question for what a peer has there.
    pub(crate) fn get(path: PathAndQuery, patience: Duration, most: usize) -> Self {
        Self { method: Method::GET, path, headers: HeaderMap::new(), body: Bytes::new(), patience, most }
    }

    /// A question with a JSON body.
    pub(crate) fn post(path: PathAndQuery, body: Bytes, patience: Duration, most: usize) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON)]);
        Self { method: Method::POST, headers, body, ..Self::get(path, patience, most) }
    }
}

impl Reply {
    /// The body of a good answer, with its type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, PeerFailure> {
        if !self.status.is_success() {
            return Err(faulty(self.refusal()));
        }
        serde_json::from_slice(&self.body).map_err(|error| faulty(error.to_string()))
    }

    /// What an answer says that is no good one: its status, and its own words where it has some.
    pub(crate) fn refusal(&self) -> String {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => format!("it answers {}: {}", self.status.as_u16(), problem.detail),
            Err(_) => format!("it answers {}", self.status),
        }
    }
}

/// That a peer's answer is none.
pub(crate) fn faulty(why: impl Into<String>) -> PeerFailure {
    PeerFailure::new(FailureKind::Faulty, why.into().chars().take(MOST_REASON).collect::<String>())
}

/// The longest reason, in characters: some quote what was sent.
const MOST_REASON: usize = 300;

fn failure(error: &Error) -> PeerFailure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if cause.downcast_ref().is_some_and(refused) {
        PeerFailure::new(FailureKind::Refused, "connection refused")
    } else {
        let kind = if error.is_connect() { FailureKind::Unreachable } else { FailureKind::Lost };
        PeerFailure::new(kind, cause.to_string())
    }
}

//! One HTTP client for every agent: bounded in time and size, cleaned, and honest about what went wrong.

use std::error::Error as _;
use std::io;
use std::sync::Once;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Accepted, AlertRequest, Costs, DecisionPage, Investigation, Problem};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::Answer;
use super::{BaseUrl, FleetAnswer, NetError, clean_json, clean_text};

/// The longest answer that is read, in bytes. A snapshot of a busy replica stays far below it.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// As many decisions as an agent puts into one answer.
const MOST_DECISIONS: &str = "200";

/// Which decisions are wanted: those that fit all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Only those about this investigation.
    pub investigation_id: Option<String>,
    /// Only those with this code, in the agent's words.
    pub code: Option<String>,
    /// Only those of this actor, in the agent's words.
    pub actor: Option<String>,
}

/// The span of time whose costs are wanted besides; as agents take it, without an end it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CostSpanFilter {
    /// From here on.
    pub from: Option<Timestamp>,
    /// Until before this.
    pub to: Option<Timestamp>,
}

/// How long an agent may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To be connected to.
    pub connect: Duration,
    /// To have answered wholly, connecting included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), total: Duration::from_secs(5) }
    }
}

/// Asks agents. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    timeouts: Timeouts,
}

impl Client {
    /// A client for these addresses.
    ///
    /// # Errors
    ///
    /// When one of them needs TLS and the system has no certificates to check it against.
    pub fn new(urls: &[BaseUrl]) -> Result<Self, NetError> {
        Self::with_timeouts(urls, Timeouts::default())
    }

    /// A client with its own patience.
    ///
    /// # Errors
    ///
    /// As for [`Client::new`].
    pub fn with_timeouts(urls: &[BaseUrl], timeouts: Timeouts) -> Result<Self, NetError> {
        install_tls_provider();
        let mut builder = reqwest::Client::builder()
            // Agents and loopback are never behind the system's proxy, and a redirect could lead anywhere.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .tcp_nodelay(true)
            .user_agent(concat!("langdeck/", env!("CARGO_PKG_VERSION")));
        // The system's certificates cost memory and time, and a small container may have none.
        if !urls.iter().any(BaseUrl::is_https) {
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| NetError::Unreachable(reason(&error)))?;
        Ok(Self { http, timeouts })
    }

    /// What the console needs of every replica of the fleet, changed since the cursor; a snapshot without one.
    ///
    /// # Errors
    ///
    /// See [`NetError`]. What only one replica of the fleet is at fault for is none.
    pub async fn fleet(&self, base: &BaseUrl, since: Option<&str>) -> Result<FleetAnswer, NetError> {
        let mut url = base.endpoint(&["v1", "fleet"]);
        if let Some(cursor) = since {
            url.query_pairs_mut().append_pair("since", cursor);
        }
        self.get(url).await
    }

    /// One investigation, whole.
    ///
    /// # Errors
    ///
    /// See [`NetError`].
    pub async fn investigation(&self, base: &BaseUrl, id: &str) -> Result<Investigation, NetError> {
        self.get(base.endpoint(&["v1", "investigations", id])).await
    }

    /// What all replicas of the fleet behind an address have spent.
    ///
    /// # Errors
    ///
    /// See [`NetError`].
    pub async fn costs(&self, base: &BaseUrl, span: &CostSpanFilter) -> Result<Costs, NetError> {
        let mut url = base.endpoint(&["v1", "costs"]);
        let times = [("from", span.from), ("to", span.to)].into_iter();
        let times = times.filter_map(|(name, time)| Some((name, time?.to_string())));
        url.query_pairs_mut().append_pair("scope", "fleet").extend_pairs(times);
        self.get(url).await
    }

    /// Decisions of a replica: the last of those that fit, or what came after the cursor.
    ///
    /// # Errors
    ///
    /// See [`NetError`].
    pub async fn decisions(
        &self,
        base: &BaseUrl,
        filter: &DecisionFilter,
        cursor: Option<&str>,
    ) -> Result<DecisionPage, NetError> {
        let mut url = base.endpoint(&["v1", "decisions"]);
        let DecisionFilter { investigation_id, code, actor } = filter;
        let given = [
            ("limit", Some(MOST_DECISIONS)),
            ("investigation_id", investigation_id.as_deref()),
            ("code", code.as_deref()),
            ("actor", actor.as_deref()),
            ("cursor", cursor),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        url.query_pairs_mut().extend_pairs(given);
        self.get(url).await
    }

    /// Sends an alert, to be handed on to the replica of this name or boot id where one is given. The key makes a
    /// repeated send join the first.
    ///
    /// # Errors
    ///
    /// See [`NetError`].
    pub async fn submit(
        &self,
        base: &BaseUrl,
        replica: Option<&str>,
        alert: &AlertRequest,
        idempotency_key: &str,
    ) -> Result<Accepted, NetError> {
        let mut url = base.endpoint(&["v1", "investigations"]);
        if let Some(replica) = replica {
            url.query_pairs_mut().append_pair("replica", replica);
        }
        self.send(self.http.post(url).header("idempotency-key", idempotency_key).json(alert)).await
    }

    async fn get<T: Answer>(&self, url: Url) -> Result<T, NetError> {
        self.send(self.http.get(url)).await
    }

    async fn send<T: Answer>(&self, request: RequestBuilder) -> Result<T, NetError> {
        let response = request.header(ACCEPT, "application/json").send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(redirected(&response));
        }
        let content_type = header(&response, &CONTENT_TYPE);
        let body = self.body(response).await?;
        read(status, &content_type, &body)
    }

    /// Reads an answer piece by piece, so that an endless one costs no more than [`MAX_ANSWER`].
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, NetError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(NetError::Malformed(format!("longer than {} MiB", MAX_ANSWER / (1024 * 1024))));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: &reqwest::Error) -> NetError {
        if error.is_connect() {
            return match io_kind(error) {
                Some(io::ErrorKind::ConnectionRefused) => NetError::Refused,
                _ if error.is_timeout() => {
                    NetError::Unreachable(format!("no connection within {} s", seconds(self.timeouts.connect)))
                }
                _ => NetError::Unreachable(reason(error)),
            };
        }
        if error.is_timeout() {
            NetError::TimedOut(seconds(self.timeouts.total))
        } else {
            NetError::Lost(reason(error))
        }
    }
}

/// Rustls with ring, chosen once for the process. Somebody who chose before is fine too.
fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What a whole answer says; no part of it comes further uncleaned.
pub(crate) fn read<T: Answer>(status: StatusCode, content_type: &str, body: &[u8]) -> Result<T, NetError> {
    if status.is_success() {
        parsed(body).and_then(T::read).map_err(|why| NetError::Malformed(describe(content_type, body, &why)))
    } else {
        Err(refusal(status, content_type, body))
    }
}

/// The body as clean JSON.
fn parsed(body: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    // Serde would read a list as a struct without names.
    if !value.is_object() {
        return Err("expected a JSON object".to_owned());
    }
    Ok(clean_json(value))
}

/// The value in its type, or the place where it has another.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

/// Why an answer with a good status is not one.
fn describe(content_type: &str, body: &[u8], why: &str) -> String {
    if body.is_empty() {
        "it is empty".to_owned()
    } else if content_type.starts_with("text/html") {
        "it is a web page; something else listens there".to_owned()
    } else {
        clean_text(why)
    }
}

/// An answer with a status of 400 or more: the agent's own words where it has some.
fn refusal(status: StatusCode, content_type: &str, body: &[u8]) -> NetError {
    let value = parsed(body).unwrap_or_default();
    if let Ok(problem) = typed::<Problem>(value.clone()) {
        return NetError::Problem(Box::new(problem));
    }
    // Bounds on the way (a proxy, a handler that is missing) answer in their own form.
    #[derive(Deserialize)]
    struct Detail {
        detail: String,
    }
    let why = match typed::<Detail>(value) {
        Ok(detail) => format!(": {}", detail.detail),
        Err(_) if content_type.starts_with("text/html") => " with a web page; something else listens there".to_owned(),
        Err(_) => String::new(),
    };
    NetError::Malformed(format!("status {status}{why}"))
}

fn redirected(response: &Response) -> NetError {
    NetError::Malformed(format!(
        "status {}, a redirect to {}; give that address itself",
        response.status(),
        header(response, &LOCATION)
    ))
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    clean_text(&value.unwrap_or_default())
}

/// The innermost reason: the outer ones say only that a request failed, and repeat the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    clean_text(&innermost.to_string())
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

/// Whole seconds, rounded up: half a second of patience is not none.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

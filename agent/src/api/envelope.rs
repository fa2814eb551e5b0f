//! What every answer has: a request id, the replica's name, and a problem document when it is an error.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::Service;

use super::ALERTMANAGER;
use super::error::{ApiError, Kind};
use crate::identity::{Identity, numbered};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REPLICA: HeaderName = HeaderName::from_static("x-agent-replica");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// The longest request id that is taken from a client.
const REQUEST_ID_BYTES: usize = 128;

/// What is answered where a connection has no place of its own: whoever asks in vain would end a process that is alive.
const ALWAYS_ANSWERED: [&str; 2] = ["/livez", "/health"];

/// The router with what every answer has.
pub(crate) struct Envelope {
    router: Router,
    replica: HeaderValue,
    boot_id: String,
    requests: AtomicU64,
}

impl Envelope {
    pub(crate) fn new(router: Router, identity: &Identity) -> Self {
        // The configuration takes visible ASCII only, which is what a header can hold.
        let replica = HeaderValue::from_str(&identity.replica).unwrap_or(HeaderValue::from_static("unnamed"));
        Self { router, replica, boot_id: identity.boot_id.clone(), requests: AtomicU64::new(0) }
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let request_id = self.request_id(request.headers());
        let mut router = self.router.clone();
        let answer = AssertUnwindSafe(async { router.call(request).await }).catch_unwind().await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_panic) => ApiError::internal("a handler panicked").into_response(),
        };
        self.seal(request_id, response)
    }

    /// Whether a request changes nothing when it comes again, so that its answer may be taken back.
    pub(crate) fn is_repeatable(request: &Request) -> bool {
        request.method() == Method::GET || request.uri().path() == ALERTMANAGER
    }

    /// The answer to a request whose connection has no place: whether the process lives, or that all places are taken.
    pub(crate) async fn answer_without_a_place(&self, request: Request) -> Response {
        if ALWAYS_ANSWERED.contains(&request.uri().path()) {
            return self.answer(request).await;
        }
        let detail = "as many connections are open as this replica takes; try again in a moment";
        let response = ApiError::new(Kind::Crowded, detail).into_response();
        self.seal(self.request_id(request.headers()), response)
    }

    /// What is said instead of an answer that there is no room to keep until it is read.
    pub(crate) fn without_room(&self, answer: &Response) -> Response {
        let detail = "too many large answers are on their way; ask for less, or try again in a moment";
        let response = ApiError::new(Kind::Crowded, detail).into_response();
        self.seal(self.request_id(answer.headers()), response)
    }

    /// The client's request id where it is sane, else a new one.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        let sane = |id: &&HeaderValue| {
            (1..=REQUEST_ID_BYTES).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        headers.get(REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            HeaderValue::try_from(numbered("req", &self.boot_id, number)).unwrap_or(HeaderValue::from_static("unnamed"))
        })
    }

    fn seal(&self, request_id: HeaderValue, mut response: Response) -> Response {
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            write_problem(error, &request_id, &mut response);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, request_id);
        headers.insert(REPLICA, self.replica.clone());
        response
    }
}

fn write_problem(error: ApiError, request_id: &HeaderValue, response: &mut Response) {
    let problem = error.problem(request_id.to_str().unwrap_or_default());
    tracing::debug!(
        request_id = problem.request_id,
        status = problem.status,
        problem = problem.kind,
        detail = problem.detail,
        "a request was refused"
    );
    // A struct of strings and numbers is always JSON.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    // That of the empty body which stood here before.
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use axum::routing::get;
    use langdeck_shared::{Problem, ToolMode};

    use super::*;

    async fn answer(request_id: Option<&[u8]>) -> (StatusCode, HeaderMap, Problem) {
        async fn panics() -> StatusCode {
            panic!("a secret");
        }
        let identity = Identity::new("replica-1", "m", ToolMode::Sequential);
        let envelope = Envelope::new(Router::new().route("/", get(panics)), &identity);
        let mut request = Request::new(Body::empty());
        if let Some(id) = request_id {
            request.headers_mut().insert(REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        }
        let (parts, body) = envelope.answer(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_internals() {
        let (status, headers, problem) = answer(None).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(headers["x-agent-replica"], "replica-1");
        assert_eq!(problem.kind, "urn:langdeck:problem:internal");
        assert_eq!(headers["x-request-id"], problem.request_id);
        assert!(!format!("{problem:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_clients_request_id_is_taken_when_it_is_sane() {
        let longest = [b'x'; REQUEST_ID_BYTES];
        for id in [b"a".as_slice(), b"trace/1:2", &longest] {
            assert_eq!(answer(Some(id)).await.1["x-request-id"], id);
        }
        let too_long = [b'x'; REQUEST_ID_BYTES + 1];
        for id in [b"".as_slice(), b"two words", b"na\xc3\xafve", &too_long] {
            let (_, headers, problem) = answer(Some(id)).await;
            assert!(problem.request_id.starts_with("req_"), "{id:?} was taken");
            assert_eq!(headers["x-request-id"], problem.request_id);
        }
    }
}

//! Reading a JSON body: its media type, its size, and the time that it takes to arrive.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::error::{ApiError, Kind};

/// How long a body may take to arrive, so that a client which trickles holds nothing for long.
const LONGEST: Duration = Duration::from_secs(30);

/// A body that says it is JSON and not too long, before it is read.
pub(super) struct Announced {
    body: Body,
    most: usize,
}

impl Announced {
    /// The body of a request, which may have `most` bytes.
    ///
    /// # Errors
    ///
    /// When the media type is not JSON in UTF-8, when it is compressed, and when it says itself that it is longer: then
    /// it need not be sent.
    pub(super) fn new(request: Request, most: usize) -> Result<Self, ApiError> {
        check_media_type(request.headers())?;
        check_encoding(request.headers())?;
        if usize::try_from(request.body().size_hint().lower()).is_ok_and(|length| length > most) {
            return Err(too_large(most));
        }
        Ok(Self { body: request.into_body(), most })
    }

    /// Whether it may have more bytes than that; one that does not say how many may have as many as are allowed.
    pub(super) fn may_exceed(&self, bytes: u64) -> bool {
        self.body.size_hint().upper().is_none_or(|length| length > bytes)
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// When it is longer than is allowed, breaks off or takes too long.
    pub(super) async fn read(self) -> Result<Bytes, ApiError> {
        let Self { body, most } = self;
        match timeout(LONGEST, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
            Ok(Err(_)) => Err(ApiError::new(Kind::NotJson, "the body broke off before its end")),
            Err(_elapsed) => {
                let detail = format!("the body was not complete after {} seconds; send it at once", LONGEST.as_secs());
                Err(ApiError::new(Kind::Timeout, detail))
            }
        }
    }
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(Kind::TooLarge, format!("this body may have at most {most} bytes"))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.get(.."application/".len()).filter(|kind| kind.eq_ignore_ascii_case("application/"));
    let subtype = subtype.map(|kind| &essence[kind.len()..]);
    if subtype.is_some_and(is_json) && is_utf_8(media_type) {
        return Ok(());
    }
    let found = if media_type.is_empty() { "nothing".to_owned() } else { format!("{media_type:?}") };
    let detail = format!("the content-type header says {found}; what is taken here is application/json in UTF-8");
    Err(ApiError::new(Kind::UnsupportedMediaType, detail))
}

/// Whether a subtype is that of JSON, or of something written in JSON.
fn is_json(subtype: &str) -> bool {
    let suffix = subtype.rsplit_once('+').map_or(subtype, |(_, suffix)| suffix);
    suffix.eq_ignore_ascii_case("json")
}

fn check_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let detail = format!("the content-encoding header says {encoding:?}; a body is taken uncompressed only");
            Err(ApiError::new(Kind::UnsupportedMediaType, detail))
        }
        _ => Ok(()),
    }
}

/// Whether a media type's charset, where it names one, is UTF-8 or the ASCII part of it.
fn is_utf_8(media_type: &str) -> bool {
    let mut parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.all(|(name, value)| {
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "utf8", "us-ascii"].iter().any(|known| known.eq_ignore_ascii_case(value))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::{HeaderValue, StatusCode};
    use axum::response::IntoResponse;
    use futures_util::{StreamExt, stream};
    use tokio::time::{Instant, sleep};

    use super::*;

    const MOST: usize = 100;

    async fn read(request: Request) -> Result<Bytes, ApiError> {
        Announced::new(request, MOST)?.read().await
    }

    fn json(body: Body) -> Request {
        let mut request = Request::new(body);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    /// A body that sends a byte at a time, for ever.
    fn trickle(pause: Duration) -> Body {
        Body::from_stream(stream::repeat(Ok::<_, Infallible>("x")).then(move |byte| async move {
            sleep(pause).await;
            byte
        }))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        assert_eq!(read(json(Body::from("x".repeat(MOST)))).await.unwrap().len(), MOST);
        let longer = "x".repeat(MOST + 1);
        let announced = json(Body::from(longer.clone()));
        let unannounced = json(Body::from_stream(stream::iter([Ok::<_, Infallible>(longer)])));
        for request in [announced, unannounced] {
            let response = read(request).await.unwrap_err().into_response();
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(response.headers()[header::CONNECTION], "close");
        }
    }

    #[test]
    fn a_body_without_a_length_may_have_any() {
        let may_exceed = |body: Body| Announced::new(json(body), MOST).unwrap().may_exceed(10);
        assert!(!may_exceed(Body::from("x".repeat(10))));
        assert!(may_exceed(Body::from("x".repeat(11))));
        assert!(may_exceed(trickle(Duration::ZERO)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_or_stalls_is_waited_for_no_longer_than_30_seconds() {
        for pause in [Duration::from_secs(1), Duration::from_secs(86_400)] {
            let began = Instant::now();
            let response = read(json(trickle(pause))).await.unwrap_err().into_response();
            assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
            assert_eq!(response.headers()[header::CONNECTION], "close");
            assert_eq!(began.elapsed().as_secs(), LONGEST.as_secs());
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_json() {
        let parts = stream::iter([Ok("{"), Err("gone")]);
        let response = read(json(Body::from_stream(parts))).await.unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}

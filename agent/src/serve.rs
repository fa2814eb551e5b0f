//! The door: takes connections, bounded in number and in patience, and serves them until it is time to stop.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::pin::{self, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::api::Envelope;
use crate::clock::millis;

/// The longest request line and headers, in bytes. There are at most 100 headers, which is what hyper reads without
/// allocating.
const HEAD_BYTES: usize = 16 * 1024;
/// What a connection may hold of a body that nobody has taken yet, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// Places for those who wait for no investigation: consoles, scrapes, probes and connections that are kept open.
const LOOKING_ON: usize = 768;
/// Answers from this size on are counted until they have left, in bytes. All that are smaller fit into what connections
/// hold anyhow.
const LARGE_ANSWER: u64 = 64 * 1024;
/// How long to wait before the next try when the machine has no more connections to give.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a client may go on sending what nobody will read.
const LINGER: Duration = Duration::from_secs(1);

/// What clients may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections that have a place.
    pub(crate) places: usize,
    /// Connections without a place that are told so, at most; more are closed as they come.
    pub(crate) refusals: usize,
    /// What large answers may hold together until they have left, in KiB.
    pub(crate) unread_kib: usize,
    /// How long a connection stays while no whole request comes; within that time, the answer before has to leave.
    pub(crate) patience: Duration,
    /// The same for a connection without a place.
    pub(crate) refusal_patience: Duration,
}

impl Bounds {
    /// The bounds of an agent that takes so many investigations, each of which may have a client that waits for it.
    ///
    /// The worst that a connection was seen to hold is 96 KiB, for a body of 64 KiB that stalls before its end.
    pub(crate) fn beside(investigations: usize) -> Self {
        Self {
            places: investigations.saturating_add(LOOKING_ON),
            refusals: 256,
            unread_kib: 32 * 1024,
            patience: Duration::from_secs(30),
            refusal_patience: Duration::from_secs(2),
        }
    }
}

/// Serves until `stop`'s sender is dropped; then takes no more connections, and returns once the last answer has left.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Envelope>, bounds: Bounds, mut stop: watch::Receiver<()>) {
    let (served, refused) = (TaskTracker::new(), TaskTracker::new());
    let unread = Arc::new(Semaphore::new(bounds.unread_kib));
    let place = |is_real| {
        let (api, unread) = (Arc::clone(&api), Arc::clone(&unread));
        let patience = if is_real { bounds.patience } else { bounds.refusal_patience };
        Place { api, unread, patience, is_real }
    };
    let mut crowded = false;
    loop {
        let stream = tokio::select! {
            biased;
            _ = stop.changed() => break,
            stream = accept(&listener) => stream,
        };
        if served.len() < bounds.places {
            // A log that says when it begins must not say so for every client that comes and goes at the edge.
            crowded &= served.len() > bounds.places / 2;
            served.spawn(attend(stream, place(true), stop.clone()));
            continue;
        }
        if !crowded {
            crowded = true;
            tracing::warn!(places = bounds.places, "all connections are taken, more are refused");
        }
        if refused.len() < bounds.refusals {
            refused.spawn(attend(stream, place(false), stop.clone()));
        }
    }
    drop(listener);
    for connections in [served, refused] {
        connections.close();
        connections.wait().await;
    }
}

/// The next connection. What goes wrong with one is no reason not to take another.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether a connection was gone before it was taken.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What a connection is given.
struct Place {
    api: Arc<Envelope>,
    /// Room for large answers, in KiB.
    unread: Arc<Semaphore>,
    patience: Duration,
    /// Otherwise its one request learns that there is none.
    is_real: bool,
}

impl Place {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if !self.is_real {
            return self.api.answer_without_a_place(request).await;
        }
        let is_repeatable = Envelope::is_repeatable(&request);
        let answer = self.api.answer(request).await;
        let length = answer.body().size_hint().lower();
        if is_repeatable && length >= LARGE_ANSWER { self.count(answer, length).await } else { answer }
    }

    /// Lets a large answer go where there is room for it until it has left.
    async fn count(&self, answer: Response<Body>, length: u64) -> Response<Body> {
        let kib = u32::try_from(length / 1024).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.unread).try_acquire_many_owned(kib) else {
            return self.api.without_room(&answer);
        };
        let (head, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => Response::from_parts(head, Body::from(Bytes::from_owner(Counted { bytes, _room: room }))),
            // Answers are made whole before they leave, so nothing can break off; if it does, it can be asked for again.
            Err(_) => self.api.without_room(&Response::from_parts(head, Body::empty())),
        }
    }
}

/// The bytes of an answer, which give their room back once they have been written.
struct Counted {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Serves one connection to its end.
async fn attend(stream: TcpStream, place: Place, mut stop: watch::Receiver<()>) {
    // An answer is written whole: waiting for more to send would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let Place { patience, is_real, .. } = place;
    let silence = Silence::new();
    let (place, silence) = (&place, &silence);
    let service = service_fn(move |request: Request<Incoming>| {
        silence.break_off();
        async move {
            let answer = place.answer(request.map(Body::new)).await;
            silence.begin();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = http1::Builder::new()
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .keep_alive(is_real)
        // A client may say that it has sent everything and still wait for its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    {
        let mut stopped = pin!(stop.changed());
        // Hyper's own timer would be set anew for each request, and would not see an answer that is never read.
        let mut limit = pin!(sleep(patience));
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke off");
                    }
                    break;
                }
                _ = &mut stopped, if !stopping => {
                    stopping = true;
                    pin::Pin::new(&mut connection).graceful_shutdown();
                }
                () = &mut limit => match silence.ends(patience) {
                    later if later > Instant::now() => limit.as_mut().reset(later),
                    _ => {
                        tracing::debug!("a connection without a request is closed");
                        return;
                    }
                },
            }
        }
    }
    if !stopping {
        let stream = connection.into_parts().io.into_inner();
        // Whoever still sends then will not read either.
        let _ = timeout(LINGER, read_to_end(&stream)).await;
    }
}

/// Reads away what a client still sends after its last answer: to close on it would take the answer away from it.
async fn read_to_end(stream: &TcpStream) -> io::Result<()> {
    loop {
        stream.readable().await?;
        match stream.try_read(&mut [0; 4096]) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

/// Since when nobody works on a request of a connection. It costs a request a look at the clock.
struct Silence {
    opened: Instant,
    /// In milliseconds after that.
    since: AtomicU64,
}

impl Silence {
    const BROKEN: u64 = u64::MAX;

    fn new() -> Self {
        Self { opened: Instant::now(), since: AtomicU64::new(0) }
    }

    /// A request has come.
    fn break_off(&self) {
        self.since.store(Self::BROKEN, Ordering::Relaxed);
    }

    /// Its answer may leave.
    fn begin(&self) {
        self.since.store(millis(self.opened.elapsed()), Ordering::Relaxed);
    }

    /// When it will have lasted for `patience`, at the earliest.
    fn ends(&self, patience: Duration) -> Instant {
        match self.since.load(Ordering::Relaxed) {
            Self::BROKEN => Instant::now() + patience,
            since => self.opened + Duration::from_millis(since) + patience,
        }
    }
}

//! A connection that sends prepared requests and reads whole answers, cheap enough not to be what is measured.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const USUAL_BYTES: usize = 16 * 1024;
const MOST_HEADERS: usize = 16;

/// A request as it goes over the wire, and the answer that is right.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    wire: Vec<u8>,
    status: u16,
    body_bytes: RangeInclusive<usize>,
}

/// An answer that was read to its end.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// One connection, kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Ask {
    /// A request whose right answer has this status and any body.
    pub(crate) fn new(method: &str, path: &str, body: &str, status: u16) -> Self {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n");
        let wire = format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes();
        Self { wire, status, body_bytes: 0..=usize::MAX }
    }

    /// The same, with a right answer about as long as this one: ids and times in it may differ by some digits.
    pub(crate) fn about(self, bytes: usize) -> Self {
        let slack = bytes / 10;
        Self { body_bytes: bytes - slack..=bytes + slack, ..self }
    }

    /// Whether the answer is right, or a refusal because all places are taken.
    pub(crate) fn judge(&self, answer: &Answer<'_>) -> io::Result<Verdict> {
        match answer.status {
            status if status == self.status && self.body_bytes.contains(&answer.body.len()) => Ok(Verdict::Right),
            503 => Ok(Verdict::Refused),
            status => {
                let body = String::from_utf8_lossy(answer.body);
                let (expected, bytes) = (self.status, &self.body_bytes);
                let reason = format!("{status}, expected {expected} with {bytes:?} bytes; it answered {body}");
                Err(io::Error::other(reason))
            }
        }
    }
}

/// What an answer says.
pub(crate) enum Verdict {
    Right,
    Refused,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; USUAL_BYTES] })
    }

    /// Sends a request without waiting for its answer.
    pub(crate) async fn send(&mut self, ask: &Ask) -> io::Result<()> {
        self.stream.write_all(&ask.wire).await
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn exchange(&mut self, ask: &Ask) -> io::Result<Answer<'_>> {
        self.send(ask).await?;
        let mut filled = 0;
        let mut head = None;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            match self.stream.read(&mut self.buffer[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled])?;
            }
            if let Some(Head { status, body, end }) = head
                && filled >= end
            {
                return Ok(Answer { status, body: &self.buffer[body..end] });
            }
        }
    }
}

/// What is needed of an answer's head: its status, and where in the buffer its body begins and ends.
#[derive(Clone, Copy)]
struct Head {
    status: u16,
    body: usize,
    end: usize,
}

impl Head {
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(body) = response.parse(bytes).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse::<usize>().ok());
        let (Some(status), Some(length)) = (response.code, length) else {
            return Err(io::Error::other("an answer without a content-length"));
        };
        Ok(Some(Self { status, body, end: body + length }))
    }
}

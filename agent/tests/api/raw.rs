//! A connection that says exactly what it is told, however wrong, and reads what comes back.

use std::time::Duration;

use langdeck_shared::Problem;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{REPLICA, Server};

/// For as long as a slow machine may need.
const LONGEST: Duration = Duration::from_secs(20);

pub(crate) struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self { stream: TcpStream::connect(server.agent.local_addr()).await.unwrap(), unread: Vec::new() }
    }

    /// Connects and sends.
    pub(crate) async fn saying(server: &Server, bytes: impl AsRef<[u8]>) -> Self {
        let mut raw = Self::connect(server).await;
        raw.send(bytes).await;
        raw
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Goes without a farewell.
    pub(crate) fn vanish(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// The next answer; none when the connection is closed instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        timeout(LONGEST, self.read_answer()).await.unwrap()
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let end = loop {
            match self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        if status == 100 {
            return Some(Answer { status, headers, body: String::new() });
        }
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        while self.unread.len() < length {
            self.read().await?;
        }
        let body = self.unread.drain(..length).collect();
        Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
    }

    /// More bytes, unless there are none left or the connection was reset.
    async fn read(&mut self) -> Option<()> {
        self.stream.read_buf(&mut self.unread).await.ok().filter(|&count| count > 0).map(drop)
    }
}

impl Answer {
    /// Whether it has what every answer of the agent has, and its problem when it is an error.
    #[track_caller]
    pub(crate) fn check(&self) -> Option<Problem> {
        assert_eq!(self.headers["x-agent-replica"], REPLICA, "{self:?}");
        let request_id = self.headers["x-request-id"].to_str().unwrap();
        if self.status < 400 {
            return None;
        }
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!((problem.status, problem.request_id.as_str()), (self.status, request_id), "{self:?}");
        assert!(problem.kind.starts_with("urn:langdeck:problem:"), "{self:?}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{self:?}");
        Some(problem)
    }
}

/// A request with a body.
pub(crate) fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request without one.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: agent\r\n\r\n")
}

//! A gate before an agent. Whatever is sent to the agent passes here; or late, or not at all, as if the agent were slow,
//! hung or dead.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// From try to try to listen again at an address which is not free yet.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Everything passes.
    Open,
    /// Everything passes, so much later.
    Slow(Duration),
    /// Connections are taken, and nothing passes.
    Shut,
    /// There is no gate: connections are refused, and those that there were are broken.
    Gone,
}

/// How it stands, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    stand: Stand,
    to: SocketAddr,
}

/// A gate. It goes when this is dropped.
pub(super) struct Gate(watch::Sender<State>);

impl Gate {
    /// An open gate at `address`, where `listener` listens, to an agent.
    pub(super) fn new(listener: TcpListener, address: SocketAddr, to: SocketAddr) -> Self {
        let (sender, state) = watch::channel(State { stand: Stand::Open, to });
        tokio::spawn(keep(listener, address, state));
        Self(sender)
    }

    /// Makes it stand so.
    pub(super) fn set(&self, stand: Stand) {
        self.0.send_modify(|state| state.stand = stand);
    }

    /// Opens it to another agent.
    pub(super) fn lead_to(&self, to: SocketAddr) {
        self.0.send_replace(State { stand: Stand::Open, to });
    }
}

/// Takes connections until the gate is dropped.
async fn keep(listener: TcpListener, address: SocketAddr, mut state: watch::Receiver<State>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let State { stand, to } = *state.borrow_and_update();
        if stand == Stand::Gone {
            listener = None;
            connections.abort_all();
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            accepted = accept(listener.as_ref()) => {
                if let Some(stream) = accepted {
                    connections.spawn(connect(stream, to, state.clone()));
                }
            }
            () = tokio::time::sleep(TRY_AGAIN), if listener.is_none() && stand != Stand::Gone => {}
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Passes everything on, both ways, until either side ends.
async fn connect(stream: TcpStream, to: SocketAddr, state: watch::Receiver<State>) -> io::Result<()> {
    let agent = TcpStream::connect(to).await?;
    let (from_client, to_client) = stream.into_split();
    let (from_agent, to_agent) = agent.into_split();
    tokio::select! {
        ended = pass(from_client, to_agent, state.clone()) => ended,
        ended = pass(from_agent, to_client, state) => ended,
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) -> io::Result<()> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        let passing = state.wait_for(|state| matches!(state.stand, Stand::Open | Stand::Slow(_))).await;
        let stand = passing.map_err(io::Error::other)?.stand;
        if let Stand::Slow(delay) = stand {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&piece[..count]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers everything with itself.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn gate() -> (Gate, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Gate::new(listener, address, echo().await), address)
    }

    async fn answer(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(b"x").await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn it_passes_everything_while_it_is_open_and_the_rest_once_it_opens() {
        let (gate, address) = gate().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(answer(&mut stream).await.unwrap(), b'x');
        gate.set(Stand::Shut);
        stream.write_all(b"y").await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(early.is_err(), "it passed a shut gate");
        gate.set(Stand::Open);
        assert_eq!(stream.read_u8().await.unwrap(), b'y');
    }

    #[tokio::test]
    async fn once_gone_it_refuses_and_breaks_connections_until_it_leads_somewhere_again() {
        let (gate, address) = gate().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(answer(&mut stream).await.unwrap(), b'x');
        gate.set(Stand::Gone);
        assert!(stream.read_u8().await.is_err());
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        gate.lead_to(echo().await);
        let mut again = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(answer(&mut again).await.unwrap(), b'x');
    }
}

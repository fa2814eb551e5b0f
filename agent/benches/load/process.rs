//! What is measured: a process of its own, whose time and memory can be told from those of the load.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Ask, Connection};
use crate::kernel;

const LONGEST_START: Duration = Duration::from_secs(20);

/// A running subject; it does not outlive this value.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts a server on a free port of loopback and waits until it is healthy.
    pub(crate) async fn start(command: impl FnOnce(SocketAddr) -> Command) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = command(address);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|error| io::Error::other(format!("{program}: {error}")))?;
        let mut process = Self { address, child };
        let deadline = Instant::now() + LONGEST_START;
        while !process.is_healthy().await {
            if let Some(status) = process.child.try_wait()? {
                return Err(io::Error::other(format!("{program} did not start: {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{program} does not answer after {LONGEST_START:?}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(process)
    }

    async fn is_healthy(&self) -> bool {
        self.get("/health").await.is_ok()
    }

    /// The body of a `GET` on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> io::Result<String> {
        let ask = Ask::new("GET", path, "", 200);
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.exchange(&ask).await?;
        ask.judge(&answer)?;
        String::from_utf8(answer.body.to_vec()).map_err(io::Error::other)
    }

    /// How much processor time it has used, in user and system mode.
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        kernel::processor_time(self.child.id())
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        kernel::resident(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to do where it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that was free a moment ago; whoever takes it in between makes the start fail, and nothing else.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

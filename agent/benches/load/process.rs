//! What is measured: a process of its own, whose time and memory can be told from those of the load.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Ask, Connection};

const LONGEST_START: Duration = Duration::from_secs(20);
/// In which Linux tells user space how much time a process has used, whatever its own clock.
const TICKS_PER_SECOND: u64 = 100;

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
        processor_time(self.child.id())
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.map(|kibibytes| kibibytes * 1024).ok_or_else(|| io::Error::other("no VmRSS in /proc/PID/status"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to do where it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much processor time a process has used, in user and system mode.
pub(crate) fn processor_time(id: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name before it is in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ticks = fields.split_ascii_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    match (ticks.next(), ticks.next()) {
        (Some(user), Some(system)) => Ok(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND)),
        _ => Err(io::Error::other("no times in /proc/PID/stat")),
    }
}

/// An address that was free a moment ago; whoever takes it in between makes the start fail, and nothing else.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

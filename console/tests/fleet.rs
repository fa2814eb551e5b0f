//! One console on a fleet of real processes: every replica a program of its own, every trouble a real one.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod pty;
mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use pty::{LANGDECK, Pty};
use rustix::process::{Pid, Signal, kill_process};
use support::{DEADLINE, Reply, Scripted};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use vt100::Screen;

/// The agent's binary, which a build of the workspace puts beside the console's. Where only the console was built, says
/// why the test is skipped, unless it must run.
fn agent_binary() -> Option<PathBuf> {
    let agent = Path::new(LANGDECK).with_file_name("langdeck-agent");
    if agent.is_file() {
        return Some(agent);
    }
    let absent = format!("no {}; cargo build --workspace makes it", agent.display());
    assert!(std::env::var_os("LANGDECK_REQUIRE_REAL").is_none_or(|value| value != "1"), "{absent}");
    eprintln!("skipped: {absent}");
    None
}

/// A replica in a process of its own; it does not outlive its test.
struct Replica {
    child: Child,
    name: String,
    address: SocketAddr,
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Replica {
    fn start(name: &str, address: SocketAddr, peers: &str) -> Self {
        let program = agent_binary().unwrap();
        let child = Command::new(program)
            .args(["--replica-name", name, "--listen", &address.to_string(), "--peers", peers])
            .args(["--sim-delay", "0", "--log", "error"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let replica = Self { child, name: name.to_owned(), address };
        let until = Instant::now() + DEADLINE;
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "{name} does not listen");
            std::thread::yield_now();
        }
        replica
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Runs an investigation to its end.
    fn investigate(&self) {
        let fired =
            Command::new(LANGDECK).args(["fire", "high_latency", "checkout-api", "--url", &self.url()]).output();
        assert!(fired.unwrap().status.success());
    }
}

/// So many replicas with each other and `others` for peers; none where there is no binary of the agent.
fn fleet(size: usize, others: &[String]) -> Option<(Vec<Replica>, String)> {
    agent_binary()?;
    let listeners: Vec<_> = (0..size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    drop(listeners);
    let own = addresses.iter().map(|address| format!("http://{address}"));
    let peers = own.chain(others.iter().cloned()).collect::<Vec<_>>().join(",");
    let start = |(number, address): (usize, &SocketAddr)| Replica::start(&format!("agent-{number}"), *address, &peers);
    Some((addresses.iter().enumerate().map(start).collect(), peers))
}

/// A port-forward: an address that leads to one of the replicas, until it dies.
struct Forward(JoinHandle<()>);

impl Forward {
    async fn start(at: SocketAddr, to: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind(at).await.unwrap();
        Self(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut replica = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut stream, &mut replica).await
                });
            }
        }))
    }

    /// Dies with its connections.
    async fn die(self) {
        self.0.abort();
        let _aborted = self.0.await;
    }
}

/// The fleet's row of a replica.
fn row(screen: &Screen, name: &str) -> String {
    let contents = screen.contents();
    // The header names one too: the one that tells of the fleet.
    contents.lines().skip(1).find(|line| line.contains(name)).unwrap_or_default().to_owned()
}

/// Waits until the row of a replica says this.
fn says(pty: &Pty, name: &str, word: &str) {
    pty.wait(&format!("{word} beside {name}"), |screen| row(screen, name).contains(word));
}

#[test]
fn a_replica_that_is_killed_keeps_what_it_did_and_comes_back_as_another_life() {
    let Some((mut replicas, peers)) = fleet(3, &[]) else { return };
    replicas[1].investigate();
    let pty = Pty::langdeck(&["--url", &replicas[0].url()], 160, 40);
    for name in ["agent-0", "agent-1", "agent-2"] {
        says(&pty, name, "ready");
    }
    pty.see("1 done");

    let killed = replicas.remove(1);
    let (name, address) = (killed.name.clone(), killed.address);
    killed.signal(Signal::KILL);
    says(&pty, &name, "unreachable");
    assert!(pty.text().contains("1 done"), "what it did stays counted:\n{}", pty.text());
    drop(killed);

    let again = Replica::start(&name, address, &peers);
    says(&pty, &name, "restarted");
    assert!(pty.text().contains("1 done"), "a new life takes nothing away:\n{}", pty.text());
    again.investigate();
    pty.see("2 done");
    pty.quit();
}

#[test]
fn a_replica_that_is_stopped_grows_old_and_holds_up_neither_keys_nor_others() {
    let Some((replicas, _)) = fleet(3, &[]) else { return };
    let mut pty = Pty::langdeck(&["--url", &replicas[0].url()], 160, 40);
    says(&pty, "agent-2", "ready");
    replicas[2].signal(Signal::STOP);
    says(&pty, "agent-2", "stale");
    pty.send("?");
    pty.see("next pane");
    pty.send("\u{1b}");
    replicas[1].investigate();
    pty.see("1 done");
    says(&pty, "agent-1", "ready");
    replicas[2].signal(Signal::CONT);
    says(&pty, "agent-2", "ready");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_never_say_anything_sensible_are_told_of_beside_the_others() {
    let hung = Scripted::start(|_| Reply::Hang).await;
    let garbage = Scripted::start(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{]}".to_vec())).await;
    let endless = Scripted::start(|_| Reply::Endless).await;
    let others = [&hung, &garbage, &endless].map(|peer| format!("http://{}", peer.address));
    let Some((replicas, _)) = fleet(2, &others) else { return };
    let pty = Pty::langdeck(&["--url", &replicas[0].url()], 200, 50);
    for name in ["agent-0", "agent-1"] {
        says(&pty, name, "ready");
    }
    for peer in [&hung, &garbage, &endless] {
        pty.see(&peer.address.to_string());
    }
    replicas[1].investigate();
    pty.see("1 done");
    pty.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_forward_that_dies_is_told_at_once_and_leads_on_to_another_pod_without_loss() {
    let Some((mut replicas, _)) = fleet(3, &[]) else { return };
    replicas[0].investigate();
    let at = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let forward = Forward::start(at, replicas[0].address).await;
    let pty = Pty::langdeck(&["--url", &format!("http://{at}")], 160, 40);
    says(&pty, "agent-2", "ready");
    pty.see("1 done");

    // The pod dies, and its forward with it.
    let dead = replicas.remove(0);
    dead.signal(Signal::KILL);
    forward.die().await;
    pty.see("connection refused");
    assert!(pty.text().contains("1 done") && pty.text().contains("agent-2"), "what is known stays:\n{}", pty.text());

    let _forward = Forward::start(at, replicas[0].address).await;
    pty.see("via agent-1");
    says(&pty, "agent-0", "unreachable");
    says(&pty, "agent-2", "ready");
    replicas[1].investigate();
    pty.see("2 done");
    pty.quit();
}

//! A real DNS server says who the peers are: other ones than before, too many for a datagram, nobody, or nothing at all.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use langdeck_agent::{Directory, LookupProblem, PeerSet, PeerSource};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Running, find};
use crate::support::{DEADLINE, eventually};

pub(crate) const NAME: &str = "agents.fleet.test";
const SILENCE: &str = "the DNS server gave no answer within 2s";

/// A running dnsmasq that knows what its hosts file says of `fleet.test`, and nothing else.
pub(crate) struct Dnsmasq {
    running: Running,
    pub(crate) address: SocketAddr,
    hosts: PathBuf,
    _folder: TempDir,
}

impl Dnsmasq {
    /// One that gives these addresses to [`NAME`]; none where the program is not installed.
    pub(crate) fn start(addresses: &[&str]) -> Option<Self> {
        let program = find(&["dnsmasq"], "dnsmasq-base")?;
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts");
        std::fs::write(&hosts, lines(addresses)).unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            // It takes no free port by itself, and somebody else may take this one first.
            let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
            let child = Command::new(&program)
                .args(["--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--pid-file"])
                .args(["--no-resolv", "--no-hosts", "--local=/fleet.test/", "--local-ttl=600"])
                .args(["--listen-address=127.0.0.1", "--bind-interfaces"])
                .arg(format!("--port={}", address.port()))
                .arg(format!("--addn-hosts={}", hosts.display()))
                // As somebody else it could not read its hosts file.
                .args(rustix::process::geteuid().is_root().then_some("--user=root"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut running = Running(child);
            let log = BufReader::new(running.0.stderr.take().unwrap());
            if said(log, "started, version") {
                return Some(Self { running, address, hosts, _folder: folder });
            }
            assert!(Instant::now() < deadline, "dnsmasq does not start");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.0), signal).unwrap();
    }

    /// Gives other addresses to the name.
    pub(crate) fn change(&self, addresses: &[&str]) {
        std::fs::write(&self.hosts, lines(addresses)).unwrap();
        self.signal(Signal::HUP);
    }

    fn directory(&self, peers: &[&str]) -> Arc<Directory> {
        directory(peers, self.address)
    }
}

/// What a hosts file says.
fn lines(addresses: &[&str]) -> String {
    addresses.iter().map(|address| format!("{address} {NAME}\n")).collect()
}

/// Whether a log says that before it ends. The rest of it is shown when the test fails.
fn said(log: BufReader<impl std::io::Read + Send + 'static>, text: &str) -> bool {
    let mut lines = log.lines().map_while(Result::ok).inspect(|line| println!("{line}"));
    let found = lines.any(|line| line.contains(text));
    // Somebody has to read on, or it would wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    found
}

fn directory(peers: &[&str], server: SocketAddr) -> Arc<Directory> {
    let sources: Vec<PeerSource> = peers.iter().map(|peer| peer.parse().unwrap()).collect();
    Directory::new(&sources, Some(server))
}

/// What the DNS says now.
async fn look_up(directory: &Arc<Directory>) -> Arc<PeerSet> {
    directory.current(Duration::ZERO).await
}

fn addresses(set: &PeerSet) -> Vec<String> {
    set.peers.iter().flat_map(|peer| &peer.addresses).map(ToString::to_string).collect()
}

/// The one name that there is a problem with, and the problem.
fn problem(set: &PeerSet) -> (&str, &str) {
    assert_eq!(set.problems.len(), 1, "{:?}", set.problems);
    let LookupProblem { name, reason, .. } = &set.problems[0];
    (name, reason)
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_followed() {
    let Some(dnsmasq) = Dnsmasq::start(&["10.0.0.2", "10.0.0.1"]) else { return };
    let directory = dnsmasq.directory(&["dns://agents.fleet.test:8000"]);
    let before = look_up(&directory).await;
    assert_eq!(addresses(&before), ["10.0.0.1:8000", "10.0.0.2:8000"]);
    assert!(before.problems.is_empty());
    assert!(Arc::ptr_eq(&before, &look_up(&directory).await), "nothing has changed");

    // The old answer may be kept for ten minutes, and is not.
    dnsmasq.change(&["10.0.0.2", "10.0.0.3", "fd00::1"]);
    let after = eventually("the change is seen", async || {
        let set = look_up(&directory).await;
        (set != before).then_some(set)
    })
    .await;
    assert_eq!(addresses(&after), ["10.0.0.2:8000", "10.0.0.3:8000", "[fd00::1]:8000"]);
    assert!(after.problems.is_empty());
}

#[tokio::test]
async fn a_url_by_name_is_one_peer_with_the_addresses_that_the_name_has() {
    let Some(dnsmasq) = Dnsmasq::start(&["10.0.0.1", "fd00::1"]) else { return };
    let set = look_up(&dnsmasq.directory(&["http://agents.fleet.test:8000", "http://127.0.0.1:1"])).await;
    let peers: Vec<_> = set.peers.iter().map(|peer| &*peer.authority).collect();
    assert_eq!(peers, ["agents.fleet.test:8000", "127.0.0.1:1"]);
    assert_eq!(addresses(&set), ["10.0.0.1:8000", "[fd00::1]:8000", "127.0.0.1:1"]);
}

#[tokio::test]
async fn a_thousand_addresses_come_whole() {
    let many: Vec<_> = (0..1000_u32).map(|n| Ipv4Addr::from(0x0a00_0000 + n).to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let Some(dnsmasq) = Dnsmasq::start(&many) else { return };
    let set = look_up(&dnsmasq.directory(&["dns://agents.fleet.test:8000"])).await;
    assert_eq!((set.peers.len(), set.dropped, set.problems.len()), (1000, 0, 0), "{:?}", set.problems);
}

#[tokio::test]
async fn a_name_that_vanishes_leaves_its_peers_and_a_problem_until_it_is_back() {
    let Some(dnsmasq) = Dnsmasq::start(&["10.0.0.1"]) else { return };
    let directory = dnsmasq.directory(&["dns://agents.fleet.test:8000"]);
    assert_eq!(addresses(&*look_up(&directory).await), ["10.0.0.1:8000"]);
    dnsmasq.change(&[]);
    let set = eventually("the name has vanished", async || {
        let set = look_up(&directory).await;
        (!set.problems.is_empty()).then_some(set)
    })
    .await;
    assert_eq!(problem(&set), (NAME, "there is no such name (NXDOMAIN)"));
    assert_eq!(addresses(&set), ["10.0.0.1:8000"]);

    dnsmasq.change(&["10.0.0.1"]);
    eventually("the name is back", async || look_up(&directory).await.problems.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_name_that_is_nobodys_and_one_that_the_server_is_not_asked_for() {
    let Some(dnsmasq) = Dnsmasq::start(&["10.0.0.1"]) else { return };
    let set = look_up(&dnsmasq.directory(&["http://nobody.fleet.test:8000", "dns://agents.fleet.test:8000"])).await;
    assert_eq!(problem(&set), ("nobody.fleet.test", "there is no such name (NXDOMAIN)"));
    let peers: Vec<_> = set.peers.iter().map(|peer| (&*peer.authority, peer.addresses.len())).collect();
    assert_eq!(peers, [("nobody.fleet.test:8000", 0), ("10.0.0.1:8000", 1)]);

    let set = look_up(&dnsmasq.directory(&["dns://agents.elsewhere.test:8000"])).await;
    assert_eq!(problem(&set), ("agents.elsewhere.test", "the DNS server answered: Query Refused"));
    assert_eq!(addresses(&set), [""; 0]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_waited_for_a_while_and_the_peers_stay() {
    let Some(dnsmasq) = Dnsmasq::start(&["10.0.0.1"]) else { return };
    let directory = dnsmasq.directory(&["dns://agents.fleet.test:8000"]);
    assert_eq!(addresses(&*look_up(&directory).await), ["10.0.0.1:8000"]);
    dnsmasq.signal(Signal::STOP);
    let set = look_up(&directory).await;
    assert_eq!(problem(&set), (NAME, SILENCE));
    assert_eq!(addresses(&set), ["10.0.0.1:8000"]);
    let since = set.problems[0].since;
    assert_eq!(look_up(&directory).await.problems[0].since, since);

    dnsmasq.signal(Signal::CONT);
    eventually("it answers again", async || look_up(&directory).await.problems.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_server_that_never_says_a_word_is_asked_again_before_it_is_given_up() {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let peers = ["dns://agents.fleet.test:8000", "http://127.0.0.1:1"];
    let begun = Instant::now();
    let set = look_up(&directory(&peers, server.local_addr().unwrap())).await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "given up after {:?}", begun.elapsed());
    assert_eq!((problem(&set), addresses(&set)), ((NAME, SILENCE), vec!["127.0.0.1:1".to_owned()]));
    server.set_nonblocking(true).unwrap();
    let questions = std::iter::from_fn(|| server.recv(&mut [0; 512]).ok()).count();
    assert!(questions >= 4, "{questions} questions, for addresses of both versions");
}

#[tokio::test]
async fn without_a_server_of_its_own_the_system_is_asked() {
    let sources = ["http://localhost:8000".parse().unwrap()];
    let set = look_up(&Directory::new(&sources, None)).await;
    assert!(addresses(&set).contains(&"127.0.0.1:8000".to_owned()), "{set:?}");
}

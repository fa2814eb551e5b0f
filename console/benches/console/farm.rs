//! The agents of a large fleet, in processes of their own: what one of them uses can be told from what the rest do.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, Command, Stdio};

use langdeck_agent::{Agent, Config};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Runtime;

/// How many files a process has open besides those for its agents.
const OTHER_FILES: u64 = 100;

/// A process that serves agents; it does not outlive this value.
pub(crate) struct Farm {
    pub(crate) urls: Vec<String>,
    child: Child,
    /// Its end is the process's.
    _stdin: ChildStdin,
}

impl Farm {
    /// So many agents, called `agent-0` and so on, which know nothing of each other.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        Self::spawn(&["--farm", &count.to_string()], "")
    }

    /// One agent, which has these for peers.
    pub(crate) fn front(peers: &[String]) -> io::Result<Self> {
        Self::spawn(&["--front"], &peers.join(","))
    }

    fn spawn(args: &[&str], line: &str) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes to the agents"));
        };
        writeln!(stdin, "{line}")?;
        let mut urls = String::new();
        BufReader::new(stdout).read_line(&mut urls)?;
        let urls: Vec<_> = urls.trim().split(',').filter(|url| !url.is_empty()).map(str::to_owned).collect();
        if urls.is_empty() {
            Err(io::Error::other("the agents did not start"))
        } else {
            Ok(Self { urls, child, _stdin: stdin })
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        // Nothing is left to do where it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves so many agents until standard input ends.
pub(crate) fn serve(count: usize) -> io::Result<()> {
    // A listener each, and a connection from the one that asks them.
    raise_open_files(2 * count as u64)?;
    serve_all((0..count).map(|number| config(&format!("agent-{number}"))).collect())
}

/// Serves the agent whose peers are in the first line of standard input, until that ends.
pub(crate) fn serve_front() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let peers: Result<Vec<_>, _> = line.trim().split(',').map(str::parse).collect();
    let peers = peers.map_err(io::Error::other)?;
    raise_open_files(peers.len() as u64)?;
    serve_all(vec![Config { peers, ..config("front") }])
}

fn serve_all(configs: Vec<Config>) -> io::Result<()> {
    let runtime = Runtime::new()?;
    let mut agents = Vec::new();
    for config in configs {
        agents.push(runtime.block_on(Agent::start(config)).map_err(io::Error::other)?);
    }
    let urls: Vec<_> = agents.iter().map(Agent::url).collect();
    println!("{}", urls.join(","));
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn config(name: &str) -> Config {
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    Config { listen, replica_name: name.to_owned(), sim_delay: 0.0, ..Config::default() }
}

/// Makes room for so many files, or says that there is none.
fn raise_open_files(needed: u64) -> io::Result<()> {
    let needed = needed + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < needed) {
        return Err(io::Error::other(format!(
            "{needed} open files are needed, and the limit is {maximum:?} (ulimit -Hn)"
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).map_err(io::Error::from)
}

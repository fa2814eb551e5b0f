//! The decision log of the real binary: whole lines after a kill, and an agent that goes on when it cannot be written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mounts;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use langdeck_shared::{Decision, DecisionCode};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

const LONGEST: Duration = Duration::from_secs(20);
const ALERT: &str = r#"{"alert_type":"high_latency","service":"checkout-api"}"#;

/// What these tests read of an agent's own log.
const LOG: &str = "--log=langdeck_agent::server=info,langdeck_agent::decisions=info";

fn logged(path: &Path) -> String {
    format!("--decision-log={}", path.display())
}

/// A running agent; it does not outlive its test.
struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    // A limit on the length of files is told as an error, not by a signal.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_langdeck-agent")]);
    command.args(["--listen=127.0.0.1:0", "--sim-delay=0"]).args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LANGDECK_")) {
        command.env_remove(name);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Process {
    fn logging_to(path: &Path, more: &[&str]) -> Self {
        Self::of(command(&[&[LOG, &logged(path)], more].concat()))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let event = next_event(&mut log);
        assert_eq!(event["message"], "listening", "{event}");
        let address = event["address"].as_str().unwrap().parse().unwrap();
        Self { child, log, address }
    }

    /// Asks for something on a connection of its own; the body of the answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        body.to_owned()
    }

    fn investigate(&self) {
        self.ask("POST", "/investigate", ALERT);
    }

    /// Makes that many decisions and more.
    fn decide(&self, count: u32) {
        for group in 0..count.div_ceil(100) {
            let alert = |number: u32| {
                json!({
                    "status": "firing", "labels": {"alertname": "HighCPU", "service": "api"},
                    "startsAt": "2026-01-15T10:30:00Z", "fingerprint": format!("{group}-{number}"),
                })
            };
            let alerts: Vec<_> = (0..100).map(alert).collect();
            self.ask("POST", "/v1/alerts/alertmanager", &json!({ "version": "4", "alerts": alerts }).to_string());
        }
    }

    fn metric(&self, name: &str) -> u64 {
        let metrics = self.ask("GET", "/metrics", "");
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap()
    }

    /// Reads its own log up to a message.
    fn says(&mut self, message: &str) -> Value {
        loop {
            let event = next_event(&mut self.log);
            if event["message"] == message {
                return event;
            }
        }
    }

    /// Limits how long its files may become.
    fn limit_files(&self, current: Option<u64>) {
        let pid = Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has.
    fn stop(&mut self) {
        rustix::process::kill_process(Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line of a log; there has to be one.
fn next_event(log: &mut impl BufRead) -> Value {
    let mut line = String::new();
    assert_ne!(log.read_line(&mut line).unwrap(), 0, "the agent ended");
    serde_json::from_str(&line).unwrap()
}

fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONGEST;
    while !is() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The decisions of files that are whole, the oldest file first.
fn lines(paths: &[&Path]) -> Vec<Decision> {
    let text: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is not whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether each decision from 1 on is there or told as lost, once; how many are lost.
fn lost_in(lines: &[Decision]) -> u64 {
    let (mut next, mut lost) = (1, 0);
    for line in lines {
        assert_eq!(line.seq, next, "{line:?}");
        let missing = if line.code == DecisionCode::LinesLost { line.figures["lost"].as_u64().unwrap() } else { 0 };
        next += missing.max(1);
        lost += missing;
    }
    lost
}

#[test]
fn a_kill_in_the_middle_leaves_whole_lines_in_every_file_and_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.ndjson");
    let first = folder.path().join("decisions.ndjson.1");
    let mut agent = Process::logging_to(&path, &["--decision-log-size=64KiB", "--decision-log-files=100"]);
    let address = agent.address;
    let load = std::thread::spawn(move || {
        let mut sent = 0;
        let request = format!(
            "POST /investigate HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ALERT}",
            ALERT.len()
        );
        // Until the agent is gone.
        while let Ok(mut stream) = TcpStream::connect(address) {
            let asked = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut Vec::new()));
            if asked.is_err() {
                break;
            }
            sent += 1;
        }
        sent
    });
    eventually("the log is rotated twice", || folder.path().join("decisions.ndjson.2").exists());
    agent.kill();
    assert!(load.join().unwrap() > 0);
    let mut files: Vec<_> = (1..)
        .map(|number| folder.path().join(format!("decisions.ndjson.{number}")))
        .take_while(|path| path.exists())
        .collect();
    files.reverse();
    // The kill may have come between two files.
    files.extend(path.exists().then_some(path));
    let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    assert_eq!(lost_in(&lines(&files)), 0);
    assert!(fs::metadata(first).unwrap().len() <= 64 * 1024);
}

#[test]
fn a_full_disk_stops_nobody_and_the_log_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.ndjson");
    let mut agent = Process::logging_to(&path, &[]);
    agent.investigate();
    eventually("the first line", || !lines(&[&path]).is_empty());
    // No disk is full so exactly: within a line.
    agent.limit_files(Some(1000));
    agent.decide(10);
    let said = agent.says("the decision log cannot be written; it is tried again and again");
    assert!(said["error"].as_str().unwrap().contains("File too large"), "{said}");
    // More than the agent remembers.
    agent.decide(6000);
    let lost = agent.metric("agent_decisions_lost_total");
    assert!(lost > 0);
    agent.investigate();
    assert!(lines(&[&path]).len() < 10, "whole lines, and few");
    agent.limit_files(None);
    let said = agent.says("the decision log is written again");
    assert!(said["lost"].as_u64().unwrap() >= lost);
    agent.stop();
    let lines = lines(&[&path]);
    assert_eq!(lost_in(&lines), said["lost"].as_u64().unwrap());
    assert!(lines.iter().filter(|line| line.code != DecisionCode::LinesLost).count() > 4000);
}

#[test]
fn a_device_that_takes_nothing_stops_nobody() {
    let mut agent = Process::logging_to(Path::new("/dev/full"), &[]);
    agent.investigate();
    let said = agent.says("the decision log cannot be written; it is tried again and again");
    assert!(said["error"].as_str().unwrap().contains("No space left"), "{said}");
    agent.investigate();
    agent.stop();
    assert_eq!(agent.says("the decision log cannot be written, and the agent stops")["lost"], 2);
}

#[test]
fn a_slow_reader_of_standard_output_holds_nobody_up_and_learns_what_it_missed() {
    let mut command = command(&["--decision-log=-", "--log=langdeck_agent::server=info"]);
    command.stdout(Stdio::piped());
    let mut agent = Process::of(command);
    // Nobody reads, and a pipe holds a few hundred lines.
    agent.decide(6000);
    let lost = agent.metric("agent_decisions_lost_total");
    assert!(lost > 0);
    let mut out = agent.child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    agent.stop();
    let text = reader.join().unwrap();
    assert!(text.ends_with('\n'));
    let lines: Vec<Decision> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lost_in(&lines), lost);
}

#[test]
fn a_log_that_cannot_be_opened_is_named_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.ndjson");
    let _writer = Process::logging_to(&path, &[]);
    for (log, reason) in [
        (folder.path().join("no/such"), "No such file"),
        (folder.path().to_owned(), "it is no file"),
        (path, "another agent writes it"),
    ] {
        let output = command(&[&format!("--decision-log={}", log.display())]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in ["--decision-log", "LANGDECK_DECISION_LOG", reason, &log.display().to_string()] {
            assert!(message.contains(part), "{part:?} is not in: {message}");
        }
    }
}

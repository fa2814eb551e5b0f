//! The real binary: flags, signals, exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

const LONGEST: Duration = Duration::from_secs(20);
const ALERT: &str = r#"{"alert_type":"high_latency","service":"checkout-api"}"#;

fn command(arguments: &[&str]) -> Command {
    let mut command = prepared(env!("CARGO_BIN_EXE_langdeck-agent"));
    command.args(arguments);
    command
}

/// What a developer has set, which must not decide what a test sees.
fn settings() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LANGDECK_"))
}

fn prepared(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in settings() {
        command.env_remove(name);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A running agent; it does not outlive its test.
struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Process {
    /// Starts an agent on a free port and waits until it says where it listens.
    fn start(arguments: &[&str]) -> Self {
        Self::of(command(&[&["--listen=127.0.0.1:0", "--replica-name=binary"], arguments].concat()))
    }

    /// Starts an agent that a shell has given a limit.
    fn limited(ulimit: &str) -> Self {
        let mut shell = prepared("sh");
        let script = format!("ulimit {ulimit} && exec \"$0\" --listen=127.0.0.1:0");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_langdeck-agent")]);
        Self::of(shell)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["message"], "listening", "{line}");
        let address = event["address"].as_str().unwrap().parse().unwrap();
        Self { child, log, address }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LONGEST;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the agent does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        send(self.address, method, path, body)
    }

    /// What it still logs until it ends.
    fn rest_of_the_log(&mut self) -> Vec<Value> {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The status of an answer.
    fn get(&self, path: &str) -> u16 {
        status_of(self.send("GET", path, ""))
    }
}

/// Sends a request on a connection of its own.
fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
}

/// The lines of a log with this message.
fn said<'a>(log: &'a [Value], message: &str) -> Vec<&'a Value> {
    log.iter().filter(|event| event["message"] == message).collect()
}

fn status_of(mut stream: TcpStream) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn after_sigterm_it_ends_its_work_and_exits_with_0() {
    let mut agent = Process::start(&["--drain-delay=2s", "--sim-delay=5"]);
    assert_eq!(agent.get("/readyz"), 200);
    let waiting = agent.send("POST", "/investigate", ALERT);
    agent.signal("TERM");
    assert_eq!(status_of(waiting), 200);
    assert_eq!(agent.wait().code(), Some(0));
    let log = agent.rest_of_the_log();
    let ended = said(&log, "investigation ended");
    assert_eq!(ended.len(), 1, "{log:?}");
    assert!(ended[0]["investigation_id"].as_str().unwrap().starts_with("inv_"));
    assert_eq!(ended[0]["level"], "INFO");
    assert_eq!(log.last().unwrap()["message"], "stopped");
}

#[test]
fn refused_alerts_do_not_flood_the_log() {
    let mut agent = Process::start(&["--max-running=1", "--max-queued=0", "--sim-delay=1000", "--grace=0s"]);
    assert_eq!(status_of(agent.send("POST", "/v1/investigations", ALERT)), 202);
    for _ in 0..100 {
        assert_eq!(status_of(agent.send("POST", "/v1/investigations", ALERT)), 503);
    }
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0));
    let log = agent.rest_of_the_log();
    let refused = said(&log, "an alert was refused");
    // Ten in ten seconds, however long a slow machine takes over it.
    assert!((10..100).contains(&refused.len()), "{log:?}");
    assert_eq!((&refused[0]["level"], &refused[0]["problem"]), (&"WARN".into(), &"full".into()));
    let ended = said(&log, "investigation ended");
    assert_eq!((ended.len(), &ended[0]["status"]), (1, &"cancelled".into()));
}

#[test]
fn on_a_terminal_the_log_is_text() {
    let terminal = native_pty_system().openpty(PtySize { cols: 500, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_langdeck-agent"));
    command.args(["--listen=127.0.0.1:0", "--sim-delay=0"]);
    for (name, _) in settings() {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1");
    let mut child = terminal.slave.spawn_command(command).unwrap();
    drop(terminal.slave);
    let log = BufReader::new(terminal.master.try_clone_reader().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));

    let listening = told.recv_timeout(LONGEST).unwrap();
    let (_, address) = listening.split_once("INFO langdeck_agent::server: listening address=").unwrap();
    let address = address.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(status_of(send(address, "POST", "/investigate", ALERT)), 200);
    let ended = told.recv_timeout(LONGEST).unwrap();
    assert!(ended.contains("INFO langdeck_agent::runs: investigation ended investigation_id=\"inv_"), "{ended}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_idle_agent_stops_at_once_on_ctrl_c() {
    let mut agent = Process::start(&[]);
    agent.signal("INT");
    assert_eq!(agent.wait().code(), Some(0));
}

#[test]
fn draining_it_still_works_and_asked_twice_it_does_not_wait() {
    let mut agent = Process::start(&["--drain-delay=1h"]);
    agent.signal("TERM");
    let deadline = Instant::now() + LONGEST;
    while agent.get("/readyz") != 503 {
        assert!(Instant::now() < deadline, "it stays ready");
    }
    assert_eq!(agent.get("/livez"), 200);
    assert_eq!(status_of(agent.send("POST", "/investigate", ALERT)), 200, "work is still taken");
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(1));
}

#[test]
fn a_bad_setting_is_named_and_no_port_is_bound() {
    // The port is taken: had it been tried, the message would be about it.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--listen={}", taken.local_addr().unwrap());
    let by_flag = [
        ("--sim-delay=-1", "LANGDECK_SIM_DELAY"),
        ("--tool-mode=both", "LANGDECK_TOOL_MODE"),
        ("--history=0", "LANGDECK_HISTORY"),
        ("--grace=soon", "LANGDECK_GRACE"),
        ("--scenarios=/nowhere.toml", "LANGDECK_SCENARIOS"),
        ("--log=a=loud", "LANGDECK_LOG"),
    ];
    for (flag, variable) in by_flag {
        let output = command(&[&listen, flag]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flag}: {message}");
        let name = flag.split('=').next().unwrap();
        assert!(message.contains(name) && message.contains(variable), "{flag}: {message}");
    }
    let output = command(&[&listen]).env("LANGDECK_MAX_RUNNING", "0").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("LANGDECK_MAX_RUNNING"), "{message}");
}

#[test]
fn what_would_be_without_effect_is_refused_however_it_is_given_and_a_default_is_not() {
    // Once all settings are good, the port that is taken is what is wrong.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--listen={}", taken.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = format!("--decision-log={}", folder.path().join("decisions.ndjson").display());
    for (name, value, flag, needs) in [
        ("LANGDECK_BUDGET_WINDOW", "day", "--budget-window", "--budget-usd=1"),
        ("LANGDECK_BUDGET_AT_LIMIT", "reject", "--budget-at-limit", "--budget-usd=1"),
        ("LANGDECK_DECISION_LOG_SIZE", "64MiB", "--decision-log-size", &file),
        ("LANGDECK_DECISION_LOG_FILES", "5", "--decision-log-files", &file),
    ] {
        let given = || {
            let mut by_variable = command(&[&listen]);
            by_variable.env(name, value);
            [command(&[&listen, &format!("{flag}={value}")]), by_variable]
        };
        for mut command in given() {
            let output = command.output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{message}");
            let (needed, _) = needs.split_once('=').unwrap();
            for part in [flag, name, needed] {
                assert!(message.contains(part), "{part:?} is not in: {message}");
            }
        }
        for mut command in given() {
            let output = command.arg(needs).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    // What is needed may itself come from the environment.
    let output = command(&[&listen, "--budget-window=hour"]).env("LANGDECK_BUDGET_USD", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_bad_policy_is_named_with_its_file_its_line_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let refused = |text: &str, arguments: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let output = command(arguments).env("LANGDECK_POLICY", &path).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {message}");
        message
    };
    let budget = "# What may be spent.\n[[budget]]\nlimit_usd = 5\n";
    let price =
        "[[price]]\nmodel = \"m\"\nfrom = 2026-01-01\ninput = 1\ncached_input = 1\noutput = 1\nsource = \"s\"\n";
    for (text, line, reason) in [
        (budget.replace('5', "0"), 3, "limit_usd: must be more than zero"),
        (budget.replace('5', "-1"), 3, "limit_usd: -1 is no amount in USD, such as \"0.02\": it is negative"),
        (format!("{budget}window = \"week\""), 4, "window: \"week\" is not `hour`, `day` or `month`"),
        (
            format!("{budget}alert_type = \"high_cpu\"\n{budget}alert_type = \"HighCPU\""),
            7,
            "which has a budget per day already, at line 3",
        ),
        (format!("{budget}{budget}"), 6, "`total` has a budget per day already, at line 3; keep one of them"),
        (
            price.replace("output = 1", "output = -1"),
            6,
            "output: -1 is no amount in USD, such as \"0.02\": it is negative",
        ),
        (price.replace("output = 1\n", ""), 1, "[[price]]: missing field `output`"),
        (price.repeat(2), 9, "`m` has a price from 2026-01-01 already, at line 2; keep one of them"),
        (
            "[[route]]\nservice = \"a\"\nmodel = \"m\"".to_owned(),
            3,
            "model: there is no model `m`, only simulated-gpt-4",
        ),
        ("[[budget]".to_owned(), 1, "unclosed array table"),
    ] {
        let message = refused(&text, &[]);
        let told = format!("error: --policy (environment: LANGDECK_POLICY): {}, line {line}: ", path.display());
        assert!(message.starts_with(&told) && message.contains(reason), "{text}: {message}");
    }
    let message = refused(budget, &["--budget-usd=1"]);
    for part in [
        "--policy (environment: LANGDECK_POLICY)",
        ", line 3: ",
        "--budget-usd (environment: LANGDECK_BUDGET_USD)",
        "keep one of them",
    ] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    for no_file in [folder.path().join("none.toml"), folder.path().to_owned()] {
        let output = command(&[]).arg("--policy").arg(&no_file).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        let told = format!("error: --policy (environment: LANGDECK_POLICY): cannot read {}: ", no_file.display());
        assert!(message.starts_with(&told), "{message}");
    }
}

#[test]
fn it_serves_more_connections_than_the_soft_limit_of_open_files_allows() {
    let agent = Process::limited("-S -n 64");
    let open: Vec<_> = (0..100).map(|_| TcpStream::connect(agent.address).unwrap()).collect();
    assert_eq!(agent.get("/livez"), 200);
    drop(open);
}

#[test]
fn out_of_open_files_it_says_so_and_goes_on_when_there_are_some() {
    let mut agent = Process::limited("-n 64");
    let open: Vec<_> = (0..100).map(|_| TcpStream::connect(agent.address).unwrap()).collect();
    let mut line = String::new();
    while !line.contains("cannot take a connection") {
        line.clear();
        assert_ne!(agent.log.read_line(&mut line).unwrap(), 0, "the agent ended");
    }
    drop(open);
    assert_eq!(agent.get("/livez"), 200);
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&[]).env("LANGDECK_LISTEN", &address).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(&address) && message.contains("in use") && message.contains("--listen"), "{message}");
}

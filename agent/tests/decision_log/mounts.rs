//! The log on a file system of the agent's own: a small one that is full, and one that cannot be written, or not any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use langdeck_shared::{Decision, DecisionCode};
use tempfile::TempDir;

use super::{LOG, Process, command, eventually, logged, lost_in};

/// An empty folder, and the agent's command on it once a file system with these options is mounted there, which nobody
/// else sees. None where mounting is not allowed.
fn mounted(options: &str, more: &[&str]) -> Option<(TempDir, Command)> {
    let allowed = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: nothing can be mounted here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let agent = command(&[&[LOG, &logged(&folder.path().join("decisions.ndjson"))], more].concat());
    let mut within = Command::new("unshare");
    // It becomes the agent, so that the child is.
    within.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    within.args(["mount -t tmpfs -o \"$0\" none \"$1\" && shift && exec \"$@\"", options]).arg(folder.path());
    within.arg(agent.get_program()).args(agent.get_args());
    agent.get_envs().filter(|(_, value)| value.is_none()).for_each(|(name, _)| {
        within.env_remove(name);
    });
    within.stdout(Stdio::null()).stderr(Stdio::piped());
    Some((folder, within))
}

/// What a folder is to an agent that has another one mounted there.
fn seen_by(agent: &Process, folder: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", agent.child.id()));
    root.join(folder.strip_prefix("/").unwrap())
}

/// Runs a command on the folder that an agent has mounted, where that agent sees it.
fn run_beside(agent: &Process, program: &[&str], folder: &Path) {
    let target = format!("--target={}", agent.child.id());
    let status = Command::new("nsenter").args(["--user", "--mount", &target]).args(program).arg(folder).status();
    assert!(status.unwrap().success(), "{program:?}");
}

/// How many decisions an agent has made.
fn made(agent: &Process) -> u64 {
    let metrics = agent.ask("GET", "/metrics", "");
    let counts = metrics.lines().filter(|line| line.starts_with("agent_decisions_total{"));
    counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

/// The log's lines, once they are as they should be. In between a line may stand there in part, about to be written on or
/// taken away.
fn whole_lines(log: &Path, as_wanted: impl Fn(&[Decision]) -> bool) -> Vec<Decision> {
    let mut found = Vec::new();
    eventually("the lines are whole and as they should be", || {
        // Between two files there is none.
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Result<Vec<Decision>, _> = text.lines().map(serde_json::from_str).collect();
        let whole = lines.ok().filter(|lines| text.ends_with('\n') && as_wanted(lines));
        found = whole.unwrap_or_default();
        !found.is_empty()
    });
    found
}

#[test]
fn a_full_disk_loses_what_does_not_fit_in_memory_and_says_how_much() {
    let Some((folder, command)) = mounted("size=64k", &[]) else { return };
    let mut agent = Process::of(command);
    let log = seen_by(&agent, folder.path()).join("decisions.ndjson");
    // As many as fill it, and more than the agent remembers.
    agent.decide(6000);
    let said = agent.says("the decision log cannot be written; it is tried again and again");
    assert!(said["error"].as_str().unwrap().contains("No space left"), "{said}");
    agent.investigate();
    let lost = agent.metric("agent_decisions_lost_total");
    assert!(lost > 0);
    let kept = whole_lines(&log, |_| true);
    assert!(kept.len() > 50 && lost_in(&kept) == 0, "{} lines", kept.len());
    run_beside(&agent, &["mount", "-o", "remount,size=16m", "none"], folder.path());
    let lost = agent.says("the decision log is written again")["lost"].as_u64().unwrap();
    let made = agent.metric("agent_decisions_total{code=\"plan_chosen\"}");
    let lines = whole_lines(&log, |lines| lines.last().is_some_and(|last| last.seq == made));
    assert_eq!(lost_in(&lines), lost);
    assert_eq!(lines.iter().filter(|line| line.code == DecisionCode::LinesLost).count(), 1);
    agent.stop();
}

#[test]
fn a_log_in_a_folder_that_cannot_be_written_is_refused_at_the_start() {
    let Some((folder, mut command)) = mounted("size=64k,ro", &[]) else { return };
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["--decision-log", "Read-only file system", &folder.path().display().to_string()] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn a_folder_that_becomes_read_only_holds_up_no_line_and_beside_a_full_disk_the_loss_is_counted() {
    let rotation = ["--decision-log-size=64KiB", "--decision-log-files=100"];
    let Some((folder, command)) = mounted("size=256k", &rotation) else { return };
    let mut agent = Process::of(command);
    let seen = seen_by(&agent, folder.path());
    let log = seen.join("decisions.ndjson");
    agent.investigate();
    whole_lines(&log, |lines| !lines.is_empty());
    // Linux makes no file system read-only in which a file is open to be written; so another mount of it is laid over.
    run_beside(&agent, &["sh", "-c", "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\""], folder.path());
    agent.decide(200);
    let said = agent.says("the decision log cannot be rotated; it goes on in the same file");
    assert!(said["error"].as_str().unwrap().contains("Read-only file system"), "{said}");
    let made = self::made(&agent);
    let lines = whole_lines(&log, |lines| lines.last().is_some_and(|last| last.seq == made));
    assert_eq!((lost_in(&lines), agent.metric("agent_decisions_lost_total")), (0, 0));
    assert!(fs::metadata(&log).unwrap().len() > 64 * 1024);

    // As many as fill the rest, and more than the agent remembers.
    agent.decide(6000);
    let said = agent.says("the decision log cannot be written; it is tried again and again");
    assert!(said["error"].as_str().unwrap().contains("No space left"), "{said}");
    agent.investigate();
    assert!(agent.metric("agent_decisions_lost_total") > 0);
    run_beside(&agent, &["umount"], folder.path());
    run_beside(&agent, &["mount", "-o", "remount,size=16m", "none"], folder.path());
    let lost = agent.says("the decision log is written again")["lost"].as_u64().unwrap();
    eventually("it is rotated again", || seen.join("decisions.ndjson.1").exists());
    let made = self::made(&agent);
    whole_lines(&log, |lines| lines.last().is_some_and(|last| last.seq == made));
    let aside = (1..).map(|number| seen.join(format!("decisions.ndjson.{number}"))).take_while(|path| path.exists());
    let mut files: Vec<_> = std::iter::once(log).chain(aside).collect();
    files.reverse();
    let lines = super::lines(&files.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    assert_eq!(lost_in(&lines), lost);
    agent.stop();
}

//! The log on a file system of the agent's own: a small one that is full, and one that cannot be written.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use langdeck_shared::{Decision, DecisionCode};
use tempfile::TempDir;

use super::{LOG, Process, command, eventually, logged, lost_in};

/// An empty folder, and the agent's command on it once a file system with these options is mounted there, which nobody
/// else sees. None where mounting is not allowed.
fn mounted(options: &str) -> Option<(TempDir, Command)> {
    let allowed = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: nothing can be mounted here");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let agent = command(&[LOG, &logged(&folder.path().join("decisions.ndjson"))]);
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

/// The log's lines, once they are as they should be. In between a line may stand there in part, about to be written on or
/// taken away.
fn whole_lines(log: &Path, as_wanted: impl Fn(&[Decision]) -> bool) -> Vec<Decision> {
    let mut found = Vec::new();
    eventually("the lines are whole and as they should be", || {
        let text = fs::read_to_string(log).unwrap();
        let lines: Result<Vec<Decision>, _> = text.lines().map(serde_json::from_str).collect();
        let whole = lines.ok().filter(|lines| text.ends_with('\n') && as_wanted(lines));
        found = whole.unwrap_or_default();
        !found.is_empty()
    });
    found
}

#[test]
fn a_full_disk_loses_what_does_not_fit_in_memory_and_says_how_much() {
    let Some((folder, command)) = mounted("size=64k") else { return };
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
    let larger = ["--mount", "mount", "-o", "remount,size=16m", "none"].map(OsStr::new);
    let target = format!("--target={}", agent.child.id());
    let status = Command::new("nsenter").args(["--user", &target]).args(larger).arg(folder.path()).status();
    assert!(status.unwrap().success());
    let lost = agent.says("the decision log is written again")["lost"].as_u64().unwrap();
    let made = agent.metric("agent_decisions_total{code=\"plan_chosen\"}");
    let lines = whole_lines(&log, |lines| lines.last().is_some_and(|last| last.seq == made));
    assert_eq!(lost_in(&lines), lost);
    assert_eq!(lines.iter().filter(|line| line.code == DecisionCode::LinesLost).count(), 1);
    agent.stop();
}

#[test]
fn a_log_in_a_folder_that_cannot_be_written_is_refused_at_the_start() {
    let Some((folder, mut command)) = mounted("size=64k,ro") else { return };
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["--decision-log", "Read-only file system", &folder.path().display().to_string()] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

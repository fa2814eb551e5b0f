//! The writer: whole lines in order, whatever happens to the file, and what is lost is counted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Decision, DecisionCode, ToolMode};
use tempfile::TempDir;

use super::output::{Output, Rotation};
use super::ring::Bounds;
use super::writer::{Lines, Writing};
use super::{Choice, Decisions};
use crate::identity::Identity;

const LONGEST: Duration = Duration::from_secs(20);
const AT_ONCE: Duration = Duration::from_millis(1);
const BOUNDS: Bounds = Bounds { entries: 100, bytes: 1 << 20 };

fn decisions() -> Arc<Decisions> {
    let identity = Arc::new(Identity::new("r", "m", ToolMode::Sequential));
    Arc::new(Decisions::with_bounds(identity, &[], BOUNDS, BOUNDS))
}

fn decide(decisions: &Decisions, times: u64) {
    for _ in 0..times {
        decisions.record(Timestamp::UNIX_EPOCH, None, Choice::JoinKey);
    }
}

/// Lines that are written as a test lets them.
struct Held {
    written: Arc<Mutex<Vec<u8>>>,
    entered: Sender<()>,
    next: Receiver<io::Result<()>>,
}

impl Lines for Held {
    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        let _ = self.entered.send(());
        // Once nobody holds it any more it is free.
        self.next.recv().unwrap_or(Ok(()))?;
        self.written.lock().unwrap().extend_from_slice(line);
        Ok(())
    }
}

struct Hold {
    written: Arc<Mutex<Vec<u8>>>,
    entered: Receiver<()>,
    next: Sender<io::Result<()>>,
}

fn held() -> (Held, Hold) {
    let written = Arc::<Mutex<Vec<u8>>>::default();
    let ((entered, has_entered), (next, may_go)) = (mpsc::channel(), mpsc::channel());
    let held = Held { written: Arc::clone(&written), entered, next: may_go };
    (held, Hold { written, entered: has_entered, next })
}

impl Hold {
    /// Waits until a line is about to be written.
    fn entered(&self) {
        self.entered.recv_timeout(LONGEST).unwrap();
    }

    fn written(self) -> Vec<Decision> {
        read_lines(&self.written.lock().unwrap())
    }
}

fn read_lines(text: &[u8]) -> Vec<Decision> {
    let text = str::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(lines: &[Decision]) -> Vec<u64> {
    lines.iter().map(|line| line.seq).collect()
}

#[tokio::test]
async fn whoever_writes_slowly_holds_nobody_up_and_says_what_is_missing() {
    let decisions = decisions();
    let (held, hold) = held();
    let writing = Writing::start(&decisions, held).unwrap();
    decide(&decisions, 1);
    hold.entered();
    // The writer stands within its first line; the ring has room for a hundred more.
    decide(&decisions, 100);
    assert_eq!(decisions.lost(), 0);
    decide(&decisions, 7);
    assert_eq!(decisions.lost(), 7);
    let Hold { written, next, entered } = hold;
    drop(next);
    assert!(writing.end(LONGEST).await);
    drop(entered);
    let lines = read_lines(&written.lock().unwrap());
    let expected: Vec<u64> = [1, 2].into_iter().chain(9..=108).collect();
    assert_eq!(numbers(&lines), expected);
    let missing = &lines[1];
    assert_eq!(missing.code, DecisionCode::LinesLost);
    assert_eq!(missing.figures["lost"].as_u64(), Some(7));
    assert_eq!(decisions.lost(), 7, "counted once");
}

#[tokio::test]
async fn a_line_that_could_not_be_written_is_written_later() {
    let decisions = decisions();
    let (held, hold) = held();
    let writing = Writing::start_trying(&decisions, held, AT_ONCE).unwrap();
    decide(&decisions, 3);
    for _ in 0..5 {
        hold.entered();
        hold.next.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    }
    // It is at it again, so it has not given up.
    hold.entered();
    for _ in 0..3 {
        hold.next.send(Ok(())).unwrap();
    }
    assert!(writing.end(LONGEST).await);
    assert_eq!(decisions.lost(), 0);
    assert_eq!(numbers(&hold.written()), [1, 2, 3]);
}

#[tokio::test]
async fn whoever_cannot_write_to_the_end_gives_up_and_counts_the_rest() {
    let decisions = decisions();
    let (held, hold) = held();
    let writing = Writing::start_trying(&decisions, held, LONGEST).unwrap();
    decide(&decisions, 1);
    hold.entered();
    decide(&decisions, 4);
    hold.next.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    assert!(writing.end(LONGEST).await);
    assert_eq!(decisions.lost(), 5);
    assert!(hold.written().is_empty());
}

#[tokio::test]
async fn nobody_waits_for_a_writer_that_is_stuck() {
    let decisions = decisions();
    let (held, hold) = held();
    let writing = Writing::start(&decisions, held).unwrap();
    decide(&decisions, 1);
    hold.entered();
    assert!(!writing.end(AT_ONCE).await);
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    PathBuf::from(format!("{}.{number}", path.display()))
}

/// The lines of a log from its oldest file to the one that is written.
fn of_all_files(path: &Path) -> Vec<Decision> {
    let mut files: Vec<_> = (1..).map(|number| numbered(path, number)).take_while(|path| path.exists()).collect();
    files.reverse();
    files.push(path.to_owned());
    files.iter().flat_map(|path| read_lines(&fs::read(path).unwrap())).collect()
}

fn rotation(size: u64, files: usize) -> Rotation {
    Rotation { size, files }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.ndjson");
    (folder, path)
}

/// Writes so many decisions and ends; in portions, so that none is lost.
async fn write(decisions: &Arc<Decisions>, path: &Path, rotation: Rotation, times: u64) {
    let writing = Writing::start(decisions, Output::file(path, rotation).unwrap()).unwrap();
    decide(decisions, times);
    assert!(writing.end(LONGEST).await);
    assert_eq!(decisions.lost(), 0);
}

#[tokio::test]
async fn rotation_loses_none() {
    let (_folder, path) = folder();
    write(&decisions(), &path, rotation(2000, 100), 100).await;
    assert_eq!(numbers(&of_all_files(&path)), (1..=100).collect::<Vec<_>>());
    assert!(numbered(&path, 5).exists());
    for number in 1..5 {
        assert!(fs::metadata(numbered(&path, number)).unwrap().len() <= 2000);
    }
}

#[tokio::test]
async fn only_so_many_files_are_kept_and_they_are_the_last() {
    let (folder, path) = folder();
    write(&decisions(), &path, rotation(1000, 3), 100).await;
    let kept = numbers(&of_all_files(&path));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    assert!(kept.len() > 3 && kept[0] > 1);
    assert_eq!(kept, (kept[0]..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_is_continued_and_what_a_kill_left_of_a_line_is_taken_away() {
    let (_folder, path) = folder();
    write(&decisions(), &path, rotation(1 << 20, 3), 3).await;
    let whole = fs::read(&path).unwrap();
    for torn in ["{", r#"{"seq":4,"time":"20"#] {
        fs::write(&path, [&whole, torn.as_bytes()].concat()).unwrap();
        write(&decisions(), &path, rotation(1 << 20, 3), 2).await;
        assert_eq!(numbers(&read_lines(&fs::read(&path).unwrap())), [1, 2, 3, 1, 2]);
    }
}

#[test]
fn what_is_no_decision_log_stays_as_it_is() {
    let (folder, path) = folder();
    for text in ["my diary", "line\nanother", "whole lines\n", "many\nof them\n"] {
        fs::write(&path, text).unwrap();
        let error = Output::file(&path, rotation(1 << 20, 3)).unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert!(Output::file(folder.path(), rotation(1 << 20, 3)).is_err());
    assert!(Output::file(&folder.path().join("no/such"), rotation(1 << 20, 3)).is_err());
}

#[test]
fn a_file_has_one_writer() {
    let (_folder, path) = folder();
    let first = Output::file(&path, rotation(1 << 20, 3)).unwrap();
    let error = Output::file(&path, rotation(1 << 20, 3)).unwrap_err();
    assert!(error.to_string().contains("another agent writes it"), "{error}");
    drop(first);
    Output::file(&path, rotation(1 << 20, 3)).unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_moved_aside_goes_on() {
    let (_folder, path) = folder();
    // No file can take the place of a folder.
    fs::create_dir(numbered(&path, 1)).unwrap();
    write(&decisions(), &path, rotation(1000, 2), 50).await;
    assert_eq!(numbers(&read_lines(&fs::read(&path).unwrap())), (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_device_loses_what_does_not_fit_in_memory() {
    let decisions = decisions();
    let output = Output::file(Path::new("/dev/full"), rotation(1 << 20, 3)).unwrap();
    let writing = Writing::start_trying(&decisions, output, AT_ONCE).unwrap();
    decide(&decisions, 1000);
    assert!(writing.end(LONGEST).await);
    assert_eq!(decisions.lost(), 1000);
}

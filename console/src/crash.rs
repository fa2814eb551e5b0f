//! Panics: the terminal is given back before anything is said, and each leaves a report in a file.
//!
//! One in a background task does not end the console. Its supervisor starts it again or answers for it; what happened is
//! shown on the screen, where printing would only tear it, and told once more at the end.

mod report;

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use tokio::sync::Notify;

use crate::net::clean_text;
use crate::terminal;
use report::Report;

/// What the threads are called that run background tasks. A panic there is a task's, not the console's end.
pub const WORKER_THREAD: &str = "langdeck-worker";

/// The exit code after a panic that the console could not survive, as of every Rust program.
const EXIT_CODE: i32 = 101;

/// About how many background panics are kept and reported: one that comes again and again tells nothing new.
const MAX_PANICS: usize = 8;

/// How many of the last messages a report names.
const MAX_NOTES: usize = 20;

static PANICS: Mutex<Vec<Panic>> = Mutex::new(Vec::new());
static NOTES: Mutex<VecDeque<&'static str>> = Mutex::new(VecDeque::new());
static PANICKED: Notify = Notify::const_new();

tokio::task_local! {
    static TASK: Task;
}

/// A background task of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Keeps the beat in which agents are asked.
    Poller,
    /// Asks one agent once.
    Question,
    /// Sends an alert, or asks for an investigation.
    Errand,
    /// Any other, such as an agent of the demo.
    Other,
}

impl Task {
    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poller => "the poller",
            Self::Question => "a question to an agent",
            Self::Errand => "an errand to an agent",
            Self::Other => "a background task",
        }
    }

    /// What becomes of it after a panic.
    #[must_use]
    pub const fn consequence(self) -> &'static str {
        match self {
            Self::Poller => "it is started again",
            Self::Question => "the agent is asked again",
            Self::Errand => "it is not repeated",
            Self::Other => "it is not started again, all else goes on",
        }
    }
}

/// A background task that panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// Which task.
    pub task: Task,
    /// What it said, clean.
    pub words: String,
    /// Where the report is, or the report itself where it could not be written.
    pub report: Result<PathBuf, String>,
}

/// Runs work under a task's name, so that a panic in it can be told as that task's.
pub fn named<F: Future>(task: Task, work: F) -> impl Future<Output = F::Output> {
    TASK.scope(task, work)
}

/// Notes what the console was told, for the report of a later panic.
pub fn note(message: &'static str) {
    let mut notes = lock(&NOTES);
    if notes.len() == MAX_NOTES {
        notes.pop_front();
    }
    notes.push_back(message);
}

/// Waits until a background task has panicked since the last time that this was waited for.
pub async fn panicked() {
    PANICKED.notified().await;
}

/// The background panic at this place, counted from the first.
#[must_use]
pub fn nth(index: usize) -> Option<Panic> {
    lock(&PANICS).get(index).cloned()
}

/// All background panics that were kept.
#[must_use]
pub fn all() -> Vec<Panic> {
    lock(&PANICS).clone()
}

/// Makes every later panic give the terminal back and leave a report. Does nothing the second time.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !terminal::is_entered() {
                print(info);
            } else if thread::current().name() == Some(WORKER_THREAD) {
                keep(info);
            } else {
                // The thread that draws cannot go on, and one that reads keys would leave a console behind that hears
                // nothing.
                terminal::leave();
                tell(info);
                std::process::exit(EXIT_CODE);
            }
        }));
    });
}

fn keep(info: &PanicHookInfo<'_>) {
    let task = TASK.try_with(|task| *task).unwrap_or(Task::Other);
    if lock(&PANICS).len() >= MAX_PANICS {
        return;
    }
    // Not under the lock: a backtrace takes its time, and the screen must not wait for it.
    let report = Report::new(task.as_str(), info, &notes()).write();
    lock(&PANICS).push(Panic { task, words: words(info.payload()), report });
    PANICKED.notify_one();
}

fn tell(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = format!("thread {}", thread.name().unwrap_or("without a name"));
    let report = Report::new(&thread, info, &notes()).write();
    let mut err = std::io::stderr();
    let _unheard = writeln!(err, "langdeck: fault in langdeck itself: {}", words(info.payload()));
    let _unheard = match report {
        Ok(path) => writeln!(err, "A report of it is in {}", path.display()),
        Err(text) => writeln!(err, "{text}"),
    };
}

/// What the console was told last. A panic in the middle of a note has nothing to add to it.
fn notes() -> Vec<&'static str> {
    NOTES.try_lock().map(|notes| notes.iter().copied().collect()).unwrap_or_default()
}

/// The panic's own words, fit for the screen.
#[must_use]
pub fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    clean_text(text.unwrap_or("a panic without words"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

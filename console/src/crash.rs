//! Panics: the terminal is given back before anything is said, and each leaves a report in a file.
//!
//! One in a background task does not end the console. Its supervisor starts it again or answers for it; what happened is
//! shown on the screen, where printing would only tear it, and told once more at the end. One in what the loop does to the
//! state or to the screen is passed over as long as the next time goes well.

mod report;

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use tokio::sync::Notify;

use crate::net::clean_text;
use crate::terminal;
use report::Report;

/// What the threads are called that run background tasks. A panic there is a task's, not the console's end.
pub const WORKER_THREAD: &str = "langdeck-worker";

/// What the threads are called that run the agents of the demo. A panic there is theirs.
pub const AGENT_THREAD: &str = "langdeck-agent";

/// The exit code after a panic that the console could not survive, as of every Rust program.
const EXIT_CODE: i32 = 101;

/// About how many panics are kept and reported: one that comes again and again tells nothing new.
const MAX_PANICS: usize = 8;

/// How often in a row a part of the loop may panic; after that the next one ends the console.
const MOST_IN_A_ROW: u32 = 5;

/// How many of the last messages a report names.
const MAX_NOTES: usize = 20;

static PANICS: Mutex<Vec<Panic>> = Mutex::new(Vec::new());
static NOTES: Mutex<VecDeque<&'static str>> = Mutex::new(VecDeque::new());
static PANICKED: Notify = Notify::const_new();

tokio::task_local! {
    static TASK: Task;
}

thread_local! {
    /// What this thread does under a guard at present.
    static GUARDED: Cell<Option<Task>> = const { Cell::new(None) };
}

/// A part of the console that a panic may befall without ending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Keeps the beat in which agents are asked.
    Poller,
    /// Asks one agent once.
    Question,
    /// Sends an alert, or asks for an investigation.
    Errand,
    /// An agent that runs in this process.
    Agent,
    /// Folds a message into the state.
    Update,
    /// Draws a frame.
    Drawing,
    /// Any other background task.
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
            Self::Agent => "an agent of the demo",
            Self::Update => "the taking of a message",
            Self::Drawing => "the drawing",
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
            Self::Update => "the message is passed over",
            Self::Drawing => "it is tried again with the next key",
            Self::Agent | Self::Other => "it is not started again, all else goes on",
        }
    }
}

/// What panicked, and did not end the console.
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

/// Lets a part of the loop panic, a few times in a row.
#[derive(Debug, Default)]
pub struct Guard {
    in_a_row: u32,
}

impl Guard {
    /// Does the work. Nothing comes back where it panicked, which is then reported like a background task's panic. After
    /// too many in a row it is done without a guard: one that panics whenever it is tried would go on for ever.
    pub fn run<T>(&mut self, task: Task, work: impl FnOnce() -> T) -> Option<T> {
        if self.in_a_row >= MOST_IN_A_ROW {
            return Some(work());
        }
        GUARDED.set(Some(task));
        // What the work leaves behind is looked at again: the state is drawn as it is, the screen anew.
        let done = panic::catch_unwind(AssertUnwindSafe(work)).ok();
        GUARDED.set(None);
        self.in_a_row = if done.is_some() { 0 } else { self.in_a_row + 1 };
        done
    }
}

/// Notes what the console was told, for the report of a later panic.
pub fn note(message: &'static str) {
    let mut notes = lock(&NOTES);
    if notes.len() == MAX_NOTES {
        notes.pop_front();
    }
    notes.push_back(message);
}

/// Waits until something has panicked and not ended the console, since the last time that this was waited for.
pub async fn panicked() {
    PANICKED.notified().await;
}

/// The kept panic at this place, counted from the first.
#[must_use]
pub fn nth(index: usize) -> Option<Panic> {
    lock(&PANICS).get(index).cloned()
}

/// All panics that were kept.
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
            } else if let Some(task) = survivor() {
                keep(task, info);
            } else {
                // The loop itself cannot go on. Nor can the thread that reads keys: crossterm has one reader for the whole
                // process, out of reach, which keeps the bytes that it panicked over and would put them before every
                // further key, so a new stream of events would hear nothing, or panic again.
                terminal::leave();
                tell(info);
                std::process::exit(EXIT_CODE);
            }
        }));
    });
}

/// What this thread is at, if that may panic without ending the console.
fn survivor() -> Option<Task> {
    GUARDED.get().or_else(|| match thread::current().name() {
        Some(WORKER_THREAD) => Some(TASK.try_with(|task| *task).unwrap_or(Task::Other)),
        Some(AGENT_THREAD) => Some(Task::Agent),
        _ => None,
    })
}

fn keep(task: Task, info: &PanicHookInfo<'_>) {
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

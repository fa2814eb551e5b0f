//! What must come of a panic, in whichever part of the console it is.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::BE;
use super::programs::NOBODY;
use super::pty::{self, LANGDECK, Pty};

/// Makes tests of functions.
macro_rules! tests {
    ($($(#[$if:meta])? $name:ident),* $(,)?) => {
        vec![$($(#[$if])? Trial::test(stringify!($name), || {
            $name();
            Ok(())
        })),*]
    };
}

/// All of them.
pub(crate) fn all() -> Vec<Trial> {
    tests![
        a_panic_gives_it_back_before_it_speaks_and_leaves_a_report,
        where_no_report_can_be_written_it_is_printed,
        a_task_that_panics_is_told_on_the_screen_and_started_again,
        a_message_that_panics_is_passed_over_and_told,
        a_screen_that_cannot_be_drawn_says_so_and_comes_back_with_another_size,
        a_screen_that_can_never_be_drawn_ends_the_console_after_some_tries,
        an_agent_of_the_demo_that_panics_is_told_as_such,
        #[cfg(debug_assertions)]
        a_panic_of_the_thread_that_reads_keys_gives_it_back,
    ]
}

fn a_panic_gives_it_back_before_it_speaks_and_leaves_a_report() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("panicking", &state);
    pty.ended_restored(101);
    let text = pty.text();
    assert!(text.contains("the reason of the panic") && text.contains("A report of it is in"), "{text}");
    assert!(!text.contains("about to panic"), "{text}");
    let [(path, report)] = reports(&state).try_into().unwrap();
    assert!(text.contains(&path), "{path} is not named\n{text}");
    for said in [env!("CARGO_PKG_VERSION"), "thread main", "the reason of the panic", "200x30", "programs.rs"] {
        assert!(report.contains(said), "{said} is not in it\n{report}");
    }
}

fn where_no_report_can_be_written_it_is_printed() {
    let this = std::env::current_exe().unwrap();
    let args = [BE, "panicking"];
    let nowhere = [("XDG_STATE_HOME", "/dev/null/none"), ("TMPDIR", "/dev/null/none")];
    let mut pty = Pty::spawn(this.to_str().unwrap(), &args, &nowhere, 200, 300);
    pty.ended_restored(101);
    assert!(pty.text().contains("last messages") && pty.text().contains("programs.rs"), "{}", pty.text());
}

/// One of the programs beside this file, in a terminal.
fn program(name: &str, state: &tempfile::TempDir) -> Pty {
    let this = std::env::current_exe().unwrap();
    Pty::spawn(this.to_str().unwrap(), &[BE, name], &[state_in(state)], 200, 30)
}

fn a_task_that_panics_is_told_on_the_screen_and_started_again() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("stumbling", &state);
    pty.wait("which one, what becomes of it, and where the report is", |screen| {
        let text = screen.contents();
        ["the poller panicked", "it is started again", "langdeck-panic-"].iter().all(|said| text.contains(said))
    });
    // Each start leaves a report, so a second one means that it was started again.
    wait_for_reports(&state, 2);
    pty.see("fault in langdeck itself");
    still_answers_and_ends(&mut pty);
    let text = pty.text();
    assert!(text.contains("langdeck: the poller panicked") && text.contains(&reports(&state)[0].0), "{text}");
    assert!(reports(&state)[0].1.contains("the poller"), "{}", reports(&state)[0].1);
}

/// Keys still do what they do, and the end says that something panicked.
fn still_answers_and_ends(pty: &mut Pty) {
    pty.send("?");
    pty.see("Keys");
    pty.send("\u{1b}");
    pty.see_gone("Keys ");
    pty.send("q");
    pty.ended_restored(1);
}

fn a_message_that_panics_is_passed_over_and_told() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("clumsy", &state);
    pty.see("No agent answers");
    pty.send("z");
    pty.wait("what panicked, over what, and where the report is", |screen| {
        let text = screen.contents();
        ["the taking of a message panicked", "nobody knows what z is", "langdeck-panic-"]
            .iter()
            .all(|said| text.contains(said))
    });
    still_answers_and_ends(&mut pty);
}

fn a_screen_that_cannot_be_drawn_says_so_and_comes_back_with_another_size() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("clumsy", &state);
    pty.see("No agent answers");
    pty.resize(50, 30);
    pty.wait("what panicked, and nothing of the frame that did", |screen| {
        let text = screen.contents();
        text.contains("the drawing panicked") && text.contains("another size may help") && !text.contains("No agent")
    });
    pty.resize(100, 30);
    pty.wait("the screen again, with word of the panic", |screen| {
        let text = screen.contents();
        text.contains("No agent answers") && text.contains("the drawing panicked") && !text.contains("may help")
    });
    pty.send("q");
    pty.ended_restored(1);
    // It was not tried again and again in between.
    assert_eq!(reports(&state).len(), 1);
}

fn a_screen_that_can_never_be_drawn_ends_the_console_after_some_tries() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("clumsy", &state);
    pty.see("No agent answers");
    pty.resize(50, 30);
    for tries in 1..=5 {
        wait_for_reports(&state, tries);
        pty.send("j");
    }
    pty.ended_restored(101);
    assert!(pty.text().contains("fault in langdeck itself"), "{}", pty.text());
}

fn an_agent_of_the_demo_that_panics_is_told_as_such() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = program("hosting", &state);
    pty.see("an agent of the demo panicked: an agent's own fault");
    pty.send("q");
    pty.ended_restored(1);
}

/// Crossterm's reader of keys trips over a mouse in column 0 where arithmetic is checked. It cannot be started again.
#[cfg(debug_assertions)]
fn a_panic_of_the_thread_that_reads_keys_gives_it_back() {
    let state = tempfile::tempdir().unwrap();
    let mut pty = Pty::spawn(LANGDECK, &["--url", NOBODY], &[state_in(&state)], 200, 30);
    pty.see("No agent answers");
    pty.send("\u{1b}[<0;0;0M");
    pty.ended_restored(101);
    assert!(pty.text().contains("A report of it is in"), "{}", pty.text());
    assert_eq!(reports(&state).len(), 1);
}

/// Waits until there are so many reports.
fn wait_for_reports(folder: &tempfile::TempDir, count: usize) {
    let until = Instant::now() + pty::DEADLINE;
    while reports(folder).len() < count {
        assert!(Instant::now() < until, "no report {count}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Where a program shall leave its reports.
fn state_in(folder: &tempfile::TempDir) -> (&str, &str) {
    ("XDG_STATE_HOME", folder.path().to_str().unwrap())
}

/// The reports left there, oldest first: their paths and texts.
fn reports(folder: &tempfile::TempDir) -> Vec<(String, String)> {
    let Ok(files) = std::fs::read_dir(folder.path().join("langdeck")) else { return Vec::new() };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

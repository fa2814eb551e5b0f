//! Programs that panic, for the tests beside them to run in a terminal.

use std::time::Duration;

use crossterm::event::KeyCode;
use langdeck_console::app::{App, Message};
use langdeck_console::commands::console;
use langdeck_console::net::{Client, PollOptions};
use langdeck_console::run::{ConsoleOptions, Parts};
use langdeck_console::{crash, terminal, view};

/// An address where nothing listens.
pub(crate) const NOBODY: &str = "http://127.0.0.1:1";

/// All of them, by name.
const PROGRAMS: [(&str, fn()); 4] =
    [("panicking", panicking), ("stumbling", stumbling), ("clumsy", clumsy), ("hosting", hosting)];

/// Runs the one with this name.
pub(crate) fn run(name: &str) {
    let (_, program) = PROGRAMS.iter().find(|(known, _)| *known == name).expect("a program of this file");
    program();
}

/// Panics with the terminal taken over.
fn panicking() {
    let mut screen = terminal::Screen::enter(true).unwrap();
    screen.draw(|frame| frame.render_widget("about to panic", frame.area())).unwrap();
    panic!("the reason of the panic");
}

/// A console whose poller panics whenever it is started, since its next beat lies beyond all time.
fn stumbling() {
    let never = PollOptions { idle: Duration::MAX, busy: Duration::MAX, ..PollOptions::default() };
    open(never, Parts::default());
}

/// A console that panics over the key z, and cannot draw screens of 50 columns.
fn clumsy() {
    let parts = Parts {
        update: |app, message, now| {
            let is_z = matches!(&message, Message::Key(key) if key.code == KeyCode::Char('z'));
            assert!(!is_z, "nobody knows what z is");
            App::update(app, message, now)
        },
        draw: |app, frame, theme, texts, now| {
            let beyond = view::draw(app, frame, theme, texts, now);
            assert_ne!(frame.area().width, 50, "nobody can draw this");
            beyond
        },
    };
    open(PollOptions::default(), parts);
}

/// A console beside which an agent of the demo panics.
fn hosting() {
    let agent = std::thread::Builder::new().name(crash::AGENT_THREAD.to_owned());
    agent
        .spawn(|| {
            while !terminal::is_entered() {
                std::thread::yield_now();
            }
            panic!("an agent's own fault");
        })
        .unwrap();
    open(PollOptions::default(), Parts::default());
}

/// Runs a console on an address where nothing listens, to its end.
fn open(poll: PollOptions, parts: Parts) -> ! {
    let mut workers = tokio::runtime::Builder::new_multi_thread();
    let runtime = workers.worker_threads(1).thread_name(crash::WORKER_THREAD).enable_all().build().unwrap();
    let sources = vec![NOBODY.parse().unwrap()];
    let client = Client::new(&sources).unwrap();
    let options = ConsoleOptions { sources, demo: false, ascii: false };
    let code = runtime.block_on(console::open_with(client, options, poll, parts)).unwrap();
    runtime.shutdown_background();
    std::process::exit(code.into());
}

//! What a frame and a key cost, in the states that cost most.
//!
//! The real state and the real drawing, down to the bytes that a terminal would get; only the terminal is none.

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use langdeck_console::app::{App, AppOptions, Message, SourceId};
use langdeck_console::net::FleetAnswer;
use langdeck_console::view::theme::{ColorDepth, Theme};
use langdeck_console::view::{self, Texts};
use langdeck_shared::ReplicaUpdate;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::answers::{costs, fetched, fleet, investigation, largest, update};
use crate::report::{Table, count};
use crate::times::{Times, timed};
use crate::{COLUMNS, HEAD, ROWS};

/// How often a screen is drawn on which something runs, and so how many frames there are from answer to answer.
const FRAMES_A_SECOND: usize = 10;
/// How many seconds a replica has told of when the frames begin.
const SAMPLES: usize = 300;

/// Measures all and says what was found, in Markdown.
pub(crate) fn measure(quick: bool) -> String {
    let frames = if quick { 500 } else { 3_000 };
    let mut table = Table::new(HEAD);
    table.row(a_fleet(12, 1_000, frames, "p99 under 2 ms"));
    table.row(a_fleet(1_000, 100_000, frames, "under 4 ms"));
    table.row(the_costs(1_000, frames));
    let mut row = |what: &str, times: Times| table.row([what.to_owned(), times.spread(), String::new()]);
    let (key, answer) = a_filter(frames / 10);
    row("a key of a filter on 20,000 investigations, and its frame", key);
    row("an answer with one that moved while a filter is set, and its frame", answer);
    let (first, other) = the_largest_report(frames / 10);
    row("the largest report: the frame after it came, which wraps it", first);
    row("the largest report: a key that scrolls it, and its frame", other);
    table.to_string()
}

/// Replicas at work, all of them fresh: each frame comes a moment after the one before, and after the answers of those
/// whose second is over.
fn a_fleet(replicas: usize, investigations: usize, frames: usize, floor: &str) -> [String; 3] {
    let mut bench = Bench::new();
    bench.fill(replicas, investigations);
    let times = Times::of(frames, |round| {
        bench.second(round, replicas);
        bench.moves(round, replicas, investigations);
        timed(|| bench.frame())
    });
    let kept = bench.app.investigations.len();
    let known = if kept == investigations { String::new() } else { format!(", of which {} are kept", count_of(kept)) };
    let what = format!("a frame, {} replicas, {} investigations{known}", count_of(replicas), count_of(investigations));
    [what, times.spread(), floor.to_owned()]
}

/// The Cost screen of such a fleet, with three lists of a thousand, which come every two seconds.
fn the_costs(replicas: usize, frames: usize) -> [String; 3] {
    let mut bench = Bench::new();
    bench.fill(replicas, 0);
    bench.key(KeyCode::Char('2'));
    let told = costs(replicas);
    let times = Times::of(frames, |round| {
        if round % (2 * FRAMES_A_SECOND) == 0 {
            let result = Ok(Box::new(told.clone()));
            bench.app.update(Message::Costs { source: SourceId(0), result }, bench.now);
        }
        bench.second(round, replicas);
        timed(|| bench.frame())
    });
    let what = format!("a frame of the Cost screen, {} replicas, 3,000 shares", count_of(replicas));
    [what, times.spread(), "under 4 ms".to_owned()]
}

/// Every key of a filter, and what comes in while it is set.
fn a_filter(rounds: usize) -> (Times, Times) {
    let mut bench = Bench::new();
    bench.fill(12, 20_000);
    bench.key(KeyCode::Char('/'));
    let typed = ['c', 'h', 'e', 'c', 'k'];
    let key = Times::of(rounds, |round| {
        timed(|| {
            match typed.get(round % (2 * typed.len())) {
                Some(c) => bench.key(KeyCode::Char(*c)),
                None => bench.key(KeyCode::Backspace),
            }
            bench.frame();
        })
    });
    bench.key(KeyCode::Char('c'));
    bench.key(KeyCode::Enter);
    let answer = Times::of(rounds, |round| {
        timed(|| {
            bench.moves(round, 12, 20_000);
            bench.frame();
        })
    });
    (key, answer)
}

/// One investigation in an answer as long as any that is read, opened: the first frame wraps its texts.
fn the_largest_report(rounds: usize) -> (Times, Times) {
    let mut bench = Bench::new();
    bench.fill(1, 1);
    bench.key(KeyCode::Enter);
    let whole = fetched(largest());
    let first = Times::of(rounds.min(100), |_| {
        let (id, result) = (whole.investigation_id.clone(), Ok(Box::new(whole.clone())));
        timed(|| {
            bench.app.update(Message::Detail { id, result }, bench.now);
            bench.frame();
        })
    });
    let other = Times::of(rounds, |_| {
        timed(|| {
            bench.key(KeyCode::PageDown);
            bench.frame();
        })
    });
    (first, other)
}

#[expect(clippy::cast_precision_loss, reason = "a bench has far less than 2^53 of anything")]
fn count_of(number: usize) -> String {
    count(number as f64)
}

struct Bench {
    app: App,
    terminal: Terminal<CrosstermBackend<io::Sink>>,
    theme: Theme,
    texts: Texts,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let sources = vec!["http://localhost:8000".to_owned()];
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, COLUMNS, ROWS)) };
        Self {
            app: App::new(AppOptions { sources, demo: false }, 7, now),
            terminal: Terminal::with_options(CrosstermBackend::new(io::sink()), options).unwrap(),
            theme: Theme::new(ColorDepth::TrueColor, false),
            texts: Texts::default(),
            now,
        }
    }

    fn fill(&mut self, replicas: usize, investigations: usize) {
        let of_one = |replica: usize| {
            let mine = (replica..investigations).step_by(replicas);
            update(replica, 0..SAMPLES, mine.map(|number| investigation(replica, number)).collect())
        };
        self.answer((0..replicas).map(of_one).collect());
    }

    /// Those replicas whose second is over tell of it.
    fn second(&mut self, round: usize, replicas: usize) {
        let second = SAMPLES + round / FRAMES_A_SECOND;
        let told = (round % FRAMES_A_SECOND..replicas).step_by(FRAMES_A_SECOND);
        self.answer(told.map(|replica| update(replica, second..second + 1, Vec::new())).collect());
    }

    /// One of so many that are known has moved, and its replica tells of it.
    fn moves(&mut self, round: usize, replicas: usize, known: usize) {
        let number = round % known;
        let replica = number % replicas;
        self.answer(vec![update(replica, 0..0, vec![investigation(replica, number)])]);
    }

    /// The first replica tells of these.
    fn answer(&mut self, replicas: Vec<ReplicaUpdate>) {
        let answer = FleetAnswer { update: fleet(replicas), faults: Vec::new() };
        let (source, took) = (SourceId(0), Duration::from_millis(12));
        let received = self.now;
        self.app.update(Message::Updated { source, answer: Box::new(answer), received, took }, self.now);
    }

    fn key(&mut self, code: KeyCode) {
        self.app.update(Message::Key(KeyEvent::from(code)), self.now);
    }

    fn frame(&mut self) {
        self.now += Duration::from_millis(1_000 / FRAMES_A_SECOND as u64);
        let Self { app, terminal, theme, texts, now } = self;
        let mut beyond = 0;
        terminal.draw(|frame| beyond = view::draw(app, frame, theme, texts, *now)).unwrap();
        app.limit_scroll(beyond);
    }
}

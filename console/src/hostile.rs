//! Agents that send anything, people who type anything, terminals of any size, all at once: nothing panics, what reaches
//! the terminal is the console's own, and every cell shows what was drawn there.

mod answers;
mod tty;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use langdeck_shared::{Accepted, Status};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratatui::layout::{Position, Rect};
use reqwest::StatusCode;
use serde_json::json;

use crate::app::testing::{busy_fleet, press, write};
use crate::app::{App, Gesture, Message, Place, Progress, SourceId};
use crate::crash::{Panic, Task};
use crate::net::{clean_text, read};
use crate::view;
use answers::{JSON, answered, changed, costs_told, full, hostile, poisoned, problem, told, whole};
use tty::Tty;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_text_of_an_agent_does_anything_to_the_terminal(
        texts in proptest::collection::vec(hostile(), 1..30),
        size in select(&[(80, 24), (120, 40), (200, 50)][..]),
        ascii in any::<bool>(),
    ) {
        let now = Instant::now();
        let (mut app, now) = busy_fleet(now);
        let mut tty = Tty::new(size, ascii);
        let mut look = |app: &mut App| tty.draw(app, now).map_err(TestCaseError::fail);
        look(&mut app)?;
        let message = answered(0, &poisoned(full("evil"), &texts), now);
        prop_assert!(matches!(message, Message::Updated { .. }), "refused: {message:?}");
        app.update(message, now);
        look(&mut app)?;
        // In each of the places where such a text is shown: lists, forms, an investigation, its step by step, and errors.
        for keys in ["f", "l", "\u{1b}", "F", "\u{1b}", "/", "\u{1b}", "G"] {
            key(&mut app, keys, now);
            look(&mut app)?;
        }
        press(&mut app, KeyCode::Enter, now);
        let id = app.opened().map(|detail| detail.id.clone()).unwrap_or_default();
        app.update(told(id.clone(), &poisoned(json!(whole("inv", "evil", Status::Partial)), &texts)), now);
        for _ in 0..6 {
            look(&mut app)?;
            key(&mut app, "k", now);
        }
        press(&mut app, KeyCode::Tab, now);
        for _ in 0..3 {
            look(&mut app)?;
            press(&mut app, KeyCode::PageDown, now);
        }
        app.update(Message::Detail { id, result: Err(problem(&texts)) }, now);
        look(&mut app)?;
        app.update(Message::Fired { place: place(0, texts.first()), result: Err(problem(&texts)) }, now);
        look(&mut app)?;
        key(&mut app, "2", now);
        let costs = costs_told(0, &texts);
        prop_assert!(matches!(costs, Message::Costs { result: Ok(_), .. }), "refused: {costs:?}");
        app.update(costs, now);
        for keys in ["l", "l", "l", "l", "1"] {
            look(&mut app)?;
            key(&mut app, keys, now);
        }
        app.update(Message::Costs { source: SourceId(0), result: Err(problem(&texts)) }, now);
        key(&mut app, "2", now);
        look(&mut app)?;
        key(&mut app, "b", now);
        press(&mut app, KeyCode::Enter, now);
        app.update(Message::BurstMoved(burst(&texts)), now);
        look(&mut app)?;
        press(&mut app, KeyCode::Esc, now);
        app.update(Message::PollFailed { source: SourceId(0), error: problem(&texts), next_try: now }, now);
        press(&mut app, KeyCode::Esc, now);
        look(&mut app)?;
    }
}

fn place(source: usize, replica: Option<&String>) -> Place {
    Place { source: SourceId(source), replica: replica.map(|name| clean_text(name)) }
}

/// A burst of one alert for each text, which one replica refuses with it and another accepts under that name.
fn burst(texts: &[String]) -> Box<Progress> {
    let mut progress = Progress { elapsed: Duration::from_secs(1), ..Progress::default() };
    for text in texts {
        progress.sent += 2;
        progress.fail(&problem(std::slice::from_ref(text)));
        progress.accept(&Accepted {
            investigation_id: "inv_1".to_owned(),
            replica: clean_text(text).into(),
            status: Status::Queued,
            cached: false,
            joined: false,
            cached_age_ms: None,
        });
    }
    Box::new(progress)
}

fn key(app: &mut App, key: &str, now: Instant) {
    if key == "\u{1b}" {
        press(app, KeyCode::Esc, now);
    } else {
        write(app, key, now);
    }
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    Key(KeyCode, KeyModifiers),
    Paste(String),
    Mouse(Gesture, Index, Index),
    Resize(u16, u16),
    Bytes(usize, Vec<u8>),
    Answer(usize, Vec<String>),
    /// The answer without one of its fields, or with another value there.
    Changed(usize, Index, Option<i64>),
    Whole(Vec<String>),
    Costs(usize, Vec<String>),
    Fired(bool, Vec<String>),
    /// How far a burst has come, or that it is over.
    Burst(bool, Vec<String>),
    Panicked(String),
    Later(u64),
}

fn event() -> impl Strategy<Value = Event> {
    use KeyCode::{BackTab, Backspace, Char, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};
    let named = [BackTab, Backspace, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up];
    let code = prop_oneof![
        2 => select(named.to_vec()),
        3 => select("fFbx/sp jkgG:?hlq".chars().collect::<Vec<_>>()).prop_map(Char),
        1 => any::<char>().prop_map(Char),
    ];
    let modifiers =
        prop_oneof![4 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL), 1 => Just(KeyModifiers::ALT)];
    let gesture = select(&[Gesture::Press, Gesture::WheelUp, Gesture::WheelDown][..]);
    let texts = || proptest::collection::vec(hostile(), 1..8);
    let side = prop_oneof![1 => Just(0), 2 => 0_u16..60, 2 => 40_u16..260];
    prop_oneof![
        8 => (code, modifiers).prop_map(|(code, modifiers)| Event::Key(code, modifiers)),
        1 => hostile().prop_map(Event::Paste),
        3 => (gesture, any::<Index>(), any::<Index>()).prop_map(|(gesture, x, y)| Event::Mouse(gesture, x, y)),
        1 => (side.clone(), side.prop_map(|rows| rows / 3)).prop_map(|(columns, rows)| Event::Resize(columns, rows)),
        1 => (0_usize..4, any::<Vec<u8>>()).prop_map(|(source, bytes)| Event::Bytes(source, bytes)),
        2 => (0_usize..4, texts()).prop_map(|(source, texts)| Event::Answer(source, texts)),
        2 => (0_usize..4, any::<Index>(), any::<Option<i64>>()).prop_map(|(source, field, value)| Event::Changed(source, field, value)),
        1 => texts().prop_map(Event::Whole),
        1 => (0_usize..4, texts()).prop_map(|(source, texts)| Event::Costs(source, texts)),
        1 => (any::<bool>(), texts()).prop_map(|(taken, texts)| Event::Fired(taken, texts)),
        1 => (any::<bool>(), texts()).prop_map(|(over, texts)| Event::Burst(over, texts)),
        1 => hostile().prop_map(Event::Panicked),
        1 => (0_u64..100_000).prop_map(Event::Later),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_the_screen_holds(events in proptest::collection::vec(event(), 1..40), ascii in any::<bool>()) {
        let (mut app, mut now) = busy_fleet(Instant::now());
        let mut size = (100, 30);
        let mut tty = Tty::new(size, ascii);
        for event in events {
            match event {
                Event::Resize(columns, rows) => {
                    size = (columns, rows);
                    tty = Tty::new(size, ascii);
                    app.update(Message::Resized, now);
                }
                Event::Later(ms) => {
                    now += Duration::from_millis(ms);
                    app.update(Message::Tick, now);
                }
                event => {
                    app.update(message(&app, event, size, now), now);
                }
            }
            tty.draw(&mut app, now).map_err(TestCaseError::fail)?;
        }
    }
}

fn message(app: &App, event: Event, (columns, rows): (u16, u16), now: Instant) -> Message {
    match event {
        Event::Key(code, modifiers) => Message::Key(KeyEvent::new(code, modifiers)),
        Event::Paste(text) => Message::Paste(text),
        Event::Mouse(gesture, x, y) => {
            let within = |place: Index, side: u16| u16::try_from(place.index(usize::from(side) + 1)).unwrap_or(0);
            let at = Position::new(within(x, columns), within(y, rows));
            Message::Pointed(gesture, view::target(app, Rect::new(0, 0, columns, rows), at))
        }
        Event::Bytes(source, bytes) => answered(source, &bytes, now),
        Event::Answer(source, texts) => answered(source, &poisoned(full("evil"), &texts), now),
        Event::Changed(source, field, value) => answered(source, &changed(field, value), now),
        Event::Whole(texts) => {
            let id = app.opened().map_or_else(|| "unknown".to_owned(), |detail| detail.id.clone());
            told(id, &poisoned(json!(whole("inv", "evil", Status::Failed)), &texts))
        }
        Event::Costs(source, texts) => costs_told(source, &texts),
        Event::Fired(true, texts) => {
            let body = json!({"investigation_id": "inv_", "replica": "evil", "status": "queued"});
            let result = read(StatusCode::ACCEPTED, JSON, &poisoned(body, &texts));
            Message::Fired { place: place(0, None), result }
        }
        Event::Fired(false, texts) => Message::Fired { place: place(3, texts.first()), result: Err(problem(&texts)) },
        Event::Burst(false, texts) => Message::BurstMoved(burst(&texts)),
        Event::Burst(true, texts) if texts.len() % 2 == 0 => Message::BurstEnded(Err(problem(&texts))),
        Event::Burst(true, texts) => Message::BurstEnded(Ok(burst(&texts))),
        Event::Panicked(words) => {
            let report = Ok(PathBuf::from(&words));
            Message::Panicked(Panic { task: Task::Question, words: clean_text(&words), report })
        }
        Event::Later(_) | Event::Resize(..) => Message::Tick,
    }
}

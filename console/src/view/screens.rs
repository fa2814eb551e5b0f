//! Every screen at its sizes, under snapshots that keep styles.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{Latency, Status, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::testing;
use super::text::Texts;
use super::theme::{ColorDepth, Theme};
use crate::app::actions::{self, BINDINGS};
use crate::app::testing::{answer, app, busy_fleet, decisions, enormous, idle, investigation, press, wall};
use crate::app::{App, Detail, Gesture, Message, Progress, SourceId, Target};
use crate::crash::{Panic, Task};
use crate::net::NetError;

pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

pub(super) fn theme() -> Theme {
    Theme::new(ColorDepth::Ansi16, false)
}

pub(super) fn draw(app: &App, (width, height): (u16, u16), theme: &Theme, now: Instant) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    super::render(app, buffer.area, &mut buffer, theme, &Texts::default(), now);
    buffer
}

pub(super) fn snapshot(name: &str, app: &App, size: (u16, u16), theme: &Theme, now: Instant) {
    let name = format!("{name}_{}x{}", size.0, size.1);
    insta::assert_snapshot!(name, testing::render(&draw(app, size, theme, now)));
}

/// Snapshots at every size, with and without colour, in Unicode and in ASCII.
fn in_every_look(name: &str, app: &App, now: Instant) {
    for (look, depth, ascii) in [
        ("", ColorDepth::Ansi16, false),
        ("_ascii", ColorDepth::Ansi16, true),
        ("_without_colour", ColorDepth::None, false),
        ("_without_colour_ascii", ColorDepth::None, true),
    ] {
        for size in SIZES {
            snapshot(&format!("{name}{look}"), app, size, &Theme::new(depth, ascii), now);
        }
    }
}

/// A fleet at work with an opened investigation, whole.
fn opened(now: Instant) -> (App, Instant) {
    let (mut app, now) = busy_fleet(now);
    press(&mut app, KeyCode::Char('j'), now);
    press(&mut app, KeyCode::Enter, now);
    let mut whole = app.selected().expect("an investigation is selected").investigation.clone();
    whole.steps[1].input = Some(serde_json::json!({"service": "checkout-api", "namespace": "default"}));
    whole.steps[1].output = Some(serde_json::json!(
        "[SIMULATED] 3 pods running (checkout-api-1, checkout-api-2, checkout-api-3); checkout-api-2 responds slowly"
    ));
    whole.decisions = decisions(&whole);
    let id = whole.investigation_id.clone();
    app.update(Message::Detail { id, result: Ok(Box::new(whole)) }, now);
    press(&mut app, KeyCode::Char('j'), now);
    (app, now)
}

#[test]
fn the_overview() {
    let (app, now) = busy_fleet(Instant::now());
    in_every_look("overview", &app, now);
}

#[test]
fn a_small_overview_says_what_was_found() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('G'), now);
    let screen = testing::render(&draw(&app, (80, 24), &theme(), now));
    assert!(screen.contains("85 % database connection pool exhaustion"), "{screen}");
}

#[test]
fn an_investigation_whose_alert_is_over_says_so() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('G'), now);
    let mut over = app.selected().expect("an investigation is selected").investigation.clone();
    let (id, boot_id) = (over.investigation_id.clone(), app.selected().unwrap().boot_id.clone());
    over.resolved_at = Some(wall());
    let mut update = idle(&over.replica, &boot_id);
    (update.reset, update.investigations) = (false, vec![over.clone()]);
    answer(&mut app, 1, update, now);
    let screen = testing::render(&draw(&app, (200, 50), &theme(), now));
    assert!(screen.contains("· alert resolved"), "{screen}");
    press(&mut app, KeyCode::Enter, now);
    app.update(Message::Detail { id, result: Ok(Box::new(over)) }, now);
    let screen = testing::render(&draw(&app, (200, 50), &theme(), now));
    assert!(screen.contains("· alert resolved") && screen.contains("resolved    2026-01-15"), "{screen}");
}

#[test]
fn ascii_means_ascii() {
    let (mut app, now) = opened(Instant::now());
    let theme = Theme::new(ColorDepth::TrueColor, true);
    for keys in [
        &[][..],
        &[KeyCode::Char('?')],
        &[KeyCode::Esc, KeyCode::Esc, KeyCode::Char('f')],
        &[KeyCode::Char('F')],
        &[KeyCode::Esc, KeyCode::Char('b')],
        &[KeyCode::Enter],
    ] {
        for key in keys {
            press(&mut app, *key, now);
        }
        for size in SIZES {
            let buffer = draw(&app, size, &theme, now);
            let strange = buffer.content().iter().find(|cell| !cell.symbol().is_ascii());
            assert!(strange.is_none(), "{:?} at {size:?}", strange.map(|cell| cell.symbol()));
        }
    }
}

#[test]
fn an_opened_investigation() {
    let (app, now) = opened(Instant::now());
    in_every_look("detail", &app, now);
}

#[test]
fn the_decisions_of_an_opened_investigation() {
    let (mut app, now) = opened(Instant::now());
    press(&mut app, KeyCode::Tab, now);
    in_every_look("decisions", &app, now);
}

/// The last of many is on the screen the moment that it is known, until somebody reads the others.
#[test]
fn decisions_are_followed_while_they_are_made() {
    let (mut app, now) = opened(Instant::now());
    let mut whole = *app.detail.clone().and_then(|detail| detail.whole).expect("it has come");
    let id = whole.investigation_id.clone();
    let mut tell = |app: &mut App, choice: &str| {
        let mut next = whole.decisions[2].clone();
        next.choice = choice.to_owned();
        whole.decisions.extend(std::iter::repeat_n(whole.decisions[1].clone(), 8));
        whole.decisions.push(next);
        app.update(Message::Detail { id: id.clone(), result: Ok(Box::new(whole.clone())) }, now);
    };
    let see = |app: &mut App, size| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, size, 40));
        let beyond = super::render(app, buffer.area, &mut buffer, &theme(), &Texts::default(), now);
        app.limit_scroll(beyond);
        testing::render(&buffer)
    };
    tell(&mut app, "the first");
    let screen = see(&mut app, 120);
    assert!(screen.contains("the first") && screen.contains("more above"), "{screen}");
    press(&mut app, KeyCode::Tab, now);
    for size in [120, 80] {
        see(&mut app, size);
        press(&mut app, KeyCode::Char('k'), now);
        tell(&mut app, "the second");
        let screen = see(&mut app, size);
        assert!(!screen.contains("the second") && screen.contains("more below"), "{screen}");
        press(&mut app, KeyCode::Char('G'), now);
        let screen = see(&mut app, size);
        assert!(screen.contains("the second"), "{screen}");
        tell(&mut app, "the third");
        let screen = see(&mut app, size);
        assert!(screen.contains("the third"), "{screen}");
        press(&mut app, KeyCode::Char('g'), now);
        let screen = see(&mut app, size);
        assert!(!screen.contains("the third") && screen.contains("simulated-gpt-3.5"), "{screen}");
        press(&mut app, KeyCode::Char('G'), now);
    }
}

#[test]
fn the_wheel_scrolls_the_decisions_that_it_is_over() {
    for size in SIZES {
        let (mut app, now) = opened(Instant::now());
        press(&mut app, KeyCode::Tab, now);
        let screen = testing::render(&draw(&app, size, &theme(), now));
        let title = screen.lines().position(|line| line.contains("Decisions · 6")).expect("a title");
        let area = Rect::new(0, 0, size.0, size.1);
        let at = Position::new(size.0 - 3, u16::try_from(title).expect("a row") + 1);
        assert_eq!(super::target(&app, area, at), Target::Decisions);
        press(&mut app, KeyCode::Tab, now);
        let planner = screen.lines().position(|line| line.contains("✓ planner")).expect("a step");
        let at = Position::new(3, u16::try_from(planner).expect("a row"));
        assert_eq!(super::target(&app, area, at), Target::Step(0));
        app.update(Message::Pointed(Gesture::WheelUp, Target::Decisions), now);
        assert!(app.opened().is_some_and(Detail::reads_decisions));
        app.update(Message::Pointed(Gesture::Press, Target::Step(0)), now);
        assert!(!app.opened().is_some_and(Detail::reads_decisions));
    }
}

#[test]
fn decisions_that_are_left_out_are_said_and_so_is_that_there_are_none() {
    let (mut app, now) = opened(Instant::now());
    let mut whole = *app.detail.clone().and_then(|detail| detail.whole).expect("it has come");
    let id = whole.investigation_id.clone();
    whole.decisions_left_out = 1234;
    app.update(Message::Detail { id: id.clone(), result: Ok(Box::new(whole.clone())) }, now);
    let screen = testing::render(&draw(&app, (200, 50), &theme(), now));
    assert!(screen.contains("1.2k more, which the replica does not keep here"), "{screen}");
    whole.decisions.clear();
    app.update(Message::Detail { id, result: Ok(Box::new(whole)) }, now);
    let screen = testing::render(&draw(&app, (200, 50), &theme(), now));
    assert!(screen.contains("none yet"), "{screen}");
}

/// What is usual comes with the whole investigation only.
#[test]
fn a_step_whose_tokens_stand_out_is_marked_and_says_by_how_much() {
    let (mut app, now) = opened(Instant::now());
    let mut whole = *app.detail.clone().and_then(|detail| detail.whole).expect("it has come");
    let (id, tokens) = (whole.investigation_id.clone(), whole.steps[1].tokens);
    for _ in 0..2 {
        press(&mut app, KeyCode::Char('k'), now);
    }
    for (median, said) in [(tokens / 2 + 1, None), (tokens / 3, Some("tokens 3.0× the median"))] {
        whole.steps[1].median_tokens = Some(median);
        app.update(Message::Detail { id: id.clone(), result: Ok(Box::new(whole.clone())) }, now);
        for size in SIZES {
            let screen = testing::render(&draw(&app, size, &theme(), now));
            assert_eq!(screen.contains("the median"), said.is_some(), "{screen}");
            assert!(screen.contains(said.unwrap_or_default()), "{screen}");
            let marked: Vec<&str> = screen.lines().filter(|line| line.contains(" tok▴")).collect();
            assert!(marked.len() == usize::from(said.is_some()), "{screen}");
            assert!(marked.iter().all(|line| line.contains(&*whole.steps[1].name)), "{screen}");
        }
    }
}

/// One step was tried three times in vain, another one is in its second attempt.
#[test]
fn steps_that_are_tried_again() {
    let now = Instant::now();
    let mut app = app(&["http://localhost:8000"], now);
    let mut update = idle("agent-0", "b0");
    update.running = 1;
    let alert = ("upstream_timeout", "checkout-api");
    let mut running = investigation("inv_b0_1", "agent-0", alert, Status::Running, Duration::from_millis(1100));
    let steps = &mut running.steps;
    steps[1].status = StepStatus::Failed;
    steps[1].error = Some("no result within 80ms".into());
    (steps[1].attempts, steps[1].last_error) = (3, Some("no result within 80ms".into()));
    (steps[2].attempts, steps[2].last_error) = (2, Some("503 from the metrics store".into()));
    update.investigations = vec![running];
    answer(&mut app, 0, update, now);
    snapshot("retried", &app, (120, 40), &theme(), now);
    press(&mut app, KeyCode::Enter, now);
    let mut whole = app.selected().expect("an investigation is selected").investigation.clone();
    whole.decisions = decisions(&whole);
    whole.decisions.truncate(3);
    app.update(Message::Detail { id: whole.investigation_id.clone(), result: Ok(Box::new(whole)) }, now);
    snapshot("retried_detail", &app, (120, 40), &theme(), now);
}

#[test]
fn lists_and_forms() {
    let (mut app, now) = busy_fleet(Instant::now());
    for (name, key) in [("help", '?'), ("fire", 'f'), ("compose", 'F'), ("palette", ':'), ("filter", '/')] {
        press(&mut app, KeyCode::Char(key), now);
        snapshot(name, &app, (80, 24), &theme(), now);
        press(&mut app, KeyCode::Esc, now);
    }
}

#[test]
fn the_help_has_every_row_of_the_action_table() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('?'), now);
    let screen = testing::render(&draw(&app, (200, 50), &theme(), now));
    for binding in BINDINGS {
        let row = |line: &str| line.contains(&format!("│ {} ", binding.keys_text())) && line.contains(binding.help);
        assert!(screen.lines().any(row), "{} {}\n{screen}", binding.keys_text(), binding.help);
    }
}

#[test]
fn the_footer_is_that_of_the_action_table_in_every_place() {
    let (mut app, now) = busy_fleet(Instant::now());
    let nobody = self::app(&["http://localhost:8000"], now);
    let check = |app: &App| {
        let screen = testing::render(&draw(app, (200, 50), &theme(), now));
        let footer = screen.lines().nth(49).unwrap_or_default();
        let taught: Vec<String> = actions::footer(app.context()).map(|(key, words)| format!("{key} {words}")).collect();
        assert!(!taught.is_empty() && footer.contains(&taught.join("  ")), "{taught:?} in {footer}");
    };
    check(&nobody);
    check(&app);
    for key in ['?', 'f', 'F', 'b', ':', '/'] {
        press(&mut app, KeyCode::Char(key), now);
        check(&app);
        press(&mut app, KeyCode::Esc, now);
    }
    for key in [KeyCode::Char('b'), KeyCode::Enter] {
        press(&mut app, key, now);
    }
    check(&app);
    app.update(Message::BurstEnded(Ok(Box::default())), now);
    press(&mut app, KeyCode::Esc, now);
    app.notice = None;
    press(&mut app, KeyCode::Enter, now);
    check(&app);
}

#[test]
fn a_burst_from_its_form_to_its_end() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('b'), now);
    for key in [KeyCode::Up, KeyCode::Right] {
        press(&mut app, key, now);
    }
    for size in SIZES {
        snapshot("burst_form", &app, size, &theme(), now);
    }
    press(&mut app, KeyCode::Enter, now);
    let names = app.fleet.replicas().iter().map(|replica| replica.name.as_str());
    let mut progress = Progress {
        sent: 41,
        accepted: 33,
        cached: 9,
        joined: 1,
        latency: Some(Latency { count: 33, p50_ms: 0, p95_ms: 12, p99_ms: 1040 }),
        by_replica: names.zip([17, 2, 14]).map(|(name, accepted)| (name.into(), accepted)).collect(),
        elapsed: Duration::from_secs(4),
        ..Progress::default()
    };
    for error in [NetError::Refused, NetError::TimedOut(5), NetError::TimedOut(5), NetError::Refused] {
        progress.fail(&error);
    }
    app.update(Message::BurstMoved(Box::new(progress.clone())), now);
    for size in SIZES {
        snapshot("burst", &app, size, &theme(), now);
    }
    snapshot("burst_ascii", &app, (80, 24), &Theme::new(ColorDepth::None, true), now);
    press(&mut app, KeyCode::Esc, now);
    for size in SIZES {
        let screen = testing::render(&draw(&app, size, &theme(), now));
        assert!(screen.contains("burst 41/100 ✗4"), "{screen}");
    }
    app.update(Message::BurstEnded(Ok(Box::new(progress))), now);
    press(&mut app, KeyCode::Char('b'), now);
    snapshot("burst_over", &app, (80, 24), &theme(), now);
}

#[test]
fn nobody_answers() {
    let now = Instant::now();
    let mut app = app(&["http://localhost:8000"], now);
    snapshot("connecting", &app, (80, 24), &theme(), now);
    let refused =
        Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: now + Duration::from_secs(4) };
    app.update(refused, now + Duration::from_secs(2));
    snapshot("no_agent", &app, (80, 24), &theme(), now + Duration::from_secs(3));
}

/// A connection that is lost after it was there: what is known stays where it stands, and below it stands what to do.
#[test]
fn a_lost_connection_moves_nothing() {
    let (mut app, now) = busy_fleet(Instant::now());
    let titles = |app: &App, size| {
        let screen = testing::render(&draw(app, size, &theme(), now));
        let is_title =
            |line: &&str| ["Fleet", "Investigations", "high_latency on", "Tokens/s"].iter().any(|t| line.contains(t));
        let numbered = screen.lines().enumerate().filter(|(_, line)| is_title(line));
        (numbered.map(|(row, _)| row).collect::<Vec<_>>(), screen)
    };
    let before = SIZES.map(|size| titles(&app, size).0);
    let next_try = now + Duration::from_secs(4);
    app.update(Message::PollFailed { source: SourceId(2), error: NetError::TimedOut(5), next_try }, now);
    let (_, one) = titles(&app, (120, 40));
    assert!(one.contains("http://localhost:8003: down 0s, retry in 4s: no answer within 5 s"), "{one}");
    assert!(!one.contains("port-forward"), "the others answer\n{one}");
    for source in [0, 1] {
        app.update(Message::PollFailed { source: SourceId(source), error: NetError::Refused, next_try }, now);
    }
    for (size, before) in SIZES.into_iter().zip(before) {
        let (rows, screen) = titles(&app, size);
        assert_eq!(rows, before, "{screen}");
        assert!(
            screen.contains(" and 2 more: down 0s, retry in 4s: connection refused")
                && screen.contains("port-forward svc/langchain-free"),
            "{screen}"
        );
    }
    snapshot("lost", &app, (80, 24), &theme(), now);
    assert!(titles(&app, (120, 40)).1.contains("langdeck demo"));
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Char('j'), now);
    let (_, marked) = titles(&app, (120, 40));
    assert!(marked.contains("http://localhost:8002 and 2 more"), "that of the marked replica\n{marked}");
}

#[test]
fn what_is_old_shows_its_age_at_every_size() {
    let (app, now) = busy_fleet(Instant::now());
    for (seconds, ages) in [(4, [" 4s", " 10s", " 4s"]), (20, [" 20s", " 26s", " 20s"])] {
        for size in SIZES {
            let screen = testing::render(&draw(&app, size, &theme(), now + Duration::from_secs(seconds)));
            let rows: Vec<&str> = screen.lines().filter(|line| line.contains("-7d9c-")).take(3).collect();
            assert!(rows.len() == 3 && rows.iter().zip(ages).all(|(row, age)| row.contains(age)), "{screen}");
        }
    }
}

/// What is not known any more does not go on as if it were.
#[test]
fn the_clock_of_a_run_that_nobody_tells_of_stands_still() {
    let (mut app, now) = busy_fleet(Instant::now());
    for source in 0..3 {
        let next_try = now + Duration::from_secs(60);
        app.update(Message::PollFailed { source: SourceId(source), error: NetError::Refused, next_try }, now);
    }
    let runs = |now| {
        let screen = testing::render(&draw(&app, (80, 24), &theme(), now));
        let rows = screen.lines().filter(|line| line.contains("? running"));
        // What follows the cost is how long ago it began, which is known.
        rows.map(|row| row.split('$').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let soon = runs(now + Duration::from_secs(20));
    assert!(!soon.is_empty());
    assert_eq!(runs(now + Duration::from_secs(40)), soon);
}

#[test]
fn a_fault_names_its_task_and_its_report_and_goes_after_a_while() {
    let (mut app, now) = busy_fleet(Instant::now());
    let panic = Panic {
        task: Task::Poller,
        words: "attempt to add with overflow".to_owned(),
        report: Ok("/var/tmp/langdeck-panic-1.txt".into()),
    };
    app.update(Message::Panicked(panic), now);
    snapshot("fault", &app, (120, 40), &theme(), now);
    let later = now + Duration::from_secs(60);
    assert!(app.next_tick(now).is_some_and(|tick| tick <= later));
    app.update(Message::Tick, later);
    let screen = testing::render(&draw(&app, (120, 40), &theme(), later));
    assert!(!screen.contains("panicked"), "{screen}");
}

#[test]
fn an_idle_fleet_says_how_to_begin() {
    let now = Instant::now();
    let mut app = app(&["http://localhost:8000"], now);
    answer(&mut app, 0, idle("agent-0", "b0"), now);
    snapshot("idle", &app, (120, 40), &theme(), now);
}

#[test]
fn the_largest_numbers_draw_without_a_panic() {
    let opened = Instant::now();
    let mut app = app(&["http://a", "http://b"], opened);
    let mut now = opened;
    // Twice, and from a second life of one of them: what is summed up overflows wherever it can.
    for (source, name, boot_id) in [(0, "a", "one"), (1, "b", "two"), (0, "a", "one"), (0, "a", "three")] {
        now += Duration::from_millis(100);
        answer(&mut app, source, enormous(name, boot_id), now);
        for key in [KeyCode::Char('s'), KeyCode::Enter, KeyCode::Char('G'), KeyCode::Esc, KeyCode::Char('k')] {
            press(&mut app, key, now);
            for size in SIZES {
                draw(&app, size, &theme(), now);
            }
        }
    }
    let totals = app.fleet.totals();
    assert_eq!((app.fleet.running(now), totals.ended(), totals.spend.tokens), (u64::MAX, u64::MAX, u64::MAX));
}

#[test]
fn the_mouse_finds_what_is_drawn() {
    let (app, now) = busy_fleet(Instant::now());
    let size = (120, 40);
    let buffer = draw(&app, size, &theme(), now);
    let mut found = 0;
    for y in 0..size.1 {
        let text: String = (0..size.0 / 2).map(|x| buffer[(x, y)].symbol()).collect();
        let at = super::target(&app, buffer.area, Position::new(4, y));
        if let Target::Investigation(row) = at {
            assert!(text.contains(&app.shown(row).unwrap().investigation.alert.alert_type[..8]), "{y}: {text}");
            found += 1;
        }
        if let Target::Replica(row) = at {
            assert!(text.contains(&app.fleet.replicas()[row].name[20..]), "{y}: {text}");
            found += 1;
        }
    }
    assert_eq!(found, app.shown_count() + app.fleet.replicas().len());
}

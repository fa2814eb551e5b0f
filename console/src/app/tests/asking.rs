//! What a person asks for: the list and its marker, opening, the mouse.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use langdeck_shared::{LONG_TEXT_CHARS, Status};

use super::SECOND;
use crate::app::actions::{Action, BINDINGS};
use crate::app::testing::{answer, app, busy_fleet, idle, investigation, press, write};
use crate::app::{App, Context, Effect, Gesture, Message, Pane, SourceId, Target};
use crate::net::NetError;

fn shown_ids(app: &App) -> Vec<&str> {
    (0..app.shown_count())
        .filter_map(|row| app.shown(row))
        .map(|known| known.investigation.investigation_id.as_str())
        .collect()
}

#[test]
fn the_list_is_newest_first_and_keeps_the_selection_on_its_item() {
    let (mut app, now) = busy_fleet(Instant::now());
    let newest_first = ["inv_b3_3", "inv_b1_4", "inv_b3_2", "inv_b1_3", "inv_b1_2", "inv_b3_1", "inv_b2_1"];
    assert_eq!(shown_ids(&app), newest_first);
    assert!(app.follows());

    press(&mut app, KeyCode::Char('j'), now);
    assert_eq!(app.selected().unwrap().investigation.investigation_id, "inv_b3_2");
    let mut more = idle("langchain-free-7d9c-x2kqp", "b3");
    more.investigations = vec![investigation(
        "inv_b3_4",
        "langchain-free-7d9c-x2kqp",
        ("high_cpu", "api"),
        Status::Queued,
        Duration::ZERO,
    )];
    answer(&mut app, 2, more, now);
    assert_eq!(app.selected_row(), 3);
    assert_eq!(app.selected().unwrap().investigation.investigation_id, "inv_b3_2");
    press(&mut app, KeyCode::Esc, now);
    assert!(app.follows());
}

#[test]
fn without_a_choice_the_marker_stays_with_what_runs_until_a_moment_after_its_end() {
    let (mut app, now) = busy_fleet(Instant::now());
    let marked = |app: &App| app.selected().unwrap().investigation.investigation_id.clone();
    assert_eq!(marked(&app), "inv_b1_4", "the newest that runs, not the queued one above it");

    let name = "langchain-free-7d9c-p8mvd";
    let mut update = idle(name, "b1");
    update.running = 1;
    update.investigations = vec![
        investigation("inv_b1_4", name, ("memory_leak", "search"), Status::Succeeded, 2 * SECOND),
        investigation("inv_b1_5", name, ("high_cpu", "api"), Status::Running, Duration::ZERO),
    ];
    answer(&mut app, 0, update, now);
    assert_eq!(marked(&app), "inv_b1_4");
    app.update(Message::Tick, now + 2 * SECOND);
    assert_eq!(marked(&app), "inv_b1_5");
}

#[test]
fn filter_and_replica_narrow_the_list_and_escape_lets_go_step_by_step() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('/'), now);
    write(&mut app, "ledger", now);
    assert_eq!(shown_ids(&app), ["inv_b3_3", "inv_b1_2"]);
    press(&mut app, KeyCode::Enter, now);
    assert_eq!(app.context(), Context::Overview);

    press(&mut app, KeyCode::Tab, now);
    assert_eq!(app.pane, Pane::Fleet);
    press(&mut app, KeyCode::Enter, now);
    assert_eq!(shown_ids(&app), ["inv_b1_2"]);

    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.shown_count(), 3, "the filter goes first, the replica stays");
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.shown_count(), 7);
}

#[test]
fn escape_from_the_filter_puts_the_old_one_back() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('/'), now);
    write(&mut app, "q", now);
    assert_eq!(app.filter.value(), "q", "a letter is text here, not the end of the console");
    press(&mut app, KeyCode::Esc, now);
    assert_eq!((app.filter.value(), app.shown_count()), ("", 7));
}

#[test]
fn what_is_pasted_or_typed_is_made_harmless() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('/'), now);
    app.update(Message::Paste("a\u{1b}[31mb\u{1b}]0;owned\u{7}\u{202e}c\u{200b}\nd".to_owned()), now);
    for c in ['\u{202e}', '\u{200b}', '\u{9b}', 'e'] {
        press(&mut app, KeyCode::Char(c), now);
    }
    assert_eq!(app.filter.value(), "abc de");
}

#[test]
fn a_pasted_book_is_cut_to_what_an_alert_may_hold() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('/'), now);
    app.update(Message::Paste("ä".repeat(1_000_000)), now);
    assert_eq!(app.filter.value().chars().count(), LONG_TEXT_CHARS);
}

#[test]
fn an_opened_investigation_is_asked_for_whenever_it_moves_one_question_at_a_time() {
    let (mut app, now) = busy_fleet(Instant::now());
    let asks = Effect::FetchDetail { source: SourceId(0), id: "inv_b1_4".to_owned() };
    assert_eq!(press(&mut app, KeyCode::Enter, now), std::slice::from_ref(&asks));

    let name = "langchain-free-7d9c-p8mvd";
    let moved = investigation("inv_b1_4", name, ("memory_leak", "search"), Status::Succeeded, 2 * SECOND);
    let mut update = idle(name, "b1");
    update.investigations = vec![moved.clone()];
    assert_eq!(answer(&mut app, 0, update, now), [], "the first question is still open");

    let first = Message::Detail { id: "inv_b1_4".to_owned(), result: Ok(Box::new(moved.clone())) };
    assert_eq!(app.update(first, now), [asks], "it moved meanwhile");
    let second = Message::Detail { id: "inv_b1_4".to_owned(), result: Ok(Box::new(moved)) };
    assert_eq!(app.update(second, now), []);

    press(&mut app, KeyCode::Char('G'), now);
    assert_eq!(app.detail.as_ref().unwrap().step, 4);
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.context(), Context::Overview);
}

#[test]
fn the_marked_investigation_is_asked_for_once_it_has_ended() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut update = idle("a", "one");
    update.investigations = vec![investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Running, SECOND)];
    assert_eq!(answer(&mut app, 0, update.clone(), now), []);

    let ended = investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Succeeded, 2 * SECOND);
    update.investigations = vec![ended.clone()];
    let asks = Effect::FetchDetail { source: SourceId(0), id: "inv_one_1".to_owned() };
    assert_eq!(answer(&mut app, 0, update, now), [asks]);
    let whole = Message::Detail { id: "inv_one_1".to_owned(), result: Ok(Box::new(ended)) };
    assert_eq!(app.update(whole, now), []);
    assert!(app.detail.as_ref().unwrap().whole.is_some() && app.opened().is_none());
}

#[test]
fn an_investigation_is_asked_for_where_its_replica_answers_now() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b"], now);
    let mut update = idle("a", "one");
    update.investigations = vec![investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Succeeded, SECOND)];
    let asks = |source| Effect::FetchDetail { source: SourceId(source), id: "inv_one_1".to_owned() };
    assert_eq!(answer(&mut app, 0, update, now), [asks(0)]);
    app.update(Message::Detail { id: "inv_one_1".to_owned(), result: Err(NetError::Refused) }, now);
    assert_eq!(answer(&mut app, 1, idle("a", "one"), now), [asks(1)], "the first address has failed");
}

#[test]
fn an_investigation_of_an_ended_life_opens_with_what_is_known() {
    let now = Instant::now();
    let mut app = app(&["http://a"], now);
    let mut update = idle("a", "one");
    update.investigations = vec![investigation("inv_one_1", "a", ("high_cpu", "api"), Status::Running, SECOND)];
    answer(&mut app, 0, update, now);
    answer(&mut app, 0, idle("a", "two"), now);
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(press(&mut app, KeyCode::Enter, now), [], "nobody is left to be asked");
    assert_eq!(app.opened().map(|detail| detail.id.as_str()), Some("inv_one_1"));
}

#[test]
fn sorting_changes_the_order_and_the_marker_stays_on_its_replica() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Char('j'), now);
    assert_eq!(app.replica().unwrap().boot_id, "b2");
    press(&mut app, KeyCode::Char('s'), now);
    let by_cost: Vec<&str> = app.fleet.replicas().iter().map(|replica| replica.boot_id.as_str()).collect();
    assert_eq!(by_cost, ["b3", "b1", "b2"]);
    assert_eq!((app.replica_row(), app.replica().unwrap().boot_id.as_str()), (2, "b2"));
}

#[test]
fn the_wheel_moves_only_what_is_under_it() {
    let (mut app, now) = busy_fleet(Instant::now());
    let marked = app.selected_row();
    app.update(Message::Pointed(Gesture::WheelDown, Target::Nothing), now);
    assert_eq!(app.selected_row(), marked);
    app.update(Message::Pointed(Gesture::WheelDown, Target::Investigation(0)), now);
    assert_eq!(app.selected_row(), marked + 1);
    app.update(Message::Pointed(Gesture::Press, Target::Investigation(3)), now);
    app.update(Message::Pointed(Gesture::Press, Target::Investigation(3)), now);
    assert_eq!(app.opened().map(|detail| detail.id.as_str()), Some("inv_b1_3"), "pressed again, it opens");
}

#[test]
fn the_palette_does_what_it_names() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char(':'), now);
    write(&mut app, "test alert", now);
    press(&mut app, KeyCode::Enter, now);
    assert_eq!(app.context(), Context::Fire);
}

#[test]
fn the_palette_offers_what_has_a_key_in_its_place() {
    let (mut fleet, now) = busy_fleet(Instant::now());
    let nobody = app(&["http://localhost:8000"], now);
    let check = |app: &App| {
        let place = app.context();
        let offered: Vec<_> = app.palette("").iter().map(|binding| (binding.action, binding.label)).collect();
        let here = BINDINGS.iter().filter(|binding| binding.contexts.contains(&place));
        let keys: Vec<_> = here.map(|binding| (binding.action, binding.label)).collect();
        let without_itself: Vec<_> = keys.into_iter().filter(|(action, _)| *action != Action::Palette).collect();
        assert_eq!(offered, without_itself, "{place:?}");
    };
    check(&nobody);
    check(&fleet);
    press(&mut fleet, KeyCode::Enter, now);
    check(&fleet);
}

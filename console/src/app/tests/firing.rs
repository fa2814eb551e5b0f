//! Alerts: where they go, what is said of them, and bursts of them.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use langdeck_shared::{Accepted, ReplicaStatus, Status};
use serde_json::json;

use super::SECOND;
use crate::app::testing::{answer, app, busy_fleet, idle, press, write};
use crate::app::{App, Context, Effect, Message, Order, Overlay, Place, Progress, SourceId, Stage, Tone};
use crate::net::NetError;

const READY: [&str; 2] = ["langchain-free-7d9c-p8mvd", "langchain-free-7d9c-x2kqp"];

fn at(source: usize, replica: Option<&str>) -> Place {
    Place { source: SourceId(source), replica: replica.map(str::to_owned) }
}

/// Presses Enter, which must fire one alert; its place and key.
fn fired(app: &mut App, now: Instant) -> (Place, String) {
    let effects = press(app, KeyCode::Enter, now);
    let [Effect::Fire { place, idempotency_key, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    (place.clone(), idempotency_key.clone())
}

fn aim(app: &App, now: Instant) -> String {
    match &app.overlay {
        Some(Overlay::Fire(list)) => app.aim_in_words(&list.aim, now),
        Some(Overlay::Form(form)) => app.aim_in_words(&form.aim, now),
        other => panic!("nothing to aim: {other:?}"),
    }
}

#[test]
fn an_alert_goes_to_the_connected_replica_and_then_where_the_last_one_went() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('f'), now);
    assert_eq!(aim(&app, now), "whoever answers at http://localhost:8001");
    let (place, first_key) = fired(&mut app, now);
    assert_eq!(place, at(0, None));
    assert_eq!(app.context(), Context::Overview);

    press(&mut app, KeyCode::Char('f'), now);
    press(&mut app, KeyCode::Right, now);
    press(&mut app, KeyCode::Tab, now);
    assert_eq!(aim(&app, now), READY[0]);
    let (place, key) = fired(&mut app, now);
    assert_eq!(place, at(0, Some(READY[0])));
    assert_ne!(key, first_key);

    press(&mut app, KeyCode::Char('F'), now);
    assert_eq!(aim(&app, now), READY[0], "remembered, in every form");
    press(&mut app, KeyCode::Esc, now);
    press(&mut app, KeyCode::Char('b'), now);
    assert_eq!(aim(&app, now), READY[0]);
}

#[test]
fn with_the_fleet_in_focus_it_goes_to_the_marked_replica_and_says_when_that_is_not_well() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Char('j'), now);
    press(&mut app, KeyCode::Char('f'), now);
    assert_eq!(aim(&app, now), "langchain-free-7d9c-q4tzn (stale)");
    assert_eq!(fired(&mut app, now).0, at(1, Some("langchain-free-7d9c-q4tzn")));
}

#[test]
fn the_connected_one_is_the_first_address_that_answers() {
    let (mut app, now) = busy_fleet(Instant::now());
    app.update(Message::PollFailed { source: SourceId(0), error: NetError::Refused, next_try: now + SECOND }, now);
    press(&mut app, KeyCode::Char('f'), now);
    assert_eq!(fired(&mut app, now).0, at(1, None));
}

#[test]
fn spread_alerts_take_turns_among_those_that_are_ready() {
    let (mut app, now) = busy_fleet(Instant::now());
    let mut draining = idle("a-draining-one", "b0");
    draining.status = ReplicaStatus::Draining;
    answer(&mut app, 0, draining, now);
    let mut places = Vec::new();
    for turn in 0..3 {
        press(&mut app, KeyCode::Char('f'), now);
        if turn == 0 {
            press(&mut app, KeyCode::Right, now);
        }
        assert_eq!(aim(&app, now), "the ready replicas by turns, 2 at present");
        places.push(fired(&mut app, now).0);
    }
    assert_eq!(places, [at(0, Some(READY[0])), at(2, Some(READY[1])), at(0, Some(READY[0]))]);

    press(&mut app, KeyCode::Char('f'), now);
    let late = now + 20 * SECOND;
    assert_eq!(press(&mut app, KeyCode::Enter, late), []);
    assert_eq!(app.notice.as_ref().unwrap().text, "not fired: no replica is ready");
}

#[test]
fn two_that_share_a_name_are_told_apart_by_their_lives() {
    let now = Instant::now();
    let mut app = app(&["http://a", "http://b", "http://c"], now);
    for (source, name) in [(0, "same"), (1, "same"), (2, "z")] {
        answer(&mut app, source, idle(name, &format!("b{source}")), now);
    }
    let mut places = Vec::new();
    press(&mut app, KeyCode::Char('f'), now);
    press(&mut app, KeyCode::Right, now);
    for _ in 0..3 {
        press(&mut app, KeyCode::Right, now);
        places.push(fired(&mut app, now).0);
        press(&mut app, KeyCode::Char('f'), now);
    }
    assert_eq!(places, [at(0, Some("b0")), at(1, Some("b1")), at(2, Some("z"))]);
    assert_eq!(app.ready(now), places);
}

#[test]
fn a_replica_that_restarts_while_the_list_is_open_is_still_meant() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Tab, now);
    press(&mut app, KeyCode::Char('f'), now);
    answer(&mut app, 0, idle(READY[0], "b9"), now);
    assert_eq!(fired(&mut app, now).0, at(0, Some(READY[0])));
}

#[test]
fn the_marker_goes_to_what_was_fired() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('G'), now);
    let result = Ok(accepted("inv_b3_2"));
    app.update(Message::Fired { place: at(2, None), result }, now);
    assert_eq!(app.selected().unwrap().investigation.investigation_id, "inv_b3_2");
}

fn accepted(id: &str) -> Accepted {
    Accepted {
        investigation_id: id.to_owned(),
        replica: "x".into(),
        status: Status::Running,
        cached: false,
        joined: false,
        cached_age_ms: None,
    }
}

#[test]
fn an_answer_that_was_not_investigated_for_it_says_so_and_nothing_is_waited_for() {
    let (mut app, now) = busy_fleet(Instant::now());
    let mut fired = |accepted| {
        press(&mut app, KeyCode::Char('G'), now);
        app.update(Message::Fired { place: at(2, None), result: Ok(accepted) }, now);
        let said = app.notice.as_ref().unwrap().text.clone();
        (said, app.selected().unwrap().investigation.investigation_id.clone())
    };
    let cached = |id| Accepted { status: Status::Succeeded, cached: true, cached_age_ms: Some(5), ..accepted(id) };
    let (_, last) = fired(cached("inv_b3_2"));
    assert_eq!(last, "inv_b3_2");
    let joined = Accepted { joined: true, ..accepted("inv_b3_2") };
    assert_eq!(fired(joined), ("joined inv_b3_2 on x".to_owned(), last));
    // One that is too old for the list.
    let (said, marked) = fired(cached("inv_b3_0"));
    assert_eq!(said, "from the cache of x: inv_b3_0");
    assert!(marked != "inv_b3_0" && marked != "inv_b3_2");
}

#[test]
fn a_refused_alert_says_where_and_why() {
    let (mut app, now) = busy_fleet(Instant::now());
    app.update(Message::Fired { place: at(1, None), result: Err(NetError::Refused) }, now);
    assert_eq!(app.notice.as_ref().unwrap().text, "not fired at http://localhost:8002: connection refused");
    app.update(Message::Tick, now + 10 * SECOND);
    assert!(app.notice.is_none());

    app.update(Message::Fired { place: at(1, Some("pod-b")), result: Err(NetError::TimedOut(5)) }, now);
    let notice = &app.notice.as_ref().unwrap().text;
    assert_eq!(notice, "perhaps fired at pod-b: no answer within 5 s", "it may have arrived");
}

#[test]
fn a_composed_alert_that_agents_would_refuse_stays_in_its_form() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('F'), now);
    press(&mut app, KeyCode::Tab, now);
    app.update(Message::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), now);
    for _ in 0.."checkout-api".len() {
        press(&mut app, KeyCode::Backspace, now);
    }
    assert_eq!(press(&mut app, KeyCode::Enter, now), []);
    assert_eq!(app.context(), Context::Compose);
    app.update(Message::Paste("cart\napi".to_owned()), now);
    let effects = press(&mut app, KeyCode::Enter, now);
    assert!(matches!(effects.as_slice(), [Effect::Fire { alert, .. }] if alert.service == "cart api"), "{effects:?}");
}

/// Begins a burst over the fleet from the keyboard.
fn burst(app: &mut App, now: Instant) -> Order {
    press(app, KeyCode::Char('b'), now);
    press(app, KeyCode::Up, now);
    press(app, KeyCode::Right, now);
    let effects = press(app, KeyCode::Enter, now);
    let [Effect::Burst(order)] = effects.as_slice() else { panic!("{effects:?}") };
    (**order).clone()
}

fn progress(sent: u32, accepted: u32) -> Box<Progress> {
    Box::new(Progress { sent, accepted, elapsed: SECOND, ..Progress::default() })
}

#[test]
fn a_burst_is_asked_for_in_a_form_and_shown_until_its_end_was_seen() {
    let (mut app, now) = busy_fleet(Instant::now());
    let order = burst(&mut app, now);
    assert_eq!((order.count, order.rate, order.alert.alert_type.as_str()), (100, 10.0, "high_latency"));
    assert_eq!(order.places, [at(0, Some(READY[0])), at(2, Some(READY[1]))]);
    assert_eq!(app.context(), Context::Burst);

    app.update(Message::BurstMoved(progress(10, 9)), now);
    press(&mut app, KeyCode::Esc, now);
    assert_eq!(app.context(), Context::Overview, "hidden");
    assert!(app.unseen_burst().is_some_and(|burst| burst.progress.sent == 10));
    app.update(Message::BurstEnded(Ok(progress(100, 100))), now);
    let notice = app.notice.as_ref().unwrap();
    assert_eq!((notice.text.as_str(), notice.tone), ("burst done: 100 accepted", Tone::Good));

    press(&mut app, KeyCode::Char('b'), now);
    assert_eq!(app.context(), Context::BurstOver, "its end is still to be seen");
    press(&mut app, KeyCode::Esc, now);
    assert!(app.unseen_burst().is_none());
    press(&mut app, KeyCode::Char('b'), now);
    assert_eq!(app.context(), Context::Compose, "then another can be begun");
}

#[test]
fn a_burst_is_stopped_once_and_says_how_far_it_came() {
    let (mut app, now) = busy_fleet(Instant::now());
    burst(&mut app, now);
    assert_eq!(press(&mut app, KeyCode::Char('x'), now), [Effect::StopBurst]);
    assert_eq!(press(&mut app, KeyCode::Char('x'), now), []);
    assert_eq!(app.burst.as_ref().unwrap().stage, Stage::Stopping);
    let mut ended = progress(7, 5);
    ended.fail(&NetError::Refused);
    ended.fail(&NetError::Refused);
    app.update(Message::BurstEnded(Ok(ended)), now);
    assert_eq!(app.notice.as_ref().unwrap().text, "burst stopped: 5 accepted, 2 failed");
}

#[test]
fn what_became_of_alerts_is_told_apart() {
    let mut all = Progress::default();
    all.accept(&accepted("inv_1"));
    for _ in 0..2 {
        all.accept(&Accepted { cached: true, ..accepted("inv_1") });
    }
    all.accept(&Accepted { joined: true, ..accepted("inv_1") });
    let problem = |kind: &str| {
        let problem = json!({"type": kind, "title": "t", "status": 429, "detail": "no room", "request_id": "r"});
        NetError::Problem(serde_json::from_value(problem).unwrap())
    };
    all.fail(&problem("urn:langdeck:problem:budget-exceeded"));
    all.fail(&problem("urn:langdeck:problem:full"));
    assert_eq!(all.outcomes(), "4 accepted (1 new, 2 cached, 1 joined), 1 over budget, 1 refused");
    assert_eq!((all.answered(), all.went_well()), (6, false));
}

#[test]
fn a_burst_over_the_fleet_follows_who_is_ready() {
    let (mut app, now) = busy_fleet(Instant::now());
    burst(&mut app, now);
    assert_eq!(answer(&mut app, 0, idle(READY[0], "b1"), now), [], "nothing has changed");
    let back = answer(&mut app, 1, idle("langchain-free-7d9c-q4tzn", "b2"), now);
    let [Effect::RedirectBurst(places)] = back.as_slice() else { panic!("{back:?}") };
    assert_eq!(places.len(), 3);
    assert_eq!(app.update(Message::Tick, now + 20 * SECOND), [], "none is ready: it goes where it went");
    press(&mut app, KeyCode::Char('x'), now);
    assert_eq!(answer(&mut app, 0, idle("another", "b7"), now), [], "it sends no more");
}

#[test]
fn a_burst_that_makes_no_sense_stays_in_its_form() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('b'), now);
    press(&mut app, KeyCode::Down, now);
    press(&mut app, KeyCode::Down, now);
    write(&mut app, "000", now);
    assert_eq!(press(&mut app, KeyCode::Enter, now), []);
    let Some(Overlay::Form(form)) = &app.overlay else { panic!("no form") };
    assert_eq!(form.error.as_deref(), Some("alerts: expected a whole number from 1 to 10000"));
    press(&mut app, KeyCode::Left, now);
    for _ in 0..2 {
        press(&mut app, KeyCode::Backspace, now);
    }
    let effects = press(&mut app, KeyCode::Enter, now);
    assert!(matches!(effects.as_slice(), [Effect::Burst(order)] if order.count == 1000), "{effects:?}");
}

#[test]
fn a_burst_that_the_console_broke_says_so_and_is_over() {
    let (mut app, now) = busy_fleet(Instant::now());
    burst(&mut app, now);
    app.update(Message::BurstEnded(Err(NetError::Internal("a panic".to_owned()))), now);
    assert_eq!(app.context(), Context::BurstOver);
    assert_eq!(app.notice.as_ref().unwrap().text, "burst ended: fault in langdeck itself: a panic");
}

#[test]
fn the_marked_preset_is_what_a_burst_begins_with() {
    let (mut app, now) = busy_fleet(Instant::now());
    press(&mut app, KeyCode::Char('f'), now);
    press(&mut app, KeyCode::Char('j'), now);
    press(&mut app, KeyCode::Char('b'), now);
    let effects = press(&mut app, KeyCode::Enter, now);
    assert!(
        matches!(effects.as_slice(), [Effect::Burst(order)] if order.alert.service == "payment-api"),
        "{effects:?}"
    );
}

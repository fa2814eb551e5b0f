//! The beat against agents that answer, hang, fail, come back, and never have enough.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use langdeck_console::app::{Message, Pace, Place, SourceId};
use langdeck_console::net::{BaseUrl, Client, NetError, PollOptions, Submitter, Timeouts, spawn_poller};
use langdeck_shared::AlertRequest;
use serde_json::json;
use support::{DEADLINE, Reply, Scripted, alone, nobody, snapshot, within};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

const NEVER: Duration = Duration::from_secs(3600);

/// So quick that a test need not wait, and a beat that must not happen never does.
const QUICK: PollOptions = PollOptions {
    idle: NEVER,
    busy: Duration::from_millis(5),
    first_retry: Duration::from_millis(5),
    last_retry: Duration::from_millis(20),
};

struct Polling {
    messages: mpsc::Receiver<Message>,
    pace: watch::Sender<Pace>,
}

impl Polling {
    fn start(urls: Vec<BaseUrl>, pace: Pace, options: PollOptions) -> Self {
        let client = Client::with_timeouts(&urls, Timeouts { connect: DEADLINE, total: DEADLINE * 2 }).unwrap();
        let (sender, messages) = mpsc::channel(64);
        let (pace, paces) = watch::channel(pace);
        spawn_poller(&Handle::current(), client, urls.into(), paces, sender, options);
        Self { messages, pace }
    }

    async fn next(&mut self) -> Message {
        within("a message", self.messages.recv()).await.expect("the poller has ended")
    }

    /// The next message that `pick` wants.
    async fn find<T>(&mut self, what: &str, pick: impl Fn(&Message) -> Option<T>) -> T {
        within(what, async {
            loop {
                let message = self.messages.recv().await.expect("the poller has ended");
                if let Some(found) = pick(&message) {
                    return found;
                }
            }
        })
        .await
    }
}

fn updated(message: &Message) -> Option<(SourceId, String)> {
    match message {
        Message::Updated { source, answer, .. } => Some((*source, answer.update.cursor.clone())),
        _ => None,
    }
}

async fn well() -> Scripted {
    let count = AtomicU64::new(0);
    Scripted::start(move |_| Reply::Json(200, alone(snapshot("a", &count.fetch_add(1, Ordering::SeqCst).to_string()))))
        .await
}

#[tokio::test]
async fn every_source_is_asked_in_a_beat_with_its_own_cursor() {
    let (a, b) = (well().await, well().await);
    let mut polling = Polling::start(vec![a.url(), b.url()], Pace::Busy, QUICK);
    for source in [SourceId(0), SourceId(1)] {
        polling.find("a third answer", |message| updated(message).filter(|seen| *seen == (source, "2".into()))).await;
    }
    for agent in [a, b] {
        let requests = agent.requests();
        assert!(requests[0].starts_with("GET /v1/fleet HTTP"), "{}", requests[0]);
        assert!(requests[1].starts_with("GET /v1/fleet?since=0 HTTP"), "{}", requests[1]);
        assert!(requests[2].starts_with("GET /v1/fleet?since=1 HTTP"), "{}", requests[2]);
    }
}

#[tokio::test]
async fn a_hung_source_delays_neither_the_others_nor_the_next_beat() {
    let (hung, well) = (Scripted::start(|_| Reply::Hang).await, well().await);
    let mut polling = Polling::start(vec![hung.url(), well.url()], Pace::Busy, QUICK);
    polling.find("a twentieth answer of the other", |message| updated(message).filter(|seen| seen.1 == "19")).await;
    // It is asked once, and not again on top of that.
    assert_eq!(hung.requests().len(), 1);
}

#[tokio::test]
async fn a_change_of_pace_takes_effect_at_once() {
    let agent = well().await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Idle, QUICK);
    polling.find("the first beat", updated).await;
    // The next one would be in an hour.
    polling.pace.send(Pace::Busy).unwrap();
    polling.find("beats in a hurry", |message| updated(message).filter(|seen| seen.1 == "5")).await;
}

#[tokio::test]
async fn nothing_is_asked_while_paused() {
    let agent = well().await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Busy, QUICK);
    polling.find("the first beat", updated).await;
    polling.pace.send(Pace::Paused).unwrap();
    within("quiet for twenty beats", async {
        loop {
            while polling.messages.try_recv().is_ok() {}
            let before = agent.requests().len();
            tokio::time::sleep(QUICK.busy * 20).await;
            if agent.requests().len() == before && polling.messages.is_empty() {
                return;
            }
        }
    })
    .await;
    polling.pace.send(Pace::Busy).unwrap();
    polling.find("life again", updated).await;
}

#[tokio::test]
async fn what_has_more_is_asked_again_without_waiting() {
    let count = AtomicU64::new(0);
    let agent = Scripted::start(move |_| {
        let at = count.fetch_add(1, Ordering::SeqCst);
        let mut body = snapshot("a", &at.to_string());
        body["more"] = json!(at < 3);
        Reply::Json(200, alone(body))
    })
    .await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Idle, QUICK);
    polling.find("the last page", |message| updated(message).filter(|seen| seen.1 == "3")).await;
}

#[tokio::test]
async fn an_agent_that_never_has_enough_is_asked_a_bounded_number_of_times() {
    let count = AtomicU64::new(0);
    let agent = Scripted::start(move |_| {
        let mut body = snapshot("a", &count.fetch_add(1, Ordering::SeqCst).to_string());
        body["more"] = json!(true);
        Reply::Json(200, alone(body))
    })
    .await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Idle, QUICK);
    let mut answers = 0;
    // The last of them is followed by an hour of silence; too short a wait here could only hide a fault.
    while tokio::time::timeout(Duration::from_secs(1), polling.messages.recv()).await.is_ok() {
        answers += 1;
    }
    assert!((10..=100).contains(&answers), "{answers} answers in a row");
}

#[tokio::test]
async fn failures_are_told_with_the_next_try_and_recovery_comes_by_itself() {
    let ill = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&ill);
    let agent = Scripted::start(move |_| match state.load(Ordering::SeqCst) {
        true => Reply::Json(200, json!({"cursor": 7})),
        false => Reply::Json(200, alone(snapshot("a", "1"))),
    })
    .await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Busy, QUICK);
    for _ in 0..5 {
        match polling.next().await {
            Message::PollFailed { source, error: NetError::Malformed(_), next_try } => {
                assert_eq!(source, SourceId(0));
                assert!(next_try <= Instant::now() + QUICK.last_retry * 2);
            }
            other => panic!("{other:?}"),
        }
    }
    ill.store(false, Ordering::SeqCst);
    polling.find("recovery", updated).await;
}

#[tokio::test]
async fn a_source_that_fails_does_not_slow_the_others() {
    let (nobody, well) = (nobody().await, well().await);
    let slow = PollOptions { first_retry: NEVER, last_retry: NEVER, ..QUICK };
    let mut polling = Polling::start(vec![nobody, well.url()], Pace::Busy, slow);
    let (mut refusals, mut answers) = (0, 0);
    while answers < 20 {
        match polling.next().await {
            Message::PollFailed { source: SourceId(0), error, .. } => {
                assert_eq!(error, NetError::Refused);
                refusals += 1;
            }
            Message::Updated { source: SourceId(1), .. } => answers += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(refusals <= 1, "asked {refusals} times although the next try is in an hour");
}

#[tokio::test]
async fn another_life_of_a_replica_simply_arrives() {
    let count = AtomicU64::new(0);
    let agent = Scripted::start(move |_| {
        let mut body = snapshot("a", "1");
        if count.fetch_add(1, Ordering::SeqCst) > 2 {
            body["boot_id"] = json!("second");
        }
        Reply::Json(200, alone(body))
    })
    .await;
    let mut polling = Polling::start(vec![agent.url()], Pace::Busy, QUICK);
    let reset = polling.find("the second life", |message| match message {
        Message::Updated { answer, .. } if answer.update.boot_id == "second" => Some(answer.update.reset),
        _ => None,
    });
    assert!(reset.await);
}

#[tokio::test]
async fn the_poller_ends_with_the_console() {
    let agent = well().await;
    let Polling { messages, pace } = Polling::start(vec![agent.url()], Pace::Busy, QUICK);
    drop(messages);
    within("the poller's end", pace.closed()).await;
}

#[tokio::test]
async fn what_is_submitted_is_always_answered() {
    let agent = Scripted::start(|request| match request.starts_with("POST") {
        true => Reply::Json(202, json!({"investigation_id": "inv_1", "replica": "a", "status": "running"})),
        false => Reply::Raw(Vec::new()),
    })
    .await;
    let sources: Arc<[BaseUrl]> = vec![agent.url()].into();
    let (sender, mut messages) = mpsc::channel(4);
    let submitter = Submitter::new(Client::new(&sources).unwrap(), sources, sender, Handle::current());
    let place = |source| Place { source: SourceId(source), replica: None };
    let alert = || Box::new(AlertRequest { alert_type: "a".into(), service: "b".into(), ..AlertRequest::default() });

    submitter.fire(place(0), alert(), "k".to_owned());
    let message = within("an outcome", messages.recv()).await;
    assert!(
        matches!(&message, Some(Message::Fired { place: at, result: Ok(accepted) })
            if *at == place(0) && accepted.investigation_id == "inv_1"),
        "{message:?}"
    );

    submitter.fire(place(9), alert(), "k".to_owned());
    let message = within("an outcome", messages.recv()).await;
    assert!(matches!(&message, Some(Message::Fired { result: Err(NetError::Internal(_)), .. })), "{message:?}");

    submitter.fetch_detail(SourceId(0), "inv_1".to_owned());
    let message = within("a detail", messages.recv()).await;
    assert!(matches!(&message, Some(Message::Detail { id, result: Err(NetError::Lost(_)), .. }) if id == "inv_1"));
}

//! Sending many alerts at a pace: each once, never faster than asked, a bounded number at once.

use std::time::Duration;

use langdeck_shared::{Accepted, Latency};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::NetError;
use super::submit::fault;
use crate::app::{Place, Progress};
use crate::crash::{self, Task};

/// How many alerts wait for their answer at once; when one is answered the next is sent.
const AT_ONCE: usize = 64;
/// How often progress is told.
const TELL: Duration = Duration::from_millis(250);
/// By how much a late alert may be made up for. A clock that wakes a little late costs no pace, and a replica that held
/// up the burst gets no flood after it.
const SLACK: Duration = Duration::from_millis(50);

/// Holds a burst: it sends until this is dropped.
#[derive(Debug)]
pub struct Hold(watch::Sender<Vec<Place>>);

impl Hold {
    /// The places that take alerts by turns, and who keeps a burst going.
    #[must_use]
    pub fn new(places: Vec<Place>) -> (Self, watch::Receiver<Vec<Place>>) {
        let (sender, receiver) = watch::channel(places);
        (Self(sender), receiver)
    }

    /// Sends what is left to these places.
    pub fn redirect(&self, places: Vec<Place>) {
        self.0.send_replace(places);
    }
}

/// Sends `count` alerts, at most `rate` a second, until the hold on it is dropped; then counts what is under way.
/// `submit` sends one, given its place and its number from 1 on; `tell` hears a few times a second how far it has come.
pub async fn send<F>(
    count: u32,
    rate: f64,
    mut places: watch::Receiver<Vec<Place>>,
    submit: impl Fn(Place, u32) -> F,
    mut tell: impl FnMut(&Progress),
) -> Progress
where
    F: Future<Output = Result<Accepted, NetError>> + Send + 'static,
{
    let mut books = Books::new();
    let mut under_way = JoinSet::new();
    let mut pace = Pace::new(rate);
    let mut told = interval(TELL);
    told.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut held = true;
    loop {
        let more = held && books.progress.sent < count;
        if !more && under_way.is_empty() {
            return books.current().clone();
        }
        tokio::select! {
            biased;
            changed = places.changed(), if more => held = changed.is_ok(),
            Some(answer) = under_way.join_next() => books.enter(answer),
            _ = told.tick() => tell(books.current()),
            () = sleep_until(pace.due), if more && under_way.len() < AT_ONCE => {
                let Some(place) = in_turn(&places, books.progress.sent) else { held = false; continue };
                books.progress.sent += 1;
                let work = crash::named(Task::Errand, submit(place, books.progress.sent));
                under_way.spawn(async move {
                    let began = Instant::now();
                    (work.await, began.elapsed())
                });
                pace.sent();
            }
        }
    }
}

/// The place whose turn it is; none where there are no places.
fn in_turn(places: &watch::Receiver<Vec<Place>>, sent: u32) -> Option<Place> {
    let places = places.borrow();
    let turn = usize::try_from(sent).ok()?.checked_rem(places.len())?;
    places.get(turn).cloned()
}

/// When the next alert may be sent: never before so many as there were have had their time.
struct Pace {
    period: Duration,
    due: Instant,
}

impl Pace {
    fn new(rate: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / rate), due: Instant::now() }
    }

    fn sent(&mut self) {
        let now = Instant::now();
        self.due = (self.due + self.period).max(now.checked_sub(SLACK).unwrap_or(now));
    }
}

/// What became of the alerts so far.
struct Books {
    progress: Progress,
    began: Instant,
    /// How long each acceptance took, in milliseconds.
    took: Vec<u64>,
}

impl Books {
    fn new() -> Self {
        Self { progress: Progress::default(), began: Instant::now(), took: Vec::new() }
    }

    fn enter(&mut self, answer: Result<(Result<Accepted, NetError>, Duration), JoinError>) {
        match answer {
            Ok((Ok(accepted), took)) => {
                self.progress.accept(&accepted);
                self.took.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            }
            Ok((Err(error), _)) => self.progress.fail(&error),
            Err(error) => self.progress.fail(&fault(error)),
        }
    }

    fn current(&mut self) -> &Progress {
        self.progress.elapsed = self.began.elapsed();
        self.progress.latency = Latency::of(self.took.clone());
        &self.progress
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use langdeck_shared::{Problem, Status};

    use super::*;
    use crate::app::SourceId;

    fn place(source: usize) -> Place {
        Place { source: SourceId(source), replica: None }
    }

    fn accepted(number: u32) -> Accepted {
        Accepted {
            investigation_id: format!("inv_{number}"),
            replica: "a".into(),
            status: Status::Queued,
            cached: false,
            joined: false,
            cached_age_ms: None,
        }
    }

    /// When each alert was sent, by number and place.
    type Sent = Arc<Mutex<Vec<(Duration, u32, usize)>>>;

    /// Sends to these places, each answer taking so long and being as `answer` says.
    async fn burst(
        (count, rate): (u32, f64),
        places: watch::Receiver<Vec<Place>>,
        took: Duration,
        answer: fn(u32) -> Result<Accepted, NetError>,
        sent: &Sent,
    ) -> Progress {
        let (began, mut told) = (Instant::now(), 0);
        let submit = |place: Place, number| {
            sent.lock().unwrap().push((began.elapsed(), number, place.source.0));
            async move {
                tokio::time::sleep(took).await;
                answer(number)
            }
        };
        let progress = send(count, rate, places, submit, |_| told += 1).await;
        let quarters = progress.elapsed.as_millis() / TELL.as_millis();
        assert!((told - 1) <= quarters, "told {told} times in {:?}", progress.elapsed);
        progress
    }

    #[tokio::test(start_paused = true)]
    async fn exactly_so_many_are_sent_in_order_and_never_faster_than_asked() {
        for (count, rate) in [(1, 0.1), (3, 0.5), (100, 10.0), (2_000, 1_000.0), (50, 3.3)] {
            let (_hold, places) = Hold::new(vec![place(0)]);
            let sent = Sent::default();
            let progress = burst((count, rate), places, Duration::from_millis(3), |number| Ok(accepted(number)), &sent);
            let progress = progress.await;
            assert_eq!((progress.sent, progress.accepted), (count, count));
            let sent = sent.lock().unwrap();
            let numbers: Vec<u32> = sent.iter().map(|(_, number, _)| *number).collect();
            assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
            for (at, number, _) in sent.iter() {
                let due = f64::from(number - 1) / rate;
                assert!(at.as_secs_f64() + 1e-6 >= due, "{number} came at {at:?}, at a rate of {rate}");
                assert!(at.as_secs_f64() <= due + 0.002, "{number} came only at {at:?}, at a rate of {rate}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_hangs_holds_it_up_and_gets_no_flood_when_it_answers_again() {
        let (_hold, places) = Hold::new(vec![place(0)]);
        let (began, sent) = (Instant::now(), Sent::default());
        let awake = began + Duration::from_secs(2);
        let submit = |_, number| {
            sent.lock().unwrap().push((began.elapsed(), number, 0));
            async move {
                sleep_until(awake).await;
                Ok(accepted(number))
            }
        };
        send(200, 100.0, places, submit, |_| {}).await;
        let sent = sent.lock().unwrap();
        let hung = sent.iter().filter(|(at, ..)| began + *at < awake).count();
        assert_eq!(hung, AT_ONCE);
        for (from, ..) in sent.iter() {
            let tenth = *from..*from + Duration::from_millis(100);
            let tenth = sent.iter().filter(|(at, ..)| tenth.contains(at)).count();
            assert!(tenth <= 10 + 5 + 1, "{tenth} at once after {from:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn letting_go_stops_it_and_what_is_under_way_is_counted() {
        let (hold, places) = Hold::new(vec![place(0)]);
        let sent = Sent::default();
        let took = Duration::from_secs(1);
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(450)).await;
            drop(hold);
        };
        let (progress, ()) =
            tokio::join!(burst((100, 10.0), places, took, |number| Ok(accepted(number)), &sent), stopping);
        assert_eq!((progress.sent, progress.accepted), (5, 5));
        assert_eq!(sent.lock().unwrap().len(), 5);
        assert!(progress.elapsed < Duration::from_millis(1_500), "{:?}", progress.elapsed);
    }

    #[tokio::test(start_paused = true)]
    async fn places_take_turns_and_can_be_changed() {
        let (hold, places) = Hold::new(vec![place(0), place(1)]);
        let sent = Sent::default();
        let changing = async {
            tokio::time::sleep(Duration::from_millis(350)).await;
            hold.redirect(vec![place(1), place(2)]);
        };
        let answer = |number| Ok(accepted(number));
        tokio::join!(burst((8, 10.0), places, Duration::ZERO, answer, &sent), changing);
        let at: Vec<usize> = sent.lock().unwrap().iter().map(|(.., place)| *place).collect();
        assert_eq!(at, [0, 1, 0, 1, 1, 2, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_accepted_is_counted_by_its_reason_and_not_repeated() {
        let (_hold, places) = Hold::new(vec![place(0)]);
        let sent = Sent::default();
        let answer = |number: u32| match number % 5 {
            0 => Err(NetError::Refused),
            1 => Err(NetError::Problem(Box::new(full()))),
            2 => panic!("a fault"),
            _ => Ok(accepted(number)),
        };
        let progress = burst((10, 100.0), places, Duration::from_millis(7), answer, &sent).await;
        assert_eq!(sent.lock().unwrap().len(), 10);
        assert_eq!((progress.accepted, progress.refused, progress.failed), (4, 2, 4));
        let reasons: Vec<_> = progress.reasons.iter().map(|reason| (reason.text.as_str(), reason.alerts)).collect();
        assert_eq!(reasons, [("connection refused", 2), ("fault in langdeck itself: a fault", 2), ("it is full", 2)]);
        assert_eq!(progress.latency, Some(Latency { count: 4, p50_ms: 7, p95_ms: 7, p99_ms: 7 }));
        assert_eq!(progress.by_replica.into_iter().collect::<Vec<_>>(), [("a".into(), 4)]);
    }

    fn full() -> Problem {
        let problem = r#"{"type": "urn:x", "title": "full", "status": 503, "detail": "it is full", "request_id": "r"}"#;
        serde_json::from_str(problem).unwrap()
    }
}

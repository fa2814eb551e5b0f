//! The feed while many write and many read, each at its own pace, and the replica restarts: every reader can account for
//! every investigation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use langdeck_agent::Config;
use langdeck_shared::{Investigation, Report, Status, Step, StepStatus};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Server, config};

const WRITERS: u64 = 4;
const STEPS_OF_EACH: u64 = 100;
const STEPS: u64 = WRITERS * STEPS_OF_EACH;
/// What is remembered weighs more than a page holds.
const HISTORY: usize = 80;
const LABELS: usize = 7;
const LABEL: usize = 2048;

/// What the writers were told: each investigation's id, and how it ended where they waited for that.
type Accepted = BTreeMap<String, Option<Status>>;

fn heavy_alert(alert_type: &str) -> Value {
    let labels: BTreeMap<_, _> = (0..LABELS).map(|n| (format!("label-{n}"), "x".repeat(LABEL))).collect();
    json!({ "alert_type": alert_type, "service": "api", "labels": labels })
}

/// Fires by both doors and cancels what it fired; each request is a step.
async fn write(server: Arc<Server>, steps: Arc<watch::Sender<u64>>, seed: u64) -> Accepted {
    let mut random = Rng::with_seed(seed);
    let mut accepted = Accepted::new();
    let mut cancellable = Vec::new();
    for _ in 0..STEPS_OF_EACH {
        let alert = heavy_alert(["high_cpu", "disk_full", "target_flapping"][random.usize(..3)]);
        match random.u8(..10) {
            0..6 => {
                let response = server.post("/v1/investigations", &alert).await;
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                let id = response.json::<Value>().await.unwrap()["investigation_id"].as_str().unwrap().to_owned();
                cancellable.push(id.clone());
                accepted.insert(id, None);
            }
            6..8 => {
                let response = server.post("/investigate", &alert).await;
                assert_eq!(response.status(), StatusCode::OK);
                let report: Report = response.json().await.unwrap();
                accepted.insert(report.investigation_id, Some(report.status));
            }
            _ if !cancellable.is_empty() => {
                let id = cancellable.swap_remove(random.usize(..cancellable.len()));
                let response = server.post(&format!("/v1/investigations/{id}/cancel"), &json!({})).await;
                // It may have ended, or be forgotten already.
                let answers = [StatusCode::ACCEPTED, StatusCode::CONFLICT, StatusCode::NOT_FOUND];
                assert!(answers.contains(&response.status()), "{}", response.status());
            }
            _ => {}
        }
        steps.send_modify(|steps| *steps += 1);
    }
    accepted
}

/// One that follows the feed.
struct Reader {
    /// It polls once in so many steps of the writers, up to twice as many.
    pace: u64,
    /// The step of its next poll.
    due: u64,
    random: Rng,
    cursor: Option<String>,
    boot_id: String,
    /// The last that it was told of each investigation of this life.
    told: BTreeMap<String, Investigation>,
    /// How many had ended before its snapshot, and how many of them that showed.
    ended_before: u64,
    ended_shown: u64,
    /// What was announced since.
    missed: u64,
    pages_with_more: u64,
}

impl Reader {
    fn new(pace: u64, seed: u64) -> Self {
        Self {
            pace,
            due: 0,
            random: Rng::with_seed(seed),
            cursor: None,
            boot_id: String::new(),
            told: BTreeMap::new(),
            ended_before: 0,
            ended_shown: 0,
            missed: 0,
            pages_with_more: 0,
        }
    }

    /// Reads one page; whether all has ended and been told.
    async fn poll(&mut self, server: &Server) -> bool {
        let update = server.replica(self.cursor.as_deref()).await;
        let totals = &update.totals;
        assert_eq!(update.reset, self.boot_id != update.boot_id, "{:?}", self.cursor);
        if update.reset {
            self.told.clear();
            self.ended_before = totals.succeeded + totals.partial + totals.failed + totals.cancelled;
            let ended = update.investigations.iter().filter(|investigation| investigation.status.has_ended());
            self.ended_shown = ended.count() as u64;
            (self.missed, self.pages_with_more) = (0, 0);
            assert!(update.investigations.len() as u64 + update.missed <= totals.requests);
        } else {
            self.missed += update.missed;
        }
        let quiet = update.investigations.is_empty() && !update.more && update.running + update.queued == 0;
        let mut in_page = Vec::new();
        for investigation in update.investigations {
            let id = investigation.investigation_id.clone();
            assert!(!in_page.contains(&id), "{id} stands twice in a page");
            in_page.push(id.clone());
            if let Some(before) = self.told.get(&id) {
                let (before, now) = (progress(before), progress(&investigation));
                assert!(moves_on(before, now), "{id} came again: {before:?}, {now:?}");
            }
            self.told.insert(id, investigation);
        }
        self.pages_with_more += u64::from(update.more);
        self.cursor = Some(update.cursor);
        self.boot_id = update.boot_id;
        quiet
    }

    /// Reads at its pace for as long as the writers write.
    async fn read_along(mut self, server: Arc<Server>, mut steps: watch::Receiver<u64>) -> Self {
        loop {
            let now = *steps.wait_for(|steps| *steps >= self.due).await.unwrap();
            self.poll(&server).await;
            if now == STEPS {
                self.due = 0;
                return self;
            }
            self.due = (now + self.random.u64(self.pace..=2 * self.pace)).min(STEPS);
        }
    }

    /// Reads until all has ended and been told.
    async fn drain(&mut self, server: &Server) {
        let drained = async { while !self.poll(server).await {} };
        tokio::time::timeout(Duration::from_secs(60), drained).await.unwrap();
    }

    /// Every investigation is known as it ended, or announced as missed.
    fn account(&self, accepted: &Accepted) {
        let mut unknown = 0;
        for (id, status) in accepted {
            match self.told.get(id) {
                Some(told) if told.status.has_ended() => {
                    assert!(status.is_none_or(|status| status == told.status), "{id} ended as {status:?}");
                }
                _ => unknown += 1,
            }
        }
        let before = self.ended_before - self.ended_shown;
        assert_eq!(unknown, before + self.missed, "pace {}: {before} before its snapshot", self.pace);
        assert!(self.told.keys().all(|id| accepted.contains_key(id)), "the feed made one up");
    }
}

/// How far an investigation has come: queued, running or ended; its steps, how far they are, how often they were tried
/// again; its tokens.
type Progress = [u64; 5];

fn progress(investigation: &Investigation) -> Progress {
    let stage = match investigation.status {
        Status::Queued => 0,
        Status::Running => 1,
        _ => ENDED,
    };
    let step = |step: &Step| match step.status {
        StepStatus::Waiting => 0,
        StepStatus::Running => 1,
        _ => 2,
    };
    let steps = &investigation.steps;
    let retries = steps.iter().map(|step| u64::from(step.attempts) - 1).sum();
    [stage, steps.len() as u64, steps.iter().map(step).sum(), retries, investigation.tokens]
}

const ENDED: u64 = 2;

/// Never the same again, never back, and never after the end.
fn moves_on(before: Progress, now: Progress) -> bool {
    let [stage, ..] = before;
    before != now && stage < ENDED && before.iter().zip(&now).all(|(before, now)| before <= now)
}

/// One life of the replica: the writers write, the readers read along. What was accepted, and the readers.
async fn live(server: &Arc<Server>, mut readers: Vec<Reader>, late: Vec<Reader>, seed: u64) -> (Accepted, Vec<Reader>) {
    for reader in &mut readers {
        reader.poll(server).await;
    }
    let steps = Arc::new(watch::Sender::new(0));
    let reading: Vec<_> = readers
        .into_iter()
        .chain(late)
        .map(|reader| tokio::spawn(reader.read_along(Arc::clone(server), steps.subscribe())))
        .collect();
    let writing: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(write(Arc::clone(server), Arc::clone(&steps), seed + n))).collect();
    let accepted = join_all(writing).await.into_iter().flat_map(Result::unwrap).collect();
    (accepted, join_all(reading).await.into_iter().map(Result::unwrap).collect())
}

async fn server() -> Arc<Server> {
    let bounds = Config { history: HISTORY, max_running: 8, max_queued: 1000, ..config() };
    Arc::new(Server::with(Config { sim_delay: 0.02, ..bounds }).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_reader_accounts_for_every_investigation_at_any_pace_and_over_a_restart() {
    let paces = [1, 1, 8, 40, STEPS];
    let readers = paces.iter().zip(100..).map(|(pace, seed)| Reader::new(*pace, seed)).collect();
    let late = vec![Reader { due: STEPS / 2, ..Reader::new(4, 200) }];

    let first = server().await;
    let (accepted, mut readers) = live(&first, readers, late, 1).await;
    // The others are still behind when the replica stops.
    for reader in readers.iter_mut().skip(1).step_by(2) {
        reader.drain(&first).await;
        reader.account(&accepted);
    }
    Arc::into_inner(first).unwrap().agent.shutdown().await;

    let second = server().await;
    let (accepted, mut readers) = live(&second, readers, Vec::new(), 2).await;
    for reader in &mut readers {
        reader.drain(&second).await;
        reader.account(&accepted);
    }
    let laggard = readers.iter().find(|reader| reader.pace == STEPS).unwrap();
    assert!(laggard.missed > 0 && laggard.pages_with_more > 0, "{}, {}", laggard.missed, laggard.pages_with_more);
}

//! Two addresses tell of a fleet that works, restarts and falls silent, late, in pages and from the beginning: whatever the
//! order, the console's sums are what was told of each life, counted once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use langdeck_shared::{FailureKind, PeerFailure, ReplicaStatus, ReplicaUpdate, Status};
use proptest::prelude::*;

use crate::app::testing::{answer_fleet, app, fleet_answer, idle, investigation, totals};
use crate::app::{App, Message, SourceId};
use crate::net::{FleetAnswer, NetError};

const NAMES: [&str; 3] = ["a", "b", "c"];
/// How many entries a page holds.
const PAGE: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A replica begins an investigation.
    Begin(usize),
    /// A replica ends the one that it began first.
    Finish(usize),
    /// Another life of a replica begins; the one before ends.
    Restart(usize),
    /// One that tells of the fleet asks a replica.
    Ask(usize, usize),
    /// One that tells of the fleet asks a replica in vain.
    Miss(usize, usize, bool),
    /// An address is asked, and its answer is on the way.
    Poll(usize),
    /// That answer comes.
    Arrive(usize),
    /// That answer does not come.
    Lose(usize, bool),
    /// An address leads to the other one that tells of the fleet, or its cursor is no longer known.
    Begun(usize, bool),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let (replica, teller) = (0..NAMES.len(), 0..2_usize);
    prop_oneof![
        4 => replica.clone().prop_map(Event::Begin),
        4 => replica.clone().prop_map(Event::Finish),
        1 => replica.clone().prop_map(Event::Restart),
        8 => (teller.clone(), replica.clone()).prop_map(|(teller, replica)| Event::Ask(teller, replica)),
        2 => (teller.clone(), replica, any::<bool>()).prop_map(|(teller, replica, refused)| Event::Miss(teller, replica, refused)),
        8 => teller.clone().prop_map(Event::Poll),
        8 => teller.clone().prop_map(Event::Arrive),
        1 => (teller.clone(), any::<bool>()).prop_map(|(teller, refused)| Event::Lose(teller, refused)),
        1 => (teller, any::<bool>()).prop_map(|(teller, moves)| Event::Begun(teller, moves)),
        4 => (0..4_000_u64).prop_map(Event::Pass),
    ]
}

/// What a life has done, in milliseconds of the test's clock.
#[derive(Debug, Clone)]
struct Life {
    name: &'static str,
    boot_id: String,
    began: u64,
    /// Each with whether it has ended.
    investigations: Vec<bool>,
}

impl Life {
    fn ended(&self) -> u64 {
        self.investigations.iter().filter(|ended| **ended).count() as u64
    }

    fn running(&self) -> u64 {
        self.investigations.len() as u64 - self.ended()
    }
}

/// A life as one that tells of the fleet knows it.
#[derive(Debug, Clone)]
struct Known {
    life: Life,
    heard: u64,
    refused: bool,
    has_ended: bool,
    told: ReplicaStatus,
    changed: u64,
    /// The change of each investigation.
    moved: Vec<u64>,
}

/// How far an address has told; within a span of changes, after which life the next page goes on.
#[derive(Debug, Clone, Default)]
struct Cursor {
    since: u64,
    left: Option<(u64, String)>,
}

#[derive(Debug, Default)]
struct Teller {
    seq: u64,
    known: BTreeMap<String, Known>,
}

impl Teller {
    fn hear(&mut self, life: &Life, now: u64) {
        self.seq += 1;
        for known in self.known.values_mut().filter(|known| known.life.name == life.name) {
            if known.life.boot_id != life.boot_id && !known.has_ended {
                (known.has_ended, known.changed) = (true, self.seq);
            }
        }
        let before = self.known.get(&life.boot_id);
        let moved = life.investigations.iter().enumerate().map(|(at, ended)| {
            let same = before.filter(|known| known.life.investigations.get(at) == Some(ended));
            same.map_or(self.seq, |known| known.moved[at])
        });
        let moved = moved.collect();
        let (told, changed) = (ReplicaStatus::Ready, self.seq);
        let known = Known { life: life.clone(), heard: now, refused: false, has_ended: false, told, changed, moved };
        self.known.insert(life.boot_id.clone(), known);
    }

    /// A page of what changed since, and where the next one goes on.
    fn page(&mut self, cursor: Option<Cursor>, own: &Life, now: u64) -> (FleetAnswer, Cursor) {
        self.hear(own, now);
        for known in self.known.values_mut() {
            let said = if known.has_ended { ReplicaStatus::Gone } else { ReplicaStatus::Ready };
            let status = ReplicaStatus::after(said, Duration::from_millis(now - known.heard), known.refused);
            if known.told != status {
                self.seq += 1;
                (known.told, known.changed) = (status, self.seq);
            }
        }
        let is_snapshot = cursor.is_none();
        let Cursor { since, left } = cursor.unwrap_or_default();
        let (upto, after) = left.unwrap_or((self.seq, String::new()));
        let changed = self.known.range(after.clone()..).filter(|(boot_id, _)| **boot_id != after);
        let mut changed: Vec<&Known> = changed.map(|(_, known)| known).filter(|known| known.changed > since).collect();
        let more = changed.len() > PAGE;
        changed.truncate(PAGE);
        let next = if more {
            Cursor { since, left: Some((upto, changed[PAGE - 1].life.boot_id.clone())) }
        } else {
            Cursor { since: upto, left: None }
        };
        let entries = changed.iter().map(|known| known.entry(since..=upto, now)).collect();
        let mut answer = fleet_answer(own.name, &own.boot_id, entries);
        (answer.update.reset, answer.update.more) = (is_snapshot, more);
        (answer, next)
    }
}

impl Known {
    fn entry(&self, span: RangeInclusive<u64>, now: u64) -> ReplicaUpdate {
        let life = &self.life;
        let mut entry = idle(life.name, &life.boot_id);
        entry.reset = *span.start() == 0;
        entry.totals = totals(life.ended(), 0, 0);
        entry.running = life.running();
        (entry.status, entry.age_ms, entry.uptime_ms) = (self.told, now - self.heard, self.heard - life.began);
        let failure = |kind| Some(PeerFailure::new(kind, "it was asked in vain"));
        if !self.told.answers() {
            entry.failure = failure(if self.has_ended { FailureKind::Ended } else { FailureKind::TimedOut });
        }
        let moved = life
            .investigations
            .iter()
            .enumerate()
            .filter(|(at, _)| self.moved[*at] > *span.start() && span.contains(&self.moved[*at]));
        let told = moved.map(|(at, ended)| {
            let status = if *ended { Status::Succeeded } else { Status::Running };
            investigation(&id(life, at), life.name, ("high_cpu", "api"), status, Duration::ZERO)
        });
        entry.investigations = told.collect();
        entry
    }
}

fn id(life: &Life, at: usize) -> String {
    format!("inv_{}_{at}", life.boot_id)
}

/// An address: which of the two answers there, and how far it has told.
#[derive(Debug, Default)]
struct Address {
    teller: usize,
    cursor: Option<Cursor>,
    on_the_way: Option<(FleetAnswer, Cursor)>,
}

struct World {
    app: App,
    opened: Instant,
    now: u64,
    /// All lives of each replica, the present one at the end.
    replicas: Vec<Vec<Life>>,
    tellers: [Teller; 2],
    addresses: [Address; 2],
    /// What was told of each life at most.
    told: BTreeMap<String, u64>,
    /// The investigations that were told to have ended.
    ended: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let opened = Instant::now();
        let first =
            |name: &'static str| vec![Life { name, boot_id: format!("{name}0"), began: 0, investigations: vec![] }];
        Self {
            app: app(&["http://a", "http://b"], opened),
            opened,
            now: 1_000,
            replicas: NAMES.map(first).into(),
            tellers: Default::default(),
            addresses: [Address::default(), Address { teller: 1, ..Address::default() }],
            told: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    fn present(&self, replica: usize) -> &Life {
        self.replicas[replica].last().unwrap()
    }

    fn at(&self) -> Instant {
        self.opened + Duration::from_millis(self.now)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begin(replica) => self.replicas[replica].last_mut().unwrap().investigations.push(false),
            Event::Finish(replica) => {
                let life = self.replicas[replica].last_mut().unwrap();
                if let Some(first) = life.investigations.iter_mut().find(|ended| !**ended) {
                    *first = true;
                }
            }
            Event::Restart(replica) => {
                let lives = &mut self.replicas[replica];
                let (name, boot_id) = (NAMES[replica], format!("{}{}", NAMES[replica], lives.len()));
                lives.push(Life { name, boot_id, began: self.now, investigations: Vec::new() });
            }
            Event::Ask(teller, replica) => {
                let life = self.present(replica).clone();
                self.tellers[teller].hear(&life, self.now);
            }
            Event::Miss(teller, replica, refused) => {
                let boot_id = &self.replicas[replica].last().unwrap().boot_id;
                if let Some(known) = self.tellers[teller].known.get_mut(boot_id) {
                    known.refused |= refused;
                }
            }
            Event::Poll(address) if self.addresses[address].on_the_way.is_none() => {
                let Address { teller, cursor, .. } = &self.addresses[address];
                let (teller, cursor) = (*teller, cursor.clone());
                let own = self.present(teller).clone();
                self.addresses[address].on_the_way = Some(self.tellers[teller].page(cursor, &own, self.now));
            }
            Event::Poll(_) => {}
            Event::Arrive(address) => {
                let Some((answer, cursor)) = self.addresses[address].on_the_way.take() else { return };
                self.addresses[address].cursor = Some(cursor);
                for entry in &answer.update.replicas {
                    let told = self.told.entry(entry.boot_id.clone()).or_default();
                    *told = entry.totals.ended().max(*told);
                    let ended = entry.investigations.iter().filter(|one| one.status.has_ended());
                    self.ended.extend(ended.map(|one| one.investigation_id.clone()));
                }
                let now = self.at();
                answer_fleet(&mut self.app, address, answer, now);
            }
            Event::Lose(address, refused) => {
                self.addresses[address].on_the_way = None;
                let error = if refused { NetError::Refused } else { NetError::Lost("reset".to_owned()) };
                let failed = Message::PollFailed { source: SourceId(address), error, next_try: self.at() };
                let now = self.at();
                self.app.update(failed, now);
            }
            Event::Begun(address, moves) => {
                let address = &mut self.addresses[address];
                if moves {
                    address.teller = 1 - address.teller;
                }
                (address.cursor, address.on_the_way) = (None, None);
            }
            Event::Pass(ms) => {
                self.now += ms;
                let now = self.at();
                self.app.update(Message::Tick, now);
            }
        }
    }

    /// What must hold at every moment.
    fn check(&self) -> Result<(), TestCaseError> {
        let sums = totals(self.told.values().sum(), 0, 0);
        prop_assert_eq!(self.app.fleet.totals(), sums, "what was told of each life, once");
        let rows = self.app.fleet.replicas();
        let of_rows: u64 = rows.iter().map(|row| row.totals().succeeded).sum();
        if self.app.fleet.left() == 0 {
            prop_assert_eq!(of_rows, sums.succeeded, "and each in one row");
        }
        let lives: BTreeSet<&str> = rows.iter().map(|row| row.boot_id.as_str()).collect();
        prop_assert_eq!(lives.len(), rows.len());
        for id in &self.ended {
            let known = self.app.investigations.get(id).unwrap();
            prop_assert!(known.investigation.status.has_ended(), "{} runs again", id);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn sums_are_what_was_told_and_in_the_end_what_was_done(events in prop::collection::vec(event(), 1..120)) {
        let mut world = World::new();
        let mut before = 0;
        for event in events {
            world.happen(event);
            world.check()?;
            let sum = world.app.fleet.totals().succeeded;
            prop_assert!(sum >= before, "{} after {}", sum, before);
            before = sum;
        }
        // All is well in the end, everybody has been asked, and whoever was not heard of for so long is lost.
        world.happen(Event::Pass(11_000));
        for teller in 0..2 {
            (0..NAMES.len()).for_each(|replica| world.happen(Event::Ask(teller, replica)));
            world.happen(Event::Arrive(teller));
            for _ in 0..40 {
                world.happen(Event::Poll(teller));
                world.happen(Event::Arrive(teller));
            }
        }
        world.check()?;
        let rows = world.app.fleet.replicas();
        let found: Vec<(&str, ReplicaStatus, u64)> =
            rows.iter().map(|row| (row.boot_id.as_str(), row.status(world.at()), row.running)).collect();
        let present = |replica| world.present(replica);
        let expected: Vec<_> = (0..NAMES.len())
            .map(|replica| (present(replica).boot_id.as_str(), ReplicaStatus::Ready, present(replica).running()))
            .collect();
        let at_work: u64 = expected.iter().map(|(_, _, running)| running).sum();
        prop_assert_eq!(found, expected, "a row for each, that of its present life");
        let running = world.app.investigations.newest_first().filter(|known| known.is_moving()).count() as u64;
        prop_assert_eq!(running, at_work);
    }
}

//! The fleet as one replica knows it: who its peers are, what they say, and who of them has what.
//!
//! Peers are asked only when somebody asks for the fleet. Whoever does so while a question is under way shares its
//! answer, and nobody waits for a peer that is late: what it said last is told, with its age.

mod asked;
mod client;
mod directory;
mod members;
mod memory;
mod mirror;
mod owners;
mod pages;
mod peers;
mod relay;
mod resolver;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use langdeck_shared::{FailureKind, FleetUpdate, PeerFailure, ReplicaUpdate};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::identity::Identity;
use crate::metrics::Meters;
use crate::replica;
use crate::runs::Runs;
use asked::Asked;
use client::PeerClient;
pub(crate) use client::{HANDED_ON_BY, Question, Reply, faulty};
pub use directory::{Directory, LookupProblem, Peer, PeerSet};
pub(crate) use members::{Found, Member, Named};
pub(crate) use memory::Together;
use mirror::{Heard, Mirror, Problem};
pub(crate) use owners::Owners;
pub(crate) use pages::{Merge, Place, read_page};
pub(crate) use peers::MAX_PEERS;
pub use peers::{PeerSource, PeerSourceError};

/// How many peers are asked at once, for the fleet as a whole, and how many besides for those who want something of one.
const AT_ONCE: usize = 64;
/// How long a peer may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes: a page of a replica stays below it.
const MOST_ANSWER: usize = 8 * 1024 * 1024;
/// How many pages of one peer are read in a row.
const MOST_PAGES: usize = 16;
/// The most investigations that one answer of a replica holds.
const PAGE: usize = 200;
/// The fewest that are asked for, however many peers there are.
const SMALLEST_PAGE: usize = 5;
/// How many investigations the first answers of all peers hold together.
const FIRST_PAGES: usize = 10_000;
/// How old the addresses of peers may be.
const LOOKED_UP: Duration = Duration::from_secs(3);
/// For how long nobody asks before the peers' silence means nothing.
const AWAKE: Duration = Duration::from_secs(3);

/// This replica's view of all of them, itself among them.
pub(crate) struct Fleet {
    identity: Arc<Identity>,
    runs: Arc<Runs>,
    directory: Arc<Directory>,
    client: PeerClient,
    meters: Arc<Meters>,
    places: Semaphore,
    relays: Semaphore,
    state: Mutex<State>,
    /// Told whenever a question has ended.
    ended: Notify,
}

struct State {
    mirror: Mirror,
    /// By authority.
    peers: BTreeMap<Arc<str>, Asked>,
    /// Names that do not resolve.
    lookups: Vec<LookupProblem>,
    /// When somebody last wanted to know of the fleet.
    wanted: Option<Instant>,
}

impl Fleet {
    pub(crate) fn new(
        identity: Arc<Identity>,
        runs: Arc<Runs>,
        directory: Arc<Directory>,
        meters: Arc<Meters>,
    ) -> Arc<Self> {
        let client = PeerClient::new(&identity.replica);
        let state = State { mirror: Mirror::new(), peers: BTreeMap::new(), lookups: Vec::new(), wanted: None };
        Arc::new(Self {
            identity,
            runs,
            directory,
            client,
            meters,
            places: Semaphore::new(AT_ONCE),
            relays: Semaphore::new(AT_ONCE),
            state: Mutex::new(state),
            ended: Notify::new(),
        })
    }

    /// What has moved in the fleet since the cursor.
    pub(crate) async fn update(self: &Arc<Self>, since: Option<&str>) -> FleetUpdate {
        self.look_around(Duration::ZERO).await;
        let mut state = self.lock();
        self.take_own(&mut state);
        state.report();
        state.mirror.read(&self.identity.replica, &self.identity.boot_id, since, Instant::now())
    }

    /// Asks every peer whose last word is older than `age`, if it is its turn. Waits for those that answer promptly.
    async fn look_around(self: &Arc<Self>, age: Duration) {
        let set = self.directory.current(LOOKED_UP).await;
        let due = self.lock().due(&set, &self.identity.boot_id, age, Instant::now());
        let limit = (FIRST_PAGES / set.peers.len().max(1)).clamp(SMALLEST_PAGE, PAGE);
        for peer in due {
            tokio::spawn(Arc::clone(self).ask(peer, limit));
        }
        self.wait_for_the_prompt().await;
    }

    /// Waits until no question is under way whose answer may be expected any moment.
    async fn wait_for_the_prompt(&self) {
        loop {
            // Registered before the look, so that an end between the two is not missed.
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            let now = Instant::now();
            let Some(until) = self.lock().peers.values().filter_map(|asked| asked.expected(now)).max() else { return };
            // That it took longer is no error: the next look finds nothing to wait for.
            let _ = tokio::time::timeout_at(until, ended).await;
        }
    }

    /// Asks one peer, page by page, and notes what comes.
    async fn ask(self: Arc<Self>, peer: Peer, limit: usize) {
        let _place = self.places.acquire().await;
        for _ in 0..MOST_PAGES {
            let result = self.question(&peer, limit).await;
            if !self.lock().note(&peer, result, &self.identity.boot_id, Instant::now()) {
                break;
            }
        }
        if let Some(asked) = self.lock().peers.get_mut(&peer.authority) {
            asked.end();
        }
        self.ended.notify_waiters();
    }

    async fn question(&self, peer: &Peer, limit: usize) -> Result<ReplicaUpdate, PeerFailure> {
        let path = match self.lock().cursor(peer) {
            Some(cursor) => format!("/v1/replica?limit={limit}&since={cursor}"),
            None => format!("/v1/replica?limit={limit}"),
        };
        let path = PathAndQuery::try_from(path).map_err(|_| faulty("its cursor cannot be written into a URL"))?;
        let read = |reply: &Reply| {
            let update: ReplicaUpdate = reply.json()?;
            update.check().map_err(faulty)?;
            Ok(update)
        };
        self.exchange(peer, Question::get(path, PATIENCE, MOST_ANSWER), read).await
    }

    /// Takes what this replica knows of itself.
    fn take_own(&self, state: &mut State) {
        for _ in 0..MOST_PAGES {
            let since = state.mirror.cursor(&self.identity.boot_id).map(str::to_owned);
            let update = replica::update(&self.runs, &self.identity, since.as_deref(), PAGE);
            let more = update.more;
            state.mirror.take(Heard { update, at: Instant::now() });
            if !more {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic leaves behind is what was heard before it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Makes the peers those of the set; those among them that are to be asked now. `own` is the life of this replica,
    /// which needs no asking.
    fn due(&mut self, set: &PeerSet, own: &str, age: Duration, now: Instant) -> Vec<Peer> {
        let asleep = self.wanted.map_or(Duration::ZERO, |wanted| now.saturating_duration_since(wanted));
        if asleep > AWAKE {
            self.mirror.slept(asleep);
        }
        self.wanted = Some(now);
        self.lookups.clone_from(&set.problems);
        let stay: HashSet<&Arc<str>> = set.peers.iter().map(|peer| &peer.authority).collect();
        self.peers.retain(|authority, asked| {
            let stays = stay.contains(authority);
            if let Some(life) = asked.life().filter(|_| !stays) {
                self.mirror.fail(life, no_peer());
            }
            stays
        });
        for peer in set.peers.iter().filter(|peer| !peer.addresses.is_empty()) {
            let asked = self.peers.entry(Arc::clone(&peer.authority));
            asked.or_insert_with(|| Asked::new(peer.clone(), now)).peer.addresses.clone_from(&peer.addresses);
        }
        let few = self.peers.len() <= asked::FEW;
        let aliases = asked::aliases(&self.peers);
        let due = self.peers.iter_mut().filter(|(authority, asked)| {
            !aliases.contains(*authority) && !asked.is_life(own) && asked.is_due(now, age, few)
        });
        let begun = due.map(|(_, asked)| {
            asked.begin(now);
            asked.peer.clone()
        });
        begun.collect()
    }

    /// Where the answers of the replica go on that answered there last.
    fn cursor(&self, peer: &Peer) -> Option<String> {
        let life = self.peers.get(&peer.authority)?.life()?;
        self.mirror.cursor(life).map(str::to_owned)
    }

    /// Takes an answer, or notes why there is none; whether there is more. `own` is the life of this replica.
    fn note(&mut self, peer: &Peer, result: Result<ReplicaUpdate, PeerFailure>, own: &str, now: Instant) -> bool {
        // It may have left meanwhile.
        let Some(asked) = self.peers.get_mut(&peer.authority) else { return false };
        match result {
            Ok(update) => {
                let before = asked.answered(&update, now);
                if let Some(ended) = before.filter(|life| !self.peers.values().any(|asked| asked.is_life(life))) {
                    self.mirror.end(&ended);
                }
                // What this replica says of itself needs no detour.
                let more = update.more && update.boot_id != own;
                if update.boot_id != own {
                    self.mirror.take(Heard { update, at: now });
                }
                more
            }
            Err(failure) => {
                asked.failed(failure.clone(), now);
                let life = asked.life().map(str::to_owned);
                let by_another_way =
                    |life: &str| self.peers.values().any(|asked| asked.is_life(life) && asked.answers());
                if let Some(life) = life.filter(|life| !by_another_way(life)) {
                    self.mirror.fail(&life, failure);
                }
                false
            }
        }
    }

    /// Tells readers of the peers that lead to no replica.
    fn report(&mut self) {
        let problems = self.problems();
        self.mirror.report(problems);
    }

    /// The peers that lead to no replica.
    fn problems(&self) -> Vec<Problem> {
        let silent = self.peers.values().filter_map(Asked::problem);
        let unresolved = self.lookups.iter().map(|lookup| Problem {
            peer: lookup.name.to_string(),
            since: lookup.since,
            failure: PeerFailure::new(FailureKind::Unresolved, lookup.reason.clone()),
        });
        silent.chain(unresolved).collect()
    }
}

fn no_peer() -> PeerFailure {
    PeerFailure::new(FailureKind::Unresolved, "its address is no longer among the peers")
}

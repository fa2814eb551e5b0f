//! Who the peers are at present: looked up while somebody asks, one lookup for all who do, and never forgotten because
//! of a lookup that failed.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::Instant;

use super::peers::{Host, Kind, MAX_PEERS, PeerSource};
use super::resolver::{Dns, Lookup, Resolve};
use crate::clock;

/// After so many times the age that was wanted, nobody has asked in between, and what is known is worth no more than
/// the wait for news.
const PAUSE: u32 = 3;

/// Finds the peers that a setting names, and finds them again.
pub struct Directory {
    sources: Vec<PeerSource>,
    /// Each name in the sources once.
    names: Vec<Arc<str>>,
    resolver: Box<dyn Resolve>,
    known: Mutex<Known>,
    /// Whoever holds it looks up; what came of the lookups before is theirs.
    turn: Arc<Turn<History>>,
}

/// The peers that there are, as far as is known. The addresses here are the only ones that are ever called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerSet {
    /// In the order of the setting, what a name in the DNS leads to in the order of addresses. No address comes twice.
    pub peers: Vec<Peer>,
    /// Names whose last lookup failed. What they led to before is still among the peers.
    pub problems: Vec<LookupProblem>,
    /// How many more there would be beyond the bound of 4096.
    pub dropped: usize,
}

/// One of the places where a replica should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Host and port: what to call it as long as it has not said its name, and the host of requests to it.
    pub authority: Arc<str>,
    /// To be tried in this order. None while the name of its host has never led anywhere.
    pub addresses: Vec<SocketAddr>,
}

/// A name that cannot be looked up at present. It is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupProblem {
    /// The name.
    pub name: Arc<str>,
    /// When a lookup failed for the first time since the last that did not.
    pub since: Timestamp,
    /// Why the last one failed.
    pub reason: String,
}

#[derive(Default)]
struct Known {
    set: Arc<PeerSet>,
    /// When the lookups behind it had ended; none before the first.
    at: Option<Instant>,
}

/// What is known of each name.
type History = BTreeMap<Arc<str>, Found>;

#[derive(Default)]
struct Found {
    addresses: Vec<IpAddr>,
    problem: Option<LookupProblem>,
}

impl Directory {
    /// A directory of these peers, which are looked up in the system's DNS, or in that of a server. It asks for nothing
    /// until [`current`](Self::current) is called.
    #[must_use]
    pub fn new(sources: &[PeerSource], dns_server: Option<SocketAddr>) -> Arc<Self> {
        Self::with(sources, Box::new(Dns { server: dns_server }))
    }

    fn with(sources: &[PeerSource], resolver: Box<dyn Resolve>) -> Arc<Self> {
        let mut seen = HashSet::new();
        let sources: Vec<_> = sources.iter().filter(|source| seen.insert(*source)).cloned().collect();
        let mut history = History::new();
        for source in &sources {
            if let Host::Name(name) = source.host() {
                history.entry(Arc::clone(name)).or_default();
            }
        }
        let set = Arc::new(peer_set(&sources, &history));
        Arc::new(Self {
            sources,
            names: history.keys().cloned().collect(),
            resolver,
            known: Mutex::new(Known { set, at: None }),
            turn: Arc::new(Turn::new(history)),
        })
    }

    /// Whether no peers are named at all.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The peers as they were found at most `max_age` ago, or a little more: who asks again and again does not wait for
    /// lookups, and gets the news of one the next time. Who is the first to ask after a pause waits for it, two seconds
    /// at most.
    ///
    /// As long as nothing changes, the answer is the same [`Arc`].
    pub async fn current(self: &Arc<Self>, max_age: Duration) -> Arc<PeerSet> {
        let asked_at = Instant::now();
        let (set, age) = {
            let known = self.known();
            (Arc::clone(&known.set), known.at.map(|at| asked_at.saturating_duration_since(at)))
        };
        if self.names.is_empty() || age.is_some_and(|age| age <= max_age) {
            return set;
        }
        if age.is_some_and(|age| age <= max_age.saturating_mul(PAUSE)) {
            if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
                tokio::spawn(Arc::clone(self).look_up(turn));
            }
            return set;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.known().at.is_none_or(|at| at < asked_at) {
            // In a task of its own, since whoever asks may hang up. If it panics, what was known is known still.
            let _ = tokio::spawn(Arc::clone(self).look_up(turn)).await;
        }
        Arc::clone(&self.known().set)
    }

    async fn look_up(self: Arc<Self>, mut history: OwnedMutexGuard<History>) {
        let lookups = self.resolver.look_up(&self.names).await;
        let news = learn(&mut history, self.names.iter().zip(lookups), clock::now());
        news.log();
        let set = peer_set(&self.sources, &history);
        let mut known = self.known();
        if set.dropped > 0 && known.set.dropped == 0 {
            tracing::warn!(dropped = set.dropped, most = MAX_PEERS, "there are too many peers, some are left out");
        }
        if *known.set != set {
            known.set = Arc::new(set);
        }
        known.at = Some(Instant::now());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // It is replaced field by field, and each of them is right by itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a round of lookups changed: names that were found before and are not now, and the other way round.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    failing: Vec<LookupProblem>,
    found_again: Vec<LookupProblem>,
}

impl News {
    /// One line for each change, however many names it is about.
    fn log(&self) {
        if let Some(LookupProblem { name, reason, .. }) = self.failing.first() {
            let more = self.failing.len() - 1;
            tracing::warn!(%name, reason, more, "peers cannot be looked up; those known stay, and it is tried again");
        }
        if let Some(LookupProblem { name, since, .. }) = self.found_again.first() {
            let more = self.found_again.len() - 1;
            tracing::info!(%name, failed_since = %since, more, "peers can be looked up again");
        }
    }
}

fn learn<'a>(history: &mut History, lookups: impl Iterator<Item = (&'a Arc<str>, Lookup)>, now: Timestamp) -> News {
    let mut news = News::default();
    for (name, lookup) in lookups {
        let found = history.entry(Arc::clone(name)).or_default();
        match (lookup, &mut found.problem) {
            (Ok(addresses), problem) => {
                found.addresses = addresses;
                news.found_again.extend(problem.take());
            }
            (Err(reason), Some(problem)) => problem.reason = reason,
            (Err(reason), problem @ None) => {
                let new = LookupProblem { name: Arc::clone(name), since: now, reason };
                news.failing.push(new.clone());
                *problem = Some(new);
            }
        }
    }
    news
}

fn peer_set(sources: &[PeerSource], history: &History) -> PeerSet {
    let mut seen = HashSet::new();
    let mut peers = Vec::new();
    for source in sources {
        let ips = match source.host() {
            Host::Ip(ip) => std::slice::from_ref(ip),
            Host::Name(name) => history.get(name).map_or(&[][..], |found| &found.addresses),
        };
        let addresses = ips.iter().map(|ip| SocketAddr::new(*ip, source.port()));
        let new: Vec<_> = addresses.filter(|address| seen.insert(*address)).collect();
        match source.kind() {
            Kind::Dns => peers.extend(
                new.into_iter().map(|address| Peer { authority: address.to_string().into(), addresses: vec![address] }),
            ),
            // All of its addresses are somebody else's already.
            Kind::Url if new.is_empty() && !ips.is_empty() => {}
            Kind::Url => peers.push(Peer { authority: source.authority().into(), addresses: new }),
        }
    }
    let dropped = peers.len().saturating_sub(MAX_PEERS);
    peers.truncate(MAX_PEERS);
    let problems = history.values().filter_map(|found| found.problem.clone()).collect();
    PeerSet { peers, problems, dropped }
}

//! Who belongs to the fleet at present, and who of them is meant by a life or a name.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;
use langdeck_shared::{FailureKind, PeerFailure, ReplicaStatus};
use tokio::time::Instant;

use super::asked::{Asked, SHARED};
use super::{Fleet, Peer, State, no_peer};

/// How old may be what is known of the members when something is to be handed on to one of them.
const KNOWN: Duration = Duration::from_secs(1);
/// How many names an answer lists.
const MOST_NAMES: usize = 20;

/// A replica of the fleet, as it is known here.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) replica: String,
    /// Its life.
    pub(crate) boot_id: String,
    pub(crate) status: ReplicaStatus,
    /// Whether it answered the last question, or is this replica.
    pub(crate) answers: bool,
    /// How long ago it answered last.
    pub(crate) age: Duration,
    pub(crate) whereabouts: Whereabouts,
}

/// Where a replica is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// It is this one.
    Here,
    /// A peer.
    At(Peer),
    /// It does not answer, and why.
    Silent(PeerFailure),
    /// Its life has ended, as far as can be told.
    Gone,
}

/// What is known of a life.
#[derive(Debug)]
pub(crate) enum Found {
    Member(Member),
    /// No replica that is known has it; so many peers have never answered.
    Unknown {
        silent: usize,
    },
}

/// Whom a name means.
#[derive(Debug)]
pub(crate) enum Named {
    Member(Member),
    /// Several replicas that live bear it: their lives.
    Several(Vec<String>),
    /// None does; the names that there are, up to a bound, and how many more.
    Unknown {
        known: Vec<String>,
        more: usize,
    },
}

impl Fleet {
    /// Whether this replica was told of no peers.
    pub(crate) fn is_alone(&self) -> bool {
        self.directory.is_empty()
    }

    /// All replicas that are known, in the order in which they were first heard of.
    pub(crate) async fn members(self: &Arc<Self>) -> Vec<Member> {
        self.members_as_of(KNOWN).await
    }

    /// The same, as they stood not much longer than `age` ago.
    async fn members_as_of(self: &Arc<Self>, age: Duration) -> Vec<Member> {
        self.look_around(age).await;
        let mut state = self.lock();
        self.take_own(&mut state);
        state.members(&self.identity.boot_id, Instant::now())
    }

    /// The replica of this life.
    pub(crate) async fn find(self: &Arc<Self>, boot_id: &str) -> Found {
        let of_life = |members: Vec<Member>| members.into_iter().find(|member| member.boot_id == boot_id);
        match of_life(self.members().await) {
            Some(member) => Found::Member(member),
            None => match of_life(self.members_anew().await) {
                Some(member) => Found::Member(member),
                None => Found::Unknown { silent: self.lock().problems().len() },
            },
        }
    }

    /// The replica that is called so, or whose life that is.
    pub(crate) async fn find_named(self: &Arc<Self>, name: &str) -> Named {
        match choose(self.members().await, name) {
            Named::Unknown { .. } => choose(self.members_anew().await, name),
            named => named,
        }
    }

    /// The members for one who misses somebody that may just have come.
    async fn members_anew(self: &Arc<Self>) -> Vec<Member> {
        if !self.is_alone() {
            tokio::time::sleep(SHARED).await;
        }
        self.members_as_of(Duration::ZERO).await
    }
}

impl State {
    fn members(&self, own: &str, now: Instant) -> Vec<Member> {
        let answering = self.peers.values().filter(|asked| asked.answers());
        let all = self.peers.values().chain(answering);
        // Of several ways to a replica, one by which it answers comes last and so is taken.
        let ways: HashMap<&str, &Asked> = all.filter_map(|asked| Some((asked.life()?, asked))).collect();
        let members = self.mirror.states(now).map(|(said, status, age)| {
            let way = ways.get(said.boot_id.as_str()).filter(|_| status != ReplicaStatus::Unreachable);
            let whereabouts = match way {
                _ if said.boot_id == own => Whereabouts::Here,
                _ if status == ReplicaStatus::Gone => Whereabouts::Gone,
                Some(asked) => Whereabouts::At(asked.peer.clone()),
                None => Whereabouts::Silent(said.failure.clone().unwrap_or_else(no_peer)),
            };
            let answers = whereabouts == Whereabouts::Here || way.is_some_and(|asked| asked.answers());
            Member { answers, replica: said.replica.clone(), boot_id: said.boot_id.clone(), status, age, whereabouts }
        });
        members.collect()
    }
}

/// Whom a name means: a life, or the one replica of that name which answers; where none of them does, one that lives.
fn choose(members: Vec<Member>, name: &str) -> Named {
    if let Some(member) = members.iter().find(|member| member.boot_id == name) {
        return Named::Member(member.clone());
    }
    let bear = |member: &&Member| member.replica == name;
    let answers = |member: &&Member| matches!(member.whereabouts, Whereabouts::Here | Whereabouts::At(_));
    let several: Vec<_> = members.iter().filter(bear).filter(answers).collect();
    let silent = || members.iter().filter(bear).find(|member| matches!(member.whereabouts, Whereabouts::Silent(_)));
    match several.as_slice() {
        [] => silent().map_or_else(|| unknown(&members), |member| Named::Member(member.clone())),
        [member] => Named::Member((*member).clone()),
        several => Named::Several(several.iter().map(|member| member.boot_id.clone()).collect()),
    }
}

fn unknown(members: &[Member]) -> Named {
    let live = members.iter().filter(|member| member.whereabouts != Whereabouts::Gone);
    let mut known: Vec<_> = live.map(|member| member.replica.clone()).collect();
    known.sort_unstable();
    known.dedup();
    let more = known.len().saturating_sub(MOST_NAMES);
    known.truncate(MOST_NAMES);
    Named::Unknown { known, more }
}

impl Member {
    /// Whether it takes work, as far as can be told: of one that did not answer last, nobody knows whether it still does.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == ReplicaStatus::Ready && self.answers
    }

    /// The place to ask it at; why not where there is none, which for this replica is none either.
    pub(crate) fn peer(&self) -> Result<&Peer, PeerFailure> {
        match &self.whereabouts {
            Whereabouts::At(peer) => Ok(peer),
            Whereabouts::Silent(failure) => Err(failure.clone()),
            Whereabouts::Here | Whereabouts::Gone => Err(PeerFailure::new(FailureKind::Ended, "its life has ended")),
        }
    }

    /// Whether it is this replica.
    pub(crate) fn is_here(&self) -> bool {
        self.whereabouts == Whereabouts::Here
    }

    /// Whether its life has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.whereabouts == Whereabouts::Gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(replica: &str, boot_id: &str, whereabouts: Whereabouts) -> Member {
        let (replica, boot_id) = (replica.to_owned(), boot_id.to_owned());
        Member { replica, boot_id, status: ReplicaStatus::Ready, answers: true, age: Duration::ZERO, whereabouts }
    }

    fn at() -> Whereabouts {
        Whereabouts::At(Peer { authority: "10.0.0.7:8000".into(), addresses: Vec::new() })
    }

    fn silent() -> Whereabouts {
        Whereabouts::Silent(no_peer())
    }

    fn chosen(members: &[Member], name: &str) -> String {
        match choose(members.to_vec(), name) {
            Named::Member(member) => member.boot_id,
            Named::Several(lives) => lives.join("+"),
            Named::Unknown { known, more } => format!("of {} and {more} more", known.join(",")),
        }
    }

    #[test]
    fn a_name_means_the_one_that_answers_and_a_life_always_itself() {
        let members = [
            member("a", "a1", Whereabouts::Gone),
            member("a", "a2", silent()),
            member("a", "a3", at()),
            member("b", "b1", Whereabouts::Here),
            member("b", "b2", at()),
            member("c", "c1", silent()),
            member("d", "d1", Whereabouts::Gone),
        ];
        for (name, chosen_life) in [("a", "a3"), ("a1", "a1"), ("a2", "a2"), ("b", "b1+b2"), ("b2", "b2"), ("c", "c1")]
        {
            assert_eq!(chosen(&members, name), chosen_life, "{name}");
        }
        for name in ["d", "e", ""] {
            assert_eq!(chosen(&members, name), "of a,b,c and 0 more", "{name}");
        }
    }

    #[test]
    fn not_all_names_of_a_large_fleet_are_listed() {
        let members: Vec<_> = (0..100).map(|n| member(&format!("agent-{n:03}"), &n.to_string(), at())).collect();
        let Named::Unknown { known, more } = choose(members, "agent-x") else { panic!("there is none") };
        assert_eq!((known.len(), more), (MOST_NAMES, 80));
    }
}

//! Who takes an episode: an order of the replicas for each of them, the same wherever it is asked for.
//!
//! It is a rendezvous hash over names. When a replica goes, only its own episodes go to others, each to the next in its
//! order; when one comes, it takes over only those that are its own.

use std::cmp::Reverse;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::Member;

/// How many replicas an episode is offered to, one after the other.
const MOST_TRIED: usize = 3;

/// The replicas that take episodes.
#[derive(Debug)]
pub(crate) struct Owners(Vec<Member>);

impl Owners {
    /// Those of the members that are ready.
    pub(crate) fn among(members: Vec<Member>) -> Self {
        Self(members.into_iter().filter(Member::is_ready).collect())
    }

    /// Those to whom the episode of this number is offered, the first of them its owner; by their places.
    pub(crate) fn of(&self, episode: u64) -> Vec<usize> {
        let mut places: Vec<_> = (0..self.0.len()).collect();
        // By a life too, where two bear one name.
        places.sort_by_cached_key(|&place| Reverse((weight(&self.0[place].replica, episode), &self.0[place].boot_id)));
        places.truncate(MOST_TRIED);
        places
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Member> {
        self.0.get(place)
    }
}

/// Replicas of all versions have to agree on it.
fn weight(replica: &str, episode: u64) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(&episode.to_le_bytes());
    hasher.write(replica.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use langdeck_shared::ReplicaStatus;

    use super::super::members::Whereabouts;
    use super::*;

    fn fleet(names: &[&str]) -> Owners {
        let member = |name: &&str| Member {
            replica: (*name).to_owned(),
            boot_id: format!("{name}-life"),
            status: if name.starts_with("draining") { ReplicaStatus::Draining } else { ReplicaStatus::Ready },
            answers: true,
            age: Duration::ZERO,
            whereabouts: Whereabouts::Here,
        };
        Owners::among(names.iter().map(member).collect())
    }

    fn order(owners: &Owners, episode: u64) -> Vec<&str> {
        owners.of(episode).into_iter().map(|place| owners.at(place).unwrap().replica.as_str()).collect()
    }

    #[test]
    fn the_order_is_the_same_everywhere_and_in_every_version() {
        let (here, there) = (fleet(&["a", "b", "c", "d"]), fleet(&["d", "draining", "b", "a", "c"]));
        for episode in 0..100 {
            assert_eq!(order(&here, episode), order(&there, episode));
        }
        assert_eq!(weight("agent-0", 7), 6_866_911_254_470_398_210);
    }

    #[test]
    fn a_loss_moves_only_what_was_lost_and_to_the_next() {
        let (before, after) = (fleet(&["a", "b", "c", "d"]), fleet(&["a", "b", "d"]));
        let mut moved = 0;
        for episode in 0..1000 {
            let owners = order(&before, episode);
            let lost = owners[0] == "c";
            assert_eq!(order(&after, episode)[0], owners[usize::from(lost)]);
            moved += u32::from(lost);
        }
        assert!((200..300).contains(&moved), "{moved} of 1000 belonged to one of four");
    }
}

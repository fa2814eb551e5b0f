//! Which of several addresses to ask, so that every replica is told of once.

use std::cmp::Reverse;
use std::collections::HashSet;

/// Whom an address leads to.
#[derive(Debug, Clone)]
pub struct Reach<'a> {
    /// Whether it answers.
    pub answers: bool,
    /// The life that answers there.
    pub via: &'a str,
    /// The lives that it tells of.
    pub lives: HashSet<&'a str>,
}

/// The places of the addresses through which all replicas are reached and none twice: those that answer and tell of most
/// first, and of those the first given. One whose replica another one tells of already is left out.
#[must_use]
pub fn without_repeats(addresses: &[Option<Reach<'_>>]) -> Vec<usize> {
    let known = addresses.iter().enumerate();
    let mut known: Vec<(usize, &Reach<'_>)> = known.filter_map(|(at, reach)| Some((at, reach.as_ref()?))).collect();
    known.sort_by_key(|(at, reach)| (!reach.answers, Reverse(reach.lives.len()), *at));
    let mut chosen: Vec<(usize, &Reach<'_>)> = Vec::new();
    for (at, reach) in known {
        if !chosen.iter().any(|(_, other)| other.lives.contains(reach.via)) {
            chosen.push((at, reach));
        }
    }
    let mut places: Vec<usize> = chosen.into_iter().map(|(at, _)| at).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(via: &'static str, lives: &[&'static str]) -> Option<Reach<'static>> {
        Some(Reach { answers: true, via, lives: lives.iter().copied().chain([via]).collect() })
    }

    #[test]
    fn of_one_fleet_one_address_is_asked_and_each_fleet_is() {
        assert_eq!(without_repeats(&[reach("a", &["b", "c"]), reach("b", &["a", "c"])]), [0]);
        assert_eq!(without_repeats(&[reach("a", &[]), reach("b", &[])]), [0, 1]);
        assert_eq!(without_repeats(&[reach("a", &["b"]), reach("x", &["y"]), reach("y", &["x"])]), [0, 1]);
        assert_eq!(without_repeats(&[reach("b", &[]), reach("a", &["b"])]), [1], "the one that tells of most");
        assert_eq!(without_repeats(&[None, reach("a", &[]), reach("a", &[])]), [1], "two ways to one replica");
        assert!(without_repeats(&[]).is_empty());
    }

    #[test]
    fn one_that_does_not_answer_gives_way_to_one_that_does() {
        let lost = reach("a", &["b"]).map(|reach| Reach { answers: false, ..reach });
        assert_eq!(without_repeats(&[lost.clone(), reach("b", &["a"])]), [1]);
        assert_eq!(without_repeats(&[lost, reach("x", &[])]), [0, 1], "nobody else tells of its fleet");
    }
}

//! Which lives have a row: a life that ended gives way to the one that followed, and what is gone for long leaves.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use langdeck_shared::{ReplicaStatus, STALE_AFTER};

use super::totals::add;
use super::{Fleet, Replica};

/// How long a replica that is gone keeps its row.
pub(super) const GREYED: Duration = Duration::from_secs(600);

/// What has become of a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) enum Change {
    /// It has no row any more; where another life of its replica has followed, that one's boot id.
    Left {
        /// The life.
        boot_id: String,
        /// The one that has its row now.
        successor: Option<String>,
    },
    /// It has a row again: it was thought to have ended, and answers.
    Back(String),
}

/// How a life stands, as far as its namesakes are concerned.
#[derive(Clone, Copy)]
struct Standing {
    at: usize,
    lives: bool,
    /// Whether it may be taken for ended.
    lost: bool,
}

impl Fleet {
    /// Works out which lives have a row at `now`, and adds up what belongs together.
    pub(super) fn match_lives(&mut self, now: Instant) -> Vec<Change> {
        let before: Vec<(bool, Option<String>)> =
            self.lives.iter_mut().map(|life| (life.hidden, life.successor.take())).collect();
        for life in &mut self.lives {
            life.gone = (life.status(now) == ReplicaStatus::Gone).then(|| life.gone.unwrap_or(now));
            life.hidden = life.gone.is_some_and(|gone| now.saturating_duration_since(gone) >= GREYED);
            (life.has_namesake, life.restarted, life.totals) = (false, None, life.own);
        }
        for namesakes in self.namesakes() {
            self.match_namesakes(&namesakes, now);
        }
        let mut changes = Vec::new();
        for (life, (was_hidden, successor)) in self.lives.iter().zip(before) {
            if life.hidden && (!was_hidden || life.successor != successor) {
                changes.push(Change::Left { boot_id: life.boot_id.clone(), successor: life.successor.clone() });
            } else if !life.hidden && was_hidden {
                changes.push(Change::Back(life.boot_id.clone()));
            }
        }
        changes
    }

    /// The lives of each name that has several.
    fn namesakes(&self) -> Vec<Vec<usize>> {
        let mut by_name: HashMap<&str, usize> = HashMap::with_capacity(self.lives.len());
        let mut several: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, life) in self.lives.iter().enumerate() {
            if let Some(first) = by_name.insert(&life.name, at) {
                several.entry(&life.name).or_insert_with(|| vec![first]).push(at);
            }
        }
        several.into_values().collect()
    }

    /// Lets those of one name that have ended give way.
    fn match_namesakes(&mut self, namesakes: &[usize], now: Instant) {
        let standing = |&at: &usize| {
            let life = &self.lives[at];
            let lost = matches!(life.status(now), ReplicaStatus::Unreachable | ReplicaStatus::Gone);
            Standing { at, lives: life.is_fresh(now), lost }
        };
        let all: Vec<Standing> = namesakes.iter().map(standing).collect();
        let living = all.iter().filter(|one| one.lives).count();
        let follower = |lost: &Standing| {
            // The one that lives, else one that began after this one's end; of several the youngest.
            let followers = all.iter().filter(|one| one.at != lost.at && (one.lives || self.follows(one.at, lost.at)));
            followers.max_by_key(|one| (one.lives, self.lives[one.at].began(), self.lives[one.at].first_heard))
        };
        let ways: Vec<Option<usize>> = all
            .iter()
            .map(|one| {
                // One that followed may have been followed itself. Each has answered later than the one before.
                let mut last = one;
                while let Some(next) = Some(last).filter(|last| last.lost).and_then(&follower) {
                    last = next;
                }
                Some(last.at).filter(|at| *at != one.at)
            })
            .collect();
        for (lost, follower) in all.iter().zip(ways) {
            if let Some(follower) = follower {
                self.give_way(lost.at, follower);
            }
        }
        for one in all.iter().filter(|one| one.lives && living > 1) {
            self.lives[one.at].has_namesake = true;
        }
    }

    /// Whether a life began after another one's last word.
    fn follows(&self, life: usize, before: usize) -> bool {
        let (life, before) = (&self.lives[life], &self.lives[before]);
        life.answered > before.answered && life.began().is_some_and(|began| began + STALE_AFTER >= before.answered)
    }

    fn give_way(&mut self, lost: usize, follower: usize) {
        let restarted = self.follows(follower, lost).then(|| seen_to_begin(&self.lives[follower], &self.lives[lost]));
        let own = self.lives[lost].own;
        let next = &mut self.lives[follower];
        next.totals = add(next.totals, own);
        next.restarted = next.restarted.max(restarted);
        let boot_id = next.boot_id.clone();
        let lost = &mut self.lives[lost];
        (lost.hidden, lost.successor) = (true, Some(boot_id));
    }
}

/// When a life was seen to follow on another: when it was first heard of, or where both were met at once, when it began.
fn seen_to_begin(life: &Replica, before: &Replica) -> Instant {
    if before.first_heard < life.first_heard { life.first_heard } else { life.began().unwrap_or(life.first_heard) }
}

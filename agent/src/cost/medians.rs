//! Medians: how many tokens a call of a step with a model usually takes.

use foldhash::HashMap;

use super::dimension::Slot;
use super::ledger::Entry;

/// Of fewer calls nobody can say what is usual.
const FEWEST_CALLS: usize = 20;

/// The tokens that half of the last calls of each step with each model did not exceed.
#[derive(Debug)]
pub(super) struct Medians(HashMap<(Slot, Slot), u64>);

impl Medians {
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut calls: HashMap<_, Vec<u64>> = HashMap::default();
        for entry in entries {
            calls.entry(entry.step_and_model()).or_default().push(entry.charge.spend().tokens);
        }
        // What has no key of its own is several steps or models, of which together nothing is usual.
        let of_one = |&(step, model): &(Slot, Slot)| step != Slot::REST && model != Slot::REST;
        let known = calls.into_iter().filter(|(key, calls)| of_one(key) && calls.len() >= FEWEST_CALLS);
        let median = |mut calls: Vec<u64>| {
            let middle = (calls.len() - 1) / 2;
            *calls.select_nth_unstable(middle).1
        };
        Self(known.map(|(key, calls)| (key, median(calls))).collect())
    }

    pub(super) fn get(&self, step: Slot, model: Slot) -> Option<u64> {
        self.0.get(&(step, model)).copied()
    }
}

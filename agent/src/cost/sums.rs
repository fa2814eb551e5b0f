//! Sums of a stretch of time: as a whole, and for a few keys of each dimension.

use langdeck_shared::Spend;

use super::dimension::{DIMENSIONS, Slot, Slots};

/// How many keys of a dimension have a sum of their own, that of the rest included: there are many stretches.
pub(super) const MOST_KEYS: usize = 16;

/// What was spent in a minute, an hour, or all the time before.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) spend: Spend,
    by: [Vec<(Slot, Spend)>; DIMENSIONS],
}

/// What was spent in a span of time, and of each dimension on the key of each slot.
#[derive(Debug, Default)]
pub(super) struct BySlot {
    pub(super) spend: Spend,
    pub(super) by: [Vec<Spend>; DIMENSIONS],
}

impl Sums {
    pub(super) fn add(&mut self, slots: Slots, spend: Spend) {
        self.spend += spend;
        for (keys, slot) in self.by.iter_mut().zip(slots) {
            add(keys, slot, spend);
        }
    }

    /// Adds those of a shorter stretch.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.spend += other.spend;
        for (keys, others) in self.by.iter_mut().zip(&other.by) {
            others.iter().for_each(|(slot, spend)| add(keys, *slot, *spend));
        }
    }
}

fn add(keys: &mut Vec<(Slot, Spend)>, slot: Slot, spend: Spend) {
    if let Some((_, sum)) = keys.iter_mut().find(|(known, _)| *known == slot) {
        *sum += spend;
        return;
    }
    let named = keys.iter().filter(|(known, _)| *known != Slot::REST).count();
    if slot == Slot::REST || named + 1 < MOST_KEYS {
        keys.push((slot, spend));
    } else {
        add(keys, Slot::REST, spend);
    }
}

impl BySlot {
    pub(super) fn add(&mut self, slots: Slots, spend: Spend) {
        self.spend += spend;
        for (sums, slot) in self.by.iter_mut().zip(slots) {
            add_at(sums, slot, spend);
        }
    }

    pub(super) fn absorb(&mut self, other: &Sums) {
        self.spend += other.spend;
        for (sums, others) in self.by.iter_mut().zip(&other.by) {
            others.iter().for_each(|(slot, spend)| add_at(sums, *slot, *spend));
        }
    }
}

fn add_at(sums: &mut Vec<Spend>, slot: Slot, spend: Spend) {
    if sums.len() <= slot.place() {
        sums.resize(slot.place() + 1, Spend::default());
    }
    sums[slot.place()] += spend;
}

//! A dimension: the keys that spending goes to, such as services, and what was spent on each; bounded in number.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use langdeck_shared::{CostShare, OTHER, Spend};

/// How many dimensions there are: step, model, service and alert type, in this order.
pub(super) const DIMENSIONS: usize = 4;

/// Where a key's sum stands; it stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slot(pub(super) u16);

/// The key of each dimension that an amount belongs to.
pub(super) type Slots = [Slot; DIMENSIONS];

impl Slot {
    /// That of all keys that came too late.
    pub(super) const REST: Self = Self(0);

    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }
}

/// Sums by key, for a bounded number of keys.
#[derive(Debug)]
pub(super) struct Dimension {
    most: u16,
    sums: Vec<(Arc<str>, Spend)>,
    slots: HashMap<Arc<str>, Slot>,
}

impl Dimension {
    pub(super) fn new(most: u16) -> Self {
        let other: Arc<str> = OTHER.into();
        let mut slots = HashMap::new();
        slots.insert(Arc::clone(&other), Slot::REST);
        Self { most, sums: vec![(other, Spend::default())], slots }
    }

    pub(super) fn slot(&mut self, key: &str) -> Slot {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let Some(next) = u16::try_from(self.sums.len()).ok().filter(|next| *next <= self.most) else {
            return Slot::REST;
        };
        let key: Arc<str> = key.into();
        self.sums.push((Arc::clone(&key), Spend::default()));
        self.slots.insert(key, Slot(next));
        Slot(next)
    }

    /// The slot of a key that is known by its own name.
    pub(super) fn find(&self, key: &str) -> Option<Slot> {
        self.slots.get(key).copied().filter(|slot| *slot != Slot::REST)
    }

    pub(super) fn add(&mut self, slot: Slot, spend: Spend) {
        self.sums[slot.place()].1 += spend;
    }

    pub(super) fn name(&self, slot: Slot) -> Arc<str> {
        Arc::clone(&self.sums[slot.place()].0)
    }

    /// What was spent on each key, ever.
    pub(super) fn shares(&self) -> Vec<CostShare> {
        self.named(self.sums.iter().map(|(_, spend)| *spend))
    }

    /// Sums that stand by slot, with the names of their keys; the dearest first.
    pub(super) fn named(&self, sums: impl Iterator<Item = Spend>) -> Vec<CostShare> {
        let spent = self.sums.iter().zip(sums).filter(|(_, spend)| spend.calls > 0);
        let mut shares: Vec<_> = spent.map(|((key, _), spend)| CostShare { key: key.to_string(), spend }).collect();
        shares.sort_by(CostShare::dearest_first);
        shares
    }
}

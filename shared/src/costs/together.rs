//! The costs of several replicas, added up.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::{Add, AddAssign};

use super::{Attribution, BurnRate, CostShare, CostSpan, Costs, Infrastructure, OTHER, Savings, Spend, WhatIf};
use crate::Budget;

/// The most keys that a list of a fleet holds; the cheapest of those beyond stand under `(other)`.
const MAX_KEYS: usize = 1000;
/// The most outliers of a fleet.
const MAX_OUTLIERS: usize = 20;

impl Costs {
    /// Adds what another replica has spent. Of entries those stay that came last, as many as `entries`.
    ///
    /// What a model would have cost is known of the whole only where every replica knows its price.
    pub fn absorb(&mut self, other: Self, entries: usize) {
        self.since = self.since.min(other.since);
        self.totals += other.totals;
        self.by.absorb(other.by);
        self.burn += other.burn;
        self.month_usd += other.month_usd;
        self.savings += other.savings;
        self.what_if.retain_mut(|mine| {
            let theirs = other.what_if.iter().find(|theirs| theirs.model == mine.model);
            theirs.inspect(|theirs| mine.cost_usd += theirs.cost_usd).is_some()
        });
        self.what_if.sort_by(WhatIf::cheapest_first);
        self.infrastructure = match (self.infrastructure, other.infrastructure) {
            (Some(mine), Some(theirs)) => Some(mine + theirs),
            (mine, theirs) => mine.or(theirs),
        };
        self.missing.extend(other.missing);
        self.budgets = Budget::together(std::mem::take(&mut self.budgets).into_iter().chain(other.budgets));
        self.span = match (self.span.take(), other.span) {
            (Some(mine), Some(theirs)) => Some(mine.together(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.entries.extend(other.entries);
        self.entries.sort_by_key(|entry| Reverse(entry.at));
        self.entries.truncate(entries);
        self.outliers.extend(other.outliers);
        self.outliers.sort_by_key(|outlier| Reverse(outlier.entry.at));
        self.outliers.truncate(MAX_OUTLIERS);
    }
}

impl CostSpan {
    /// What is known exactly only by the hour at one replica makes the whole span longer.
    fn together(mut self, other: Self) -> Self {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.spend += other.spend;
        self.by.absorb(other.by);
        self
    }
}

impl Attribution {
    /// Adds what others have spent, key by key.
    pub fn absorb(&mut self, other: Self) {
        let lists = [
            (&mut self.by_replica, other.by_replica),
            (&mut self.by_step, other.by_step),
            (&mut self.by_model, other.by_model),
            (&mut self.by_service, other.by_service),
            (&mut self.by_alert_type, other.by_alert_type),
        ];
        for (mine, theirs) in lists {
            *mine = CostShare::together(std::mem::take(mine).into_iter().chain(theirs));
        }
    }
}

impl CostShare {
    /// One share a key, dearest first.
    #[must_use]
    pub fn together(shares: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: HashMap<String, Spend> = HashMap::new();
        for Self { key, spend } in shares {
            *sums.entry(key).or_default() += spend;
        }
        let mut shares: Vec<_> = sums.into_iter().map(|(key, spend)| Self { key, spend }).collect();
        shares.sort_by(Self::dearest_first);
        let beyond: Vec<_> = shares.drain(MAX_KEYS.min(shares.len())..).collect();
        if beyond.is_empty() {
            return shares;
        }
        let rest: Spend = beyond.into_iter().map(|share| share.spend).sum();
        match shares.iter_mut().find(|share| share.key == OTHER) {
            Some(other) => other.spend += rest,
            None => shares.push(Self { key: OTHER.to_owned(), spend: rest }),
        }
        shares.sort_by(Self::dearest_first);
        shares
    }

    /// An order for lists of them.
    #[must_use]
    pub fn dearest_first(a: &Self, b: &Self) -> std::cmp::Ordering {
        let dearness = |share: &Self| (share.spend.cost_usd, share.spend.tokens);
        dearness(b).cmp(&dearness(a)).then_with(|| a.key.cmp(&b.key))
    }
}

impl WhatIf {
    /// An order for lists of them.
    #[must_use]
    pub fn cheapest_first(a: &Self, b: &Self) -> std::cmp::Ordering {
        a.cost_usd.cmp(&b.cost_usd).then_with(|| a.model.cmp(&b.model))
    }
}

impl AddAssign for BurnRate {
    fn add_assign(&mut self, other: Self) {
        self.last_5m_usd_per_hour += other.last_5m_usd_per_hour;
        self.last_60m_usd_per_hour += other.last_60m_usd_per_hour;
    }
}

impl AddAssign for Savings {
    fn add_assign(&mut self, other: Self) {
        self.models_usd += other.models_usd;
        self.cache_usd += other.cache_usd;
        self.cache_hits = self.cache_hits.saturating_add(other.cache_hits);
        self.cache_joins = self.cache_joins.saturating_add(other.cache_joins);
    }
}

impl Add for Infrastructure {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { usd_per_hour: self.usd_per_hour + other.usd_per_hour, cost_usd: self.cost_usd + other.cost_usd }
    }
}

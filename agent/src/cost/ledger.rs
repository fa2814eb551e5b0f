//! The ledger: every model call entered once, in its time, and summed as a whole and by step, model, service and alert
//! type.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use langdeck_shared::{Alert, Attribution, CostShare, OTHER, Spend, Usd};

use super::Charge;
use super::history::{History, Span};

const MAX_STEPS: usize = 64;
const MAX_MODELS: usize = 64;
const MAX_SERVICES: usize = 1000;
const MAX_ALERT_TYPES: usize = 200;

/// What a replica has spent in its life.
#[derive(Debug)]
pub(crate) struct Ledger {
    totals: Spend,
    /// What cheaper models saved.
    saved: Usd,
    steps: Dimension,
    models: Dimension,
    services: Dimension,
    alert_types: Dimension,
    history: History,
}

/// One call that was answered: whose it was, and what it is charged.
#[derive(Debug)]
pub(super) struct Entry {
    /// Milliseconds since 1970.
    pub(super) at_ms: i64,
    pub(super) charge: Charge,
    number: u64,
    attempt: u32,
    account: Account,
    step: Slot,
    model: Slot,
}

/// A call to be entered.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// When it was answered, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The investigation's number.
    pub(crate) number: u64,
    pub(crate) step: &'a str,
    /// Which attempt of the step, from 1.
    pub(crate) attempt: u32,
    pub(crate) model: &'a str,
    pub(crate) charge: Charge,
}

/// An entry with its names.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at_ms: i64,
    pub(crate) number: u64,
    pub(crate) attempt: u32,
    pub(crate) charge: Charge,
    pub(crate) step: Arc<str>,
    pub(crate) model: Arc<str>,
    pub(crate) service: Arc<str>,
    pub(crate) alert_type: Arc<str>,
}

/// To whom an investigation's spending is charged. Looked up once for all its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    service: Slot,
    alert_type: Slot,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            totals: Spend::default(),
            saved: Usd::ZERO,
            steps: Dimension::new(MAX_STEPS),
            models: Dimension::new(MAX_MODELS),
            services: Dimension::new(MAX_SERVICES),
            alert_types: Dimension::new(MAX_ALERT_TYPES),
            history: History::default(),
        }
    }

    /// The account of an alert.
    pub(crate) fn account(&mut self, alert: &Alert) -> Account {
        Account { service: self.services.slot(&alert.service), alert_type: self.alert_types.slot(&alert.alert_type) }
    }

    /// Enters one call.
    pub(crate) fn enter(&mut self, account: Account, call: &Call<'_>) {
        let &Call { at_ms, number, step, attempt, model, charge } = call;
        let spend = charge.spend;
        self.totals += spend;
        self.saved += charge.saved;
        self.services.add(account.service, spend);
        self.alert_types.add(account.alert_type, spend);
        let step = self.steps.slot(step);
        self.steps.add(step, spend);
        let model = self.models.slot(model);
        self.models.add(model, spend);
        self.history.enter(Entry { at_ms, charge, number, attempt, account, step, model });
    }

    /// What was spent from an instant until before another; milliseconds since 1970.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> Span {
        self.history.between(from_ms, to_ms)
    }

    /// The last entries, newest first.
    pub(crate) fn last(&self, most: usize) -> Vec<Told> {
        let tell = |entry: &Entry| Told {
            at_ms: entry.at_ms,
            number: entry.number,
            attempt: entry.attempt,
            charge: entry.charge,
            step: self.steps.name(entry.step),
            model: self.models.name(entry.model),
            service: self.services.name(entry.account.service),
            alert_type: self.alert_types.name(entry.account.alert_type),
        };
        self.history.last(most).map(tell).collect()
    }

    pub(crate) const fn totals(&self) -> Spend {
        self.totals
    }

    pub(crate) const fn saved(&self) -> Usd {
        self.saved
    }

    /// The sums by key, but for the replica, of which a ledger knows nothing.
    pub(crate) fn attribution(&self) -> Attribution {
        Attribution {
            by_replica: Vec::new(),
            by_step: self.steps.shares(),
            by_model: self.models.shares(),
            by_service: self.services.shares(),
            by_alert_type: self.alert_types.shares(),
        }
    }
}

/// Where a key's sum stands; it stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot(usize);

/// Sums by key, for a bounded number of keys. The first sum is that of all keys that came too late.
#[derive(Debug)]
struct Dimension {
    most: usize,
    sums: Vec<(Arc<str>, Spend)>,
    slots: HashMap<Arc<str>, Slot>,
}

impl Dimension {
    fn new(most: usize) -> Self {
        let other: Arc<str> = OTHER.into();
        let mut slots = HashMap::new();
        slots.insert(Arc::clone(&other), Slot(0));
        Self { most, sums: vec![(other, Spend::default())], slots }
    }

    fn slot(&mut self, key: &str) -> Slot {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let slot = Slot(self.sums.len());
        if slot.0 > self.most {
            return Slot(0);
        }
        let key: Arc<str> = key.into();
        self.sums.push((Arc::clone(&key), Spend::default()));
        self.slots.insert(key, slot);
        slot
    }

    fn add(&mut self, slot: Slot, spend: Spend) {
        self.sums[slot.0].1 += spend;
    }

    fn name(&self, slot: Slot) -> Arc<str> {
        Arc::clone(&self.sums[slot.0].0)
    }

    fn shares(&self) -> Vec<CostShare> {
        let spent = self.sums.iter().filter(|(_, spend)| spend.calls > 0);
        let mut shares: Vec<_> = spent.map(|(key, spend)| CostShare { key: key.to_string(), spend: *spend }).collect();
        shares.sort_by(CostShare::dearest_first);
        shares
    }
}

#[cfg(test)]
pub(super) mod tests {
    use langdeck_shared::Basis;

    use super::*;
    use crate::testing::alert;

    fn spend(tokens: u64) -> Spend {
        Spend { calls: 1, tokens, input_tokens: tokens, cost_usd: Usd::from_nanos(tokens * 2000), ..Spend::default() }
    }

    fn call<'a>(step: &'a str, model: &'a str, tokens: u64) -> Call<'a> {
        let charge = Charge { spend: spend(tokens), basis: Basis::Reported, saved: Usd::ZERO, price: None };
        Call { at_ms: 0, number: 1, step, attempt: 1, model, charge }
    }

    /// An entry of so many tokens, of nobody in particular.
    pub(in crate::cost) fn entry(at_ms: i64, tokens: u64) -> Entry {
        let Call { number, attempt, charge, .. } = call("planner", "m", tokens);
        let account = Account { service: Slot(0), alert_type: Slot(0) };
        Entry { at_ms, charge, number, attempt, account, step: Slot(0), model: Slot(0) }
    }

    fn sum(shares: &[CostShare]) -> Spend {
        shares.iter().map(|share| share.spend).sum()
    }

    #[test]
    fn every_dimension_adds_up_to_the_totals_also_beyond_its_bound() {
        let mut ledger = Ledger::new();
        for n in 0..(MAX_SERVICES as u64 + 500) {
            let account = ledger.account(&alert(&format!("type {n}"), &format!("service {n}")));
            ledger.enter(account, &call(&format!("step {n}"), &format!("model {n}"), n + 1));
        }
        let Attribution { by_step, by_model, by_service, by_alert_type, .. } = ledger.attribution();
        let bounds = [MAX_STEPS, MAX_MODELS, MAX_SERVICES, MAX_ALERT_TYPES];
        for (shares, most) in [by_step, by_model, by_service, by_alert_type].iter().zip(bounds) {
            assert_eq!(shares.len(), most + 1);
            assert!(shares.iter().any(|share| share.key == OTHER));
            assert_eq!(sum(shares), ledger.totals());
        }
        assert_eq!(ledger.history.sum(), ledger.totals());
        let last = &ledger.last(1)[0];
        assert_eq!((&*last.step, &*last.service, last.charge.spend.tokens), (OTHER, OTHER, MAX_SERVICES as u64 + 500));
    }

    #[test]
    fn shares_stand_dearest_first() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", "api"));
        for (step, tokens) in [("planner", 45), ("check_pods", 12), ("reasoner", 67), ("check_pods", 12)] {
            ledger.enter(account, &call(step, "m", tokens));
        }
        let by_step = ledger.attribution().by_step;
        let keys: Vec<_> = by_step.iter().map(|share| (share.key.as_str(), share.spend.tokens)).collect();
        assert_eq!(keys, [("reasoner", 67), ("planner", 45), ("check_pods", 24)]);
    }

    #[test]
    fn a_service_that_is_called_like_the_rest_shares_its_place() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", OTHER));
        ledger.enter(account, &call("planner", "m", 1));
        assert_eq!(ledger.attribution().by_service.len(), 1);
    }
}

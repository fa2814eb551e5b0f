//! The ledger: every model call entered once, summed as a whole and by step, model, service and alert type.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use langdeck_shared::{Alert, CostShare, Costs, OTHER, Spend};

use super::add;

const MAX_STEPS: usize = 64;
const MAX_MODELS: usize = 64;
const MAX_SERVICES: usize = 1000;
const MAX_ALERT_TYPES: usize = 200;

/// What a replica has spent in its life.
#[derive(Debug)]
pub(crate) struct Ledger {
    totals: Spend,
    steps: Dimension,
    models: Dimension,
    services: Dimension,
    alert_types: Dimension,
}

/// To whom an investigation's spending is charged. Looked up once for all its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    service: Slot,
    alert_type: Slot,
}

/// The ledger's sums by key, dearest first.
#[derive(Debug)]
pub(crate) struct Attribution {
    pub(crate) by_step: Vec<CostShare>,
    pub(crate) by_model: Vec<CostShare>,
    pub(crate) by_service: Vec<CostShare>,
    pub(crate) by_alert_type: Vec<CostShare>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            totals: Spend::default(),
            steps: Dimension::new(MAX_STEPS),
            models: Dimension::new(MAX_MODELS),
            services: Dimension::new(MAX_SERVICES),
            alert_types: Dimension::new(MAX_ALERT_TYPES),
        }
    }

    /// The account of an alert.
    pub(crate) fn account(&mut self, alert: &Alert) -> Account {
        Account { service: self.services.slot(&alert.service), alert_type: self.alert_types.slot(&alert.alert_type) }
    }

    /// Enters one call.
    pub(crate) fn enter(&mut self, account: Account, step: &str, model: &str, spend: Spend) {
        self.totals = add(self.totals, spend);
        self.services.add(account.service, spend);
        self.alert_types.add(account.alert_type, spend);
        let step = self.steps.slot(step);
        self.steps.add(step, spend);
        let model = self.models.slot(model);
        self.models.add(model, spend);
    }

    /// Adds what another ledger says.
    pub(crate) fn absorb(&mut self, costs: &Costs) {
        self.totals = add(self.totals, costs.totals);
        let dimensions = [
            (&mut self.steps, &costs.by_step),
            (&mut self.models, &costs.by_model),
            (&mut self.services, &costs.by_service),
            (&mut self.alert_types, &costs.by_alert_type),
        ];
        for (dimension, shares) in dimensions {
            for share in shares {
                let slot = dimension.slot(&share.key);
                dimension.add(slot, share.spend);
            }
        }
    }

    pub(crate) const fn totals(&self) -> Spend {
        self.totals
    }

    pub(crate) fn attribution(&self) -> Attribution {
        Attribution {
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
        let sum = &mut self.sums[slot.0].1;
        *sum = add(*sum, spend);
    }

    fn shares(&self) -> Vec<CostShare> {
        let spent = self.sums.iter().filter(|(_, spend)| spend.calls > 0);
        let mut shares: Vec<_> = spent.map(|(key, spend)| CostShare { key: key.to_string(), spend: *spend }).collect();
        shares.sort_by(|a, b| {
            let dearness = |share: &CostShare| (share.spend.cost_usd, share.spend.tokens);
            dearness(b).cmp(&dearness(a)).then_with(|| a.key.cmp(&b.key))
        });
        shares
    }
}

#[cfg(test)]
mod tests {
    use langdeck_shared::Usd;

    use super::*;
    use crate::testing::alert;

    fn spend(tokens: u64) -> Spend {
        Spend {
            calls: 1,
            tokens,
            input_tokens: tokens,
            output_tokens: 0,
            cost_usd: Usd::from_nanos(tokens * 2000),
            unpriced_tokens: 0,
        }
    }

    fn sum(shares: &[CostShare]) -> Spend {
        crate::cost::sum(shares.iter().map(|share| share.spend))
    }

    #[test]
    fn every_dimension_adds_up_to_the_totals_also_beyond_its_bound() {
        let mut ledger = Ledger::new();
        for n in 0..(MAX_SERVICES as u64 + 500) {
            let account = ledger.account(&alert(&format!("type {n}"), &format!("service {n}")));
            ledger.enter(account, &format!("step {n}"), &format!("model {n}"), spend(n + 1));
        }
        let Attribution { by_step, by_model, by_service, by_alert_type } = ledger.attribution();
        let bounds = [MAX_STEPS, MAX_MODELS, MAX_SERVICES, MAX_ALERT_TYPES];
        for (shares, most) in [by_step, by_model, by_service, by_alert_type].iter().zip(bounds) {
            assert_eq!(shares.len(), most + 1);
            assert!(shares.iter().any(|share| share.key == OTHER));
            assert_eq!(sum(shares), ledger.totals());
        }
    }

    #[test]
    fn shares_stand_dearest_first() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", "api"));
        for (step, tokens) in [("planner", 45), ("check_pods", 12), ("reasoner", 67), ("check_pods", 12)] {
            ledger.enter(account, step, "m", spend(tokens));
        }
        let by_step = ledger.attribution().by_step;
        let keys: Vec<_> = by_step.iter().map(|share| (share.key.as_str(), share.spend.tokens)).collect();
        assert_eq!(keys, [("reasoner", 67), ("planner", 45), ("check_pods", 24)]);
    }

    #[test]
    fn a_service_that_is_called_like_the_rest_shares_its_place() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", OTHER));
        ledger.enter(account, "planner", "m", spend(1));
        assert_eq!(ledger.attribution().by_service.len(), 1);
    }
}

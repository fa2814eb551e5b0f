//! The ledger: every model call entered once, in its time, and summed as a whole and by step, model, service and alert
//! type.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Alert, Attribution, BudgetWindow, BurnRate, CostShare, Spend, Usd, stands_out};

use super::dimension::{DIMENSIONS, Dimension, Slot, Slots};
use super::history::{History, Span};
use super::medians::Medians;
use super::window::Stretch;
use super::{Charge, forecast};

const STEP: usize = 0;
const MODEL: usize = 1;
const SERVICE: usize = 2;
const ALERT_TYPE: usize = 3;
/// The most keys of each of these.
const MOST_KEYS: [u16; DIMENSIONS] = [64, 64, 1000, 200];
/// How many entries that stand out are told.
const MOST_OUTLIERS: usize = 20;

/// What a replica has spent in its life.
#[derive(Debug)]
pub(crate) struct Ledger {
    totals: Spend,
    /// What cheaper models saved.
    saved: Usd,
    dimensions: [Dimension; DIMENSIONS],
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
    pub(super) slots: Slots,
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

/// What was spent in a span of time, which may reach further than was asked for; milliseconds since 1970.
#[derive(Debug)]
pub(crate) struct SpanSpend {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) spend: Spend,
    pub(crate) by: Attribution,
}

/// To whom an investigation's spending is charged. Looked up once for all its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    service: Slot,
    alert_type: Slot,
}

impl Entry {
    pub(super) const fn step_and_model(&self) -> (Slot, Slot) {
        (self.slots[STEP], self.slots[MODEL])
    }
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            totals: Spend::default(),
            saved: Usd::ZERO,
            dimensions: MOST_KEYS.map(Dimension::new),
            history: History::default(),
        }
    }

    /// The account of an alert.
    pub(crate) fn account(&mut self, alert: &Alert) -> Account {
        let [_, _, services, alert_types] = &mut self.dimensions;
        Account { service: services.slot(&alert.service), alert_type: alert_types.slot(&alert.alert_type) }
    }

    /// Enters calls of one account. What they come to.
    pub(crate) fn enter<'a>(
        &mut self,
        Account { service, alert_type }: Account,
        calls: impl IntoIterator<Item = Call<'a>>,
    ) -> Spend {
        let [steps, models, services, alert_types] = &mut self.dimensions;
        let mut sum = Spend::default();
        for Call { at_ms, number, step, attempt, model, charge } in calls {
            let (step, model, spend) = (steps.slot(step), models.slot(model), charge.spend());
            steps.add(step, spend);
            models.add(model, spend);
            sum += spend;
            self.saved += charge.saved;
            self.history.enter(Entry { at_ms, charge, number, attempt, slots: [step, model, service, alert_type] });
        }
        services.add(service, sum);
        alert_types.add(alert_type, sum);
        self.totals += sum;
        sum
    }

    /// What was spent from an instant until before another; milliseconds since 1970.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> SpanSpend {
        let Span { from_ms, to_ms, spent } = self.history.between(from_ms, to_ms);
        let mut dimensions = self.dimensions.iter().zip(spent.by);
        let lists = std::array::from_fn(|_| {
            dimensions.next().map(|(dimension, sums)| dimension.named(sums.into_iter())).unwrap_or_default()
        });
        SpanSpend { from_ms, to_ms, spend: spent.spend, by: attribution(lists) }
    }

    /// The last entries, newest first.
    pub(crate) fn last(&self, most: usize) -> Vec<Told> {
        self.history.last(most).map(|entry| self.tell(entry)).collect()
    }

    fn tell(&self, entry: &Entry) -> Told {
        let name = |dimension: usize| self.dimensions[dimension].name(entry.slots[dimension]);
        Told {
            at_ms: entry.at_ms,
            number: entry.number,
            attempt: entry.attempt,
            charge: entry.charge,
            step: name(STEP),
            model: name(MODEL),
            service: name(SERVICE),
            alert_type: name(ALERT_TYPE),
        }
    }

    /// How fast money is spent at an instant, of a replica that started at another, and what the month under way comes to
    /// at the rate of the last hour.
    pub(crate) fn forecast(&self, started: Timestamp, at: Timestamp) -> (BurnRate, Usd) {
        let at_ms = at.as_millisecond();
        let spent = |from_ms: i64| {
            let Span { from_ms, spent, .. } = self.history.spent(from_ms, at_ms.saturating_add(1));
            (from_ms, spent.cost_usd)
        };
        let burn = forecast::burn(started.as_millisecond(), at_ms, spent);
        let Stretch { start_ms, end_ms } = Stretch::of(BudgetWindow::Month, at);
        let so_far = self.history.spent(start_ms, end_ms).spent.cost_usd;
        let left_ms = end_ms.saturating_sub(at_ms).unsigned_abs();
        (burn, so_far + forecast::over(burn.last_60m_usd_per_hour, left_ms))
    }

    /// The last entries whose tokens stand out against what is usual for their step and model, newest first, with what
    /// is.
    pub(crate) fn outliers(&self) -> Vec<(Told, u64)> {
        let medians = Medians::of(self.history.last(usize::MAX));
        let outliers = self.history.last(usize::MAX).filter_map(|entry| {
            let (step, model) = entry.step_and_model();
            let usual = medians.get(step, model).filter(|usual| stands_out(entry.charge.spend().tokens, *usual))?;
            Some((self.tell(entry), usual))
        });
        outliers.take(MOST_OUTLIERS).collect()
    }

    /// How many tokens each of these steps usually takes with a model, where that can be said.
    pub(crate) fn medians<'a>(&self, steps: impl Iterator<Item = &'a str>, model: &str) -> Vec<Option<u64>> {
        let medians = Medians::of(self.history.last(usize::MAX));
        let model = self.dimensions[MODEL].find(model);
        steps.map(|step| medians.get(self.dimensions[STEP].find(step)?, model?)).collect()
    }

    pub(crate) const fn totals(&self) -> Spend {
        self.totals
    }

    pub(crate) const fn saved(&self) -> Usd {
        self.saved
    }

    /// The sums by key, but for the replica, of which a ledger knows nothing.
    pub(crate) fn attribution(&self) -> Attribution {
        attribution(self.dimensions.each_ref().map(Dimension::shares))
    }
}

fn attribution([by_step, by_model, by_service, by_alert_type]: [Vec<CostShare>; DIMENSIONS]) -> Attribution {
    Attribution { by_replica: Vec::new(), by_step, by_model, by_service, by_alert_type }
}

#[cfg(test)]
pub(super) mod tests {
    use langdeck_shared::OTHER;

    use super::*;
    use crate::cost::reported::Reported;
    use crate::model::Usage;
    use crate::testing::alert;

    fn call<'a>(step: &'a str, model: &'a str, tokens: u64) -> Call<'a> {
        let charge = Charge {
            usage: Usage { input: tokens, ..Usage::default() },
            cost: Usd::from_nanos(tokens * 2000),
            reported: Reported::new(None),
            saved: Usd::ZERO,
            price: None,
        };
        Call { at_ms: 0, number: 1, step, attempt: 1, model, charge }
    }

    /// An entry of one token.
    pub(in crate::cost) fn entry(at_ms: i64, slots: Slots) -> Entry {
        let Call { number, attempt, charge, .. } = call("planner", "m", 1);
        Entry { at_ms, charge, number, attempt, slots }
    }

    fn sum(shares: &[CostShare]) -> Spend {
        shares.iter().map(|share| share.spend).sum()
    }

    #[test]
    fn every_dimension_adds_up_to_the_totals_also_beyond_its_bound() {
        let mut ledger = Ledger::new();
        for n in 0..1500 {
            let account = ledger.account(&alert(&format!("type {n}"), &format!("service {n}")));
            ledger.enter(account, [call(&format!("step {n}"), &format!("model {n}"), n + 1)]);
        }
        let Attribution { by_step, by_model, by_service, by_alert_type, .. } = ledger.attribution();
        for (shares, most) in [by_step, by_model, by_service, by_alert_type].iter().zip(MOST_KEYS) {
            assert_eq!(shares.len(), usize::from(most) + 1);
            assert!(shares.iter().any(|share| share.key == OTHER));
            assert_eq!(sum(shares), ledger.totals());
        }
        assert_eq!(ledger.history.sum(), ledger.totals());
        let last = &ledger.last(1)[0];
        assert_eq!((&*last.step, &*last.service, last.charge.spend().tokens), (OTHER, OTHER, 1500));
    }

    #[test]
    fn shares_stand_dearest_first() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", "api"));
        for (step, tokens) in [("planner", 45), ("check_pods", 12), ("reasoner", 67), ("check_pods", 12)] {
            ledger.enter(account, [call(step, "m", tokens)]);
        }
        let by_step = ledger.attribution().by_step;
        let keys: Vec<_> = by_step.iter().map(|share| (share.key.as_str(), share.spend.tokens)).collect();
        assert_eq!(keys, [("reasoner", 67), ("planner", 45), ("check_pods", 24)]);
    }

    #[test]
    fn a_service_that_is_called_like_the_rest_shares_its_place() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", OTHER));
        ledger.enter(account, [call("planner", "m", 1)]);
        assert_eq!(ledger.attribution().by_service.len(), 1);
    }
    #[test]
    fn entries_stand_out_against_the_median_of_their_step_with_their_model() {
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", "api"));
        let mut enter = |step, model, tokens| {
            ledger.enter(account, [call(step, model, tokens)]);
        };
        (0..18).for_each(|n| enter("planner", "m", 10 + n));
        (0..30).for_each(|_| enter("planner", "wordy", 100));
        enter("planner", "m", 36);
        // 19 calls are too few to say what is usual.
        assert_eq!(ledger.medians(["planner"].into_iter(), "m"), [None]);
        assert!(ledger.outliers().is_empty());
        ledger.enter(account, [call("planner", "m", 37)]);
        ledger.enter(account, [call("reasoner", "m", 1000)]);
        // The tenth of the twenty: 10, 11, … 27, 36, 37.
        assert_eq!(ledger.medians(["planner", "reasoner", "no such"].into_iter(), "m"), [Some(19), None, None]);
        assert!(ledger.outliers().is_empty());
        ledger.enter(account, [call("planner", "m", 40)]);
        let found = |ledger: &Ledger| -> Vec<_> {
            ledger.outliers().iter().map(|(entry, usual)| (entry.charge.spend().tokens, *usual)).collect()
        };
        assert_eq!(found(&ledger), [(40, 20)]);
        ledger.enter(account, (0..100).map(|n| call("planner", "wordy", 200 + n)));
        assert_eq!(found(&ledger), [(40, 20)], "a hundred of them are what is usual");
        ledger.enter(account, (0..25).map(|n| call("planner", "wordy", 1000 + n)));
        let found = found(&ledger);
        assert_eq!((found.len(), found[0].0, found[19].0), (20, 1024, 1005));
    }

    #[test]
    fn the_forecast_goes_on_at_the_rate_of_the_last_hour_until_the_month_is_over() {
        let time = |time: &str| time.parse::<Timestamp>().unwrap();
        let mut ledger = Ledger::new();
        let account = ledger.account(&alert("high_cpu", "api"));
        let mut enter = |at: &str, tokens| {
            let at_ms = time(at).as_millisecond();
            ledger.enter(account, [Call { at_ms, ..call("planner", "m", tokens) }]);
        };
        // 2000 nano-dollars a token. The first belongs to the month before.
        enter("2026-01-31T23:59:59.999Z", 1);
        enter("2026-02-01T00:00:00Z", 10);
        enter("2026-02-28T21:59:59Z", 100);
        enter("2026-02-28T22:00:00Z", 1000);
        enter("2026-02-28T22:55:00Z", 10_000);
        let (burn, month) = ledger.forecast(time("2026-01-01T00:00:00Z"), time("2026-02-28T23:00:00Z"));
        assert_eq!(burn.last_5m_usd_per_hour.nanos(), 10_000 * 2000 * 12);
        assert_eq!(burn.last_60m_usd_per_hour.nanos(), 11_000 * 2000);
        assert_eq!(month.nanos(), (11_110 + 11_000) * 2000);
        // A moment later what began the five minutes has left them, and the month has an end.
        let (burn, _) = ledger.forecast(time("2026-01-01T00:00:00Z"), time("2026-02-28T23:00:00.001Z"));
        assert_eq!((burn.last_5m_usd_per_hour.nanos(), burn.last_60m_usd_per_hour.nanos()), (0, 10_000 * 2000));
        let (burn, month) = ledger.forecast(time("2026-01-01T00:00:00Z"), time("2026-03-01T00:00:00Z"));
        assert_eq!((burn.last_60m_usd_per_hour, month), (Usd::ZERO, Usd::ZERO));
        // Of a life of half an hour.
        let (burn, _) = ledger.forecast(time("2026-02-28T22:30:00Z"), time("2026-02-28T23:00:00Z"));
        assert_eq!(burn.last_60m_usd_per_hour.nanos(), 10_000 * 2000 * 2);
    }
}

//! Prices: what each model's tokens cost and since when, in integers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::{Basis, Infrastructure, Spend, Usd, WhatIf};

use super::forecast::over;
use super::reported::Reported;
use crate::clock;
use crate::model::{ModelCall, Usage};

/// What a model's tokens cost from an instant on, in nano-dollars per million.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Price {
    pub(super) from: Timestamp,
    /// Of tokens that the model reads.
    pub(super) input: Usd,
    /// Of tokens that it reads from its provider's cache.
    pub(super) cached_input: Usd,
    /// Of tokens that it writes.
    pub(super) output: Usd,
    /// The day and the source, which tell this price from any other of the model.
    pub(super) version: Arc<str>,
}

/// The prices of the models that have one, and of the replica.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    /// Those of a model stand together, the earliest first.
    prices: Vec<(Arc<str>, Price)>,
    /// What a replica costs an hour.
    replica_hour: Option<Usd>,
}

/// Which of the prices it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PriceId(u16);

/// What one call is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) usage: Usage,
    pub(crate) cost: Usd,
    /// The tokens in the provider's own words.
    pub(crate) reported: Reported,
    /// How much more the usual model would have cost for as many tokens.
    pub(crate) saved: Usd,
    /// By which price; none for a model without one.
    pub(crate) price: Option<PriceId>,
}

impl Charge {
    /// What it adds to a sum.
    pub(crate) fn spend(&self) -> Spend {
        let Usage { input, output, cached_input, .. } = self.usage;
        let tokens = input.saturating_add(output);
        Spend {
            calls: 1,
            tokens,
            input_tokens: input,
            cached_input_tokens: cached_input.min(input),
            output_tokens: output,
            cost_usd: self.cost,
            unpriced_tokens: if self.price.is_some() { 0 } else { tokens },
        }
    }

    pub(crate) const fn basis(&self) -> Basis {
        match self.price {
            None => Basis::Unpriced,
            Some(_) if self.usage.estimated => Basis::Estimated,
            Some(_) => Basis::Reported,
        }
    }
}

const TOKENS_PER_PRICE: u128 = 1_000_000;

impl Price {
    /// Rounded to the nearest nano-dollar, a half upwards.
    fn of(&self, Usage { input, output, cached_input, .. }: Usage) -> Usd {
        // Cached tokens are among those read: whatever a provider says, none is charged twice.
        let cached = cached_input.min(input);
        let parts = [(input - cached, self.input), (cached, self.cached_input), (output, self.output)];
        let cost = parts.into_iter().map(|(tokens, rate)| u128::from(tokens) * u128::from(rate.nanos()));
        // Three products of two u64 are beyond u128 only where each is absurd.
        let exact = cost.fold(TOKENS_PER_PRICE / 2, u128::saturating_add);
        Usd::from_nanos(u64::try_from(exact / TOKENS_PER_PRICE).unwrap_or(u64::MAX))
    }
}

impl Prices {
    /// Prices of which those of a model need not stand together; of one model no two from the same instant.
    pub(super) fn new(mut prices: Vec<(Arc<str>, Price)>, replica_hour: Option<Usd>) -> Self {
        prices.sort_by(|(a, earlier), (b, later)| (a, earlier.from).cmp(&(b, later.from)));
        Self { prices, replica_hour }
    }

    /// What one call is charged, of an investigation that was accepted at an instant. Tokens of a model without a price
    /// then are counted as unpriced.
    pub(crate) fn charge(&self, ModelCall { model, usage, reported }: &ModelCall, at: Timestamp) -> Charge {
        let price = self.find(model, at);
        let cost = price.map_or(Usd::ZERO, |price| self.price(price).of(*usage));
        Charge { usage: *usage, cost, reported: Reported::new(*reported), saved: Usd::ZERO, price }
    }

    #[cfg(test)]
    pub(super) fn versions(&self, model: &str) -> impl Iterator<Item = &str> {
        self.prices.iter().filter(move |(name, _)| **name == *model).map(|(_, price)| &*price.version)
    }

    /// The version of a price: its day and its source.
    pub(crate) fn version(&self, price: PriceId) -> &str {
        &self.price(price).version
    }

    /// The most that a call may cost which takes no more tokens than these; nothing for a model without a price.
    pub(crate) fn most(&self, model: &str, usage: Usage, at: Timestamp) -> Usd {
        let Some(price) = self.find(model, at).map(|price| self.price(price)) else { return Usd::ZERO };
        // Nobody knows before how many come from the cache; to write one may cost more than to read.
        let [all_cached, none_cached] = [usage.input, 0].map(|cached_input| price.of(Usage { cached_input, ..usage }));
        all_cached.max(none_cached)
    }

    /// How much more another model would have cost for as many tokens; nothing where either has no price.
    pub(crate) fn saved(&self, other: &str, usage: Usage, charge: &Charge, at: Timestamp) -> Usd {
        match self.find(other, at) {
            Some(price) if charge.price.is_some() => self.price(price).of(usage).saturating_sub(charge.cost),
            _ => Usd::ZERO,
        }
    }

    /// Whether the model has a price at an instant.
    pub(crate) fn has(&self, model: &str, at: Timestamp) -> bool {
        self.find(model, at).is_some()
    }

    fn find(&self, model: &str, at: Timestamp) -> Option<PriceId> {
        // Few models, few prices: looking through them is quicker than a hash.
        let place = self.prices.iter().rposition(|(name, price)| price.from <= at && **name == *model)?;
        u16::try_from(place).ok().map(PriceId)
    }

    fn price(&self, PriceId(place): PriceId) -> &Price {
        &self.prices[usize::from(place)].1
    }

    /// What all of these tokens would cost by each model that has a price at an instant, the cheapest first.
    pub(crate) fn what_if(&self, spend: &Spend, at: Timestamp) -> Vec<WhatIf> {
        let &Spend { input_tokens: input, output_tokens: output, cached_input_tokens: cached_input, .. } = spend;
        let usage = Usage { input, output, cached_input, estimated: false };
        let in_force = self.prices.iter().filter(|(_, price)| price.from <= at);
        // Those of a model stand together, the earliest first: each goes before the one in front of it.
        let last: BTreeMap<_, _> = in_force.map(|(model, price)| (model, price)).collect();
        let would_cost =
            |(model, price): (&Arc<str>, &Price)| WhatIf { model: model.to_string(), cost_usd: price.of(usage) };
        let mut what_if: Vec<_> = last.into_iter().map(would_cost).collect();
        what_if.sort_by(WhatIf::cheapest_first);
        what_if
    }

    /// What the replica itself costs and has cost, where that is known.
    pub(crate) fn infrastructure(&self, uptime: Duration) -> Option<Infrastructure> {
        let usd_per_hour = self.replica_hour?;
        Some(Infrastructure { usd_per_hour, cost_usd: over(usd_per_hour, clock::millis(uptime)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Policy;

    fn built_in() -> Prices {
        Policy::built_in().unwrap().into_prices()
    }

    fn charge(model: &str, usage: Usage) -> Charge {
        built_in()
            .charge(&ModelCall { model: model.into(), usage, reported: None }, "2026-01-15T10:30:00Z".parse().unwrap())
    }

    fn cost(model: &str, input: u64, output: u64) -> Usd {
        charge(model, Usage { input, output, ..Usage::default() }).cost
    }

    fn price(from: &str, nanos: [u64; 3]) -> Price {
        let [input, cached_input, output] = nanos.map(Usd::from_nanos);
        Price { from: from.parse().unwrap(), input, cached_input, output, version: from.into() }
    }

    const EPOCH: &str = "1970-01-01T00:00:00Z";

    #[test]
    fn the_documented_example_costs_exactly_what_it_should() {
        assert_eq!(cost("simulated-gpt-4", 100, 57), Usd::from_nanos(314_000));
        assert_eq!(cost("simulated-gpt-3.5", 100, 57), Usd::from_nanos(31_400));
    }

    #[test]
    fn the_cost_of_the_parts_is_the_cost_of_the_whole() {
        let parts = [(30, 15), (8, 4), (10, 5), (12, 6), (40, 27)];
        let sum: Usd = parts.into_iter().map(|(input, output)| cost("simulated-gpt-4", input, output)).sum();
        assert_eq!(sum, Usd::from_nanos(314_000));
    }

    #[test]
    fn input_cached_input_and_output_have_prices_of_their_own() {
        let price = price(EPOCH, [2_500_000_000, 250_000_000, 10_000_000_000]);
        let usage = Usage { input: 1000, output: 100, ..Usage::default() };
        assert_eq!(price.of(usage), Usd::from_nanos(3_500_000));
        // Of the thousand, 400: 600 × 2,500 + 400 × 250 + 100 × 10,000.
        assert_eq!(price.of(Usage { cached_input: 400, ..usage }), Usd::from_nanos(2_600_000));
        assert_eq!(price.of(Usage { cached_input: 5000, ..usage }), Usd::from_nanos(1_250_000));
    }

    #[test]
    fn half_a_nano_dollar_rounds_up_and_less_down() {
        let price = price(EPOCH, [500_000, 0, 499_999]);
        assert_eq!(price.of(Usage { input: 1, ..Usage::default() }), Usd::from_nanos(1));
        assert_eq!(price.of(Usage { output: 1, ..Usage::default() }), Usd::ZERO);
    }

    #[test]
    fn a_price_counts_from_its_day_on_until_the_next() {
        let prices = Prices::new(
            vec![
                ("m".into(), price("2026-03-01T00:00:00Z", [0, 0, 2_000_000])),
                ("other".into(), price(EPOCH, [0, 0, 9_000_000])),
                ("m".into(), price("2026-01-01T00:00:00Z", [0, 0, 1_000_000])),
            ],
            None,
        );
        let call = ModelCall { model: "m".into(), usage: Usage { output: 1, ..Usage::default() }, reported: None };
        let at = |time: &str| prices.charge(&call, time.parse().unwrap());
        assert_eq!(at("2025-12-31T23:59:59.999Z").basis(), Basis::Unpriced);
        assert_eq!(at("2026-01-01T00:00:00Z").cost, Usd::from_nanos(1));
        assert_eq!(at("2026-02-28T23:59:59Z").cost, Usd::from_nanos(1));
        assert_eq!(at("2026-03-01T00:00:00Z").cost, Usd::from_nanos(2));
    }

    #[test]
    fn all_tokens_are_priced_by_every_model_that_has_a_price_now_with_the_cached_ones_at_their_rate() {
        let dear = price("2026-01-01T00:00:00Z", [3_000_000, 1_000_000, 5_000_000]);
        let former = price("2025-01-01T00:00:00Z", [9_000_000, 9_000_000, 9_000_000]);
        let cheap = price(EPOCH, [1_000_000, 1_000_000, 1_000_000]);
        let future = price("2027-01-01T00:00:00Z", [0, 0, 0]);
        let named = [("dear", dear), ("dear", former), ("cheap", cheap), ("future", future)];
        let prices = Prices::new(named.map(|(name, price)| (name.into(), price)).into(), None);
        let spend = Spend { input_tokens: 10, cached_input_tokens: 4, output_tokens: 2, ..Spend::default() };
        let what_if = prices.what_if(&spend, "2026-06-01T00:00:00Z".parse().unwrap());
        let found: Vec<_> = what_if.iter().map(|what| (what.model.as_str(), what.cost_usd.nanos())).collect();
        assert_eq!(found, [("cheap", 12), ("dear", 6 * 3 + 4 + 2 * 5)]);
    }

    #[test]
    fn a_replica_costs_its_rate_for_as_long_as_it_lives() {
        let prices = Prices::new(Vec::new(), Some(Usd::from_nanos(40_000_000)));
        let cost = prices.infrastructure(Duration::from_secs(90 * 60)).map(|costs| costs.cost_usd);
        assert_eq!(cost, Some(Usd::from_nanos(60_000_000)));
        assert_eq!(built_in().infrastructure(Duration::from_secs(1)), None);
    }

    #[test]
    fn an_unknown_model_is_unpriced_and_not_free_and_what_is_estimated_says_so() {
        let usage = Usage { input: 3, output: 4, ..Usage::default() };
        let unpriced = charge("somebody-elses-model", usage);
        let spend = unpriced.spend();
        assert_eq!((spend.cost_usd, spend.tokens, spend.unpriced_tokens), (Usd::ZERO, 7, 7));
        assert_eq!((unpriced.basis(), unpriced.price), (Basis::Unpriced, None));
        assert_eq!(charge("simulated-gpt-4", usage).basis(), Basis::Reported);
        assert_eq!(charge("simulated-gpt-4", Usage { estimated: true, ..usage }).basis(), Basis::Estimated);
    }

    #[test]
    fn absurd_usage_saturates() {
        let most = Usage { input: u64::MAX, output: u64::MAX, cached_input: u64::MAX, estimated: false };
        let spend = charge("simulated-gpt-4", most).spend();
        assert_eq!((spend.tokens, spend.cost_usd), (u64::MAX, Usd::from_nanos(u64::MAX)));
        let dearest = Usd::from_nanos(u64::MAX);
        let price = Price { input: dearest, cached_input: dearest, output: dearest, ..price(EPOCH, [0; 3]) };
        assert_eq!(price.of(most), dearest);
    }
}

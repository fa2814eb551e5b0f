//! Prices: what each model's tokens cost, in integers.

use std::sync::Arc;

use langdeck_shared::{Spend, Usd};

use crate::model::{ModelCall, Usage};

/// What a model's tokens cost.
#[derive(Debug, Clone, Copy)]
struct Price {
    /// Nano-dollars per million tokens that the model reads.
    input: u64,
    /// Nano-dollars per million tokens that the model writes.
    output: u64,
}

/// The prices of the models that have one.
#[derive(Debug)]
pub(crate) struct Prices(Vec<(Arc<str>, Price)>);

const TOKENS_PER_PRICE: u128 = 1_000_000;

impl Price {
    const fn flat(nanos_per_million_tokens: u64) -> Self {
        Self { input: nanos_per_million_tokens, output: nanos_per_million_tokens }
    }

    /// Rounded to the nearest nano-dollar, a half upwards.
    fn of(self, Usage { input, output }: Usage) -> Usd {
        let exact = u128::from(input) * u128::from(self.input) + u128::from(output) * u128::from(self.output);
        let nanos = (exact + TOKENS_PER_PRICE / 2) / TOKENS_PER_PRICE;
        Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Prices {
    /// The prices of the simulated models: 0.002 and 0.0002 USD per thousand tokens.
    pub(crate) fn built_in() -> Self {
        Self(vec![
            ("simulated-gpt-4".into(), Price::flat(2_000_000_000)),
            ("simulated-gpt-3.5".into(), Price::flat(200_000_000)),
        ])
    }

    /// What one call spent. Tokens of a model without a price are counted as unpriced.
    pub(crate) fn spend(&self, ModelCall { model, usage }: &ModelCall) -> Spend {
        let tokens = usage.input.saturating_add(usage.output);
        let price = self.0.iter().find(|(name, _)| name == model).map(|(_, price)| *price);
        Spend {
            calls: 1,
            tokens,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost_usd: price.map_or(Usd::ZERO, |price| price.of(*usage)),
            unpriced_tokens: if price.is_some() { 0 } else { tokens },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend(model: &str, input: u64, output: u64) -> Spend {
        Prices::built_in().spend(&ModelCall { model: model.into(), usage: Usage { input, output } })
    }

    #[test]
    fn the_documented_example_costs_exactly_what_it_should() {
        assert_eq!(spend("simulated-gpt-4", 100, 57).cost_usd, Usd::from_nanos(314_000));
        assert_eq!(spend("simulated-gpt-3.5", 100, 57).cost_usd, Usd::from_nanos(31_400));
    }

    #[test]
    fn the_cost_of_the_parts_is_the_cost_of_the_whole() {
        let parts = [(30, 15), (8, 4), (10, 5), (12, 6), (40, 27)];
        let sum: Usd = parts.into_iter().map(|(input, output)| spend("simulated-gpt-4", input, output).cost_usd).sum();
        assert_eq!(sum, Usd::from_nanos(314_000));
    }

    #[test]
    fn input_and_output_have_prices_of_their_own() {
        let price = Price { input: 2_500_000_000, output: 10_000_000_000 };
        assert_eq!(price.of(Usage { input: 1000, output: 100 }), Usd::from_nanos(3_500_000));
    }

    #[test]
    fn half_a_nano_dollar_rounds_up_and_less_down() {
        let price = Price { input: 500_000, output: 499_999 };
        assert_eq!(price.of(Usage { input: 1, output: 0 }), Usd::from_nanos(1));
        assert_eq!(price.of(Usage { input: 0, output: 1 }), Usd::ZERO);
    }

    #[test]
    fn an_unknown_model_is_unpriced_and_not_free() {
        let spent = spend("somebody-elses-model", 3, 4);
        assert_eq!((spent.cost_usd, spent.tokens, spent.unpriced_tokens), (Usd::ZERO, 7, 7));
    }

    #[test]
    fn absurd_usage_saturates() {
        let spent = spend("simulated-gpt-4", u64::MAX, u64::MAX);
        assert_eq!((spent.tokens, spent.cost_usd), (u64::MAX, Usd::from_nanos(u64::MAX)));
    }
}

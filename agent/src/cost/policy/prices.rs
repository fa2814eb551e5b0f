//! The part of a policy that says what models cost.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::value::Datetime;
use toml::{Spanned, Value};

use super::{PolicyError, Price, Source};

/// The most prices of a file: they are looked through for each call.
const MAX_PRICES: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceEntry {
    model: Spanned<String>,
    from: Spanned<Value>,
    input: Spanned<Value>,
    cached_input: Spanned<Value>,
    output: Spanned<Value>,
    source: Spanned<String>,
}

impl Source<'_> {
    pub(super) fn prices(&self, entries: &[PriceEntry]) -> Result<Vec<(Arc<str>, Price)>, PolicyError> {
        if let Some(PriceEntry { model, .. }) = entries.get(MAX_PRICES) {
            return Err(self.refuse(model.span(), format!("there are more than {MAX_PRICES} prices")));
        }
        let mut known = HashMap::new();
        let mut prices = Vec::with_capacity(entries.len());
        for PriceEntry { model, from, input, cached_input, output, source } in entries {
            let name = self.name("model", model)?;
            let day = self.day("from", from)?;
            let midnight = day.to_zoned(TimeZone::UTC).map_err(|error| self.refuse(from.span(), error.to_string()))?;
            let version = format!("{day} {}", self.name("source", source)?).into();
            if let Some(first) = known.insert((name, day), model.span()) {
                let first = self.line(&first);
                let reason = format!("`{name}` has a price from {day} already, at line {first}; keep one of them");
                return Err(self.refuse(model.span(), reason));
            }
            let price = Price {
                from: midnight.timestamp(),
                input: self.amount("input", input)?,
                cached_input: self.amount("cached_input", cached_input)?,
                output: self.amount("output", output)?,
                version,
            };
            prices.push((name.into(), price));
        }
        Ok(prices)
    }

    fn day(&self, field: &str, value: &Spanned<Value>) -> Result<Date, PolicyError> {
        let day = match value.get_ref() {
            Value::Datetime(Datetime { time: None, date: Some(day), .. }) => day.to_string().parse().ok(),
            _ => None,
        };
        day.ok_or_else(|| {
            let written = self.written(value);
            self.refuse(value.span(), format!("{field}: {written} is no day, such as 2026-01-31 (without quotes)"))
        })
    }
}

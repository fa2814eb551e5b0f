//! Costs as CSV: the whole, and each key's part of it, for spreadsheets.

use std::io;

use ::csv::{Terminator, WriterBuilder};

use super::{Attribution, CostShare, CostSpan, Costs, Spend};

const HEADER: [&str; 9] = [
    "dimension",
    "key",
    "calls",
    "tokens",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "unpriced_tokens",
];

impl Costs {
    /// What was spent in the span that was asked for, else in the whole life, and on what.
    #[must_use]
    pub const fn asked_for(&self) -> (&Spend, &Attribution) {
        match &self.span {
            Some(CostSpan { spend, by, .. }) => (spend, by),
            None => (&self.totals, &self.by),
        }
    }

    /// The same as CSV, by RFC 4180: a row of the total, one of each key in each list, or only in that of one dimension such
    /// as `alert_type`, and one without figures of each replica that is missing.
    ///
    /// # Errors
    ///
    /// When a row cannot be written, which no costs are known to bring about.
    pub fn to_csv(&self, only: Option<&str>) -> Result<String, io::Error> {
        let (total, by) = self.asked_for();
        let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        csv.write_record(HEADER)?;
        csv.write_record(row("total", "", Some(total)))?;
        for (dimension, shares) in lists(by).into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
            for share in shares {
                csv.write_record(row(dimension, &share.key, Some(&share.spend)))?;
            }
        }
        // The figures are without theirs, and a file must not look whole that is not.
        for missing in &self.missing {
            csv.write_record(row("missing", &missing.replica, None))?;
        }
        let bytes = csv.into_inner().map_err(::csv::IntoInnerError::into_error)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

fn lists(by: &Attribution) -> [(&'static str, &[CostShare]); 5] {
    let Attribution { by_replica, by_step, by_model, by_service, by_alert_type } = by;
    [
        ("replica", by_replica),
        ("step", by_step),
        ("model", by_model),
        ("service", by_service),
        ("alert_type", by_alert_type),
    ]
}

/// A row; without figures where none are known.
fn row(dimension: &str, key: &str, spend: Option<&Spend>) -> [String; 9] {
    let figures = spend.map_or_else(Default::default, |spend| {
        [
            spend.calls.to_string(),
            spend.tokens.to_string(),
            spend.input_tokens.to_string(),
            spend.cached_input_tokens.to_string(),
            spend.output_tokens.to_string(),
            spend.cost_usd.to_string(),
            spend.unpriced_tokens.to_string(),
        ]
    });
    let [calls, tokens, input, cached, output, cost, unpriced] = figures;
    [dimension.to_owned(), harmless(key), calls, tokens, input, cached, output, cost, unpriced]
}

/// A key that no spreadsheet takes for a formula: keys come from alerts, and anybody can send one.
fn harmless(key: &str) -> String {
    if key.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{key}") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_reckon_with_is_a_text_to_it() {
        for key in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(key), format!("'{key}"));
        }
        for key in ["checkout-api", "(other)", "a=b", "'", ""] {
            assert_eq!(harmless(key), key);
        }
    }
}

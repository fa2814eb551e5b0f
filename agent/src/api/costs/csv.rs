//! Costs as CSV: the whole, and each key's part of it, for spreadsheets.

use ::csv::{Terminator, WriterBuilder};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use langdeck_shared::{Attribution, CostSpan, Costs, Spend};

use crate::api::error::ApiError;

pub(super) const CSV: &str = "text/csv; charset=utf-8";

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

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::api) enum Format {
    #[default]
    Json,
    Csv,
}

impl Format {
    pub(super) const ALL: [Self; 2] = [Self::Json, Self::Csv];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    /// What a client would rather have of the two, by its `Accept`; of equals what it names first.
    pub(super) fn preferred(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let named = accepted.flat_map(|value| value.split(',')).filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next()? {
                name if name.eq_ignore_ascii_case("text/csv") => Self::Csv,
                name if name.eq_ignore_ascii_case("application/json") => Self::Json,
                _ => return None,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some((format, quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0))))
        });
        let best = named.filter(|(_, quality)| *quality > 0.0).reduce(
            |best: (Self, f64), other| {
                if other.1 > best.1 { other } else { best }
            },
        );
        best.map(|(format, _)| format).unwrap_or_default()
    }
}

/// What was spent in the span that was asked for, else in the whole life, and the replicas that are missing in it.
pub(super) fn answer(costs: &Costs) -> Result<Response, ApiError> {
    let body = write(costs).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CSV))], body).into_response())
}

fn write(costs: &Costs) -> ::csv::Result<Vec<u8>> {
    let (total, by) = match &costs.span {
        Some(CostSpan { spend, by, .. }) => (spend, by),
        None => (&costs.totals, &costs.by),
    };
    let Attribution { by_replica, by_step, by_model, by_service, by_alert_type } = by;
    let lists = [
        ("replica", by_replica),
        ("step", by_step),
        ("model", by_model),
        ("service", by_service),
        ("alert_type", by_alert_type),
    ];
    let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(HEADER)?;
    csv.write_record(row("total", "", Some(total)))?;
    for (dimension, shares) in lists {
        for share in shares {
            csv.write_record(row(dimension, &share.key, Some(&share.spend)))?;
        }
    }
    // The figures are without theirs, and a file must not look whole that is not.
    for missing in &costs.missing {
        csv.write_record(row("missing", &missing.replica, None))?;
    }
    csv.into_inner().map_err(|error| error.into_error().into())
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
    fn a_client_gets_what_it_would_rather_have() {
        use Format::{Csv, Json};
        for (accept, expected) in [
            (None, Json),
            (Some("*/*"), Json),
            (Some("text/csv"), Csv),
            (Some("Text/CSV; charset=utf-8"), Csv),
            (Some("text/csv, */*;q=0.1"), Csv),
            (Some("text/html, application/json;q=0.9, text/csv;q=0.8"), Json),
            (Some("application/json;q=0.8,text/csv;q=0.9"), Csv),
            (Some("application/json, text/csv"), Json),
            (Some("text/csv, application/json"), Csv),
            (Some("text/csv;q=0"), Json),
            (Some("text/csv;q=many"), Json),
            (Some("text/plain"), Json),
        ] {
            let headers = accept.map(|accept| (header::ACCEPT, HeaderValue::from_static(accept)));
            assert_eq!(Format::preferred(&headers.into_iter().collect()), expected, "{accept:?}");
        }
    }

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

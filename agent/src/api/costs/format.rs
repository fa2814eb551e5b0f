//! Whether costs are answered as JSON or as CSV.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use langdeck_shared::Costs;

use crate::api::error::ApiError;

pub(super) const CSV: &str = "text/csv; charset=utf-8";

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
pub(super) fn as_csv(costs: &Costs) -> Result<Response, ApiError> {
    let body = costs.to_csv(None).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CSV))], body).into_response())
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
}

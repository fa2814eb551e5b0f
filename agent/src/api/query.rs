//! Query strings: each parameter read once, and what is wrong with them said at once.

use std::fmt::Display;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use jiff::Timestamp;
use langdeck_shared::{FieldError, Status};

use super::error::{ApiError, Kind};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// How many wrong parameters an answer names: it must not be many times as long as the request.
const MAX_ERRORS: usize = 8;

/// The parameters of a request that nobody has asked for yet.
#[derive(Debug)]
pub(super) struct Params {
    left: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// Whom an answer is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Scope {
    /// The replica that answers.
    #[default]
    Replica,
    /// All replicas.
    Fleet,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Query(left) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| ApiError::new(Kind::InvalidQuery, rejection.body_text()))?;
        Ok(Self { left, errors: Vec::new() })
    }
}

impl Params {
    /// A parameter as it is; of several with one name the first, the rest is refused.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.remove(place).1)
    }

    /// How many entries are asked for.
    pub(super) fn limit(&mut self) -> usize {
        self.limit_or(DEFAULT_LIMIT)
    }

    /// The same, with a number of one's own for when it is not said.
    pub(super) fn limit_or(&mut self, default: usize) -> usize {
        self.count("limit", default)
    }

    /// How many of something are asked for.
    pub(super) fn count(&mut self, name: &str, default: usize) -> usize {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(count) if (1..=MAX_LIMIT).contains(&count) => count,
            _ => self.refuse(name, format_args!("expected a whole number from 1 to {MAX_LIMIT}, found {text:?}")),
        }
    }

    /// An instant.
    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        text.parse().map_or_else(
            |_| self.refuse(name, format_args!("expected a time such as 2026-01-31T10:30:00Z, found {text:?}")),
            Some,
        )
    }

    /// From when until when.
    pub(super) fn span(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (from, to) = (self.time("from"), self.time("to"));
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.refuse::<()>("to", format_args!("expected a time that is not before from, {from}, found {to}"));
        }
        (from, to)
    }

    pub(super) fn status(&mut self) -> Option<Status> {
        self.word("status", Status::ALL, Status::as_str)
    }

    /// One of several words.
    pub(super) fn word<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        all: [T; N],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.known(name, &text, all, as_str)
    }

    /// Some of several words, between commas.
    pub(super) fn words<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        all: [T; N],
        as_str: fn(T) -> &'static str,
    ) -> Option<Vec<T>> {
        let text = self.text(name)?;
        text.split(',').map(|word| self.known(name, word, all, as_str)).collect()
    }

    fn known<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        text: &str,
        all: [T; N],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let known = all.into_iter().find(|word| as_str(*word) == text);
        if known.is_none() {
            let words = all.map(as_str).join(", ");
            self.refuse::<()>(name, format_args!("expected one of {words}, found {text:?}"));
        }
        known
    }

    pub(super) fn scope(&mut self) -> Scope {
        match self.text("scope").as_deref() {
            None | Some("replica") => Scope::Replica,
            Some("fleet") => Scope::Fleet,
            Some(text) => self.refuse("scope", format_args!("expected replica or fleet, found {text:?}")),
        }
    }

    fn refuse<T: Default>(&mut self, field: &str, reason: impl Display) -> T {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError { field: field.to_owned(), reason: reason.to_string() });
        }
        T::default()
    }

    /// Refuses the request when a parameter was wrong, or when there is one that nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.left) {
            self.refuse::<()>(&name, "there is no such parameter, or it stands twice");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::fields(Kind::InvalidQuery, self.errors)) }
    }
}

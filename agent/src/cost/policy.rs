//! The policy: what models cost, what may be spent and what becomes of it, read from one TOML file.

mod budgets;
mod routes;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use langdeck_shared::{AtLimit, NAME_CHARS, Usd, check_plain_text};
use serde::Deserialize;
use toml::value::Datetime;
use toml::{Spanned, Value};

use super::prices::{Price, Prices};
use super::{Rule, Scope};
use budgets::BudgetEntry;
pub(crate) use routes::Route;
use routes::RouteEntry;

const BUILT_IN: &str = include_str!("prices.toml");
const BUILT_IN_NAME: &str = "built-in prices";
const DEFAULT_DEGRADE_TO: &str = "simulated-gpt-3.5";
/// The most prices of a file: they are looked through for each call.
const MAX_PRICES: usize = 256;

/// What a policy says.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) prices: Prices,
    pub(crate) budgets: Vec<Rule>,
    /// The first that covers an alert counts.
    pub(crate) routes: Vec<Route>,
    /// The most that one investigation may cost.
    pub(crate) cap: Option<Usd>,
    /// The model that takes over where a budget degrades.
    pub(crate) degrade_to: Arc<str>,
}

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("--policy (LANGDECK_POLICY): cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is not TOML, has not the shape of a policy, or says something that cannot be.
    #[error("{file}, line {line}: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and how it would be right.
        reason: String,
    },
    /// What it says does not fit the agent's settings or its models.
    #[error("--policy (LANGDECK_POLICY) and --budget-usd (LANGDECK_BUDGET_USD): {0}")]
    Unfit(String),
}

impl Policy {
    /// The policy of a file, beside what is built in.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML of the right shape, or says something that cannot be.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, PolicyError> {
        let Some(path) = file else { return Self::built_in() };
        let text = std::fs::read_to_string(path)
            .map_err(|error| PolicyError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        Self::from_sources(&[(&path.display().to_string(), &text), (BUILT_IN_NAME, BUILT_IN)])
    }

    /// What is built in.
    pub(crate) fn built_in() -> Result<Self, PolicyError> {
        Self::from_sources(&[(BUILT_IN_NAME, BUILT_IN)])
    }

    /// Of a model's prices those of the first source that names it count, so that a file replaces what is built in.
    fn from_sources(sources: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let mut prices: Vec<(Arc<str>, Price)> = Vec::new();
        let (mut budgets, mut routes) = (Vec::new(), Vec::new());
        let (mut cap, mut degrade_to, mut replica_hour) = (None, None, None);
        for &(file, text) in sources {
            let source = Source { file, text };
            let document: Document = toml::from_str(text).map_err(|error| source.malformed(&error))?;
            let own = source.prices(&document.price)?;
            let new = own.into_iter().filter(|(model, _)| !prices.iter().any(|(known, _)| known == model));
            let new: Vec<_> = new.collect();
            prices.extend(new);
            budgets.extend(source.budgets(&document.budget)?);
            routes.extend(source.routes(&document.route)?);
            if let Some(amount) = &document.investigation_cap_usd {
                cap = Some(source.positive("investigation_cap_usd", amount)?);
            }
            if let Some(rate) = &document.replica_hour_usd {
                replica_hour = Some(source.positive("replica_hour_usd", rate)?);
            }
            if let Some(model) = &document.degrade_to {
                degrade_to = Some(source.name("degrade_to", model)?.into());
            }
        }
        let degrade_to = degrade_to.unwrap_or_else(|| DEFAULT_DEGRADE_TO.into());
        Ok(Self { prices: Prices::new(prices, replica_hour), budgets, routes, cap, degrade_to })
    }

    /// Adds a budget of everything that is spent.
    ///
    /// # Errors
    ///
    /// When there is one over the same window already.
    pub(crate) fn limit_total(&mut self, rule: Rule) -> Result<(), PolicyError> {
        if self.budgets.iter().any(|known| known.is_of(&rule.scope, rule.window)) {
            let window = rule.window;
            let reason = format!("the policy has a budget of the total per {window} too; say it in one place");
            return Err(PolicyError::Unfit(reason));
        }
        self.budgets.push(rule);
        Ok(())
    }

    /// Lets budgets and routes of an alias stand for the alert type that it means, as alerts do.
    ///
    /// # Errors
    ///
    /// When two budgets then are of one alert type and window.
    pub(crate) fn resolve(&mut self, meant: impl Fn(&str) -> Option<Arc<str>>) -> Result<(), PolicyError> {
        for place in 0..self.budgets.len() {
            let Rule { scope: Scope::AlertType(name), window, .. } = &self.budgets[place] else { continue };
            let Some(alert_type) = meant(name) else { continue };
            let scope = Scope::AlertType(alert_type);
            if self.budgets.iter().any(|other| other.is_of(&scope, *window)) {
                let reason = format!("`{name}` is an alias of `{scope}`, which has a budget per {window} too");
                return Err(PolicyError::Unfit(reason));
            }
            self.budgets[place].scope = scope;
        }
        for alert_type in self.routes.iter_mut().filter_map(|route| route.alert_type.as_mut()) {
            if let Some(other) = meant(alert_type) {
                *alert_type = other;
            }
        }
        Ok(())
    }

    /// Whether the policy limits what is spent.
    pub(crate) fn is_limiting(&self) -> bool {
        self.cap.is_some() || !self.budgets.is_empty()
    }

    /// Whether what it says can be done with an agent's models, of which the first is the usual one.
    ///
    /// # Errors
    ///
    /// When a limit would be one of a model that has no price at `now`, or there is no such model.
    pub(crate) fn check_models(&self, models: &[&str], now: Timestamp) -> Result<(), PolicyError> {
        let degrades = self.budgets.iter().any(|rule| rule.at_limit == AtLimit::Degrade);
        let degraded = degrades.then(|| ("degrade_to".to_owned(), &*self.degrade_to));
        let routed = self.routes.iter().map(|route| (format!("[[route]] {}, of {route}", route.number), &*route.model));
        let chosen = routed.chain(degraded);
        if let Some((by, model)) = chosen.clone().find(|(_, model)| !models.contains(model)) {
            let reason = format!("{by}: there is no model `{model}`, only {}", models.join(", "));
            return Err(PolicyError::Unfit(reason));
        }
        let usual = models.iter().copied().take(1);
        let mut limited = usual.chain(chosen.map(|(_, model)| model)).filter(|_| self.is_limiting());
        match limited.find(|model| !self.prices.has(model, now)) {
            None => Ok(()),
            Some(model) => {
                let reason = format!("`{model}` has no price, so nothing can limit what it costs; add a [[price]]");
                Err(PolicyError::Unfit(reason))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    investigation_cap_usd: Option<Spanned<Value>>,
    degrade_to: Option<Spanned<String>>,
    replica_hour_usd: Option<Spanned<Value>>,
    #[serde(default)]
    price: Vec<PriceEntry>,
    #[serde(default)]
    budget: Vec<BudgetEntry>,
    #[serde(default)]
    route: Vec<RouteEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    model: Spanned<String>,
    from: Spanned<Datetime>,
    input: Spanned<Value>,
    cached_input: Spanned<Value>,
    output: Spanned<Value>,
    source: Spanned<String>,
}

/// A file that is read, for errors that name it and the line.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn malformed(&self, error: &toml::de::Error) -> PolicyError {
        self.refuse(error.span().unwrap_or_default(), error.message())
    }

    fn refuse(&self, at: Range<usize>, reason: impl Into<String>) -> PolicyError {
        PolicyError::Invalid { file: self.file.to_owned(), line: self.line(&at), reason: reason.into() }
    }

    fn line(&self, at: &Range<usize>) -> usize {
        self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count() + 1
    }

    fn prices(&self, entries: &[PriceEntry]) -> Result<Vec<(Arc<str>, Price)>, PolicyError> {
        if let Some(PriceEntry { model, .. }) = entries.get(MAX_PRICES) {
            return Err(self.refuse(model.span(), format!("there are more than {MAX_PRICES} prices")));
        }
        let mut known = HashMap::new();
        let mut prices = Vec::with_capacity(entries.len());
        for PriceEntry { model, from, input, cached_input, output, source } in entries {
            let name = self.name("model", model)?;
            let day: civil::Date = from.get_ref().to_string().parse().map_err(|_| {
                self.refuse(from.span(), format!("from: {} is no day, such as 2026-01-31", from.get_ref()))
            })?;
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

    /// A name as alerts may have them.
    fn name<'t>(&self, field: &str, name: &'t Spanned<String>) -> Result<&'t str, PolicyError> {
        let text = name.get_ref().as_str();
        if text.chars().count() > NAME_CHARS {
            return Err(self.refuse(name.span(), format!("{field}: must not have more than {NAME_CHARS} characters")));
        }
        check_plain_text(text).map_err(|reason| self.refuse(name.span(), format!("{field}: {reason}")))?;
        Ok(text)
    }

    /// An amount of money as it is written, in quotes or without: a float would not be exact.
    fn amount(&self, field: &str, value: &Spanned<Value>) -> Result<Usd, PolicyError> {
        let written = match value.get_ref() {
            Value::String(text) => text,
            Value::Integer(_) | Value::Float(_) => &self.text[value.span()],
            other => {
                let reason = format!("{field}: a {} is no amount in USD, such as \"0.02\"", other.type_str());
                return Err(self.refuse(value.span(), reason));
            }
        };
        let refused =
            |why| self.refuse(value.span(), format!("{field}: {written} is no amount in USD, such as \"0.02\": {why}"));
        written.parse().map_err(refused)
    }
}

#[cfg(test)]
mod tests;

//! The policy: what models cost, what may be spent and what becomes of it, read from one TOML file.

mod budgets;
mod fit;
mod prices;
mod routes;
mod source;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use langdeck_shared::Usd;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::Rule;
use super::prices::{Price, Prices};
use budgets::BudgetEntry;
use prices::PriceEntry;
pub(crate) use routes::Route;
use routes::RouteEntry;
use source::{Said, Source};

const BUILT_IN: &str = include_str!("prices.toml");
const BUILT_IN_NAME: &str = "built-in prices";
const DEFAULT_DEGRADE_TO: &str = "simulated-gpt-3.5";

/// What a policy says.
#[derive(Debug)]
pub(crate) struct Policy {
    prices: Prices,
    budgets: Vec<Said<Rule>>,
    /// The first that covers an alert counts.
    routes: Vec<Said<Route>>,
    /// The most that one investigation may cost.
    cap: Option<Said<Usd>>,
    /// The model that takes over where a budget degrades, if it is said.
    degrade_to: Option<Said<Arc<str>>>,
}

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("--policy (environment: LANGDECK_POLICY): cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is not TOML, has not the shape of a policy, or says something that cannot be, or not of this agent.
    #[error("--policy (environment: LANGDECK_POLICY): {file}, line {line}: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and how it would be right.
        reason: String,
    },
    /// The budget that flags say cannot be held with the agent's models.
    #[error("--budget-usd (environment: LANGDECK_BUDGET_USD): {0}")]
    Budget(String),
}

impl Policy {
    /// The policy of a file, beside what is built in.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML of the right shape, or says something that cannot be.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, PolicyError> {
        let Some(path) = file else { return Self::built_in() };
        let bytes = fs::read(path)
            .map_err(|error| PolicyError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        let file = path.display().to_string();
        let text = source::text(&file, &bytes)?;
        Self::from_sources(&[(&file, text), (BUILT_IN_NAME, BUILT_IN)])
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
            let document: Document = source.read()?;
            let own = source.prices(&document.price)?;
            let new = own.into_iter().filter(|(model, _)| !prices.iter().any(|(known, _)| known == model));
            let new: Vec<_> = new.collect();
            prices.extend(new);
            budgets.extend(source.budgets(&document.budget)?);
            routes.extend(source.routes(&document.route)?);
            if let Some(amount) = &document.investigation_cap_usd {
                cap = Some(source.said(amount, source.positive("investigation_cap_usd", amount)?));
            }
            if let Some(rate) = &document.replica_hour_usd {
                replica_hour = Some(source.positive("replica_hour_usd", rate)?);
            }
            if let Some(model) = &document.degrade_to {
                degrade_to = Some(source.said(model, source.name("degrade_to", model)?.into()));
            }
        }
        Ok(Self { prices: Prices::new(prices, replica_hour), budgets, routes, cap, degrade_to })
    }

    /// What may be spent, by scope.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        self.budgets.iter().map(|budget| budget.what.clone()).collect()
    }

    /// Which model investigates what. The first that covers an alert counts.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|route| &route.what)
    }

    /// The most that one investigation may cost.
    pub(crate) fn cap(&self) -> Option<Usd> {
        self.cap.as_ref().map(|cap| cap.what)
    }

    /// The model that takes over where a budget degrades.
    pub(crate) fn degrade_to(&self) -> &str {
        self.degrade_to.as_ref().map_or(DEFAULT_DEGRADE_TO, |model| &model.what)
    }

    /// Whether the policy limits what is spent.
    pub(crate) fn is_limiting(&self) -> bool {
        self.cap.is_some() || !self.budgets.is_empty()
    }

    /// What models and the replica cost.
    pub(crate) fn into_prices(self) -> Prices {
        self.prices
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

#[cfg(test)]
mod tests;

//! How a policy goes with the flags, aliases and models of an agent.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::AtLimit;

use super::source::{Place, Said};
use super::{Policy, PolicyError};
use crate::cost::{Rule, Scope};

/// A model that the policy chooses, and where.
struct Chosen<'a> {
    by: By,
    model: &'a str,
    place: &'a Place,
}

/// What chooses a model.
#[derive(Debug, Clone, Copy)]
enum By {
    Route,
    DegradeTo,
    /// A budget that degrades, where nothing says to what.
    Default,
}

impl Policy {
    /// Adds a budget of everything that is spent, as flags say it.
    ///
    /// # Errors
    ///
    /// When there is one over the same window already.
    pub(crate) fn limit_total(&mut self, rule: Rule) -> Result<(), PolicyError> {
        if let Some(known) = self.budgets.iter().find(|known| known.what.is_of(&rule.scope, rule.window)) {
            let reason = format!(
                "[[budget]]: without `service` and `alert_type` it is one of everything per {}, as --budget-usd \
                 (environment: LANGDECK_BUDGET_USD) is; keep one of them",
                rule.window
            );
            return Err(known.place.refuse(reason));
        }
        self.budgets.push(Said { what: rule, place: Place::Flags });
        Ok(())
    }

    /// Lets budgets and routes of an alias stand for the alert type that it means, as alerts do.
    ///
    /// # Errors
    ///
    /// When two budgets then are of one alert type and window.
    pub(crate) fn resolve(&mut self, meant: impl Fn(&str) -> Option<Arc<str>>) -> Result<(), PolicyError> {
        for index in 0..self.budgets.len() {
            let Rule { scope: Scope::AlertType(name), window, .. } = &self.budgets[index].what else { continue };
            let Some(alert_type) = meant(name) else { continue };
            let scope = Scope::AlertType(Arc::clone(&alert_type));
            if let Some(other) = self.budgets.iter().find(|other| other.what.is_of(&scope, *window)) {
                let reason = format!(
                    "[[budget]]: `{name}` is an alias of `{alert_type}`, which has a budget per {window} already, {}; keep one \
                     of them",
                    other.place
                );
                return Err(self.budgets[index].place.refuse(reason));
            }
            self.budgets[index].what.scope = scope;
        }
        for alert_type in self.routes.iter_mut().filter_map(|route| route.what.alert_type.as_mut()) {
            if let Some(other) = meant(alert_type) {
                *alert_type = other;
            }
        }
        Ok(())
    }

    /// The models that may be asked, of which the first is the usual one; some more than once.
    pub(crate) fn models<'a>(&'a self, usual: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(usual).chain(self.chosen().map(|chosen| chosen.model))
    }

    /// Those that take over from the usual one.
    fn chosen(&self) -> impl Iterator<Item = Chosen<'_>> {
        let routed = self.routes.iter().map(|Said { what, place }| Chosen { by: By::Route, model: &what.model, place });
        let degrading = self.budgets.iter().find(|budget| budget.what.at_limit == AtLimit::Degrade);
        let degraded = degrading.map(|budget| match &self.degrade_to {
            Some(Said { what, place }) => Chosen { by: By::DegradeTo, model: what, place },
            None => Chosen { by: By::Default, model: self.degrade_to(), place: &budget.place },
        });
        routed.chain(degraded)
    }

    /// Whether what it says can be done with an agent's models, of which the first is the usual one.
    ///
    /// # Errors
    ///
    /// When a limit would be one of a model that has no price at `now`, or there is no such model.
    pub(crate) fn check_models(&self, models: &[&str], now: Timestamp) -> Result<(), PolicyError> {
        // Also where no budget degrades: who says it believes that one would.
        let said = self.degrade_to.iter().map(|Said { what, place }| Chosen { by: By::DegradeTo, model: what, place });
        if let Some(Chosen { by, model, place }) =
            self.chosen().chain(said).find(|chosen| !models.contains(&chosen.model))
        {
            let there_are = models.join(", ");
            return Err(place.refuse(match by {
                By::Route => format!("model: there is no model `{model}`, only {there_are}"),
                By::DegradeTo => format!("degrade_to: there is no model `{model}`, only {there_are}"),
                By::Default => format!(
                    "[[budget]]: to degrade is to go on with `{model}`, and there is no such model, only {there_are}; \
                     choose one with `degrade_to`"
                ),
            }));
        }
        let Some(limit) = self.cap.as_ref().map(|cap| &cap.place).or(self.budgets.first().map(|budget| &budget.place))
        else {
            return Ok(());
        };
        let usual = models.first().map(|model| (*model, limit));
        let chosen = self.chosen().map(|chosen| (chosen.model, chosen.place));
        match usual.into_iter().chain(chosen).find(|(model, _)| !self.prices.has(model, now)) {
            None => Ok(()),
            Some((model, place)) => Err(place.refuse(format!(
                "`{model}` has no price today, so nothing can limit what it costs; give it a [[price]] in the policy whose \
                 `from` is not later than today"
            ))),
        }
    }
}

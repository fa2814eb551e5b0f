//! Admission: with which model an alert is investigated, and what is set aside for it.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Alert, Budget, Usd};

use super::{Arrival, Refusal, Runs, State};
use crate::chain::{Engine, ModelId};
use crate::cost::{Grant, Policy, Quote, ReservationId, Route};

/// What of a policy is about alerts that come.
#[derive(Debug)]
pub(super) struct Rules {
    routes: Vec<(Route, ModelChoice)>,
    /// The model that takes over where a budget degrades.
    cheaper: Option<ModelChoice>,
    /// The most that one investigation may cost.
    cap: Option<Usd>,
    /// Whether anything limits what is spent.
    are_limiting: bool,
}

/// A model; by default the usual one.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelChoice {
    pub(super) model: ModelId,
    /// Its name, where it is not the usual one.
    pub(super) other: Option<Arc<str>>,
}

/// What is meant for an alert, reckoned before anything is locked.
#[derive(Debug)]
pub(super) struct Offer {
    choice: ModelChoice,
    /// What it may cost; none where nothing limits that.
    quote: Option<Quote>,
    cheaper: Option<ModelChoice>,
}

/// How an investigation is made.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) choice: ModelChoice,
    /// The scope of the budget because of which it is a cheaper model.
    pub(super) degraded_by: Option<Arc<str>>,
    /// What its calls may cost together; none where nothing limits that.
    pub(super) purse: Option<Usd>,
    pub(super) reservation: Option<ReservationId>,
}

impl Rules {
    pub(super) fn new(policy: &Policy, engine: &Engine) -> Self {
        let choice = |name: &Arc<str>| {
            let model = engine.model_named(name)?;
            Some(ModelChoice { model, other: (model != ModelId::default()).then(|| Arc::clone(name)) })
        };
        let routes = policy.routes.iter().filter_map(|route| Some((route.clone(), choice(&route.model)?)));
        Self {
            routes: routes.collect(),
            cheaper: choice(&policy.degrade_to),
            cap: policy.cap,
            are_limiting: policy.is_limiting(),
        }
    }
}

impl Runs {
    pub(super) fn offer(&self, alert: &Alert, at: Timestamp) -> Offer {
        let Rules { routes, cheaper, cap, are_limiting } = &self.rules;
        let route = routes.iter().find(|(route, _)| route.covers(alert));
        let choice = route.map_or_else(ModelChoice::default, |(_, choice)| choice.clone());
        if !are_limiting {
            return Offer { choice, quote: None, cheaper: None };
        }
        let most = |choice: &ModelChoice| {
            let most = self.engine.most_cost(choice.model, alert, &self.prices, at);
            cap.map_or(most, |cap| most.min(cap))
        };
        let usual = most(&choice);
        let cheaper = cheaper.clone().map(|cheaper| (most(&cheaper), cheaper)).filter(|(most, _)| *most < usual);
        let quote = Some(Quote { usual, cheaper: cheaper.as_ref().map(|(most, _)| *most) });
        Offer { choice, quote, cheaper: cheaper.map(|(_, cheaper)| cheaper) }
    }
}

impl State {
    /// The terms on which an alert is taken.
    pub(super) fn terms(&mut self, arrival: &Arrival) -> Result<Terms, Refusal> {
        let Arrival { alert, accepted_at, offer: Offer { choice, quote, cheaper }, .. } = arrival;
        let Some(quote) = *quote else { return Ok(Terms { choice: choice.clone(), ..Terms::default() }) };
        let Grant { reservation, amount, degraded_by } =
            self.budgets.reserve(alert, quote, *accepted_at).map_err(Refusal::Spent)?;
        let choice = cheaper.as_ref().filter(|_| degraded_by.is_some()).unwrap_or(choice).clone();
        Ok(Terms { choice, degraded_by, purse: Some(amount), reservation: Some(reservation) })
    }
}

/// Says which budgets have come to stand worse.
pub(super) fn warn_of(budgets: &[Budget]) {
    for budget in budgets {
        let Budget { scope, limit_usd, window, resets_at, spent_usd, reserved_usd, state, at_limit, .. } = budget;
        tracing::warn!(
            scope,
            ?state,
            %limit_usd,
            %spent_usd,
            %reserved_usd,
            %window,
            %resets_at,
            %at_limit,
            "a budget of this replica has come to stand worse"
        );
    }
}

//! Admission: whether an alert is taken, with which model it is investigated, and what is set aside for it.

use std::sync::{Arc, MutexGuard};

use jiff::Timestamp;
use langdeck_shared::{Alert, Budget, Usd};

use super::{Arrival, Begun, Limits, Refusal, Run, Runs, State};
use crate::chain::{Engine, ModelId};
use crate::clock;
use crate::cost::{BudgetName, Grant, Policy, Quote, ReservationId, Route};
use crate::decisions::{Choice, Refused};

/// What of a policy is about alerts that come.
#[derive(Debug)]
pub(super) struct Rules {
    routes: Vec<(Arc<Route>, ModelChoice)>,
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
    pub(super) choice: ModelChoice,
    /// The route because of which it is not the usual model.
    route: Option<Arc<Route>>,
    /// What it may cost; none where nothing limits that.
    quote: Option<Quote>,
    cheaper: Option<ModelChoice>,
}

/// How an investigation is made.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) choice: ModelChoice,
    /// The budget because of which it is a cheaper model.
    pub(super) degraded_by: Option<BudgetName>,
    /// What its calls may cost together; none where nothing limits that.
    pub(super) purse: Option<Usd>,
    pub(super) reservation: Option<ReservationId>,
    /// What was decided on the way.
    pub(super) choices: Vec<Choice>,
}

/// An investigation that was taken in, whether it begins at once, and the books, still open.
pub(super) type Admitted<'a> = (MutexGuard<'a, State>, Arc<Run>, Option<Begun>);

impl Rules {
    pub(super) fn new(policy: &Policy, engine: &Engine) -> Self {
        let choice = |name: &str| {
            let model = engine.model_named(name)?;
            Some(ModelChoice { model, other: (model != ModelId::default()).then(|| name.into()) })
        };
        let routes = policy.routes().filter_map(|route| Some((Arc::new(route.clone()), choice(&route.model)?)));
        Self {
            routes: routes.collect(),
            cheaper: choice(policy.degrade_to()),
            cap: policy.cap(),
            are_limiting: policy.is_limiting(),
        }
    }
}

impl Runs {
    pub(super) fn offer(&self, alert: &Alert, at: Timestamp) -> Offer {
        let Rules { routes, cheaper, cap, are_limiting } = &self.rules;
        let (route, choice) = match routes.iter().find(|(route, _)| route.covers(alert)) {
            Some((route, choice)) => (choice.other.is_some().then(|| Arc::clone(route)), choice.clone()),
            None => (None, ModelChoice::default()),
        };
        if !are_limiting {
            return Offer { choice, route, quote: None, cheaper: None };
        }
        let most = |choice: &ModelChoice| self.engine.most_cost(choice.model, alert, &self.prices, at);
        let capped = |most: Usd| cap.map_or(most, |cap| most.min(cap));
        let usual = most(&choice);
        // Compared without the cap, which may be below both: the cheaper one does more for as much.
        let cheaper = cheaper.clone().map(|cheaper| (most(&cheaper), cheaper)).filter(|(most, _)| *most < usual);
        let quote = Quote { usual: capped(usual), cheaper: cheaper.as_ref().map(|(most, _)| capped(*most)) };
        Offer { choice, route, quote: Some(quote), cheaper: cheaper.map(|(_, cheaper)| cheaper) }
    }
}

impl State {
    /// The terms on which an alert is taken.
    pub(super) fn terms(&mut self, arrival: &Arrival) -> Result<Terms, Refusal> {
        let Arrival { alert, accepted_at, offer: Offer { choice, route, quote, cheaper }, .. } = arrival;
        let most = quote.map(|quote| quote.usual);
        let routed = route.iter().map(|route| Choice::Route { route: Arc::clone(route), most });
        let Some(quote) = *quote else {
            return Ok(Terms { choice: choice.clone(), choices: routed.collect(), ..Terms::default() });
        };
        let Grant { reservation, amount, degraded_by, short } =
            self.budgets.reserve(alert, quote, *accepted_at).map_err(Refusal::Spent)?;
        let cheaper = cheaper.as_ref().filter(|_| degraded_by.is_some());
        let about_budgets = short.into_iter().map(Box::new).map(|spent| match cheaper {
            Some(cheaper) if degraded_by.as_ref().is_some_and(|name| name.is_of(&spent.budget)) => Choice::Degrade {
                model: cheaper.other.clone(),
                instead_of: choice.other.clone(),
                set_aside: amount,
                spent,
            },
            _ => Choice::Exceed(spent),
        });
        let choices = routed.chain(about_budgets).collect();
        let choice = cheaper.unwrap_or(choice).clone();
        Ok(Terms { choice, degraded_by, purse: Some(amount), reservation: Some(reservation), choices })
    }
}

impl Runs {
    /// Admits an alert, or counts it as refused.
    pub(super) fn admit<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        arrival: Arrival,
    ) -> Result<Admitted<'a>, Refusal> {
        match state.room_for(&arrival) {
            Ok((runs_now, terms)) => {
                let (run, begun) = state.admit(arrival, terms, runs_now);
                Ok((state, run, begun))
            }
            Err(refusal) => {
                self.refused(&arrival, &refusal);
                let worsened = state.budgets.worsened(arrival.accepted_at.as_millisecond());
                drop(state);
                self.warn_of(worsened);
                Err(refusal)
            }
        }
    }

    /// An alert was turned away.
    pub(super) fn refused(&self, arrival: &Arrival, refusal: &Refusal) {
        self.meters.count_refused(refusal);
        let alert = Refused::from(&*arrival.alert);
        let (choice, number) = match refusal {
            &Refusal::Full(Limits { running, queued }) => (Choice::RefuseFull { alert, running, queued }, None),
            Refusal::Draining => (Choice::RefuseDraining { alert }, None),
            Refusal::Spent(spent) => {
                (Choice::RefuseSpent { alert, spent: spent.clone(), comes_again: arrival.comes_again }, None)
            }
            &Refusal::KeyReused { number } => (Choice::RefuseKeyReused { alert }, Some(number)),
        };
        self.decisions.record(arrival.accepted_at, number, choice);
    }

    /// Says which budgets have come to stand worse. Not under the lock: what is said may have to wait for whoever reads.
    pub(super) fn warn_of(&self, budgets: Vec<Budget>) {
        for budget in budgets {
            let Budget { scope, limit_usd, window, resets_at, spent_usd, reserved_usd, state, at_limit, .. } = &budget;
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
            self.decisions.record(clock::now(), None, Choice::Worsen(Box::new(budget)));
        }
    }
}

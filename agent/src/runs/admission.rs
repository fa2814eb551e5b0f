//! Admission: with which model an alert is investigated, and what is set aside for it.

use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::{Alert, Budget, Usd};

use super::{Refusal, Runs, State};
use crate::chain::ModelId;
use crate::cost::{Grant, Quote, ReservationId};
use crate::memory::Degraded;

/// The most that an investigation may cost, reckoned before anything is locked.
#[derive(Debug)]
pub(super) struct Offer {
    usual: Usd,
    cheaper: Option<(Cheaper, Usd)>,
}

/// The model that takes over where a budget says so.
#[derive(Debug, Clone)]
pub(super) struct Cheaper {
    pub(super) model: ModelId,
    pub(super) name: Arc<str>,
}

/// How an investigation is made. By default with the usual model and without a limit.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) model: ModelId,
    /// What its calls may cost together.
    pub(super) purse: Option<Usd>,
    pub(super) reservation: Option<ReservationId>,
    pub(super) degraded: Option<Degraded>,
}

impl Runs {
    /// None where nothing limits what is spent.
    pub(super) fn offer(&self, alert: &Alert, at: Timestamp) -> Option<Offer> {
        if !self.is_limited {
            return None;
        }
        let most = |model| {
            let most = self.engine.most_cost(model, alert, &self.prices, at);
            self.cap.map_or(most, |cap| most.min(cap))
        };
        let usual = most(ModelId::default());
        let cheaper = self.cheaper.clone().map(|cheaper| (most(cheaper.model), cheaper));
        let cheaper = cheaper.filter(|(most, _)| *most < usual).map(|(most, cheaper)| (cheaper, most));
        Some(Offer { usual, cheaper })
    }
}

impl State {
    /// The terms on which an alert is taken.
    pub(super) fn terms(&mut self, offer: Option<Offer>, alert: &Alert, at: Timestamp) -> Result<Terms, Refusal> {
        let Some(Offer { usual, cheaper }) = offer else { return Ok(Terms::default()) };
        let quote = Quote { usual, cheaper: cheaper.as_ref().map(|(_, most)| *most) };
        let Grant { reservation, amount, degraded } = self.budgets.reserve(alert, quote, at).map_err(Refusal::Spent)?;
        let (purse, reservation) = (Some(amount), Some(reservation));
        Ok(match (degraded, cheaper) {
            (Some(scope), Some((Cheaper { model, name }, _))) => {
                Terms { model, purse, reservation, degraded: Some(Degraded { model: name, scope }) }
            }
            _ => Terms { purse, reservation, ..Terms::default() },
        })
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

//! The purse: what one investigation may spend, and what each of its calls is charged.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use langdeck_shared::{Alert, Usd};

use super::{Charge, Prices};
use crate::model::{Model, ModelCall, Question};

/// What an investigation may spend. A call takes the most that it may cost out before it is made, and puts back what it
/// did not; one for which there is not enough is not made.
#[derive(Debug)]
pub(crate) struct Purse<'a> {
    prices: &'a Prices,
    /// When the investigation was accepted: its calls are priced as then.
    at: Timestamp,
    /// How much it held; none where nothing limits the investigation.
    limit: Option<Usd>,
    left: AtomicU64,
    /// The model that would answer otherwise, where another one does.
    usual: Option<&'a str>,
    /// Whether there was not enough for a call.
    short: AtomicBool,
}

/// The most that a call may cost, until it is known what it did.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    purse: &'a Purse<'a>,
    nanos: AtomicU64,
}

/// Why a call is not made: there is not enough for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short {
    /// How much the purse held at first.
    pub(crate) limit: Usd,
    pub(crate) left: Usd,
    /// The most that the call may cost.
    pub(crate) needed: Usd,
    /// How much has to stay for another call.
    pub(crate) kept: Usd,
}

/// A cap that left an investigation less than it may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lack {
    held: Usd,
    needed: Usd,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, needed } = self;
        write!(
            f,
            "the policy's investigation_cap_usd leaves it {held} USD, and an investigation of such an alert may cost \
             {needed} USD"
        )
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "of the {} USD that this investigation may spend, too little is left", self.limit)
    }
}

impl<'a> Purse<'a> {
    pub(crate) fn new(prices: &'a Prices, at: Timestamp, limit: Option<Usd>, usual: Option<&'a str>) -> Self {
        let left = AtomicU64::new(limit.unwrap_or_default().nanos());
        Self { prices, at, limit, left, usual, short: AtomicBool::new(false) }
    }

    /// Takes out what a call may cost. With `then`, only if there is enough for that call too afterwards, unless there
    /// is not even enough for that one alone.
    ///
    /// # Errors
    ///
    /// When there is not enough.
    pub(crate) fn hold(
        &'a self,
        model: &dyn Model,
        alert: &Alert,
        question: Question<'_>,
        then: Option<Question<'_>>,
    ) -> Result<Held<'a>, Short> {
        let Some(limit) = self.limit else { return Ok(Held { purse: self, nanos: AtomicU64::new(0) }) };
        let most = |question| self.prices.most(model.name(), model.most_tokens(alert, question), self.at).nanos();
        let (needed, kept) = (most(question), then.map_or(0, most));
        let take = |left: u64| {
            let kept = if left >= kept { kept } else { 0 };
            left.checked_sub(needed).filter(|rest| *rest >= kept)
        };
        if let Err(left) = self.left.fetch_update(Relaxed, Relaxed, take) {
            self.short.store(true, Relaxed);
            let [left, needed, kept] = [left, needed, kept].map(Usd::from_nanos);
            return Err(Short { limit, left, needed, kept });
        }
        Ok(Held { purse: self, nanos: AtomicU64::new(needed) })
    }

    /// How much it held at first where that was too little, since it was `most` that the investigation may cost.
    pub(crate) fn lacked(&self, most: impl FnOnce(&Prices, Timestamp) -> Usd) -> Option<Lack> {
        let held = self.limit?;
        let needed = most(self.prices, self.at);
        // One that was given all of it and had too little has a model that takes more than it says.
        (held < needed).then_some(Lack { held, needed })
    }

    /// Whether a call was not made because there was not enough for it.
    pub(crate) fn was_short(&self) -> bool {
        self.short.load(Relaxed)
    }
}

impl Held<'_> {
    /// What a call is charged that was answered; it comes out of what is held.
    pub(crate) fn settle(&self, call: &ModelCall) -> Charge {
        let Purse { prices, at, limit, left, usual, .. } = self.purse;
        let mut charge = prices.charge(call, *at);
        if let Some(usual) = usual {
            charge.saved = prices.saved(usual, call.usage, &charge, *at);
        }
        if limit.is_some() {
            let (cost, held) = (charge.cost.nanos(), self.nanos.load(Relaxed));
            self.nanos.store(held.saturating_sub(cost), Relaxed);
            // More than it said it could take: the next call has less.
            let beyond = cost.saturating_sub(held);
            if beyond > 0 {
                let _ = left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(beyond)));
            }
        }
        charge
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.purse.left.fetch_add(*self.nanos.get_mut(), Relaxed);
    }
}

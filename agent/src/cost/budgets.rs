//! Budgets: what may be spent, what is, and what is set aside for investigations that have not ended.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use jiff::Timestamp;
use langdeck_shared::{Alert, AtLimit, Budget, BudgetState, BudgetWindow, Counted, Usd};

use super::forecast;
use super::minutes::Minutes;
use super::window::Stretch;

/// One budget, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) scope: Scope,
    pub(crate) limit: Usd,
    pub(crate) window: BudgetWindow,
    pub(crate) threshold_percent: u8,
    pub(crate) at_limit: AtLimit,
}

/// What tells a budget from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BudgetName {
    /// As on the wire.
    pub(crate) scope: Arc<str>,
    pub(crate) window: BudgetWindow,
}

impl BudgetName {
    pub(crate) fn is_of(&self, budget: &Budget) -> bool {
        *self.scope == *budget.scope && self.window == budget.window
    }
}

/// Whose spending a budget limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    Total,
    Service(Arc<str>),
    AlertType(Arc<str>),
}

impl Scope {
    fn covers(&self, alert: &Alert) -> bool {
        match self {
            Self::Total => true,
            Self::Service(service) => **service == *alert.service,
            Self::AlertType(alert_type) => **alert_type == *alert.alert_type,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Service(service) => write!(f, "service:{service}"),
            Self::AlertType(alert_type) => write!(f, "alert_type:{alert_type}"),
        }
    }
}

/// The most that an investigation may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quote {
    /// With the model that is meant for it.
    pub(crate) usual: Usd,
    /// With the cheaper one; none where that is no cheaper.
    pub(crate) cheaper: Option<Usd>,
}

/// Money that is set aside for an investigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) reservation: ReservationId,
    pub(crate) amount: Usd,
    /// The budget because of which it is for the cheaper model; of several the one that stays without room for longest.
    pub(crate) degraded_by: Option<BudgetName>,
    /// The budgets that have no room for it and do not reject, as they stood before.
    pub(crate) short: Vec<Spent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ReservationId(u64);

/// A budget without room, because of which nothing is set aside, or less, or more than there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    /// The budget that has no room.
    pub(crate) budget: Budget,
    /// How much there should have been.
    pub(crate) needed: Usd,
}

/// Keeps budgets. Whoever shares one store shares the limits.
pub(crate) trait BudgetStore: fmt::Debug + Send {
    /// Sets the most that an investigation may cost aside, in every budget that covers its alert or in none: of all who
    /// ask at once, no more are served than there is room for. Of several that refuse, the one is told of that does so for
    /// longest.
    fn reserve(&mut self, alert: &Alert, quote: Quote, at: Timestamp) -> Result<Grant, Box<Spent>>;

    /// Some of what was set aside is spent, at this time in milliseconds since 1970.
    fn settle(&mut self, reservation: ReservationId, cost: Usd, at_ms: i64);

    /// The investigation has ended: what it did not spend is free again. A second time changes nothing.
    fn release(&mut self, reservation: ReservationId);

    /// Every budget as it stands.
    fn tell(&self, at: Timestamp) -> Vec<Budget>;

    /// Those that have come to stand worse since this was asked last.
    fn worsened(&mut self, at_ms: i64) -> Vec<Budget>;
}

/// The budgets of one replica, for as long as it lives.
#[derive(Debug)]
pub(crate) struct LocalBudgets {
    budgets: Vec<Account>,
    reservations: HashMap<ReservationId, Reservation>,
    last: u64,
    /// Whether one may have come to stand worse.
    changed: bool,
}

#[derive(Debug)]
struct Account {
    rule: Rule,
    scope: Arc<str>,
    /// The window under way is the last; before it those that still have money set aside.
    windows: VecDeque<Window>,
    /// How much the last investigation that asked found no room for; none where it found some.
    short: Option<Usd>,
    /// The worst that was told of the window under way.
    told: BudgetState,
    rejections: u64,
    /// Since when it is counted.
    began: Timestamp,
    /// What was spent at last, of whichever window.
    minutes: Minutes,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    stretch: Stretch,
    spent: Usd,
    reserved: Usd,
}

#[derive(Debug)]
struct Reservation {
    left: Usd,
    /// Which budgets, and since when their window ran: what is spent later still belongs to that one.
    holds: [Option<(usize, i64)>; MOST],
}

/// By how many budgets an alert is covered at most: of the whole, its service and its type, by the hour, day and month.
const MOST: usize = 9;

/// Of two budgets without room the one that stays so for longer; an end that is not known is the nearest.
fn longer(one: Option<(usize, Option<i64>)>, other: (usize, Option<i64>)) -> Option<(usize, Option<i64>)> {
    one.filter(|(_, until)| *until >= other.1).or(Some(other))
}

impl LocalBudgets {
    pub(crate) fn new(rules: Vec<Rule>, at: Timestamp) -> Self {
        let budgets = rules.into_iter().map(|rule| Account::new(rule, at)).collect();
        Self { budgets, reservations: HashMap::new(), last: 0, changed: false }
    }

    fn held(&mut self, (place, start_ms): (usize, i64)) -> Option<&mut Window> {
        self.budgets[place].windows.iter_mut().find(|window| window.stretch.start_ms == start_ms)
    }
}

impl BudgetStore for LocalBudgets {
    fn reserve(&mut self, alert: &Alert, quote: Quote, at: Timestamp) -> Result<Grant, Box<Spent>> {
        let mut holds = [None; MOST];
        let (mut degraded, mut refused, mut short) = (None, None, Vec::new());
        let mut free = holds.iter_mut();
        for (place, budget) in self.budgets.iter_mut().enumerate().filter(|(_, budget)| budget.rule.scope.covers(alert))
        {
            budget.roll(at);
            if let Some(hold) = free.next() {
                *hold = Some((place, budget.current().stretch.start_ms));
            }
            budget.short = Some(quote.usual).filter(|usual| !budget.has_room(*usual));
            self.changed |= budget.short.is_some();
            if let (Some(usual), AtLimit::Degrade, Some(_)) = (budget.short, budget.rule.at_limit, quote.cheaper) {
                degraded = longer(degraded, (place, budget.without_room_until(usual)));
            }
        }
        let degraded = degraded.map(|(place, _)| place);
        let needed = degraded.and(quote.cheaper).unwrap_or(quote.usual);
        for (place, _) in holds.into_iter().flatten() {
            let budget = &mut self.budgets[place];
            // What it degrades is told with what there should have been.
            let needed = if degraded == Some(place) { quote.usual } else { needed };
            if budget.has_room(needed) {
                continue;
            }
            if budget.rule.at_limit == AtLimit::Reject {
                refused = longer(refused, (place, budget.without_room_until(needed)));
            } else {
                short.push(Spent { budget: budget.tell(at), needed });
            }
        }
        if let Some((place, _)) = refused {
            let budget = &mut self.budgets[place];
            budget.rejections += 1;
            return Err(Box::new(Spent { budget: budget.tell(at), needed }));
        }
        for hold in holds.into_iter().flatten() {
            if let Some(window) = self.held(hold) {
                window.reserved += needed;
            }
        }
        self.last += 1;
        let reservation = ReservationId(self.last);
        self.reservations.insert(reservation, Reservation { left: needed, holds });
        let degraded_by = degraded.map(|place| self.budgets[place].name());
        Ok(Grant { reservation, amount: needed, degraded_by, short })
    }

    fn settle(&mut self, reservation: ReservationId, cost: Usd, at_ms: i64) {
        let Some(kept) = self.reservations.get_mut(&reservation) else { return };
        // A model that reports more than it said it could take has spent it all the same.
        let drawn = cost.min(kept.left);
        kept.left = kept.left.saturating_sub(drawn);
        let holds = kept.holds;
        for hold in holds.into_iter().flatten() {
            if let Some(window) = self.held(hold) {
                window.reserved = window.reserved.saturating_sub(drawn);
                window.spent += cost;
            }
            self.budgets[hold.0].minutes.add(at_ms, cost);
        }
        self.changed = true;
    }

    fn release(&mut self, reservation: ReservationId) {
        let Some(Reservation { left, holds }) = self.reservations.remove(&reservation) else { return };
        for hold in holds.into_iter().flatten() {
            if let Some(window) = self.held(hold) {
                window.reserved = window.reserved.saturating_sub(left);
            }
        }
    }

    fn tell(&self, at: Timestamp) -> Vec<Budget> {
        self.budgets.iter().map(|budget| budget.tell(at)).collect()
    }

    fn worsened(&mut self, at_ms: i64) -> Vec<Budget> {
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
        let worse = self.budgets.iter_mut().filter_map(|budget| {
            let state = budget.state(budget.current());
            if state <= budget.told {
                return None;
            }
            budget.told = state;
            Some(budget.show(*budget.current(), at))
        });
        worse.collect()
    }
}

impl Account {
    fn new(rule: Rule, at: Timestamp) -> Self {
        let window = Window::new(Stretch::of(rule.window, at));
        let scope = rule.scope.to_string().into();
        Self {
            rule,
            scope,
            windows: VecDeque::from([window]),
            short: None,
            told: BudgetState::Ok,
            rejections: 0,
            began: at,
            minutes: Minutes::new(),
        }
    }

    /// The window under way. A clock that goes back opens no other one, whose money would be spent twice.
    fn roll(&mut self, at: Timestamp) {
        if at.as_millisecond() < self.current().stretch.end_ms {
            return;
        }
        self.windows.retain(|window| window.reserved != Usd::ZERO);
        self.windows.push_back(Window::new(Stretch::of(self.rule.window, at)));
        (self.short, self.told) = (None, BudgetState::Ok);
    }

    fn current(&self) -> &Window {
        // There is always one: each that ends is followed by the next.
        &self.windows[self.windows.len() - 1]
    }

    fn name(&self) -> BudgetName {
        BudgetName { scope: Arc::clone(&self.scope), window: self.rule.window }
    }

    /// Until when it has no room for so much, in milliseconds since 1970; none where what is set aside may make some.
    fn without_room_until(&self, amount: Usd) -> Option<i64> {
        let Window { stretch, spent, .. } = *self.current();
        (spent + amount > self.rule.limit).then_some(stretch.end_ms)
    }

    fn has_room(&self, amount: Usd) -> bool {
        let Window { spent, reserved, .. } = *self.current();
        let taken = u128::from(spent.nanos()) + u128::from(reserved.nanos()) + u128::from(amount.nanos());
        taken <= u128::from(self.rule.limit.nanos())
    }

    fn state(&self, window: &Window) -> BudgetState {
        let (spent, limit) = (u128::from(window.spent.nanos()), u128::from(self.rule.limit.nanos()));
        // What was set aside then may be free again by now, though nobody has asked since.
        let is_short = self.short.is_some_and(|needed| !self.has_room(needed));
        if is_short || spent >= limit {
            BudgetState::Exceeded
        } else if spent * 100 >= limit * u128::from(self.rule.threshold_percent) {
            BudgetState::Warning
        } else {
            BudgetState::Ok
        }
    }

    fn tell(&self, at: Timestamp) -> Budget {
        let window = *self.current();
        if at.as_millisecond() < window.stretch.end_ms {
            return self.show(window, at);
        }
        // Nobody has asked for money of the new one yet.
        let fresh = Window::new(Stretch::of(self.rule.window, at));
        Budget { state: BudgetState::Ok, ..self.show(fresh, at) }
    }

    fn show(&self, window: Window, at: Timestamp) -> Budget {
        let Rule { limit, window: length, threshold_percent, at_limit, .. } = self.rule;
        let at_ms = at.as_millisecond();
        let burn = forecast::burn(self.began.as_millisecond(), at_ms, |from_ms| self.minutes.between(from_ms, at_ms));
        let (left, end) = (limit.saturating_sub(window.spent), window.stretch.end());
        Budget {
            scope: self.scope.to_string(),
            limit_usd: limit,
            window: length,
            resets_at: end,
            spent_usd: window.spent,
            reserved_usd: window.reserved,
            threshold_percent,
            state: self.state(&window),
            at_limit,
            rejections: self.rejections,
            burn,
            exhausted_at: forecast::exhausted_at(left, burn.last_5m_usd_per_hour, at, end),
            counted: Counted::ThisReplicaThisLife,
            replicas: 1,
        }
    }
}

impl Window {
    const fn new(stretch: Stretch) -> Self {
        Self { stretch, spent: Usd::ZERO, reserved: Usd::ZERO }
    }
}

#[cfg(test)]
mod tests;

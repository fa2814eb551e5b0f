//! Answers of agents, made fit for the console: bounded, checked against the contract, every name visible.

use std::sync::Arc;

use langdeck_shared::{Accepted, Attribution, Budget, CostEntry, Costs, DecisionPage, Investigation, ReplicaUpdate};
use serde::de::DeserializeOwned;
use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::bound::{self, LISTED, WHOLE};
use super::client;

/// What stands for a name of which nothing can be seen.
const BLANK: &str = "(blank)";

/// What an agent answers with.
pub(crate) trait Answer: Sized {
    /// Reads it from clean JSON.
    ///
    /// # Errors
    ///
    /// Why it is none: the field and what is wrong with it.
    fn read(value: Value) -> Result<Self, String>;
}

/// What is taken whole or not at all.
pub(super) trait Whole: DeserializeOwned {
    /// Cuts what is too long, before it gets its types.
    fn bound(_value: &mut Value) {}

    /// Makes names visible, and checks what the contract promises.
    ///
    /// # Errors
    ///
    /// The field and what is wrong with it.
    fn admit(&mut self) -> Result<(), String>;
}

impl<T: Whole> Answer for T {
    fn read(mut value: Value) -> Result<Self, String> {
        Self::bound(&mut value);
        let mut answer: Self = client::typed(value)?;
        answer.admit()?;
        Ok(answer)
    }
}

/// As another replica may tell of it.
impl Whole for ReplicaUpdate {
    fn bound(value: &mut Value) {
        if let Some(Value::Array(investigations)) = value.get_mut("investigations") {
            investigations.iter_mut().for_each(|investigation| bound::bound(investigation, LISTED));
        }
    }

    fn admit(&mut self) -> Result<(), String> {
        name_visibly(&mut self.replica);
        name_budgets(&mut self.budgets);
        self.investigations.iter_mut().for_each(name_investigation);
        for pattern in &mut self.memory.patterns {
            name_visibly(&mut pattern.service);
            name_visibly(&mut pattern.last_alert_type);
        }
        self.check_told()
    }
}

impl Whole for Investigation {
    fn bound(value: &mut Value) {
        bound::bound(value, WHOLE);
    }

    fn admit(&mut self) -> Result<(), String> {
        name_investigation(self);
        self.check()
    }
}

impl Whole for DecisionPage {
    fn bound(value: &mut Value) {
        if let Some(Value::Array(decisions)) = value.get_mut("decisions") {
            decisions.iter_mut().for_each(|decision| bound::bound(decision, LISTED));
        }
    }

    fn admit(&mut self) -> Result<(), String> {
        self.decisions.iter_mut().for_each(|decision| name_visibly_shared(&mut decision.replica));
        self.check()
    }
}

impl Whole for Costs {
    fn bound(value: &mut Value) {
        bound::bound(value, WHOLE);
    }

    fn admit(&mut self) -> Result<(), String> {
        name_visibly(&mut self.replica);
        name_attribution(&mut self.by);
        self.span.iter_mut().for_each(|span| name_attribution(&mut span.by));
        self.what_if.iter_mut().for_each(|what_if| name_visibly(&mut what_if.model));
        self.missing.iter_mut().for_each(|missing| name_visibly(&mut missing.replica));
        name_budgets(&mut self.budgets);
        self.entries.iter_mut().for_each(name_entry);
        self.outliers.iter_mut().for_each(|outlier| name_entry(&mut outlier.entry));
        self.check()
    }
}

impl Whole for Accepted {
    fn admit(&mut self) -> Result<(), String> {
        name_visibly_shared(&mut self.replica);
        if is_blank(&self.investigation_id) { Err("investigation_id: is blank".to_owned()) } else { Ok(()) }
    }
}

fn name_investigation(investigation: &mut Investigation) {
    name_visibly_shared(&mut investigation.replica);
    let alert = &investigation.alert;
    if is_blank(&alert.alert_type) || is_blank(&alert.service) {
        let alert = Arc::make_mut(&mut investigation.alert);
        name_visibly(&mut alert.alert_type);
        name_visibly(&mut alert.service);
    }
    investigation.steps.iter_mut().for_each(|step| name_visibly_shared(&mut step.name));
}

fn name_budgets(budgets: &mut [Budget]) {
    budgets.iter_mut().for_each(|budget| name_visibly(&mut budget.scope));
}

fn name_attribution(by: &mut Attribution) {
    let lists = [&mut by.by_replica, &mut by.by_step, &mut by.by_model, &mut by.by_service, &mut by.by_alert_type];
    lists.into_iter().flatten().for_each(|share| name_visibly(&mut share.key));
}

fn name_entry(entry: &mut CostEntry) {
    for name in [&mut entry.step, &mut entry.model, &mut entry.service, &mut entry.alert_type] {
        name_visibly(name);
    }
}

pub(super) fn name_visibly(name: &mut String) {
    if is_blank(name) {
        BLANK.clone_into(name);
    }
}

fn name_visibly_shared(name: &mut Arc<str>) {
    if is_blank(name) {
        *name = BLANK.into();
    }
}

/// Whether nothing of a text can be seen. Some characters are wide and blank all the same: fillers and empty patterns.
fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.width().unwrap_or(0) == 0
            || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
    };
    text.chars().all(unseen)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use langdeck_shared::{Latency, MemoryDelta, Sample, Status, Usd};

    use super::*;
    use crate::app::testing::{
        costs, decisions, enormous, enormous_costs, idle, investigation, pattern, samples, totals,
    };

    /// A truthful answer with a bit of everything.
    fn truthful() -> ReplicaUpdate {
        let mut update = idle("a", "one");
        update.totals = totals(3, 1, 1);
        update.latency = Some(Latency { count: 5, p50_ms: 231, p95_ms: 239, p99_ms: 260 });
        update.samples = samples(1);
        let age = Duration::from_secs(4);
        update.investigations = vec![investigation("inv_1", "a", ("high_cpu", "api"), Status::Partial, age)];
        update.memory = MemoryDelta { services: 1, patterns: vec![pattern("api", "high_cpu", 4, "a cause", age)] };
        update
    }

    type Lie = fn(&mut ReplicaUpdate);
    type LieOfOne = fn(&mut Investigation);

    #[test]
    fn each_promise_is_checked_and_the_field_named() {
        assert_eq!(truthful().admit(), Ok(()));
        let lies: [(&str, Lie); 19] = [
            ("boot_id: is blank", |update| update.boot_id = " ".to_owned()),
            ("cursor: is blank", |update| update.cursor.clear()),
            ("totals.requests: 18446744073709551615 is more", |update| update.totals.requests = u64::MAX),
            ("totals.spend.tokens: 9007199254740992 is more", |update| update.totals.spend.tokens = 1 << 53),
            ("totals.spend.cost_usd: 18446744073.", |update| update.totals.spend.cost_usd = Usd::from_nanos(u64::MAX)),
            ("latency.p95_ms", |update| {
                update.latency = Some(Latency { count: 1, p50_ms: 1, p95_ms: u64::MAX, p99_ms: 1 })
            }),
            ("samples[120].second: 18446744073709551615 lies", |update| update.samples[120].second = u64::MAX),
            ("samples[1].second: 0 comes after 0", |update| update.samples[1].second = 0),
            ("samples[7].tokens", |update| update.samples[7].tokens = u64::MAX),
            ("samples: 1000000 of them, at most 2000", |update| update.samples = vec![Sample::default(); 1_000_000]),
            ("investigations[0].investigation_id: is blank", |update| {
                update.investigations[0].investigation_id.clear()
            }),
            ("investigations[0].elapsed_ms: 500000 ms", |update| update.investigations[0].elapsed_ms = 500_000),
            ("investigations[0].steps[2].start_offset_ms", |update| {
                update.investigations[0].steps[2].start_offset_ms = Some(u64::MAX)
            }),
            ("investigations[0].steps[0].duration_ms", |update| {
                update.investigations[0].steps[0].duration_ms = Some(1 << 60)
            }),
            ("investigations[0].steps: 65 of them", |update| {
                update.investigations[0].steps = vec![update.investigations[0].steps[0].clone(); 65];
            }),
            ("investigations[0].confidence: 1e308 is not", |update| update.investigations[0].confidence = Some(1e308)),
            ("investigations: 2001 of them", |update| {
                update.investigations = vec![update.investigations[0].clone(); 2001];
            }),
            ("memory.patterns[0].mean_confidence: -1e0", |update| update.memory.patterns[0].mean_confidence = -1.0),
            ("memory.patterns[0].alert_types: 300 of them", |update| {
                update.memory.patterns[0].alert_types = (0..300).map(|number| (format!("t{number}"), 1)).collect();
            }),
        ];
        for (reason, lie) in lies {
            let mut update = truthful();
            lie(&mut update);
            let said = update.admit().expect_err(reason);
            assert!(said.starts_with(reason), "{said:?} instead of {reason:?}");
        }
        assert!(enormous("a", "one").admit().is_err());
    }

    #[test]
    fn decisions_of_an_investigation_are_few_and_so_is_what_they_stand_on() {
        let whole = || {
            let mut whole = truthful().investigations.remove(0);
            whole.decisions = decisions(&whole);
            whole
        };
        assert_eq!(whole().admit(), Ok(()));
        let lies: [(&str, LieOfOne); 5] = [
            ("decisions: 513 of them", |whole| whole.decisions = vec![whole.decisions[0].clone(); 513]),
            ("decisions[1].seq: 18446744073709551615 is more", |whole| whole.decisions[1].seq = u64::MAX),
            ("decisions[0].alternatives: 257 of them", |whole| {
                whole.decisions[0].alternatives = vec![String::new(); 257];
            }),
            ("decisions[0].figures: 65 of them", |whole| {
                whole.decisions[0].figures = (0..65).map(|number| (format!("f{number}"), number.into())).collect();
            }),
            ("decisions[2].figures: a name of 257 characters", |whole| {
                whole.decisions[2].figures.insert("数".repeat(257), 1.into());
            }),
        ];
        for (reason, lie) in lies {
            let mut whole = whole();
            lie(&mut whole);
            let said = whole.admit().expect_err(reason);
            assert!(said.starts_with(reason), "{said:?} instead of {reason:?}");
        }
    }

    #[test]
    fn times_far_away_are_no_lie() {
        // A replica's clock may be wrong; nothing here is reckoned by it.
        let mut update = truthful();
        (update.now, update.started_at) = (Timestamp::MIN, Timestamp::MAX);
        update.investigations[0].accepted_at = Timestamp::MAX;
        assert_eq!(update.admit(), Ok(()));
    }

    #[test]
    fn costs_are_named_visibly_and_refused_where_they_cannot_be() {
        let mut unseen = costs("a", "one");
        unseen.by.by_service[0].key = "\u{3164}".to_owned();
        unseen.budgets[0].scope.clear();
        unseen.outliers[0].entry.step = " ".to_owned();
        assert_eq!(unseen.admit(), Ok(()));
        let names = [&unseen.by.by_service[0].key, &unseen.budgets[0].scope, &unseen.outliers[0].entry.step];
        assert_eq!(names, [BLANK; 3]);
        unseen.budgets[0].limit_usd = Usd::ZERO;
        assert_eq!(unseen.admit(), Err("budgets[0].limit_usd: is zero".to_owned()));
        assert!(enormous_costs("a", "one").admit().is_err());
    }

    #[test]
    fn names_of_which_nothing_is_seen_become_visible() {
        for blank in ["", "   ", "\u{301}\u{301}", "\u{3164}", "\u{2800}\u{2800}"] {
            let mut update = truthful();
            blank.clone_into(&mut update.replica);
            let investigation = &mut update.investigations[0];
            investigation.replica = blank.into();
            investigation.steps[1].name = blank.into();
            let alert = Arc::make_mut(&mut investigation.alert);
            blank.clone_into(&mut alert.alert_type);
            blank.clone_into(&mut update.memory.patterns[0].service);
            assert_eq!(update.admit(), Ok(()));
            let investigation = &update.investigations[0];
            let names = [&*update.replica, &investigation.replica, &investigation.steps[1].name];
            assert_eq!(names, [BLANK; 3], "{blank:?}");
            assert_eq!((investigation.alert.alert_type.as_str(), &*investigation.alert.service), (BLANK, "api"));
            assert_eq!(update.memory.patterns[0].service, BLANK);
        }
    }
}

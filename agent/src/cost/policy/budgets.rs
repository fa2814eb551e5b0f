//! The part of a policy that says what may be spent.

use std::collections::HashMap;

use langdeck_shared::{AtLimit, BudgetWindow, Usd};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::source::Said;
use super::{PolicyError, Source};
use crate::cost::{Rule, Scope};

/// The most budgets of a file: each is looked at for each alert, and shown to everybody who watches.
const MAX_BUDGETS: usize = 64;
const DEFAULT_THRESHOLD: u8 = 80;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetEntry {
    service: Option<Spanned<String>>,
    alert_type: Option<Spanned<String>>,
    limit_usd: Spanned<Value>,
    window: Option<Spanned<Value>>,
    threshold_percent: Option<Spanned<Value>>,
    at_limit: Option<Spanned<Value>>,
}

impl Rule {
    /// A budget of everything that is spent, with a warning at 80 %.
    pub(crate) const fn total(limit: Usd, window: BudgetWindow, at_limit: AtLimit) -> Self {
        Self { scope: Scope::Total, limit, window, threshold_percent: DEFAULT_THRESHOLD, at_limit }
    }

    /// Whether it limits what this one does: a scope may have a budget a window.
    pub(super) fn is_of(&self, scope: &Scope, window: BudgetWindow) -> bool {
        self.scope == *scope && self.window == window
    }
}

impl Source<'_> {
    pub(super) fn budgets(&self, entries: &[BudgetEntry]) -> Result<Vec<Said<Rule>>, PolicyError> {
        if let Some(entry) = entries.get(MAX_BUDGETS) {
            return Err(self.refuse(entry.limit_usd.span(), format!("there are more than {MAX_BUDGETS} budgets")));
        }
        let mut known = HashMap::new();
        let mut rules = Vec::with_capacity(entries.len());
        for entry in entries {
            let at = entry.limit_usd.span();
            let rule = self.budget(entry)?;
            if let Some(first) = known.insert((rule.scope.clone(), rule.window), self.line(&at)) {
                let Rule { scope, window, .. } = &rule;
                let reason = format!("`{scope}` has a budget per {window} already, at line {first}; keep one of them");
                return Err(self.refuse(at, reason));
            }
            rules.push(self.said(&entry.limit_usd, rule));
        }
        Ok(rules)
    }

    fn budget(&self, entry: &BudgetEntry) -> Result<Rule, PolicyError> {
        let scope = match (&entry.service, &entry.alert_type) {
            (None, None) => Scope::Total,
            (Some(service), None) => Scope::Service(self.name("service", service)?.into()),
            (None, Some(alert_type)) => Scope::AlertType(self.name("alert_type", alert_type)?.into()),
            (Some(_), Some(alert_type)) => {
                let reason = "a budget is of a service or of an alert type, not of both; make it two";
                return Err(self.refuse(alert_type.span(), reason));
            }
        };
        let threshold_percent = entry.threshold_percent.as_ref().map_or(Ok(DEFAULT_THRESHOLD), |percent| {
            let whole = percent.get_ref().as_integer().and_then(|percent| u8::try_from(percent).ok());
            whole.filter(|percent| (1..=100).contains(percent)).ok_or_else(|| {
                let written = self.written(percent);
                self.refuse(percent.span(), format!("threshold_percent: {written} is no whole number from 1 to 100"))
            })
        })?;
        let limit = self.positive("limit_usd", &entry.limit_usd)?;
        let window = self.word("window", entry.window.as_ref(), "`hour`, `day` or `month`")?;
        let at_limit = self.word("at_limit", entry.at_limit.as_ref(), "`reject`, `degrade` or `warn`")?;
        Ok(Rule { scope, limit, window, threshold_percent, at_limit })
    }
}

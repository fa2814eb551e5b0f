//! What can be of costs and budgets.

use super::{MAX_PAGE, few, money, not_blank, numbers};
use crate::{Attribution, Budget, BurnRate, CostEntry, CostShare, Costs, Spend, Usd};

/// Far more budgets than an agent takes.
const MAX_BUDGETS: usize = 256;

impl Costs {
    /// Checks what was spent.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        not_blank("boot_id", &self.boot_id)?;
        spend("totals.", &self.totals)?;
        attribution("", &self.by)?;
        burn("burn.", &self.burn)?;
        money("month_usd", self.month_usd)?;
        money("savings.models_usd", self.savings.models_usd)?;
        money("savings.cache_usd", self.savings.cache_usd)?;
        let caught = [("cache_hits", self.savings.cache_hits), ("cache_joins", self.savings.cache_joins)];
        numbers("savings.", &caught)?;
        few("what_if", self.what_if.len(), MAX_PAGE)?;
        for (index, other) in self.what_if.iter().enumerate() {
            money(&format!("what_if[{index}].cost_usd"), other.cost_usd)?;
        }
        if let Some(infrastructure) = &self.infrastructure {
            money("infrastructure.usd_per_hour", infrastructure.usd_per_hour)?;
            money("infrastructure.cost_usd", infrastructure.cost_usd)?;
        }
        budgets(&self.budgets)?;
        if let Some(span) = &self.span {
            spend("span.spend.", &span.spend)?;
            attribution("span.", &span.by)?;
        }
        few("entries", self.entries.len(), MAX_PAGE)?;
        for (index, entry) in self.entries.iter().enumerate() {
            self::entry(&format!("entries[{index}]."), entry)?;
        }
        few("outliers", self.outliers.len(), MAX_PAGE)?;
        for (index, outlier) in self.outliers.iter().enumerate() {
            let at = format!("outliers[{index}].");
            self::entry(&at, &outlier.entry)?;
            numbers(&at, &[("median_tokens", outlier.median_tokens)])?;
        }
        Ok(())
    }
}

impl Budget {
    /// Checks a budget that stands by itself.
    ///
    /// # Errors
    ///
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        budget("", self)
    }
}

pub(super) fn budgets(budgets: &[Budget]) -> Result<(), String> {
    few("budgets", budgets.len(), MAX_BUDGETS)?;
    budgets.iter().enumerate().try_for_each(|(index, budget)| self::budget(&format!("budgets[{index}]."), budget))
}

fn budget(at: &str, budget: &Budget) -> Result<(), String> {
    not_blank(&format!("{at}scope"), &budget.scope)?;
    money(&format!("{at}limit_usd"), budget.limit_usd)?;
    if budget.limit_usd == Usd::ZERO {
        return Err(format!("{at}limit_usd: is zero"));
    }
    money(&format!("{at}spent_usd"), budget.spent_usd)?;
    money(&format!("{at}reserved_usd"), budget.reserved_usd)?;
    burn(&format!("{at}burn."), &budget.burn)?;
    numbers(at, &[("rejections", budget.rejections), ("replicas", budget.replicas.into())])?;
    let percent = budget.threshold_percent;
    if !(1..=100).contains(&percent) {
        return Err(format!("{at}threshold_percent: {percent} is not from 1 to 100"));
    }
    Ok(())
}

pub(super) fn spend(at: &str, spend: &Spend) -> Result<(), String> {
    let figures = [
        ("calls", spend.calls),
        ("tokens", spend.tokens),
        ("input_tokens", spend.input_tokens),
        ("cached_input_tokens", spend.cached_input_tokens),
        ("output_tokens", spend.output_tokens),
        ("unpriced_tokens", spend.unpriced_tokens),
    ];
    numbers(at, &figures)?;
    cached(at, spend.cached_input_tokens, spend.input_tokens)?;
    money(&format!("{at}cost_usd"), spend.cost_usd)
}

fn attribution(at: &str, by: &Attribution) -> Result<(), String> {
    let lists = [
        ("by_replica", &by.by_replica),
        ("by_step", &by.by_step),
        ("by_model", &by.by_model),
        ("by_service", &by.by_service),
        ("by_alert_type", &by.by_alert_type),
    ];
    lists.into_iter().try_for_each(|(name, list)| shares(&format!("{at}{name}"), list))
}

fn shares(field: &str, shares: &[CostShare]) -> Result<(), String> {
    few(field, shares.len(), MAX_PAGE)?;
    shares.iter().enumerate().try_for_each(|(index, share)| spend(&format!("{field}[{index}]."), &share.spend))
}

fn burn(at: &str, burn: &BurnRate) -> Result<(), String> {
    money(&format!("{at}last_5m_usd_per_hour"), burn.last_5m_usd_per_hour)?;
    money(&format!("{at}last_60m_usd_per_hour"), burn.last_60m_usd_per_hour)
}

fn entry(at: &str, entry: &CostEntry) -> Result<(), String> {
    not_blank(&format!("{at}investigation_id"), &entry.investigation_id)?;
    cached(at, entry.cached_input_tokens, entry.input_tokens)?;
    numbers(at, &[("input_tokens", entry.input_tokens), ("output_tokens", entry.output_tokens)])?;
    money(&format!("{at}cost_usd"), entry.cost_usd.unwrap_or_default())
}

fn cached(at: &str, cached: u64, read: u64) -> Result<(), String> {
    if cached > read {
        return Err(format!("{at}cached_input_tokens: {cached} are more than the {read} tokens read"));
    }
    Ok(())
}

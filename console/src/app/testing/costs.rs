//! Made-up costs and budgets.

use std::time::Duration;

use jiff::SignedDuration;
use langdeck_shared::{
    AtLimit, Attribution, Basis, Budget, BudgetState, BudgetWindow, BurnRate, CostEntry, CostShare, Costs, Counted,
    FailureKind, Infrastructure, MissingReplica, Outlier, PeerFailure, Savings, Spend, Usd, WhatIf,
};

use super::{NANOS_PER_TOKEN, wall};

fn nanos(nanos: u64) -> Usd {
    Usd::from_nanos(nanos)
}

/// What so many tokens cost.
pub(crate) fn spend(tokens: u64) -> Spend {
    Spend {
        calls: tokens / 31,
        tokens,
        input_tokens: tokens * 2 / 3,
        cached_input_tokens: tokens / 9,
        output_tokens: tokens - tokens * 2 / 3,
        cost_usd: nanos(tokens * NANOS_PER_TOKEN),
        unpriced_tokens: 0,
    }
}

fn shares(of: &[(&str, u64)]) -> Vec<CostShare> {
    let mut shares: Vec<_> =
        of.iter().map(|(key, tokens)| CostShare { key: (*key).to_owned(), spend: spend(*tokens) }).collect();
    shares.sort_by(CostShare::dearest_first);
    shares
}

/// A budget of one replica, of which so much is spent, in percent; it resets thirteen and a half hours after
/// [`wall`].
pub(crate) fn budget(scope: &str, limit: u64, percent: u64) -> Budget {
    let state = match percent {
        0..80 => BudgetState::Ok,
        80..100 => BudgetState::Warning,
        _ => BudgetState::Exceeded,
    };
    Budget {
        scope: scope.to_owned(),
        limit_usd: nanos(limit),
        window: BudgetWindow::Day,
        resets_at: wall() + SignedDuration::from_mins(13 * 60 + 30),
        spent_usd: nanos(limit / 100 * percent),
        reserved_usd: nanos(628_000),
        threshold_percent: 80,
        state,
        at_limit: AtLimit::Reject,
        rejections: 0,
        burn: BurnRate { last_5m_usd_per_hour: nanos(12_000_000), last_60m_usd_per_hour: nanos(9_000_000) },
        exhausted_at: None,
        counted: Counted::ThisReplicaThisLife,
        replicas: 1,
    }
}

/// What nobody has spent anything of.
pub(crate) fn no_costs(replica: &str, boot_id: &str) -> Costs {
    Costs {
        replica: replica.to_owned(),
        boot_id: boot_id.to_owned(),
        since: wall() - SignedDuration::from_mins(125),
        totals: Spend::default(),
        by: Attribution::default(),
        burn: BurnRate::default(),
        month_usd: Usd::ZERO,
        savings: Savings::default(),
        what_if: Vec::new(),
        infrastructure: None,
        missing: Vec::new(),
        budgets: Vec::new(),
        span: None,
        entries: Vec::new(),
        outliers: Vec::new(),
    }
}

/// The costs of a fleet of three, with something in every place.
pub(crate) fn costs(replica: &str, boot_id: &str) -> Costs {
    let mut total = budget("total", 840_000_000, 42);
    (total.replicas, total.counted) = (3, Counted::EachReplicaItsLife);
    total.exhausted_at = Some(wall() + SignedDuration::from_mins(130));
    let mut service = budget("service:checkout-api", 500_000_000, 83);
    (service.window, service.at_limit) = (BudgetWindow::Hour, AtLimit::Degrade);
    service.resets_at = wall() + SignedDuration::from_mins(12);
    let mut alert_type = budget("alert_type:high_cpu", 20_000_000, 100);
    (alert_type.window, alert_type.rejections, alert_type.replicas) = (BudgetWindow::Month, 12, 3);
    let mut unpriced = CostShare { key: "local-llm".to_owned(), spend: spend(3_200) };
    (unpriced.spend.cost_usd, unpriced.spend.unpriced_tokens) = (Usd::ZERO, 3_200);
    let mut by_model = shares(&[("simulated-gpt-4", 50_000), ("simulated-gpt-3.5", 9_200)]);
    by_model.push(unpriced);
    let mut totals = spend(62_400);
    (totals.unpriced_tokens, totals.cost_usd) = (3_200, nanos(59_200 * NANOS_PER_TOKEN));
    let outlier = |step: &str, tokens: u64, median_tokens, service: &str, age: u64, id: &str| Outlier {
        entry: CostEntry {
            at: wall() - SignedDuration::try_from(Duration::from_secs(age)).expect("a short age"),
            investigation_id: id.to_owned(),
            step: step.to_owned(),
            attempt: 1,
            model: "simulated-gpt-4".to_owned(),
            service: service.to_owned(),
            alert_type: "high_latency".to_owned(),
            input_tokens: tokens - tokens / 4,
            cached_input_tokens: 0,
            output_tokens: tokens / 4,
            cost_usd: Some(nanos(tokens * NANOS_PER_TOKEN)),
            basis: Basis::Reported,
            reported: None,
            price: None,
        },
        median_tokens,
    };
    Costs {
        totals,
        by: Attribution {
            by_replica: shares(&[
                ("langchain-free-7d9c-x2kqp", 33_600),
                ("langchain-free-7d9c-p8mvd", 20_900),
                ("langchain-free-7d9c-q4tzn", 7_900),
            ]),
            by_step: shares(&[
                ("reasoner", 26_000),
                ("planner", 18_000),
                ("get_logs", 9_000),
                ("get_metrics", 5_400),
                ("check_pods", 4_000),
            ]),
            by_model,
            by_service: shares(&[
                ("checkout-api", 31_000),
                ("payment-api", 14_000),
                ("search", 9_000),
                ("ledger", 5_000),
                ("gateway", 2_000),
                ("(other)", 1_400),
            ]),
            by_alert_type: shares(&[("high_latency", 40_000), ("high_cpu", 15_000), ("disk_full", 7_400)]),
        },
        burn: BurnRate { last_5m_usd_per_hour: nanos(36_000_000), last_60m_usd_per_hour: nanos(29_000_000) },
        month_usd: nanos(13_280_000_000),
        savings: Savings { models_usd: nanos(16_560_000), cache_usd: nanos(4_396_000), cache_hits: 14, cache_joins: 3 },
        what_if: vec![
            WhatIf { model: "simulated-gpt-3.5".to_owned(), cost_usd: nanos(12_480_000) },
            WhatIf { model: "simulated-gpt-4".to_owned(), cost_usd: nanos(118_400_000) },
            WhatIf { model: "gpt-4.1-mini".to_owned(), cost_usd: nanos(498_000_000) },
        ],
        infrastructure: Some(Infrastructure { usd_per_hour: nanos(120_000_000), cost_usd: nanos(250_000_000) }),
        missing: vec![MissingReplica {
            replica: "langchain-free-7d9c-k7rtd".to_owned(),
            boot_id: None,
            failure: PeerFailure::new(FailureKind::TimedOut, "no answer within 2 s"),
        }],
        budgets: vec![total, service, alert_type],
        outliers: vec![
            outlier("reasoner", 210, 67, "checkout-api", 30, "inv_b1_2"),
            outlier("planner", 1_400, 45, "search", 400, "inv_gone_1"),
        ],
        ..no_costs(replica, boot_id)
    }
}

/// Costs in which every number is as large as it can be.
pub(crate) fn enormous_costs(replica: &str, boot_id: &str) -> Costs {
    const MOST: u64 = u64::MAX;
    let most = Spend::default().combine(Spend::default(), |_, _| MOST);
    let mut costs = costs(replica, boot_id);
    costs.totals = most;
    let lists = [&mut costs.by.by_replica, &mut costs.by.by_service, &mut costs.by.by_model, &mut costs.by.by_step];
    lists.into_iter().flatten().for_each(|share| share.spend = most);
    costs.burn = BurnRate { last_5m_usd_per_hour: nanos(MOST), last_60m_usd_per_hour: nanos(MOST) };
    costs.month_usd = nanos(MOST);
    costs.savings = Savings { models_usd: nanos(MOST), cache_usd: nanos(MOST), cache_hits: MOST, cache_joins: MOST };
    costs.infrastructure = Some(Infrastructure { usd_per_hour: nanos(MOST), cost_usd: nanos(MOST) });
    costs.what_if.iter_mut().for_each(|what_if| what_if.cost_usd = nanos(MOST));
    costs.budgets = enormous_budgets();
    for outlier in &mut costs.outliers {
        (outlier.entry.input_tokens, outlier.entry.output_tokens, outlier.median_tokens) = (MOST, MOST, 0);
        outlier.entry.at = jiff::Timestamp::MIN;
    }
    costs
}

/// Budgets in which every number is as large as it can be.
pub(super) fn enormous_budgets() -> Vec<Budget> {
    let mut budget = budget("total", u64::MAX, 100);
    (budget.spent_usd, budget.reserved_usd) = (budget.limit_usd, budget.limit_usd);
    (budget.rejections, budget.replicas) = (u64::MAX, u32::MAX);
    budget.burn = BurnRate { last_5m_usd_per_hour: budget.limit_usd, last_60m_usd_per_hour: budget.limit_usd };
    (budget.resets_at, budget.exhausted_at) = (jiff::Timestamp::MAX, Some(jiff::Timestamp::MIN));
    vec![budget]
}

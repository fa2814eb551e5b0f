//! What can be decided: kept as it is at hand, and put into words only when somebody reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use langdeck_shared::{Actor, Alert, AtLimit, Budget, BudgetState, DecisionCode, Usd};
use serde_json::Number;

use crate::chain::{MAX_LINE, bounded_shared};
use crate::clock::millis;
use crate::cost::{Route, Short, Spent};
use crate::model::Plan;

/// One decision, without when and about which investigation. Its texts are shared with the investigation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Choice {
    /// The planner chose tools.
    Plan(Arc<Plan>),
    /// An attempt of a step failed, and another follows after a wait.
    Retry { by: Actor, step: Arc<str>, attempt: u32, timed_out: bool, wait: Duration, reason: Arc<str> },
    /// A tool found nothing, however often it was tried.
    WithoutTool { tool: Arc<str>, attempts: u32, reason: Arc<str> },
    /// A tool was not called.
    SkipTool { tool: Arc<str>, reason: Arc<str> },
    /// A step was stopped at the run's deadline.
    Stop { by: Actor, step: Arc<str>, attempts: u32, reason: Arc<str> },
    /// A report without the reasoner.
    Fallback { found: usize, planned: usize, reason: Arc<str> },
    /// A report although tools found nothing.
    Partial { found: usize, planned: usize, confidence: f64 },
    /// No report.
    Fail { by: Actor, reason: Arc<str> },
    /// An investigation is stopped, for this reason.
    Cancel(&'static str),
    /// An alert joins its episode's investigation.
    JoinEpisode,
    /// An alert joins the investigation of its key.
    JoinKey,
    /// An alert is answered from the cache with the report of an investigation that had ended so long ago, and cost so much.
    AnswerFromCache { age: Duration, saved: Usd },
    /// An alert joins the investigation of the same that is under way.
    JoinSame,
    /// The alert of an investigation was resolved.
    Resolve,
    /// An alert is turned away, as so many run and so many wait already.
    RefuseFull { alert: Refused, running: usize, queued: usize },
    /// An alert is turned away, since a budget has no room for it.
    RefuseSpent { alert: Refused, spent: Box<Spent>, comes_again: bool },
    /// A route chose the model. The most that it may cost is known where something limits that.
    Route { route: Arc<Route>, most: Option<Usd> },
    /// A budget without room chose a cheaper model instead of another; none of them is the usual one.
    Degrade { model: Option<Arc<str>>, instead_of: Option<Arc<str>>, set_aside: Usd, spent: Box<Spent> },
    /// An investigation is made although a budget has no room for it.
    Exceed(Box<Spent>),
    /// A budget has come to stand worse.
    Worsen(Box<Budget>),
    /// A step's model is not asked.
    Cap { step: Arc<str>, short: Short },
    /// An alert is turned away, since the replica takes no more.
    RefuseDraining { alert: Refused },
    /// An alert is turned away, since its key belongs to this decision's investigation of another alert.
    RefuseKeyReused { alert: Refused },
    /// So many decisions are not in the log.
    LoseLines { lost: u64 },
}

/// An alert that became no investigation: its names, since the rest of it can be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(Box<str>);

impl From<&Alert> for Refused {
    fn from(alert: &Alert) -> Self {
        Self(format!("{} of {}", alert.alert_type, alert.service).into())
    }
}

/// A choice in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    pub(super) choice: String,
    pub(super) alternatives: Vec<String>,
    pub(super) figures: BTreeMap<String, Number>,
    pub(super) reason: String,
}

impl Choice {
    pub(crate) const fn actor(&self) -> Actor {
        match self {
            Self::Plan(_) => Actor::Planner,
            Self::WithoutTool { .. } | Self::SkipTool { .. } => Actor::Executor,
            Self::Retry { by, .. } | Self::Stop { by, .. } | Self::Fail { by, .. } => *by,
            Self::Fallback { .. } | Self::Partial { .. } => Actor::Reasoner,
            Self::Cancel(_) => Actor::Operator,
            Self::JoinEpisode
            | Self::JoinKey
            | Self::Resolve
            | Self::RefuseFull { .. }
            | Self::RefuseDraining { .. }
            | Self::RefuseKeyReused { .. } => Actor::Admission,
            Self::RefuseSpent { .. } | Self::Degrade { .. } | Self::Exceed(_) | Self::Worsen(_) | Self::Cap { .. } => {
                Actor::Budget
            }
            Self::Route { .. } => Actor::Router,
            Self::AnswerFromCache { .. } | Self::JoinSame => Actor::Cache,
            Self::LoseLines { .. } => Actor::DecisionLog,
        }
    }

    pub(crate) const fn code(&self) -> DecisionCode {
        match self {
            Self::Plan(_) => DecisionCode::PlanChosen,
            Self::Retry { timed_out: false, .. } => DecisionCode::Retry,
            Self::Retry { timed_out: true, .. } => DecisionCode::AttemptTimedOut,
            Self::WithoutTool { .. } => DecisionCode::ToolFailed,
            Self::SkipTool { .. } => DecisionCode::ToolSkipped,
            Self::Stop { .. } => DecisionCode::DeadlineStop,
            Self::Fallback { .. } => DecisionCode::FallbackConclusion,
            Self::Partial { .. } => DecisionCode::PartialReport,
            Self::Fail { .. } => DecisionCode::InvestigationFailed,
            Self::Cancel(_) => DecisionCode::Cancelled,
            Self::JoinEpisode => DecisionCode::EpisodeJoined,
            Self::JoinKey => DecisionCode::KeyJoined,
            Self::AnswerFromCache { .. } => DecisionCode::CacheHit,
            Self::JoinSame => DecisionCode::CacheJoined,
            Self::Resolve => DecisionCode::Resolved,
            Self::RefuseFull { .. } => DecisionCode::RefusedFull,
            Self::RefuseSpent { .. } => DecisionCode::BudgetExceeded,
            Self::Route { .. } => DecisionCode::RouteChosen,
            Self::Degrade { .. } => DecisionCode::Degraded,
            Self::Exceed(_) => DecisionCode::LimitExceeded,
            Self::Worsen(budget) => match budget.state {
                BudgetState::Ok | BudgetState::Warning => DecisionCode::BudgetWarning,
                BudgetState::Exceeded => DecisionCode::BudgetSpent,
            },
            Self::Cap { .. } => DecisionCode::Capped,
            Self::RefuseDraining { .. } => DecisionCode::RefusedDraining,
            Self::RefuseKeyReused { .. } => DecisionCode::RefusedKeyReused,
            Self::LoseLines { .. } => DecisionCode::LinesLost,
        }
    }

    /// How many bytes it holds on to, beside its own.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Plan(plan) => plan.reasoning.len() + plan.tools.len() * size_of::<Arc<str>>(),
            Self::Retry { reason, .. }
            | Self::WithoutTool { reason, .. }
            | Self::SkipTool { reason, .. }
            | Self::Stop { reason, .. }
            | Self::Fallback { reason, .. }
            | Self::Fail { reason, .. } => reason.len(),
            Self::RefuseFull { alert, .. } | Self::RefuseDraining { alert } | Self::RefuseKeyReused { alert } => {
                alert.0.len()
            }
            Self::RefuseSpent { alert, .. } => alert.0.len() + size_of::<Spent>(),
            Self::Degrade { .. } | Self::Exceed(_) => size_of::<Spent>(),
            Self::Worsen(_) => size_of::<Budget>(),
            Self::Partial { .. }
            | Self::Cancel(_)
            | Self::JoinEpisode
            | Self::JoinKey
            | Self::AnswerFromCache { .. }
            | Self::JoinSame
            | Self::Resolve
            | Self::Route { .. }
            | Self::Cap { .. }
            | Self::LoseLines { .. } => 0,
        }
    }

    /// What a reader is told, who knows the usual model and all tools that a plan could have chosen from.
    pub(super) fn words(&self, usual: &str, tools: &[Arc<str>]) -> Words {
        match self {
            Self::Plan(plan) => Words {
                choice: plan.tools.join(", "),
                alternatives: left_out(plan, tools),
                figures: figures([("tools", plan.tools.len().into())]),
                reason: bounded_shared(Arc::clone(&plan.reasoning), MAX_LINE).to_string(),
            },
            Self::Retry { step, attempt, wait, reason, .. } => Words {
                alternatives: vec![format!("give up on {step}")],
                figures: figures([("attempt", (*attempt).into()), ("wait_ms", millis(*wait).into())]),
                ..words(format!("try {step} again"), reason)
            },
            Self::WithoutTool { tool, attempts, reason } => Words {
                figures: figures([("attempts", (*attempts).into())]),
                ..words(format!("go on without {tool}"), reason)
            },
            Self::SkipTool { tool, reason } => words(format!("skip {tool}"), reason),
            Self::Stop { step, attempts, reason, .. } => {
                Words { figures: figures([("attempts", (*attempts).into())]), ..words(format!("stop {step}"), reason) }
            }
            Self::Fallback { found, planned, reason } => Words {
                alternatives: vec!["no report".to_owned()],
                figures: figures([("tools_found", (*found).into()), ("tools_planned", (*planned).into())]),
                ..words("report what the tools found", reason)
            },
            Self::Partial { found, planned, confidence } => {
                let missing = planned - found;
                let certain = Number::from_f64(*confidence).map(|confidence| ("confidence", confidence));
                let counts = [("tools_found", (*found).into()), ("tools_planned", (*planned).into())];
                Words {
                    alternatives: vec!["no report".to_owned()],
                    figures: figures(counts.into_iter().chain(certain)),
                    ..words("conclude from a part", &format!("{missing} of {planned} tools found nothing"))
                }
            }
            Self::Fail { reason, .. } => words("no report", reason),
            Self::Cancel(reason) => words("cancel", reason),
            Self::JoinEpisode => Words {
                alternatives: vec!["investigate again".to_owned()],
                ..words("join the investigation", "its episode has an investigation already")
            },
            Self::JoinKey => Words {
                alternatives: vec!["investigate again".to_owned()],
                ..words("join the investigation", "its idempotency key came with the same alert before")
            },
            Self::AnswerFromCache { age, saved } => Words {
                alternatives: vec!["investigate again".to_owned()],
                figures: figures([("age_ms", millis(*age).into())].into_iter().chain(money([("saved_usd", *saved)]))),
                ..words("give its report again", "an alert like this one was investigated within the cache's time")
            },
            Self::JoinSame => Words {
                alternatives: vec!["investigate again".to_owned()],
                ..words("join the investigation", "an alert like this one is being investigated")
            },
            Self::Resolve => words("note the end of the alert", "Alertmanager says that it is resolved"),
            Self::RefuseFull { alert, running, queued } => Words {
                figures: figures([("running", (*running).into()), ("queued", (*queued).into())]),
                ..refusal(alert, "all places to run and to wait are taken")
            },
            Self::RefuseSpent { alert: Refused(alert), spent, comes_again } => Words {
                figures: shortage(spent, None),
                ..if *comes_again {
                    words(format!("skip {alert}"), &format!("{}; it is told of again", no_room(spent)))
                } else {
                    words(format!("refuse {alert}"), &no_room(spent))
                }
            },
            Self::Route { route, most } => Words {
                alternatives: vec![usual.to_owned()],
                figures: figures(
                    [("route", route.number.into())].into_iter().chain(money(most.map(|most| ("most_usd", most)))),
                ),
                ..words(&*route.model, &format!("the policy routes {route} to it"))
            },
            Self::Degrade { model, instead_of, set_aside, spent } => Words {
                alternatives: vec![instead_of.as_deref().unwrap_or(usual).to_owned()],
                figures: shortage(spent, Some(("set_aside_usd", *set_aside))),
                ..words(model.as_deref().unwrap_or(usual), &no_room(spent))
            },
            Self::Exceed(spent) => Words {
                alternatives: vec!["refuse it".to_owned()],
                figures: shortage(spent, None),
                ..words("investigate beyond the limit", &format!("{}, and {}", no_room(spent), why_beyond(spent)))
            },
            Self::Worsen(budget) => worsened(budget),
            Self::Cap { step, short } => {
                let Short { limit, left, needed, kept } = *short;
                let kept = Some(("kept_usd", kept)).filter(|(_, kept)| *kept != Usd::ZERO);
                let amounts = [("limit_usd", limit), ("left_usd", left), ("needed_usd", needed)];
                Words {
                    figures: figures(money(amounts.into_iter().chain(kept))),
                    ..words(format!("do not call the model for {step}"), &short.to_string())
                }
            }
            Self::RefuseDraining { alert } => refusal(alert, "this replica takes no more work"),
            Self::RefuseKeyReused { alert } => refusal(alert, "its idempotency key came with another alert before"),
            Self::LoseLines { lost } => Words {
                figures: figures([("lost", (*lost).into())]),
                ..words("go on without them", "the log could not be written for so long that they are missing here")
            },
        }
    }
}

fn words(choice: impl Into<String>, reason: &str) -> Words {
    Words { choice: choice.into(), alternatives: Vec::new(), figures: BTreeMap::new(), reason: reason.to_owned() }
}

fn refusal(Refused(alert): &Refused, reason: &str) -> Words {
    words(format!("refuse {alert}"), reason)
}

fn no_room(Spent { budget, .. }: &Spent) -> String {
    format!("the budget of {} per {} has no room for it", budget.scope, budget.window)
}

fn why_beyond(Spent { budget, .. }: &Spent) -> &'static str {
    match budget.at_limit {
        AtLimit::Reject | AtLimit::Warn => "only warns",
        AtLimit::Degrade => "there is no cheaper model that it has room for",
    }
}

fn shortage(Spent { budget, needed }: &Spent, more: Option<(&'static str, Usd)>) -> BTreeMap<String, Number> {
    figures(money(standing(budget).into_iter().chain([("needed_usd", *needed)]).chain(more)))
}

const fn standing(budget: &Budget) -> [(&'static str, Usd); 3] {
    [("limit_usd", budget.limit_usd), ("spent_usd", budget.spent_usd), ("reserved_usd", budget.reserved_usd)]
}

fn worsened(budget: &Budget) -> Words {
    let Budget { scope, window, threshold_percent, state, at_limit, resets_at, .. } = budget;
    let (choice, how) = match (state, at_limit) {
        (BudgetState::Ok | BudgetState::Warning, _) => ("warn", format!("has reached {threshold_percent} %")),
        (BudgetState::Exceeded, AtLimit::Reject) => ("refuse what it has no room for", "has no room left".to_owned()),
        (BudgetState::Exceeded, AtLimit::Degrade) => ("go on with the cheaper model", "has no room left".to_owned()),
        (BudgetState::Exceeded, AtLimit::Warn) => ("go on beyond the limit", "has no room left".to_owned()),
    };
    let percent = ("threshold_percent", (*threshold_percent).into());
    Words {
        figures: figures(money(standing(budget)).chain([percent])),
        ..words(choice, &format!("the budget of {scope} per {window} {how}; it resets at {resets_at}"))
    }
}

fn figures(figures: impl IntoIterator<Item = (&'static str, Number)>) -> BTreeMap<String, Number> {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

/// Amounts in USD.
fn money(amounts: impl IntoIterator<Item = (&'static str, Usd)>) -> impl Iterator<Item = (&'static str, Number)> {
    amounts.into_iter().filter_map(|(name, amount)| Some((name, Number::from_f64(amount.as_f64())?)))
}

fn left_out(plan: &Plan, tools: &[Arc<str>]) -> Vec<String> {
    tools.iter().filter(|tool| !plan.tools.contains(tool)).map(ToString::to_string).collect()
}

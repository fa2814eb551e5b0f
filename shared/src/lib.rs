//! What Langdeck's agent and console say to each other: the wire types of the HTTP API, and money.
//!
//! Every type here is the JSON of an endpoint or a part of one. There is no I/O and nothing asynchronous, so that both
//! sides can lean on it. Readers ignore fields that they do not know; optional fields are left out when they are empty.
//! What the contract promises of an answer and its type cannot say, its `check` does.

#![forbid(unsafe_code)]

mod alert;
mod alertmanager;
mod budget;
mod check;
mod costs;
mod decision;
mod fleet;
mod health;
mod investigation;
mod memory;
mod money;
mod problem;
mod replica;
mod report;

pub use alert::{
    Alert, AlertRequest, LABEL_VALUE_CHARS, LABELS, LONG_TEXT_CHARS, NAME_CHARS, SEVERITY_CHARS, UnsafeText,
    check_plain_text,
};
pub use alertmanager::{AlertOutcome, Outcome, Webhook, WebhookAlert, WebhookAnswer, WebhookStatus};
pub use budget::{AtLimit, Budget, BudgetState, BudgetWindow, Counted};
pub use costs::{
    Attribution, Basis, BurnRate, CostEntry, CostShare, CostSpan, Costs, Infrastructure, OTHER, Outlier, ReportedUsage,
    Savings, Spend, WhatIf, stands_out,
};
pub use decision::{Actor, Decision, DecisionCode, DecisionPage};
pub use fleet::{FailureKind, FleetUpdate, MissingReplica, PeerFailure, PeerProblem};
pub use health::Health;
pub use investigation::{Accepted, Investigation, InvestigationPage, Status, Step, StepKind, StepStatus};
pub use memory::{MAX_KEYS_PER_PATTERN, Memory, MemoryEntry, ServicePattern};
pub use money::{InvalidAmount, ParseUsdError, Usd};
pub use problem::{FieldError, Problem};
pub use replica::{
    GONE_AFTER, Latency, MemoryDelta, ReplicaStatus, ReplicaUpdate, STALE_AFTER, Sample, ToolMode, Totals,
    UNREACHABLE_AFTER,
};
pub use report::{
    ChainExecution, CostTracking, ExecutorReport, PlannerReport, ReasonerReport, Report, StepReport, TokenBreakdown,
};

//! What Langdeck's agent and console say to each other: the wire types of the HTTP API, and money.
//!
//! Every type here is the JSON of an endpoint or a part of one. There is no I/O and nothing asynchronous, so that both
//! sides can lean on it. Readers ignore fields that they do not know; optional fields are left out when they are empty.

#![forbid(unsafe_code)]

mod alert;
mod alertmanager;
mod costs;
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
pub use costs::{CostShare, Costs, OTHER, Spend};
pub use health::Health;
pub use investigation::{Accepted, Investigation, InvestigationPage, Status, Step, StepKind, StepStatus};
pub use memory::{MAX_KEYS_PER_PATTERN, Memory, MemoryEntry, ServicePattern};
pub use money::{ParseUsdError, Usd};
pub use problem::{FieldError, Problem};
pub use replica::{Latency, MemoryDelta, ReplicaStatus, ReplicaUpdate, Sample, ToolMode, Totals};
pub use report::{
    ChainExecution, CostTracking, ExecutorReport, PlannerReport, ReasonerReport, Report, StepReport, TokenBreakdown,
};

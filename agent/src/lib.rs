//! The agent server: an alert comes in, a chain of planner, executor and reasoner runs over it, and every step and cent
//! is on record.
//!
//! [`Agent::start`] binds the address, serves in background tasks and returns; several agents live in one process
//! without sharing anything. [`Agent::start_with`] takes another [`Model`] and other [`Tool`]s than the simulated ones.

#![forbid(unsafe_code)]

mod api;
mod chain;
mod clock;
mod config;
mod cost;
mod decisions;
mod fleet;
mod identity;
mod memory;
mod metrics;
mod model;
mod policy;
mod replica;
mod runs;
mod samples;
mod serve;
mod server;
#[cfg(test)]
mod testing;
mod tools;

pub use config::{Config, ConfigError};
pub use cost::PolicyError;
pub use fleet::{Directory, LookupProblem, Peer, PeerSet, PeerSource, PeerSourceError};
pub use langdeck_shared::{AtLimit, BudgetWindow, ReportedUsage, ToolMode, Usd};
pub use memory::Recall;
pub use model::{
    Answer, Arguments, ArgumentsRequest, Conclusion, ConclusionRequest, Finding, Model, ModelCall, ModelError, Plan,
    PlanRequest, Question, ScenarioError, Usage,
};
pub use policy::CallPolicy;
pub use server::{Agent, Parts, StartError};
pub use tools::{Tool, ToolCall, ToolError};

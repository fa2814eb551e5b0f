//! The chain: planner, executor, reasoner. It knows neither HTTP nor metrics; it reports what happens to an observer.

mod attempts;
mod deadline;
mod engine;
mod events;
mod executor;
mod planner;
mod reasoner;
#[cfg(test)]
mod tests;
mod text;
mod toolbox;

pub(crate) use engine::{Engine, Job, ModelId, Outcome};
pub(crate) use events::{Callee, FailedAttempt, Observer, PLANNER, StepEnd};
pub(crate) use text::{MAX_LINE, bounded_shared};

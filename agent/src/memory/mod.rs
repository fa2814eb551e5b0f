//! What the agent remembers: investigations, and a pattern per service.

#[cfg(test)]
mod feed_tests;
mod investigations;
mod patterns;
mod record;

pub(crate) use investigations::{Changes, Ended, Investigations, ListFilter, fit_a_page};
pub use patterns::Recall;
pub(crate) use patterns::{MAX_SERVICES, Patterns, Remembered};
pub(crate) use record::{Progress, Record, StepName, StepRecord};

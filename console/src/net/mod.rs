//! Asking agents and sending alerts. Owns the sockets; tells the app by messages.

mod base_url;
mod bound;
pub mod burst;
mod check;
mod clean;
mod client;
mod error;
mod fleet;
mod poll;
mod submit;

pub use base_url::{BaseUrl, BaseUrlError};
pub use clean::{clean_json, clean_text, clean_within};
#[cfg(test)]
pub(crate) use client::read;
pub use client::{Client, CostSpanFilter, DecisionFilter, Timeouts};
pub use error::NetError;
pub use fleet::{EntryFault, FleetAnswer};
pub use poll::{PollOptions, spawn_poller};
pub use submit::Submitter;

//! The console's state, what happens to it, and how it changes: pure, synchronous, the clock passed in.

mod message;

pub use message::{Effect, Message, Pace, SourceId, Ticket};

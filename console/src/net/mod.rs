//! Asking agents and sending alerts. Owns the sockets; tells the app by messages.

mod error;

pub use error::NetError;

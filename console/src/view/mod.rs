//! What the console draws.

pub mod format;
pub mod theme;

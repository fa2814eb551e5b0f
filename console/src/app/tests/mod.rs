//! The state through messages, as the loop drives it.

mod asking;
mod costs;
mod firing;
mod fleets;
mod telling;
mod truth;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

//! Sums over lives and replicas.

use langdeck_shared::{Totals, Usd};

pub(super) fn add(a: Totals, b: Totals) -> Totals {
    combine(a, b, u64::saturating_add)
}

/// What the later of two words says, whichever that is: a sum never falls.
pub(super) fn later(a: Totals, b: Totals) -> Totals {
    combine(a, b, u64::max)
}

/// Each sum of two replicas or lives by itself.
fn combine(a: Totals, b: Totals, of: impl Fn(u64, u64) -> u64 + Copy) -> Totals {
    Totals {
        requests: of(a.requests, b.requests),
        succeeded: of(a.succeeded, b.succeeded),
        partial: of(a.partial, b.partial),
        failed: of(a.failed, b.failed),
        cancelled: of(a.cancelled, b.cancelled),
        tools_executed: of(a.tools_executed, b.tools_executed),
        spend: a.spend.combine(b.spend, of),
    }
}

/// The spending per hour that the given seconds, oldest first, amount to; none when fewer than ten of them are known.
#[must_use]
pub fn hourly(seconds: impl Iterator<Item = Option<Usd>>) -> Option<Usd> {
    let known: Vec<Usd> = seconds.flatten().collect();
    let count = u64::try_from(known.len()).ok().filter(|count| *count >= 10)?;
    let spent: Usd = known.into_iter().sum();
    Some(Usd::from_nanos(spent.nanos().saturating_mul(3600) / count))
}

//! Sums over lives and replicas.

use langdeck_shared::{Spend, Totals, Usd};

pub(super) fn add(a: Totals, b: Totals) -> Totals {
    combine(a, b, u64::saturating_add)
}

/// What the later of two words says, whichever that is: a sum never falls.
pub(super) fn later(a: Totals, b: Totals) -> Totals {
    combine(a, b, u64::max)
}

/// Each sum of two replicas or lives by itself.
fn combine(a: Totals, b: Totals, of: impl Fn(u64, u64) -> u64) -> Totals {
    Totals {
        requests: of(a.requests, b.requests),
        succeeded: of(a.succeeded, b.succeeded),
        partial: of(a.partial, b.partial),
        failed: of(a.failed, b.failed),
        cancelled: of(a.cancelled, b.cancelled),
        tools_executed: of(a.tools_executed, b.tools_executed),
        spend: Spend {
            calls: of(a.spend.calls, b.spend.calls),
            tokens: of(a.spend.tokens, b.spend.tokens),
            input_tokens: of(a.spend.input_tokens, b.spend.input_tokens),
            output_tokens: of(a.spend.output_tokens, b.spend.output_tokens),
            cost_usd: Usd::from_nanos(of(a.spend.cost_usd.nanos(), b.spend.cost_usd.nanos())),
            unpriced_tokens: of(a.spend.unpriced_tokens, b.spend.unpriced_tokens),
        },
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

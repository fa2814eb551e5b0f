//! The time axis: a span that grows in steps, and ticks at round times.

/// The time that the whole width stands for when a run has taken `now_ms`: a round one, so that bars keep their scale
/// between its steps.
#[must_use]
pub fn span_ms(now_ms: u64) -> u64 {
    now_ms.max(200)
}

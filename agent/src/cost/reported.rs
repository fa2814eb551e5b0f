//! What a provider reported of a call, made small: each of thousands of entries holds one.

use langdeck_shared::ReportedUsage;

const NOTHING: u32 = u32::MAX;

/// Tokens as they were reported: read, of those from a cache, written, in all. More than four billion are told as so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported([u32; 4]);

impl Reported {
    pub(super) fn new(reported: Option<ReportedUsage>) -> Self {
        let ReportedUsage { prompt_tokens, cached_tokens, completion_tokens, total_tokens } =
            reported.unwrap_or_default();
        let small = |tokens: Option<u64>| {
            tokens.map_or(NOTHING, |tokens| u32::try_from(tokens).unwrap_or(NOTHING).min(NOTHING - 1))
        };
        Self([prompt_tokens, cached_tokens, completion_tokens, total_tokens].map(small))
    }

    /// As the wire has it; none where nothing was reported.
    pub(crate) fn usage(self) -> Option<ReportedUsage> {
        let [prompt_tokens, cached_tokens, completion_tokens, total_tokens] =
            self.0.map(|tokens| (tokens != NOTHING).then_some(tokens.into()));
        let usage = ReportedUsage { prompt_tokens, cached_tokens, completion_tokens, total_tokens };
        (usage != ReportedUsage::default()).then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reported_is_told_as_it_was() {
        let whole = ReportedUsage {
            prompt_tokens: Some(100),
            cached_tokens: Some(0),
            completion_tokens: Some(57),
            total_tokens: Some(157),
        };
        for usage in [whole, ReportedUsage { cached_tokens: None, total_tokens: None, ..whole }] {
            assert_eq!(Reported::new(Some(usage)).usage(), Some(usage));
        }
        assert_eq!(Reported::new(None).usage(), None);
        let absurd = ReportedUsage { total_tokens: Some(u64::MAX), ..whole };
        let most = ReportedUsage { total_tokens: Some(u64::from(u32::MAX) - 1), ..whole };
        assert_eq!(Reported::new(Some(absurd)).usage(), Some(most));
    }
}

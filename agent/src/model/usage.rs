//! Usage: the tokens of a call, as its provider reports them and as they are charged.

use std::sync::Arc;

use langdeck_shared::ReportedUsage;

/// One call of a model, as its provider reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// The model that answered.
    pub model: Arc<str>,
    /// What it read and wrote: what is charged.
    pub usage: Usage,
    /// The same in the provider's own words; none where it reported nothing.
    pub reported: Option<ReportedUsage>,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens that the model read, those from its provider's cache included.
    pub input: u64,
    /// Tokens that the model wrote.
    pub output: u64,
    /// How many of `input` came from the provider's cache.
    #[serde(default)]
    pub cached_input: u64,
    /// Whether the provider did not report all of these and some are an estimate.
    #[serde(default)]
    pub estimated: bool,
}

impl ModelCall {
    /// A call of which its provider reported this, or nothing. `estimate` is what it took by one's own reckoning, and
    /// counts for what the report leaves out.
    #[must_use]
    pub fn new(model: Arc<str>, reported: Option<ReportedUsage>, estimate: Usage) -> Self {
        let usage = Usage::normalised(&reported.unwrap_or_default(), estimate);
        Self { model, usage, reported }
    }
}

impl Usage {
    /// What a report comes to. A part that it leaves out is what the other leaves of the total; where that does not tell
    /// either, it is the estimate's, and the whole is called estimated. Where a total and its parts disagree, the parts
    /// count: they have prices, the total has none.
    fn normalised(reported: &ReportedUsage, estimate: Self) -> Self {
        let ReportedUsage { prompt_tokens, cached_tokens, completion_tokens, total_tokens } = *reported;
        let rest = |part: Option<u64>| total_tokens?.checked_sub(part?);
        let read = prompt_tokens.or_else(|| rest(completion_tokens));
        let written = completion_tokens.or_else(|| rest(prompt_tokens));
        let input = read.unwrap_or_else(|| estimate.input.min(total_tokens.unwrap_or(u64::MAX)));
        let output = written.or_else(|| rest(Some(input))).unwrap_or(estimate.output);
        let estimated = read.is_none() || written.is_none();
        // Of a part that is reported and says nothing of a cache, nothing came from one.
        let cached = cached_tokens.unwrap_or(if read.is_some() { 0 } else { estimate.cached_input });
        // Cached tokens are among those read: whatever a provider says, none is counted twice.
        Self { input, output, cached_input: cached.min(input), estimated }
    }

    /// These tokens as a provider reports them.
    pub(super) fn as_reported(self) -> ReportedUsage {
        ReportedUsage {
            prompt_tokens: Some(self.input),
            cached_tokens: (self.cached_input > 0).then_some(self.cached_input),
            completion_tokens: Some(self.output),
            total_tokens: Some(self.input.saturating_add(self.output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ESTIMATE: Usage = Usage { input: 70, output: 20, cached_input: 9, estimated: true };

    fn reported(prompt: Option<u64>, cached: Option<u64>, completion: Option<u64>, total: Option<u64>) -> Usage {
        let reported = ReportedUsage {
            prompt_tokens: prompt,
            cached_tokens: cached,
            completion_tokens: completion,
            total_tokens: total,
        };
        let call = ModelCall::new("m".into(), Some(reported), ESTIMATE);
        assert_eq!(call.reported, Some(reported));
        call.usage
    }

    #[test]
    fn what_is_reported_counts_and_what_is_missing_is_reckoned_or_estimated() {
        for (prompt, cached, completion, total, expected) in [
            // Whole, and without what can be reckoned.
            (Some(100), Some(40), Some(57), Some(157), (100, 40, 57, false)),
            (Some(100), None, Some(57), None, (100, 0, 57, false)),
            (Some(100), None, None, Some(157), (100, 0, 57, false)),
            (None, Some(40), Some(57), Some(157), (100, 40, 57, false)),
            // A part is missing and nothing tells it.
            (Some(100), None, None, None, (100, 0, 20, true)),
            (None, None, Some(57), None, (70, 9, 57, true)),
            (None, None, None, Some(157), (70, 9, 87, true)),
            (None, None, None, Some(50), (50, 9, 0, true)),
            (None, None, None, None, (70, 9, 20, true)),
            // What cannot be.
            (Some(100), Some(101), Some(57), Some(157), (100, 100, 57, false)),
            (Some(100), None, Some(57), Some(3), (100, 0, 57, false)),
            (Some(100), None, None, Some(99), (100, 0, 20, true)),
            (None, None, Some(57), Some(3), (3, 3, 57, true)),
        ] {
            let Usage { input, output, cached_input, estimated } = reported(prompt, cached, completion, total);
            let found = (input, cached_input, output, estimated);
            assert_eq!(found, expected, "of {prompt:?}, {cached:?}, {completion:?}, {total:?}");
        }
    }

    #[test]
    fn a_call_without_a_report_is_estimated() {
        let call = ModelCall::new("m".into(), None, Usage { estimated: false, ..ESTIMATE });
        assert_eq!((call.usage, call.reported), (ESTIMATE, None));
    }

    proptest! {
        #[test]
        fn what_a_whole_report_says_comes_back(input in 0..u64::MAX / 2, output in 0..u64::MAX / 2, cached in 0.0..=1.0) {
            let usage = Usage { input, output, cached_input: (input as f64 * cached) as u64, estimated: false };
            let usage = Usage { cached_input: usage.cached_input.min(input), ..usage };
            prop_assert_eq!(ModelCall::new("m".into(), Some(usage.as_reported()), ESTIMATE).usage, usage);
        }

        #[test]
        fn no_report_counts_more_from_the_cache_than_was_read(
            [prompt, cached, completion, total] in proptest::array::uniform4(proptest::option::of(any::<u64>())),
        ) {
            let usage = reported(prompt, cached, completion, total);
            prop_assert!(usage.cached_input <= usage.input);
        }
    }
}

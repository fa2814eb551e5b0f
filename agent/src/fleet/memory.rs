//! What all replicas remember, merged.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use langdeck_shared::{Alert, MAX_KEYS_PER_PATTERN, Memory, MemoryEntry, OTHER, ServicePattern, Usd};

use crate::memory::MAX_SERVICES;

/// How many services are merged at once; beyond them, those seen longest ago are left out.
const MOST_MERGED: usize = 16 * MAX_SERVICES;

/// The memories that have been taken so far.
#[derive(Debug)]
pub(crate) struct Together {
    limit: usize,
    last_alert: Option<Arc<Alert>>,
    history: Vec<MemoryEntry>,
    patterns: BTreeMap<String, Merged>,
}

/// A service's pattern, and the experience of the replica whose root cause it names.
#[derive(Debug)]
struct Merged {
    pattern: ServicePattern,
    experience: u64,
}

impl Together {
    /// With up to `limit` entries of history.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, last_alert: None, history: Vec::new(), patterns: BTreeMap::new() }
    }

    /// Takes what one replica remembers.
    pub(crate) fn take(&mut self, memory: Memory) {
        let latest = [self.last_alert.take(), memory.last_alert].into_iter().flatten();
        self.last_alert = latest.max_by_key(|alert| alert.timestamp);
        self.history.extend(memory.history);
        let newest_first = |a: &MemoryEntry, b: &MemoryEntry| {
            (b.ended_at, &b.investigation_id).cmp(&(a.ended_at, &a.investigation_id))
        };
        self.history.sort_by(newest_first);
        self.history.truncate(self.limit);
        for pattern in memory.patterns {
            let experience = pattern.investigations;
            match self.patterns.get_mut(&pattern.service) {
                Some(merged) => merged.take(pattern),
                None => {
                    self.patterns.insert(pattern.service.clone(), Merged { pattern, experience });
                }
            }
        }
        if self.patterns.len() > MOST_MERGED {
            let mut all: Vec<_> = std::mem::take(&mut self.patterns).into_iter().collect();
            all.sort_by_key(|(_, merged)| Reverse(merged.pattern.last_seen));
            all.truncate(MOST_MERGED);
            self.patterns = all.into_iter().collect();
        }
    }

    /// What the replica of this name answers for all.
    pub(crate) fn finish(self, replica: String) -> Memory {
        let mut patterns: Vec<_> = self.patterns.into_values().map(|merged| merged.pattern).collect();
        patterns.sort_by_key(|pattern| Reverse(pattern.last_seen));
        patterns.truncate(MAX_SERVICES);
        Memory { replica, last_alert: self.last_alert, history: self.history, patterns, missing: Vec::new() }
    }
}

impl Merged {
    fn take(&mut self, other: ServicePattern) {
        let pattern = &mut self.pattern;
        let counts = (pattern.investigations, other.investigations);
        pattern.mean_cost_usd = mean_cost(counts, (pattern.mean_cost_usd, other.mean_cost_usd));
        pattern.mean_confidence = mean(counts, (pattern.mean_confidence, other.mean_confidence));
        pattern.investigations = counts.0.saturating_add(counts.1);
        for (alert_type, count) in other.alert_types {
            // One place is kept for the rest.
            let known = pattern.alert_types.contains_key(&alert_type);
            let fits = known || pattern.alert_types.len() + 1 < MAX_KEYS_PER_PATTERN;
            let sum = pattern.alert_types.entry(if fits { alert_type } else { OTHER.to_owned() }).or_default();
            *sum = sum.saturating_add(count);
        }
        if other.last_seen > pattern.last_seen {
            (pattern.last_seen, pattern.last_alert_type) = (other.last_seen, other.last_alert_type);
        }
        let knows_more = other.investigations > self.experience || pattern.most_frequent_root_cause.is_none();
        if knows_more && other.most_frequent_root_cause.is_some() {
            pattern.most_frequent_root_cause = other.most_frequent_root_cause;
            self.experience = other.investigations;
        }
    }
}

/// The mean of means over so many each, in whole nano-dollars.
fn mean_cost(counts: (u64, u64), means: (Usd, Usd)) -> Usd {
    let sum = u128::from(counts.0) * u128::from(means.0.nanos()) + u128::from(counts.1) * u128::from(means.1.nanos());
    let count = (u128::from(counts.0) + u128::from(counts.1)).max(1);
    // A mean is no more than the larger of the two.
    Usd::from_nanos(u64::try_from(sum / count).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "a mean over fewer than 2^53 investigations")]
fn mean(counts: (u64, u64), means: (f64, f64)) -> f64 {
    let share = counts.1 as f64 / (counts.0 as f64 + counts.1 as f64).max(1.0);
    means.0 + (means.1 - means.0) * share
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::testing::alert;

    fn pattern(service: &str, investigations: u64, seen: i64, cause: Option<&str>, nanos: u64) -> ServicePattern {
        ServicePattern {
            service: service.to_owned(),
            investigations,
            alert_types: BTreeMap::from([(format!("type {seen}"), investigations)]),
            last_seen: Timestamp::from_second(seen).unwrap(),
            last_alert_type: format!("type {seen}"),
            most_frequent_root_cause: cause.map(str::to_owned),
            mean_cost_usd: Usd::from_nanos(nanos),
            mean_confidence: 0.5,
        }
    }

    fn memory(last: Option<i64>, patterns: Vec<ServicePattern>) -> Memory {
        let last_alert = last.map(|at| {
            let timestamp = Timestamp::from_second(at).unwrap();
            Arc::new(Alert { timestamp, ..alert("high_cpu", "api") })
        });
        Memory { replica: "r".to_owned(), last_alert, history: Vec::new(), patterns, missing: Vec::new() }
    }

    fn together(memories: impl IntoIterator<Item = Memory>) -> Memory {
        let mut together = Together::new(50);
        memories.into_iter().for_each(|memory| together.take(memory));
        together.finish("r".to_owned())
    }

    #[test]
    fn a_service_known_to_several_has_one_pattern_whatever_the_order() {
        let parts = || {
            [
                memory(Some(5), vec![pattern("api", 3, 10, Some("pool"), 100)]),
                memory(None, vec![pattern("api", 1, 30, Some("loop"), 300), pattern("other", 1, 20, None, 1)]),
                memory(Some(7), vec![pattern("api", 4, 5, None, 100)]),
            ]
        };
        for merged in [together(parts()), together(parts().into_iter().rev())] {
            assert_eq!(merged.last_alert.unwrap().timestamp.as_second(), 7);
            let [api, other] = merged.patterns.try_into().unwrap();
            assert_eq!((other.service.as_str(), other.investigations), ("other", 1));
            assert_eq!((api.investigations, api.alert_types.values().sum::<u64>()), (8, 8));
            assert_eq!((api.last_seen.as_second(), api.last_alert_type.as_str()), (30, "type 30"));
            assert_eq!(api.most_frequent_root_cause.as_deref(), Some("pool"));
            assert_eq!(api.mean_cost_usd, Usd::from_nanos(125));
            assert!((api.mean_confidence - 0.5).abs() < 1e-9);
        }
    }

    #[test]
    fn services_and_alert_types_are_bounded() {
        let replicas = (0..100).map(|replica| {
            let services = (0..100).map(|n| pattern(&format!("service {replica}.{n}"), 1, n, None, 1));
            memory(None, services.chain([pattern("all", 1, 1000 + replica, None, 1)]).collect())
        });
        let merged = together(replicas);
        assert_eq!(merged.patterns.len(), MAX_SERVICES);
        let all = &merged.patterns[0];
        assert_eq!((all.service.as_str(), all.investigations), ("all", 100));
        assert_eq!(all.alert_types.len(), MAX_KEYS_PER_PATTERN);
        assert_eq!(all.alert_types.values().sum::<u64>(), 100);
        assert!(all.alert_types[OTHER] > 1);
    }
}

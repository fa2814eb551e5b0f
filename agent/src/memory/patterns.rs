//! Patterns: what the investigations of each service have in common.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use jiff::Timestamp;
use langdeck_shared::{Alert, MAX_KEYS_PER_PATTERN, OTHER, ServicePattern, Usd};
use serde::Serialize;

/// How many services are remembered; beyond them, the one seen longest ago is forgotten.
pub(crate) const MAX_SERVICES: usize = 500;
/// How many root causes a service's pattern tells apart; beyond them, the rarest gives way.
const MAX_CAUSES: usize = 32;

/// A pattern per service.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    by_service: HashMap<Arc<str>, Pattern>,
    /// The services by the sequence number of their last change; the first was seen longest ago.
    by_change: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug, Clone)]
struct Pattern {
    changed: u64,
    investigations: u64,
    alert_types: BTreeMap<Arc<str>, u64>,
    last_seen: Timestamp,
    last_alert_type: Arc<str>,
    causes: Vec<Cause>,
    cost: Usd,
    confidence: f64,
}

/// A root cause of one alert type.
#[derive(Debug, Clone)]
struct Cause {
    alert_type: Arc<str>,
    root_cause: Arc<str>,
    count: u64,
    /// The sequence number of the last investigation that found it.
    last: u64,
}

/// What memory keeps of an investigation that gave a report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remembered<'a> {
    pub(crate) alert: &'a Alert,
    pub(crate) root_cause: &'a str,
    pub(crate) confidence: f64,
    pub(crate) cost: Usd,
    pub(crate) ended_at: Timestamp,
}

/// What memory recalls when an alert arrives: the part of its service's past that a planner can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recall {
    /// Investigations of the service that gave a report.
    pub investigations: u64,
    /// Those of the same alert type.
    pub same_type: u64,
    /// The root cause that they found most often; the later one of equals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<Arc<str>>,
    /// When the last of the service's investigations ended.
    pub last_seen: Timestamp,
}

impl Patterns {
    /// What is known of an alert's service.
    pub(crate) fn recall(&self, alert: &Alert) -> Option<Recall> {
        let pattern = self.by_service.get(alert.service.as_str())?;
        let causes = pattern.causes.iter().filter(|cause| *cause.alert_type == *alert.alert_type);
        Some(Recall {
            investigations: pattern.investigations,
            same_type: pattern.alert_types.get(alert.alert_type.as_str()).copied().unwrap_or_default(),
            root_cause: causes.max_by_key(|cause| (cause.count, cause.last)).map(|cause| Arc::clone(&cause.root_cause)),
            last_seen: pattern.last_seen,
        })
    }

    /// Learns from an investigation; `seq` is the number of its last change.
    pub(crate) fn learn(&mut self, remembered: Remembered<'_>, seq: u64) {
        let Remembered { alert, root_cause, confidence, cost, ended_at } = remembered;
        if !self.by_service.contains_key(alert.service.as_str()) {
            self.make_room();
            self.by_service.insert(alert.service.as_str().into(), Pattern::new(alert, ended_at));
        }
        let Some((service, _)) = self.by_service.get_key_value(alert.service.as_str()) else { return };
        let service = Arc::clone(service);
        let Some(pattern) = self.by_service.get_mut(&service) else { return };
        self.by_change.remove(&pattern.changed);
        self.by_change.insert(seq, service);
        pattern.changed = seq;
        pattern.investigations += 1;
        pattern.last_seen = ended_at;
        pattern.cost += cost;
        pattern.confidence += confidence;
        pattern.count_alert_type(&alert.alert_type);
        pattern.count_cause(root_cause, seq);
    }

    fn make_room(&mut self) {
        if self.by_service.len() >= MAX_SERVICES
            && let Some((_, longest_ago)) = self.by_change.pop_first()
        {
            self.by_service.remove(&longest_ago);
        }
    }

    pub(crate) fn services(&self) -> u64 {
        self.by_service.len() as u64
    }

    /// All patterns, last seen first.
    pub(crate) fn last_seen_first(&self) -> Vec<ServicePattern> {
        self.changed_within(0, u64::MAX).collect()
    }

    /// The patterns whose last change lies after `since` and not after `upto`, last seen first.
    pub(crate) fn changed_within(&self, since: u64, upto: u64) -> impl Iterator<Item = ServicePattern> {
        let changed = self.by_change.range((Bound::Excluded(since), Bound::Included(upto))).rev();
        changed.filter_map(|(_, service)| Some(self.by_service.get(service)?.to_wire(service)))
    }
}

impl Pattern {
    fn new(alert: &Alert, seen: Timestamp) -> Self {
        Self {
            changed: 0,
            investigations: 0,
            alert_types: BTreeMap::new(),
            last_seen: seen,
            last_alert_type: alert.alert_type.as_str().into(),
            causes: Vec::new(),
            cost: Usd::ZERO,
            confidence: 0.0,
        }
    }

    fn count_alert_type(&mut self, alert_type: &str) {
        if *self.last_alert_type != *alert_type {
            self.last_alert_type = alert_type.into();
        }
        if let Some(count) = self.alert_types.get_mut(alert_type) {
            *count += 1;
            return;
        }
        // One place is kept for the rest.
        let key = if self.alert_types.len() + 1 < MAX_KEYS_PER_PATTERN { alert_type } else { OTHER };
        *self.alert_types.entry(key.into()).or_default() += 1;
    }

    /// Counts a root cause of the last alert type.
    fn count_cause(&mut self, root_cause: &str, seq: u64) {
        let known = self
            .causes
            .iter_mut()
            .find(|cause| *cause.root_cause == *root_cause && cause.alert_type == self.last_alert_type);
        if let Some(cause) = known {
            cause.count += 1;
            cause.last = seq;
            return;
        }
        if self.causes.len() >= MAX_CAUSES
            && let Some((rarest, _)) = self.causes.iter().enumerate().min_by_key(|(_, cause)| (cause.count, cause.last))
        {
            self.causes.swap_remove(rarest);
        }
        let (alert_type, root_cause) = (Arc::clone(&self.last_alert_type), root_cause.into());
        self.causes.push(Cause { alert_type, root_cause, count: 1, last: seq });
    }

    /// The root cause found most often under any alert type; the later one of equals.
    fn most_frequent_cause(&self) -> Option<String> {
        let mut sums: HashMap<&str, (u64, u64)> = HashMap::new();
        for Cause { root_cause, count, last, .. } in &self.causes {
            let sum = sums.entry(root_cause).or_default();
            *sum = (sum.0 + count, sum.1.max(*last));
        }
        sums.into_iter().max_by_key(|(_, sum)| *sum).map(|(cause, _)| cause.to_owned())
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean over fewer than 2^53 investigations")]
    fn to_wire(&self, service: &str) -> ServicePattern {
        let investigations = self.investigations.max(1);
        ServicePattern {
            service: service.to_owned(),
            investigations: self.investigations,
            alert_types: self.alert_types.iter().map(|(name, count)| (name.to_string(), *count)).collect(),
            last_seen: self.last_seen,
            last_alert_type: self.last_alert_type.to_string(),
            most_frequent_root_cause: self.most_frequent_cause(),
            mean_cost_usd: Usd::from_nanos(self.cost.nanos() / investigations),
            mean_confidence: self.confidence / investigations as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alert;

    fn learn(patterns: &mut Patterns, alert_type: &str, service: &str, root_cause: &str, seq: u64) {
        let alert = alert(alert_type, service);
        let ended_at = Timestamp::from_second(i64::try_from(seq).unwrap()).unwrap();
        let cost = Usd::from_nanos(seq * 100);
        patterns.learn(Remembered { alert: &alert, root_cause, confidence: 0.5, cost, ended_at }, seq);
    }

    #[test]
    fn a_pattern_sums_up_its_service() {
        let mut patterns = Patterns::default();
        learn(&mut patterns, "high_cpu", "api", "loop", 1);
        learn(&mut patterns, "high_cpu", "api", "load", 2);
        learn(&mut patterns, "high_latency", "api", "loop", 3);
        learn(&mut patterns, "high_latency", "other", "pool", 4);
        let all = patterns.last_seen_first();
        assert_eq!(all.iter().map(|pattern| pattern.service.as_str()).collect::<Vec<_>>(), ["other", "api"]);
        let api = &all[1];
        assert_eq!(api.investigations, 3);
        assert_eq!(api.alert_types, BTreeMap::from([("high_cpu".to_owned(), 2), ("high_latency".to_owned(), 1)]));
        assert_eq!(api.last_seen, Timestamp::from_second(3).unwrap());
        assert_eq!(api.last_alert_type, "high_latency");
        assert_eq!(api.most_frequent_root_cause.as_deref(), Some("loop"));
        assert_eq!(api.mean_cost_usd, Usd::from_nanos(200));
        assert!((api.mean_confidence - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn of_equal_causes_the_later_counts() {
        let mut patterns = Patterns::default();
        learn(&mut patterns, "high_cpu", "api", "first", 1);
        learn(&mut patterns, "high_cpu", "api", "second", 2);
        assert_eq!(patterns.last_seen_first()[0].most_frequent_root_cause.as_deref(), Some("second"));
        assert_eq!(patterns.recall(&alert("high_cpu", "api")).unwrap().root_cause.as_deref(), Some("second"));
    }

    #[test]
    fn recall_tells_the_same_kind_of_alert_from_others() {
        let mut patterns = Patterns::default();
        assert_eq!(patterns.recall(&alert("high_cpu", "api")), None);
        learn(&mut patterns, "high_cpu", "api", "loop", 1);
        learn(&mut patterns, "disk_full", "api", "logs", 2);
        learn(&mut patterns, "disk_full", "api", "logs", 3);
        let recall = patterns.recall(&alert("high_cpu", "api")).unwrap();
        assert_eq!((recall.investigations, recall.same_type), (3, 1));
        assert_eq!(recall.root_cause.as_deref(), Some("loop"));
        let recall = patterns.recall(&alert("unheard_of", "api")).unwrap();
        assert_eq!((recall.same_type, recall.root_cause), (0, None));
    }

    #[test]
    fn the_service_seen_longest_ago_gives_way() {
        let mut patterns = Patterns::default();
        for seq in 1..=MAX_SERVICES as u64 {
            learn(&mut patterns, "high_cpu", &format!("service {seq}"), "loop", seq);
        }
        let next = MAX_SERVICES as u64 + 1;
        learn(&mut patterns, "high_cpu", "service 1", "loop", next);
        learn(&mut patterns, "high_cpu", "one more", "loop", next + 1);
        assert_eq!(patterns.services(), MAX_SERVICES as u64);
        assert!(patterns.recall(&alert("high_cpu", "service 1")).is_some());
        assert!(patterns.recall(&alert("high_cpu", "service 2")).is_none());
    }

    #[test]
    fn alert_types_and_causes_are_bounded() {
        let mut patterns = Patterns::default();
        for seq in 1..=1000 {
            learn(&mut patterns, &format!("type {seq}"), "api", &format!("cause {seq}"), seq);
        }
        learn(&mut patterns, "type 1", "api", "cause 1", 1001);
        let pattern = patterns.last_seen_first().remove(0);
        assert_eq!(pattern.alert_types.len(), MAX_KEYS_PER_PATTERN);
        assert_eq!(pattern.alert_types["type 1"], 2);
        assert_eq!(pattern.alert_types.values().sum::<u64>(), 1001);
        assert!(patterns.by_service["api"].causes.len() <= MAX_CAUSES);
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut patterns = Patterns::default();
        learn(&mut patterns, "high_cpu", "a", "loop", 1);
        learn(&mut patterns, "high_cpu", "b", "loop", 2);
        learn(&mut patterns, "high_cpu", "c", "loop", 3);
        let told: Vec<_> = patterns.changed_within(1, 2).map(|pattern| pattern.service).collect();
        assert_eq!(told, ["b"]);
        assert_eq!(patterns.changed_within(3, 3).count(), 0);
    }
}

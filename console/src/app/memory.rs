//! What the fleet remembers of each service: every replica has a memory of its own; the screen shows them together.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use langdeck_shared::{ReplicaUpdate, ServicePattern};

/// How many services are kept; the one last seen longest ago goes first.
const SERVICES: usize = 1000;

/// What one replica remembers of a service.
#[derive(Debug, Clone)]
struct Recollection {
    pattern: ServicePattern,
    seen: Instant,
}

/// What the fleet remembers of one service.
#[derive(Debug, Clone, Copy)]
pub struct Recalled<'a> {
    /// The service.
    pub service: &'a str,
    /// Investigations with a report, on all replicas.
    pub investigations: u64,
    /// The last alert's type.
    pub last_alert_type: &'a str,
    /// The root cause that the replica with most experience of the service found most often.
    pub root_cause: Option<&'a str>,
    /// When the last investigation ended, by the console's clock.
    pub seen: Instant,
}

/// The memories of all replicas, by service and life.
#[derive(Debug, Clone, Default)]
pub struct FleetMemory {
    services: BTreeMap<String, BTreeMap<String, Recollection>>,
}

impl FleetMemory {
    /// Takes what an entry of a replica tells, which said it at `said`; a snapshot replaces what was known of that life.
    pub fn take(&mut self, update: &ReplicaUpdate, said: Instant) {
        if update.reset {
            self.forget(&update.boot_id);
        }
        for pattern in &update.memory.patterns {
            let age = update.now.as_millisecond().saturating_sub(pattern.last_seen.as_millisecond());
            let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
            let seen = said.checked_sub(age).unwrap_or(said);
            let of_service = self.services.entry(pattern.service.clone()).or_default();
            of_service.insert(update.boot_id.clone(), Recollection { pattern: pattern.clone(), seen });
        }
        self.bound();
    }

    /// Forgets what a life remembered: its process has ended.
    pub fn forget(&mut self, boot_id: &str) {
        self.services.retain(|_, lives| {
            lives.remove(boot_id);
            !lives.is_empty()
        });
    }

    /// How many services are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// What is remembered, last seen first.
    #[must_use]
    pub fn recall(&self) -> Vec<Recalled<'_>> {
        let mut recalled: Vec<Recalled<'_>> =
            self.services.iter().filter_map(|(name, lives)| merge(name, lives)).collect();
        recalled.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.service.cmp(b.service)));
        recalled
    }

    fn bound(&mut self) {
        let excess = self.services.len().saturating_sub(SERVICES);
        if excess == 0 {
            return;
        }
        let seen = |lives: &BTreeMap<String, Recollection>| lives.values().map(|life| life.seen).max();
        let mut oldest_first: Vec<_> = self.services.iter().map(|(name, lives)| (seen(lives), name.clone())).collect();
        oldest_first.sort();
        for (_, service) in oldest_first.into_iter().take(excess) {
            self.services.remove(&service);
        }
    }
}

fn merge<'a>(service: &'a str, lives: &'a BTreeMap<String, Recollection>) -> Option<Recalled<'a>> {
    let last = lives.values().max_by_key(|life| life.seen)?;
    let wisest = lives.values().max_by_key(|life| life.pattern.investigations)?;
    Some(Recalled {
        service,
        investigations: lives.values().fold(0, |sum: u64, life| sum.saturating_add(life.pattern.investigations)),
        last_alert_type: &last.pattern.last_alert_type,
        root_cause: wisest.pattern.most_frequent_root_cause.as_deref(),
        seen: last.seen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{idle, pattern};

    #[test]
    fn of_many_services_those_seen_last_are_kept() {
        let mut memory = FleetMemory::default();
        let mut update = idle("a", "one");
        let service = |age: u64| pattern(&format!("s{age}"), "high_cpu", 1, "a cause", Duration::from_secs(age));
        update.memory.patterns = (0..20_000).map(service).collect();
        memory.take(&update, Instant::now() + Duration::from_secs(100_000));
        assert_eq!(memory.len(), SERVICES);
        let recalled = memory.recall();
        assert_eq!((recalled[0].service, recalled[SERVICES - 1].service), ("s0", "s999"));
    }
}

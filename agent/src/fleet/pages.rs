//! Pages over all replicas: an order of all investigations, and the merging of what each replica has.

use std::fmt;

use jiff::Timestamp;
use langdeck_shared::{Investigation, InvestigationPage, PeerFailure};

use super::{Member, faulty};
use crate::identity::{Identity, plain_number};
use crate::memory::fit_a_page;

/// How a cursor of a whole fleet begins; one of a replica begins with a boot id, which has no such letters.
const MARK: &str = "fleet~";

/// An investigation's place among those of all replicas. It says nothing of who else there is, so a page can go on from
/// it whoever has come or gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    accepted_at: Timestamp,
    life: String,
    number: u64,
}

/// What replicas have, merged into one page.
#[derive(Debug)]
pub(crate) struct Merge {
    limit: usize,
    /// The last first.
    page: Vec<(Place, Investigation)>,
    /// Somebody's page ends here, and nobody knows what that replica has beyond.
    until: Option<Place>,
    more: bool,
}

impl Place {
    /// That of an investigation, if its id says whose it is.
    pub(crate) fn of(investigation: &Investigation) -> Option<Self> {
        let (life, number) = Identity::life_of(&investigation.investigation_id)?;
        Some(Self { accepted_at: investigation.accepted_at, life: life.to_owned(), number })
    }

    /// Reads a cursor.
    pub(crate) fn parse(cursor: &str) -> Option<Self> {
        let (time, id) = cursor.strip_prefix(MARK)?.split_once('~')?;
        let (life, number) = Identity::life_of(id)?;
        let accepted_at = Timestamp::from_nanosecond(plain_number(time)?.into()).ok()?;
        Some(Self { accepted_at, life: life.to_owned(), number })
    }

    /// Whether an investigation of this life comes after it on the way from the newest to the oldest.
    pub(crate) fn is_before(&self, accepted_at: Timestamp, life: &str, number: u64) -> bool {
        (accepted_at, life, number) < (self.accepted_at, &*self.life, self.number)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}~inv_{}_{}", self.accepted_at.as_nanosecond(), self.life, self.number)
    }
}

impl Merge {
    /// A page of up to `limit` investigations.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, page: Vec::new(), until: None, more: false }
    }

    /// Takes a page that [`read_page`] has checked.
    pub(crate) fn take(&mut self, part: Vec<(Place, Investigation)>, more: bool) {
        if more {
            let end = part.last().map(|(place, _)| place.clone());
            self.until = self.until.take().max(end);
        }
        self.more |= more;
        self.page.extend(part);
        self.page.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let known = self.page.partition_point(|(place, _)| Some(place) >= self.until.as_ref());
        let fit =
            fit_a_page(self.page.iter().take(self.limit.min(known)).map(|(_, investigation)| &*investigation.alert));
        self.more |= fit < self.page.len();
        self.page.truncate(fit);
    }

    /// The page, and where the next one begins.
    pub(crate) fn finish(self) -> (Vec<Investigation>, Option<String>) {
        let next = self.page.last().filter(|_| self.more).map(|(place, _)| place.to_string());
        (self.page.into_iter().map(|(_, investigation)| investigation).collect(), next)
    }
}

/// Checks a replica's page: it holds what that replica has, in order, from where it was to begin.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn read_page(
    member: &Member,
    page: InvestigationPage,
    from: Option<&Place>,
) -> Result<(Vec<(Place, Investigation)>, bool), PeerFailure> {
    let mut last = from.cloned();
    let mut part: Vec<(Place, Investigation)> = Vec::with_capacity(page.investigations.len());
    for investigation in page.investigations {
        investigation.check().map_err(faulty)?;
        let place = Place::of(&investigation).filter(|place| place.life == member.boot_id);
        let place = place.ok_or_else(|| faulty("its page holds an investigation of somebody else"))?;
        if last.as_ref().is_some_and(|last| place >= *last) {
            return Err(faulty("its page is not in order"));
        }
        last = Some(place.clone());
        part.push((place, investigation));
    }
    let more = page.next_cursor.is_some();
    if more && part.is_empty() { Err(faulty("its page is empty and not the last")) } else { Ok((part, more)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use langdeck_shared::{Alert, Status, Usd};
    use proptest::prelude::*;

    use super::*;

    fn investigation(at: i64, life: &str, number: u64) -> (Place, Investigation) {
        let accepted_at = Timestamp::from_millisecond(at).unwrap();
        let alert = Alert {
            alert_type: "high_cpu".to_owned(),
            original_alert_type: None,
            service: "api".to_owned(),
            severity: None,
            description: None,
            labels: BTreeMap::new(),
            timestamp: accepted_at,
        };
        let investigation = Investigation {
            investigation_id: format!("inv_{life}_{number}"),
            replica: life.into(),
            status: Status::Queued,
            alert: alert.into(),
            accepted_at,
            started_at: None,
            ended_at: None,
            resolved_at: None,
            elapsed_ms: 0,
            tokens: 0,
            cost_usd: Usd::ZERO,
            unpriced_tokens: 0,
            degraded_by: None,
            degraded_window: None,
            capped: false,
            confidence: None,
            root_cause: None,
            error: None,
            steps: Vec::new(),
            decisions: Vec::new(),
            decisions_left_out: 0,
            report: None,
        };
        (Place::of(&investigation).unwrap(), investigation)
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let (place, _) = investigation(1_768_473_000_123, "07ci28lesb", 42);
        assert_eq!(Place::parse(&place.to_string()), Some(place));
        for text in
            ["", "07ci28lesb.42", "fleet~", "fleet~x~inv_a_1", "fleet~1~inv_a_01", "fleet~1~inv__1", "fleet~-1~inv_a_1"]
        {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// Whatever replicas have, and however little each says at once: page after page holds all, once and in order.
        #[test]
        fn pages_lose_nothing_and_repeat_nothing(
            times in proptest::collection::vec(proptest::collection::vec(0_i64..20, 0..30), 1..5),
            limit in 1_usize..7,
            each in 1_usize..7,
        ) {
            let lives = times.iter().enumerate().map(|(replica, times)| {
                let mut all: Vec<_> =
                    (1..).zip(times).map(|(number, at)| investigation(*at, &replica.to_string(), number)).collect();
                all.sort_by(|(a, _), (b, _)| b.cmp(a));
                all
            });
            let lives: Vec<_> = lives.collect();
            let mut expected: Vec<_> = lives.iter().flatten().map(|(place, _)| place.clone()).collect();
            expected.sort_by(|a, b| b.cmp(a));
            let mut seen = Vec::new();
            let mut cursor: Option<Place> = None;
            loop {
                let mut merge = Merge::new(limit);
                for life in &lives {
                    let mut left = life.iter().filter(|(place, _)| cursor.as_ref().is_none_or(|from| place < from));
                    let part: Vec<_> = left.by_ref().take(each).cloned().collect();
                    merge.take(part, left.next().is_some());
                }
                let (page, next) = merge.finish();
                prop_assert!(page.len() <= limit);
                seen.extend(page.iter().map(|investigation| Place::of(investigation).unwrap()));
                match next {
                    None => break,
                    Some(next) => cursor = Some(Place::parse(&next).unwrap()),
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}

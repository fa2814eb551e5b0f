//! What was spent in each of the last minutes.

use langdeck_shared::Usd;

use super::forecast::MINUTE_MS;

/// The last hour's, with the one that it begins in.
const MOST: usize = 61;

/// The sums of the last minutes, each where its number says.
#[derive(Debug)]
pub(super) struct Minutes([(i64, Usd); MOST]);

impl Minutes {
    pub(super) const fn new() -> Self {
        Self([(i64::MIN, Usd::ZERO); MOST])
    }

    /// Adds what was spent at an instant, in milliseconds since 1970. What is longer ago than these minutes is left out.
    pub(super) fn add(&mut self, at_ms: i64, spent: Usd) {
        let minute = at_ms.div_euclid(MINUTE_MS);
        let (known, sum) = &mut self.0[minute.rem_euclid(MOST as i64) as usize];
        if *known < minute {
            (*known, *sum) = (minute, spent);
        } else if *known == minute {
            *sum += spent;
        }
    }

    /// What was spent from an instant until another, by whole minutes, and from which one on that is.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> (i64, Usd) {
        let [first, last] = [from_ms, to_ms].map(|ms| ms.div_euclid(MINUTE_MS));
        let spent = self.0.iter().filter(|(minute, _)| (first..=last).contains(minute)).map(|(_, spent)| *spent).sum();
        (first * MINUTE_MS, spent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_last_hour_is_known_by_the_minute_whatever_the_order(
            spent in proptest::collection::vec((0..61 * MINUTE_MS, 1..100_u64), 1..200),
            over_ms in 0..=60 * MINUTE_MS,
        ) {
            let mut minutes = Minutes::new();
            // An earlier hour, which makes room.
            (0..200).for_each(|minute| minutes.add((minute - 200) * MINUTE_MS, Usd::from_nanos(7)));
            spent.iter().for_each(|(at_ms, nanos)| minutes.add(*at_ms, Usd::from_nanos(*nanos)));
            let to_ms = 61 * MINUTE_MS - 1;
            let (from_ms, sum) = minutes.between(to_ms - over_ms, to_ms);
            prop_assert!(from_ms <= to_ms - over_ms && from_ms > to_ms - over_ms - MINUTE_MS);
            let expected: u64 = spent.iter().filter(|(at_ms, _)| *at_ms >= from_ms).map(|(_, nanos)| nanos).sum();
            prop_assert_eq!(sum.nanos(), expected);
        }
    }

    #[test]
    fn what_is_too_long_ago_is_left_out() {
        let mut minutes = Minutes::new();
        minutes.add(100 * MINUTE_MS, Usd::from_nanos(1));
        minutes.add(39 * MINUTE_MS, Usd::from_nanos(2));
        assert_eq!(minutes.between(0, 200 * MINUTE_MS), (0, Usd::from_nanos(1)));
    }
}

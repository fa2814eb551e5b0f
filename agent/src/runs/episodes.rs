//! Episodes: one alert from when it began to fire until it is resolved, however often it is told of, and its one
//! investigation.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;
use langdeck_shared::AlertRequest;
use lru::LruCache;
use siphasher::sip::SipHasher13;

use super::{Arrival, Refusal, Runs, Submitted};
use crate::decisions::Choice;

/// How many episodes are remembered; beyond them, the one not heard of for longest is forgotten.
///
/// Far more than investigations are: Alertmanager tells of an alert again every few hours for as long as it fires, and a
/// forgotten one would be paid for again. No notification holds more alerts, so none can push out its own.
pub(crate) const MOST_EPISODES: NonZeroUsize = NonZeroUsize::new(32_768).unwrap(); // Zero would not compile.

/// Which alert, and which of the times that it fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Episode {
    alert: u64,
    starts_at: Timestamp,
}

/// What a firing alert led to, by the investigation's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firing {
    /// A new investigation.
    Accepted(u64),
    /// The one that its episode already has, or one of an alert like it that was under way.
    Joined(u64),
    /// The report of an alert like it.
    Cached(u64),
}

impl Episode {
    /// The episode that began at `starts_at`, of the alert with this fingerprint. Where there is none, an alert is told
    /// from others by its labels, of which Alertmanager makes the fingerprint.
    pub(crate) fn new(fingerprint: Option<&str>, labels: &BTreeMap<String, String>, starts_at: Timestamp) -> Self {
        // Every replica makes the same of an alert, whatever version it is of: only bytes are hashed, and each text with
        // its length before it.
        let mut hasher = SipHasher13::new();
        let mut say = |text: &str| {
            hasher.write(&(text.len() as u64).to_le_bytes());
            hasher.write(text.as_bytes());
        };
        match fingerprint.filter(|fingerprint| !fingerprint.is_empty()) {
            Some(fingerprint) => say(fingerprint),
            None => labels.iter().for_each(|(name, value)| {
                say(name);
                say(value);
            }),
        }
        Self { alert: hasher.finish(), starts_at }
    }

    /// A number that replicas agree on without a word, whatever their versions.
    pub(crate) fn number(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write(&self.alert.to_le_bytes());
        hasher.write(&self.starts_at.as_nanosecond().to_le_bytes());
        hasher.finish()
    }
}

/// The episodes heard of last, and the investigation of each.
#[derive(Debug)]
pub(super) struct Episodes(LruCache<Episode, Heard>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    number: u64,
    resolved: bool,
}

impl Episodes {
    pub(super) fn new() -> Self {
        Self(LruCache::sparse(MOST_EPISODES))
    }

    fn insert(&mut self, episode: Episode, number: u64) {
        self.0.put(episode, Heard { number, resolved: false });
    }

    /// The investigation of an episode that is heard of again, and whether what is heard is news.
    fn hear(&mut self, episode: &Episode, resolved: bool) -> Option<(u64, bool)> {
        let heard = self.0.get_mut(episode)?;
        let news = heard.resolved != resolved;
        heard.resolved = resolved;
        Some((heard.number, news))
    }
}

impl Runs {
    /// Accepts a firing alert, unless its episode already has an investigation. Both are decided under one lock, so that
    /// two who tell of it at once get the same investigation.
    pub(crate) fn fire(self: &Arc<Self>, episode: Episode, request: AlertRequest) -> Result<Firing, Refusal> {
        let arrival = Arrival { comes_again: true, ..self.arrival(request) };
        let mut state = self.lock();
        if let Some((number, fires_again)) = state.episodes.hear(&episode, false) {
            if fires_again {
                state.books.resolved(number, None);
            }
            state.books.decided(number, Choice::JoinEpisode);
            return Ok(Firing::Joined(number));
        }
        if let Some(submitted) = state.known_answer(&arrival) {
            let number = submitted.number();
            state.episodes.insert(episode, number);
            state.books.fires(number);
            return Ok(match submitted {
                Submitted::Cached(_) => Firing::Cached(number),
                Submitted::New(_) | Submitted::Joined(_) => Firing::Joined(number),
            });
        }
        let (mut state, run, begun) = self.admit(state, arrival)?;
        state.episodes.insert(episode, run.number);
        self.launch(state, begun);
        Ok(Firing::Accepted(run.number))
    }

    /// Whether an episode has an investigation here.
    pub(crate) fn knows(&self, episode: &Episode) -> bool {
        self.lock().episodes.0.contains(episode)
    }

    /// Notes on an episode's investigation when the alert was resolved, and says which it is; none when the episode is
    /// not known.
    pub(crate) fn resolve(&self, episode: Episode, at: Timestamp) -> Option<u64> {
        let mut state = self.lock();
        let (number, news) = state.episodes.hear(&episode, true)?;
        if news {
            state.books.resolved(number, Some(at));
            state.books.decided(number, Choice::Resolve);
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn episode(fingerprint: Option<&str>, label: &str, starts_at: &str) -> Episode {
        let labels = BTreeMap::from([("alertname".to_owned(), label.to_owned())]);
        Episode::new(fingerprint, &labels, starts_at.parse().unwrap())
    }

    const NOON: &str = "2026-01-15T12:00:00Z";

    #[test]
    fn an_episode_is_a_fingerprint_and_an_instant() {
        let first = episode(Some("a"), "A", NOON);
        assert_eq!(first, episode(Some("a"), "B", "2026-01-15T13:00:00.000+01:00"));
        assert_ne!(first, episode(Some("b"), "A", NOON));
        assert_ne!(first, episode(Some("a"), "A", "2026-01-15T12:00:00.001Z"));
    }

    #[test]
    fn replicas_of_all_versions_agree_on_its_number() {
        assert_eq!(episode(Some("4b1d2d6a1f0c9e77"), "A", NOON).number(), 9_265_661_862_241_624_963);
        assert_eq!(episode(None, "A", NOON).number(), 14_622_532_414_494_522_071);
    }

    #[test]
    fn without_a_fingerprint_the_labels_tell_alerts_apart() {
        let first = episode(None, "A", NOON);
        assert_eq!(first, episode(Some(""), "A", NOON));
        assert_ne!(first, episode(None, "B", NOON));
        assert_ne!(first, episode(Some("A"), "A", NOON));
    }

    #[test]
    fn the_one_not_heard_of_for_longest_is_forgotten() {
        let mut episodes = Episodes::new();
        let nth = |n: usize| episode(Some(&n.to_string()), "A", NOON);
        let most = MOST_EPISODES.get();
        for n in 0..most {
            episodes.insert(nth(n), n as u64);
        }
        assert_eq!(episodes.hear(&nth(0), false), Some((0, false)));
        episodes.insert(nth(most), 0);
        assert_eq!(episodes.hear(&nth(1), false), None);
        assert_eq!(episodes.hear(&nth(0), true), Some((0, true)));
        assert_eq!(episodes.hear(&nth(0), true), Some((0, false)));
        assert_eq!(episodes.0.len(), most);
    }
}

//! One replica as another knows it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use langdeck_shared::{
    Budget, FailureKind, Investigation, PeerFailure, ReplicaStatus, ReplicaUpdate, Sample, ServicePattern, Status,
};
use tokio::time::Instant;

use crate::clock::millis;

/// How many seconds of samples are kept, as by the replica itself.
const SECONDS: u64 = 300;
/// How many losses are told apart; a reader who knows less is told all that is known instead.
const MOST_LOSSES: usize = 256;
/// What an entry weighs without its lists, a sample, an investigation without its steps and texts, a step, and a pattern;
/// in bytes, about as JSON.
const STATE_BYTES: usize = 900;
const SAMPLE_BYTES: usize = 80;
const INVESTIGATION_BYTES: usize = 500;
const STEP_BYTES: usize = 180;
const PATTERN_BYTES: usize = 300;

/// The most parts of one replica that are kept, and what they may weigh in bytes: an answer holds one replica at least,
/// and written as JSON a text can be six times as long.
const MOST_PARTS: usize = 1_000;
const MOST_BYTES: usize = 1024 * 1024;

/// What moves by itself: readers are told of each anew only when it has changed.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// An investigation, and when it was heard of.
    Investigation(Box<Investigation>, Instant),
    Pattern(Box<ServicePattern>),
}

/// A replica: its last state, and what moved in it, each with the number of its last change.
#[derive(Debug)]
pub(super) struct Known {
    /// Its last answer, without samples, investigations and patterns.
    pub(super) state: ReplicaUpdate,
    /// When its state last became another.
    pub(super) changed: u64,
    /// For how long nobody asked since it answered last.
    pub(super) asleep: Duration,
    /// When it answered last.
    answered: Instant,
    /// The first change of which more than the rest is not known: who knows less is told all.
    entered: u64,
    /// The last change of anything.
    latest: u64,
    /// The status that readers were told.
    told: ReplicaStatus,
    refused: bool,
    /// Those in which something happened.
    samples: VecDeque<(u64, Sample)>,
    parts: BTreeMap<u64, Part>,
    bytes: usize,
    investigations: HashMap<String, u64>,
    patterns: HashMap<String, u64>,
    /// Investigations of which a change was lost, by the number of that change or of its announcement.
    losses: BTreeMap<u64, u64>,
    /// Investigations that the replica remembered and did not tell of, and those lost since.
    untold: u64,
}

impl Part {
    /// About how many bytes it takes, here and as JSON.
    pub(super) fn weight(&self) -> usize {
        let text = |text: &Option<_>| text.as_ref().map_or(0, |text: &std::sync::Arc<str>| text.len());
        match self {
            Self::Investigation(investigation, _) => {
                let alert = &investigation.alert;
                let labels: usize = alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
                let alert = labels + alert.description.as_ref().map_or(0, String::len);
                let steps = investigation.steps.iter();
                let steps: usize =
                    steps.map(|step| STEP_BYTES + step.name.len() + text(&step.error) + text(&step.last_error)).sum();
                INVESTIGATION_BYTES + alert + steps + text(&investigation.root_cause) + text(&investigation.error)
            }
            Self::Pattern(pattern) => {
                let types: usize = pattern.alert_types.keys().map(|name| name.len() + 8).sum();
                let cause = pattern.most_frequent_root_cause.as_ref().map_or(0, String::len);
                PATTERN_BYTES + pattern.service.len() + types + cause
            }
        }
    }
}

impl Known {
    pub(super) fn new(update: ReplicaUpdate, at: Instant, seq: u64) -> Self {
        Self {
            changed: seq,
            asleep: Duration::ZERO,
            answered: at,
            entered: seq,
            latest: seq,
            told: update.status,
            refused: false,
            samples: VecDeque::new(),
            parts: BTreeMap::new(),
            bytes: 0,
            investigations: HashMap::new(),
            patterns: HashMap::new(),
            losses: BTreeMap::new(),
            untold: update.missed,
            state: update,
        }
    }

    /// Takes a state of the same life; after a `reset` nothing else is known any more.
    pub(super) fn say(&mut self, update: ReplicaUpdate, at: Instant, seq: u64) {
        if update.reset {
            (self.entered, self.untold) = (seq, update.missed);
            self.losses.clear();
        } else if update.missed > 0 {
            self.miss(update.missed, seq);
        }
        let changed = update.reset || update.missed > 0 || self.failed() || is_news(&self.state, &update);
        (self.answered, self.asleep, self.refused) = (at, Duration::ZERO, false);
        self.state = update;
        if changed {
            (self.changed, self.latest) = (seq, seq);
        }
    }

    /// When it answered last.
    pub(super) const fn answered(&self) -> Instant {
        self.answered
    }

    fn failed(&self) -> bool {
        self.state.failure.is_some()
    }

    /// Notes that it did not answer; who knows that already is not told again.
    pub(super) fn fail(&mut self, failure: PeerFailure, seq: u64) {
        self.refused |= failure.kind == FailureKind::Refused;
        if failure.kind == FailureKind::Ended {
            self.state.status = ReplicaStatus::Gone;
        }
        if self.state.failure.as_ref() != Some(&failure) {
            self.state.failure = Some(failure);
            (self.changed, self.latest) = (seq, seq);
        }
    }

    /// Takes a second, if anything happened in it that is not known; the last number given out.
    pub(super) fn sample(&mut self, sample: Sample, seq: u64) -> u64 {
        let known = self.samples.binary_search_by_key(&sample.second, |(_, sample)| sample.second);
        let before = known.map_or(Sample { second: sample.second, ..Sample::default() }, |place| self.samples[place].1);
        if before == sample {
            return seq;
        }
        let seq = seq + 1;
        match known {
            Ok(place) => self.samples[place] = (seq, sample),
            Err(place) => self.samples.insert(place, (seq, sample)),
        }
        let last = self.state.uptime_ms / 1000;
        while self.samples.front().is_some_and(|(_, oldest)| oldest.second + SECONDS <= last) {
            self.samples.pop_front();
        }
        self.latest = seq;
        seq
    }

    /// Takes a part; the change of the one that it replaces.
    pub(super) fn put(&mut self, part: Part, seq: u64) -> Option<u64> {
        let before = match &part {
            Part::Investigation(one, _) => self.investigations.insert(one.investigation_id.clone(), seq),
            Part::Pattern(one) => self.patterns.insert(one.service.clone(), seq),
        };
        self.latest = seq;
        self.bytes += part.weight();
        self.parts.insert(seq, part);
        self.bytes -= self.parts.remove(&before?)?.weight();
        before
    }

    /// The part that has to give way because the replica has too many; its change.
    pub(super) fn excess(&self) -> Option<u64> {
        let too_many = self.parts.len() > MOST_PARTS || self.bytes > MOST_BYTES;
        self.parts.keys().next().copied().filter(|_| too_many)
    }

    /// Lets go of a part for which there is no room.
    pub(super) fn lose(&mut self, change: u64) {
        let Some(part) = self.parts.remove(&change) else { return };
        self.bytes -= part.weight();
        match part {
            Part::Investigation(one, _) => {
                self.investigations.remove(&one.investigation_id);
                self.miss(1, change);
            }
            Part::Pattern(one) => {
                self.patterns.remove(&one.service);
            }
        }
    }

    /// What its parts weigh, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn miss(&mut self, count: u64, change: u64) {
        self.untold = self.untold.saturating_add(count);
        *self.losses.entry(change).or_default() += count;
        if self.losses.len() > MOST_LOSSES
            && let Some((oldest, _)) = self.losses.pop_first()
        {
            self.entered = self.entered.max(oldest);
        }
    }

    /// Lets go of everything but the state; the changes of the parts that there were.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.samples.clear();
        self.investigations.clear();
        self.patterns.clear();
        self.bytes = 0;
        std::mem::take(&mut self.parts).into_keys()
    }

    /// For how long it has not answered although it was asked.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.answered).saturating_sub(self.asleep)
    }

    pub(super) fn status(&self, now: Instant) -> ReplicaStatus {
        ReplicaStatus::after(self.state.status, self.silence(now), self.refused)
    }

    /// Whether its status has become another since readers were told.
    pub(super) fn has_aged(&mut self, now: Instant) -> bool {
        let status = self.status(now);
        std::mem::replace(&mut self.told, status) != status
    }

    /// What changed after `since` and not after `upto`, and its weight.
    pub(super) fn news(&self, since: u64, upto: u64, now: Instant) -> Option<(ReplicaUpdate, usize)> {
        let latest = self.latest.max(self.changed);
        if latest <= since || self.entered > upto {
            return None;
        }
        let reset = self.entered > since;
        let span = if reset { 1 } else { since + 1 }..=upto;
        let samples = self.samples.iter().filter(|(change, _)| span.contains(change)).map(|(_, sample)| *sample);
        let samples: Vec<Sample> = samples.collect();
        let mut investigations = Vec::new();
        let mut patterns = Vec::new();
        let mut weight = STATE_BYTES + SAMPLE_BYTES * samples.len();
        for (_, part) in self.parts.range(span.clone()) {
            weight += part.weight();
            match part {
                Part::Investigation(one, heard) => investigations.push(self.at_last_answer(one, *heard)),
                Part::Pattern(one) => patterns.push((**one).clone()),
            }
        }
        let nothing = samples.is_empty() && investigations.is_empty() && patterns.is_empty();
        if !reset && nothing && !span.contains(&self.changed) {
            return None;
        }
        let mut entry = ReplicaUpdate {
            reset,
            more: false,
            missed: if reset { self.untold } else { self.losses.range(span).map(|(_, count)| count).sum() },
            status: self.status(now),
            age_ms: millis(now.saturating_duration_since(self.answered)),
            samples,
            investigations,
            ..self.state.clone()
        };
        entry.memory.patterns = patterns;
        Some((entry, weight))
    }

    /// An investigation as it stood at the replica's last answer: a run has gone on since it was heard of.
    fn at_last_answer(&self, investigation: &Investigation, heard: Instant) -> Investigation {
        let mut investigation = investigation.clone();
        if investigation.status == Status::Running {
            let since = millis(self.answered.saturating_duration_since(heard));
            investigation.elapsed_ms = investigation.elapsed_ms.saturating_add(since);
        }
        investigation
    }
}

/// Whether a state says more than that time has passed.
fn is_news(before: &ReplicaUpdate, after: &ReplicaUpdate) -> bool {
    let timeless = |update: &ReplicaUpdate| {
        (
            update.status,
            update.totals,
            (update.running, update.queued),
            update.latency,
            update.memory.services,
            update.tool_mode,
        )
    };
    // How fast a budget is spent, and when it will be, changes with the time alone.
    let standing = |budget: &Budget| {
        let Budget { limit_usd, resets_at, spent_usd, reserved_usd, state, rejections, .. } = *budget;
        (limit_usd, resets_at, spent_usd, reserved_usd, state, rejections)
    };
    timeless(before) != timeless(after)
        || !before.budgets.iter().map(standing).eq(after.budgets.iter().map(standing))
        || before.model != after.model
        || before.replica != after.replica
        || before.version != after.version
}

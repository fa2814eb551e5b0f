//! The fleet: every replica that has answered, over all its lives.

use std::time::{Duration, Instant};

use langdeck_shared::{Latency, ReplicaStatus, ReplicaUpdate, Spend, ToolMode, Totals, Usd};

use super::SourceId;
use super::series::Series;
use crate::net::NetError;

/// How long a restart is marked.
pub(super) const RESTART_MARK: Duration = Duration::from_secs(30);
/// How many replicas are kept; the one that has been silent longest goes first.
const KEPT: usize = 2_000;
/// How many ended lives of a replica are told apart; the sums of older ones are kept together.
const LIVES: usize = 8;

/// One replica as the console knows it.
#[derive(Debug, Clone)]
pub struct Replica {
    /// Its name.
    pub name: String,
    /// Its present life.
    pub boot_id: String,
    /// Where it answers.
    pub source: SourceId,
    /// How it runs plans.
    pub tool_mode: ToolMode,
    /// Investigations at work.
    pub running: u64,
    /// Investigations waiting.
    pub queued: u64,
    /// Latency of its last investigations.
    pub latency: Option<Latency>,
    /// Its samples per second.
    pub series: Series,
    /// When its last answer was whole.
    pub answered: Instant,
    /// How long that answer took.
    pub took: Duration,
    /// When it was last seen to have a new life.
    pub restarted: Option<Instant>,
    said: ReplicaStatus,
    uptime: Duration,
    refused: bool,
    faulty: bool,
    /// What its present life did.
    present: Totals,
    /// What the last ended lives did, by boot id, the latest at the end.
    ended: Vec<(String, Totals)>,
    /// What all lives before those did.
    past: Totals,
    /// What all lives did: asked for often, and changed seldom.
    totals: Totals,
}

impl Replica {
    fn new(source: SourceId, update: &ReplicaUpdate, received: Instant, took: Duration) -> Self {
        Self {
            name: update.replica.clone(),
            boot_id: update.boot_id.clone(),
            source,
            tool_mode: update.tool_mode,
            running: update.running,
            queued: update.queued,
            latency: update.latency,
            series: Series::default(),
            answered: received,
            took,
            restarted: None,
            said: update.status,
            uptime: Duration::from_millis(update.uptime_ms),
            refused: false,
            faulty: false,
            present: update.totals,
            ended: Vec::new(),
            past: Totals::default(),
            totals: update.totals,
        }
    }

    fn take(&mut self, source: SourceId, update: &ReplicaUpdate, received: Instant, took: Duration) {
        let same_life = self.boot_id == update.boot_id;
        if !same_life {
            self.begin_life(update, received);
        }
        let before = self.present;
        let (series, ended) = (std::mem::take(&mut self.series), std::mem::take(&mut self.ended));
        let (past, restarted) = (self.past, self.restarted);
        *self = Self { series, ended, past, restarted, ..Self::new(source, update, received, took) };
        self.series.extend(&update.samples);
        if same_life {
            // An answer that took a longer way comes after a younger one; a sum never falls.
            self.present = combine(before, self.present, u64::max);
        }
        self.sum_up();
    }

    /// What the old life did stays counted; the chart goes on after the time in which nobody answered.
    fn begin_life(&mut self, update: &ReplicaUpdate, received: Instant) {
        self.ended.push((self.boot_id.clone(), self.present));
        if self.ended.len() > LIVES {
            self.past = add(self.past, self.ended.remove(0).1);
        }
        let silent = received.saturating_duration_since(self.answered);
        self.series.restart(silent.saturating_sub(Duration::from_millis(update.uptime_ms)).as_secs());
        self.restarted = Some(received);
    }

    /// Sums over all the lives that were seen; they never fall.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    fn sum_up(&mut self) {
        self.totals = self.ended.iter().map(|(_, did)| *did).fold(add(self.past, self.present), add);
    }

    /// Takes back that a life had ended: it answers still, so what it did is its own and not this replica's past.
    fn give_back(&mut self, boot_id: &str) -> bool {
        let before = self.ended.len();
        self.ended.retain(|(ended, _)| ended != boot_id);
        let given = self.ended.len() < before;
        if given {
            self.restarted = None;
            self.sum_up();
        }
        given
    }

    /// How the replica stands at `now`.
    #[must_use]
    pub fn status(&self, now: Instant) -> ReplicaStatus {
        ReplicaStatus::after(self.said, self.age(now), self.refused)
    }

    /// Whether its last answer was none: not what the contract says.
    #[must_use]
    pub const fn is_faulty(&self) -> bool {
        self.faulty
    }

    /// Whether what is known is of now.
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        !self.faulty && matches!(self.status(now), ReplicaStatus::Ready | ReplicaStatus::Draining)
    }

    /// How old what is known is.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.answered)
    }

    /// How long its present life has lasted at its last answer.
    #[must_use]
    pub const fn uptime(&self) -> Duration {
        self.uptime
    }

    /// Whether it was seen to restart a short while ago.
    #[must_use]
    pub fn restarted_lately(&self, now: Instant) -> bool {
        self.restarted.is_some_and(|at| now.saturating_duration_since(at) < RESTART_MARK)
    }

    /// What it spends per hour, going by its last minute; none before it has been seen for ten seconds.
    #[must_use]
    pub fn hourly(&self) -> Option<Usd> {
        hourly(self.series.last(60).map(|slot| slot.map(|sample| sample.cost_usd)))
    }
}

/// The spending per hour that the given seconds, oldest first, amount to; none when fewer than ten of them are known.
#[must_use]
pub fn hourly(seconds: impl Iterator<Item = Option<Usd>>) -> Option<Usd> {
    let known: Vec<Usd> = seconds.flatten().collect();
    let count = u64::try_from(known.len()).ok().filter(|count| *count >= 10)?;
    let spent: Usd = known.into_iter().sum();
    Some(Usd::from_nanos(spent.nanos().saturating_mul(3600) / count))
}

fn add(a: Totals, b: Totals) -> Totals {
    combine(a, b, u64::saturating_add)
}

/// Each sum of two replicas or lives by itself.
fn combine(a: Totals, b: Totals, of: impl Fn(u64, u64) -> u64) -> Totals {
    Totals {
        requests: of(a.requests, b.requests),
        succeeded: of(a.succeeded, b.succeeded),
        partial: of(a.partial, b.partial),
        failed: of(a.failed, b.failed),
        cancelled: of(a.cancelled, b.cancelled),
        tools_executed: of(a.tools_executed, b.tools_executed),
        spend: Spend {
            calls: of(a.spend.calls, b.spend.calls),
            tokens: of(a.spend.tokens, b.spend.tokens),
            input_tokens: of(a.spend.input_tokens, b.spend.input_tokens),
            output_tokens: of(a.spend.output_tokens, b.spend.output_tokens),
            cost_usd: Usd::from_nanos(of(a.spend.cost_usd.nanos(), b.spend.cost_usd.nanos())),
            unpriced_tokens: of(a.spend.unpriced_tokens, b.spend.unpriced_tokens),
        },
    }
}

/// A column by which the fleet can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FleetOrder {
    /// By name, so that rows keep their place.
    #[default]
    Name,
    /// Dearest first.
    Cost,
    /// Most tokens first.
    Tokens,
    /// Busiest first.
    Running,
    /// Most errors first.
    Errors,
    /// Slowest first.
    Latency,
}

impl FleetOrder {
    /// The next order, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Name => Self::Cost,
            Self::Cost => Self::Tokens,
            Self::Tokens => Self::Running,
            Self::Running => Self::Errors,
            Self::Errors => Self::Latency,
            Self::Latency => Self::Name,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::Running => "running",
            Self::Errors => "errors",
            Self::Latency => "p95",
        }
    }

    fn rank(self, replica: &Replica) -> u64 {
        let totals = replica.totals();
        match self {
            Self::Name => 0,
            Self::Cost => totals.spend.cost_usd.nanos(),
            Self::Tokens => totals.spend.tokens,
            Self::Running => replica.running.saturating_add(replica.queued),
            Self::Errors => totals.failed,
            Self::Latency => replica.latency.map_or(0, |latency| latency.p95_ms),
        }
    }
}

/// All replicas that have answered since the console opened.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    replicas: Vec<Replica>,
    order: FleetOrder,
    /// What the replicas did that are no longer kept.
    forgotten: Totals,
}

/// What an answer told about lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// The life that was known, or the first that is heard of.
    Same,
    /// A new life of the same replica; the boot id is that of the one which ended.
    Restarted(String),
}

impl Fleet {
    /// Takes an answer. A new boot id of a name from the same source is a restart, unless that life was thought to have
    /// ended: then two replicas of that name answer by turns. From another source it is a second replica in any case.
    pub fn take(&mut self, source: SourceId, update: &ReplicaUpdate, received: Instant, took: Duration) -> Life {
        let mut life = Life::Same;
        if let Some(known) = self.replicas.iter_mut().find(|replica| replica.boot_id == update.boot_id) {
            known.take(source, update, received, took);
        } else {
            let mut namesakes: Vec<&mut Replica> =
                self.replicas.iter_mut().filter(|one| one.source == source && one.name == update.replica).collect();
            let returned = namesakes.iter_mut().any(|replica| replica.give_back(&update.boot_id));
            // Of several by that name, the one that has been silent longest is the likeliest to have restarted.
            match namesakes.into_iter().min_by_key(|replica| replica.answered).filter(|_| !returned) {
                Some(replica) => {
                    life = Life::Restarted(replica.boot_id.clone());
                    replica.take(source, update, received, took);
                }
                None => {
                    let mut replica = Replica::new(source, update, received, took);
                    replica.series.extend(&update.samples);
                    self.replicas.push(replica);
                }
            }
        }
        self.arrange();
        life
    }

    /// Lets the replica go that has been silent longest, where more are known than are kept; its boot id comes back.
    /// What it did stays counted.
    pub fn forget_silent(&mut self) -> Option<String> {
        if self.replicas.len() <= KEPT {
            return None;
        }
        let (silent, _) = self.replicas.iter().enumerate().min_by_key(|(_, replica)| replica.answered)?;
        let replica = self.replicas.remove(silent);
        self.forgotten = add(self.forgotten, *replica.totals());
        Some(replica.boot_id)
    }

    /// Notes why a source did not answer. Where it refuses connections, what answered there last is unreachable at once;
    /// where it answers with something else than the contract says, that is faulty until it does better.
    pub fn failed(&mut self, source: SourceId, error: &NetError) {
        for replica in self.replicas.iter_mut().filter(|replica| replica.source == source) {
            replica.refused |= matches!(error, NetError::Refused);
            replica.faulty = matches!(error, NetError::Malformed(_));
        }
    }

    /// The replicas in their order.
    #[must_use]
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// The replica in this life.
    #[must_use]
    pub fn by_boot_id(&self, boot_id: &str) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.boot_id == boot_id)
    }

    /// The replica of this name that answered last.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Replica> {
        self.replicas.iter().filter(|replica| replica.name == name).max_by_key(|replica| replica.answered)
    }

    /// Whether two living replicas go by this name.
    #[must_use]
    pub fn is_ambiguous(&self, name: &str, now: Instant) -> bool {
        self.replicas.iter().filter(|replica| replica.name == name && replica.is_fresh(now)).count() > 1
    }

    /// The order of the rows.
    #[must_use]
    pub const fn order(&self) -> FleetOrder {
        self.order
    }

    /// Puts the rows into the next order.
    pub fn order_by_next(&mut self) {
        self.order = self.order.next();
        self.arrange();
    }

    /// Sums over all replicas and all their lives.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.replicas.iter().fold(self.forgotten, |sum, replica| add(sum, *replica.totals()))
    }

    /// Investigations at work on the replicas that answer.
    #[must_use]
    pub fn running(&self, now: Instant) -> u64 {
        self.replicas.iter().filter(|replica| replica.is_fresh(now)).fold(0, |sum, one| sum.saturating_add(one.running))
    }

    /// Whether any replica that answers has work, at work or waiting.
    #[must_use]
    pub fn is_busy(&self, now: Instant) -> bool {
        self.replicas.iter().any(|replica| replica.is_fresh(now) && (replica.running > 0 || replica.queued > 0))
    }

    fn arrange(&mut self) {
        let order = self.order;
        self.replicas.sort_by(|a, b| {
            order.rank(b).cmp(&order.rank(a)).then_with(|| a.name.cmp(&b.name)).then_with(|| a.boot_id.cmp(&b.boot_id))
        });
    }
}

//! Where alerts go: to the connected replica, to one of the fleet, or to all of them by turns.

use std::time::Instant;

use langdeck_shared::ReplicaStatus;

use super::{App, Context, Overlay, Pane, Replica, SourceId};

/// Where a person wants alerts to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Aim {
    /// To whichever replica answers at the first address that does.
    #[default]
    Connected,
    /// To the replicas that are ready, by turns.
    Spread,
    /// To one replica.
    Replica {
        /// Its life.
        boot_id: String,
        /// Its name, for when that life has ended.
        name: String,
    },
}

/// Where an alert is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address that is asked.
    pub source: SourceId,
    /// The replica that it hands the alert on to: by name, or by boot id where several living ones bear that name. None
    /// lets whoever is asked take it.
    pub replica: Option<String>,
}

/// A replica that answers, as far as alerts can be sent to it.
#[derive(Debug, Clone, Copy)]
pub struct Living<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its life.
    pub boot_id: &'a str,
    /// Where it is asked.
    pub source: SourceId,
    /// Whether it takes alerts.
    pub ready: bool,
}

/// The places of those that are ready, by name, whatever order they come in.
#[must_use]
pub fn ready_places<'a>(living: impl Iterator<Item = Living<'a>>) -> Vec<Place> {
    let mut living: Vec<Living<'_>> = living.collect();
    living.sort_unstable_by_key(|one| (one.name, one.boot_id));
    let bears = |at: Option<usize>, name: &str| at.and_then(|at| living.get(at)).is_some_and(|one| one.name == name);
    let place = |(at, one): (usize, &Living<'_>)| {
        let shared = bears(at.checked_sub(1), one.name) || bears(Some(at + 1), one.name);
        let asked = if shared { one.boot_id } else { one.name };
        one.ready.then(|| Place { source: one.source, replica: Some(asked.to_owned()) })
    };
    living.iter().enumerate().filter_map(place).collect()
}

impl App {
    /// Where alerts go when a list or form for them opens: to the marked replica where the fleet has the focus, else
    /// where the last one went.
    pub(super) fn first_aim(&self) -> Aim {
        let marked = self.replica().filter(|_| self.pane == Pane::Fleet && self.place() == Context::Overview);
        let aim = marked.map_or_else(|| self.aim.clone(), aim_at);
        let gone = matches!(&aim, Aim::Replica { .. }) && self.aimed_at(&aim).is_none();
        if gone { Aim::Connected } else { aim }
    }

    /// Aims the opened list or form at the next or the previous place, round and round.
    pub(super) fn move_aim(&mut self, by: isize) {
        let mut aims = vec![Aim::Connected, Aim::Spread];
        aims.extend(self.fleet.replicas().iter().map(aim_at));
        let aim = match &mut self.overlay {
            Some(Overlay::Fire(list)) => &mut list.aim,
            Some(Overlay::Form(form)) => &mut form.aim,
            _ => return,
        };
        let at = aims.iter().position(|other| other == aim).unwrap_or(0);
        let next = (at + aims.len()).saturating_add_signed(by) % aims.len();
        *aim = aims.swap_remove(next);
    }

    /// The places that alerts with this aim go to, by turns.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn places(&self, aim: &Aim, now: Instant) -> Result<Vec<Place>, String> {
        match aim {
            Aim::Connected => Ok(vec![Place { source: self.connected(), replica: None }]),
            Aim::Spread => Some(self.ready(now)).filter(|ready| !ready.is_empty()).ok_or("no replica is ready".into()),
            Aim::Replica { name, .. } => {
                let replica = self.aimed_at(aim).ok_or_else(|| format!("{name} is gone"))?;
                let asked = if replica.has_namesake() { &replica.boot_id } else { &replica.name };
                Ok(vec![Place { source: replica.source, replica: Some(asked.clone()) }])
            }
        }
    }

    /// The places of all replicas that are ready.
    pub(super) fn ready(&self, now: Instant) -> Vec<Place> {
        // While the screen is held still nobody is asked, and all would seem to have gone silent.
        let now = self.shown_at(now);
        ready_places(self.fleet.replicas().iter().filter(|replica| replica.is_fresh(now)).map(|replica| Living {
            name: &replica.name,
            boot_id: &replica.boot_id,
            source: replica.source,
            ready: replica.status(now) == ReplicaStatus::Ready,
        }))
    }

    /// An aim in words, for the line that says where alerts go.
    #[must_use]
    pub fn aim_in_words(&self, aim: &Aim, now: Instant) -> String {
        match aim {
            Aim::Connected => format!("whoever answers at {}", self.url(self.connected())),
            Aim::Spread => match self.ready(now).len() {
                0 => "the ready replicas by turns; none is at present".to_owned(),
                1 => "the ready replicas by turns, 1 at present".to_owned(),
                count => format!("the ready replicas by turns, {count} at present"),
            },
            Aim::Replica { name, .. } => match self.aimed_at(aim).map(|replica| replica.status(self.shown_at(now))) {
                Some(ReplicaStatus::Ready) => name.clone(),
                Some(status) => format!("{name} ({status})"),
                None => format!("{name} (gone)"),
            },
        }
    }

    /// A place in a word or two: the replica, or the address where none is named.
    pub(super) fn place_in_words<'a>(&'a self, place: &'a Place) -> &'a str {
        place.replica.as_deref().unwrap_or_else(|| self.url(place.source))
    }

    /// The replica that is meant: in its life, or by its name in another one.
    fn aimed_at(&self, aim: &Aim) -> Option<&Replica> {
        let Aim::Replica { boot_id, name } = aim else { return None };
        self.fleet.by_boot_id(boot_id).or_else(|| self.fleet.by_name(name))
    }

    /// The first address that answers; the first of all while none does.
    pub(super) fn connected(&self) -> SourceId {
        SourceId(self.sources.iter().position(super::Source::is_up).unwrap_or(0))
    }

    fn url(&self, source: SourceId) -> &str {
        self.sources.get(source.0).map_or("", |source| source.url.as_str())
    }
}

fn aim_at(replica: &Replica) -> Aim {
    Aim::Replica { boot_id: replica.boot_id.clone(), name: replica.name.clone() }
}

//! Folding what happened into the state.

use std::time::{Duration, Instant};

use langdeck_shared::{Accepted, AlertRequest, ReplicaUpdate};

use super::fleet::{Change, said};
use super::{
    Aim, App, Detail, Effect, Fault, HURRY, Link, Looks, Message, Notice, Pane, SourceId, Tone, without_repeats,
};
use crate::net::{FleetAnswer, NetError};

impl App {
    /// Takes one message; what it asks of the world outside comes back.
    pub fn update(&mut self, message: Message, now: Instant) -> Vec<Effect> {
        self.dirty = true;
        let mut effects = match message {
            Message::Key(key) => self.key(key, now),
            Message::Pointed(gesture, target) => self.pointed(gesture, target, now),
            Message::Paste(text) => {
                self.paste(&text, now);
                Vec::new()
            }
            Message::Resized => Vec::new(),
            Message::Tick => {
                self.forget_notices(now);
                self.arrange(now);
                Vec::new()
            }
            Message::Updated { source, answer, received, took } => {
                self.updated(source, *answer, received, took, now);
                Vec::new()
            }
            Message::PollFailed { source, error, next_try } => {
                self.poll_failed(source, error, next_try, now);
                Vec::new()
            }
            Message::Detail { id, result } => {
                self.asked.take_if(|asked| *asked == id);
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.take(result, now);
                    self.detail_revision += 1;
                }
                Vec::new()
            }
            Message::Costs { source, result } => {
                self.spending.take(source, result, now);
                Vec::new()
            }
            Message::Fired { place, result } => {
                match result {
                    Ok(accepted) => {
                        let Accepted { investigation_id: id, replica, cached, joined, .. } = accepted;
                        let said = match (cached, joined) {
                            (true, _) => format!("from the cache of {replica}: {id}"),
                            (false, true) => format!("joined {id} on {replica}"),
                            (false, false) => format!("accepted by {replica}"),
                        };
                        self.say(Tone::Good, said, now);
                        // One from the cache has ended: where it is not listed, it never will be.
                        if !cached || self.investigations.get(&id).is_some() {
                            self.selected = Some(id);
                        }
                        self.pane = Pane::Investigations;
                    }
                    Err(error) => {
                        let outcome = if error.may_have_arrived() { "perhaps fired" } else { "not fired" };
                        self.say(Tone::Bad, format!("{outcome} at {}: {error}", self.place_in_words(&place)), now);
                    }
                }
                Vec::new()
            }
            Message::BurstMoved(progress) => {
                self.burst_moved(*progress, now);
                Vec::new()
            }
            Message::BurstEnded(result) => {
                self.burst_ended(result.map(|progress| *progress), now);
                Vec::new()
            }
            Message::Panicked(panic) => {
                self.fault = Some(Fault::new(panic, now));
                Vec::new()
            }
        };
        self.follow(now);
        self.look_at_marked();
        self.revise_detail();
        effects.extend(self.ask_for_detail());
        effects.extend(self.ask_for_costs(now));
        effects.extend(self.redirect_burst(now));
        effects
    }

    fn updated(&mut self, source: SourceId, answer: FleetAnswer, received: Instant, took: Duration, now: Instant) {
        if let Some(source) = self.sources.get_mut(source.0) {
            source.link = Link::Up;
        }
        let newest = self.fleet.take(source, &answer, received, took);
        self.arrange(now);
        self.note_moved(source, &answer.update.replicas);
        let (mut moved, mut forgotten) = (Vec::new(), Vec::new());
        for (entry, newest) in answer.update.replicas.into_iter().zip(newest) {
            let said = said(&entry, received);
            // An older word has nothing that the newer one left out.
            if newest {
                self.memory.take(&entry, said);
            }
            if self.shown.is_some() {
                moved.extend(entry.investigations.iter().map(|moved| moved.investigation_id.clone()));
            }
            let (boot_id, has_left) = (entry.boot_id.clone(), self.fleet.by_boot_id(&entry.boot_id).is_none());
            forgotten.extend(self.investigations.take(entry, said, newest));
            if has_left {
                self.investigations.lose(&boot_id);
                self.memory.forget(&boot_id);
            }
        }
        self.sift_moved(&moved, &forgotten);
    }

    /// Works out the fleet's rows anew. What a life left unfinished goes with it, and the marker goes to the next one.
    fn arrange(&mut self, now: Instant) {
        for change in self.fleet.arrange(self.shown_at(now)) {
            match change {
                Change::Left { boot_id, successor } => {
                    self.investigations.lose(&boot_id);
                    self.memory.forget(&boot_id);
                    if self.replica.as_deref() == Some(&boot_id) && successor.is_some() {
                        self.replica = successor;
                    }
                }
                Change::Back(boot_id) => self.investigations.restore(&boot_id),
            }
        }
    }

    /// Notes whether the investigation looked at is worth asking for again, now that an address has told of these.
    fn note_moved(&mut self, source: SourceId, entries: &[ReplicaUpdate]) {
        let Some(detail) = &mut self.detail else { return };
        // What an agent refuses, it will refuse again; what was lost on the way may come the next time. While it is asked
        // for again, nobody knows yet.
        let awaited = self.asked.as_ref() == Some(&detail.id);
        let lost = !awaited && detail.error.as_ref().is_some_and(|error| !matches!(error, NetError::Problem(_)));
        let answers = match self.investigations.get(&detail.id) {
            Some(known) => entries.iter().any(|entry| entry.boot_id == known.boot_id),
            // Nothing is told of one that is not in the list: that its address answers has to do.
            None => detail.apart.as_ref().is_some_and(|apart| apart.source == source),
        };
        let mut moved = entries.iter().flat_map(|entry| &entry.investigations);
        if (lost && answers) || moved.any(|moved| moved.investigation_id == detail.id) {
            detail.note_moved();
        }
    }

    fn poll_failed(&mut self, source: SourceId, error: NetError, next_try: Instant, now: Instant) {
        self.fleet.failed(source, &error);
        if let Some(source) = self.sources.get_mut(source.0) {
            source.fail(error, next_try, now);
        }
        self.arrange(now);
    }

    /// The list's marker may have gone to another investigation.
    fn look_at_marked(&mut self) {
        if self.opened {
            return;
        }
        let Some(known) = self.selected() else {
            self.detail = None;
            return;
        };
        let id = &known.investigation.investigation_id;
        if self.detail.as_ref().is_none_or(|detail| detail.id != *id) {
            self.detail = Some(Detail::new(id.clone()));
        }
    }

    /// Notes whether the texts of the investigation looked at may have changed, apart from its coming whole.
    fn revise_detail(&mut self) {
        let known = self.detail.as_ref().and_then(|detail| self.investigations.get(&detail.id));
        let looks = known.map(|known| Looks {
            id: known.investigation.investigation_id.clone(),
            received: known.received,
            lost: known.lost,
            reached: self.fleet.by_boot_id(&known.boot_id).is_some(),
        });
        if self.looks != looks {
            self.looks = looks;
            self.detail_revision += 1;
        }
    }

    /// An opened investigation is asked for whenever it has moved, one question at a time. One that is only marked is
    /// once it has ended, and when no other is awaited: moving the marker fast must not flood an agent. Only the life
    /// that ran it can answer, wherever that is reached now; for one that is not in the list, its fleet is asked.
    fn ask_for_detail(&mut self) -> Option<Effect> {
        let detail = self.detail.as_mut()?;
        let known = self.investigations.get(&detail.id);
        let source = match known {
            Some(known) => self.fleet.by_boot_id(&known.boot_id)?.source,
            None => detail.apart.as_ref()?.source,
        };
        let ready = if self.opened {
            self.asked.as_ref() != Some(&detail.id)
        } else {
            self.asked.is_none() && known.is_some_and(|known| known.investigation.status.has_ended())
        };
        if !ready || !detail.take_moved() {
            return None;
        }
        self.asked = Some(detail.id.clone());
        Some(Effect::FetchDetail { source, id: detail.id.clone() })
    }

    /// While the Cost screen is open its addresses are asked again and again, one question at a time each.
    fn ask_for_costs(&mut self, now: Instant) -> Vec<Effect> {
        if !self.shows_costs() || !self.spending.is_due(now) {
            return Vec::new();
        }
        let sources = self.sources.iter().enumerate();
        let reach: Vec<_> = sources.map(|(at, source)| self.fleet.reach(SourceId(at), source.is_up())).collect();
        let through = without_repeats(&reach).into_iter().map(SourceId).collect();
        self.spending.ask(through, now).into_iter().map(Effect::FetchCosts).collect()
    }

    /// Sends an alert where it is aimed; one that is spread goes to the next in turn.
    pub(super) fn fire(&mut self, alert: AlertRequest, aim: Aim, now: Instant) -> Vec<Effect> {
        self.overlay = None;
        let place = match self.places(&aim, now) {
            Ok(mut places) => places.swap_remove(self.turn % places.len()),
            Err(reason) => {
                self.say(Tone::Bad, format!("not fired: {reason}"), now);
                return Vec::new();
            }
        };
        if aim == Aim::Spread {
            self.turn += 1;
        }
        self.aim = aim;
        self.hurry_until = Some(now + HURRY);
        let resumed = if self.paused_at.take().is_some() { ", no longer paused" } else { "" };
        let at = self.place_in_words(&place);
        self.say(Tone::Good, format!("firing {} on {} at {at}{resumed}", alert.alert_type, alert.service), now);
        vec![Effect::Fire { place, alert: Box::new(alert), idempotency_key: self.next_key() }]
    }

    /// A key that no other alert of any console has.
    pub(super) fn next_key(&mut self) -> String {
        self.fired += 1;
        format!("console-{:016x}-{}", self.session, self.fired)
    }

    pub(super) fn say(&mut self, tone: Tone, text: String, now: Instant) {
        self.notice = Some(Notice::new(tone, text, now));
    }

    fn forget_notices(&mut self, now: Instant) {
        self.notice.take_if(|notice| now >= notice.until());
        self.fault.take_if(|fault| now >= fault.until());
    }
}

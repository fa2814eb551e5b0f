//! Folding what happened into the state.

use std::time::Instant;

use langdeck_shared::{AlertRequest, ReplicaUpdate};

use super::fleet::Life;
use super::{Aim, App, Detail, Effect, Fault, HURRY, Link, Looks, Message, Notice, Pane, SourceId, Tone};
use crate::net::NetError;

impl App {
    /// Takes one message; what it asks of the world outside comes back.
    pub fn update(&mut self, message: Message, now: Instant) -> Vec<Effect> {
        self.dirty = true;
        let mut effects = match message {
            Message::Key(key) => self.key(key, now),
            Message::Pointed(gesture, target) => self.pointed(gesture, target),
            Message::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Message::Resized => Vec::new(),
            Message::Tick => {
                self.forget_notices(now);
                Vec::new()
            }
            Message::Updated { source, update, received, took } => {
                self.updated(source, *update, received, took);
                Vec::new()
            }
            Message::PollFailed { source, error, next_try } => {
                self.poll_failed(source, error, next_try, now);
                Vec::new()
            }
            Message::Detail { id, result } => {
                self.asked.take_if(|asked| *asked == id);
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.take(result);
                    self.detail_revision += 1;
                }
                Vec::new()
            }
            Message::Fired { place, result } => {
                match result {
                    Ok(accepted) => {
                        self.say(Tone::Good, format!("accepted by {}", accepted.replica), now);
                        self.selected = Some(accepted.investigation_id);
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
        effects.extend(self.redirect_burst(now));
        effects
    }

    fn updated(&mut self, source: SourceId, update: ReplicaUpdate, received: Instant, took: std::time::Duration) {
        if let Some(source) = self.sources.get_mut(source.0) {
            source.link = Link::Up;
        }
        if let Life::Restarted(ended) = self.fleet.take(source, &update, received, took) {
            self.investigations.lose(&ended);
            self.memory.forget(&ended);
            if self.replica.as_deref() == Some(&ended) {
                self.replica = Some(update.boot_id.clone());
            }
        }
        while let Some(forgotten) = self.fleet.forget_silent() {
            self.investigations.lose(&forgotten);
            self.memory.forget(&forgotten);
        }
        self.memory.take(&update, received);
        if let Some(detail) = &mut self.detail {
            let known = self.investigations.get(&detail.id);
            // What an agent refuses, it will refuse again; what was lost on the way may come the next time.
            let lost = detail.error.as_ref().is_some_and(|error| !matches!(error, NetError::Problem(_)));
            let failed = lost && known.is_some_and(|known| known.boot_id == update.boot_id);
            if failed || update.investigations.iter().any(|moved| moved.investigation_id == detail.id) {
                detail.note_moved();
            }
        }
        let moved: Vec<String> = match &self.shown {
            Some(_) => update.investigations.iter().map(|moved| moved.investigation_id.clone()).collect(),
            None => Vec::new(),
        };
        let forgotten = self.investigations.take(update, received);
        self.sift_moved(&moved, &forgotten);
    }

    fn poll_failed(&mut self, source: SourceId, error: NetError, next_try: Instant, now: Instant) {
        self.fleet.failed(source, &error);
        if let Some(source) = self.sources.get_mut(source.0) {
            source.fail(error, next_try, now);
        }
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
    /// that ran it can answer, wherever that is reached now.
    fn ask_for_detail(&mut self) -> Option<Effect> {
        let detail = self.detail.as_mut()?;
        let known = self.investigations.get(&detail.id)?;
        let source = self.fleet.by_boot_id(&known.boot_id)?.source;
        let ready = if self.opened {
            self.asked.as_ref() != Some(&detail.id)
        } else {
            self.asked.is_none() && known.investigation.status.has_ended()
        };
        if !ready || !detail.take_moved() {
            return None;
        }
        self.asked = Some(detail.id.clone());
        Some(Effect::FetchDetail { source, id: detail.id.clone() })
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

//! What keys and mouse do, place by place.

use std::time::Instant;

use crossterm::event::{Event, KeyCode, KeyEvent};
use langdeck_shared::{LONG_TEXT_CHARS, StepStatus};
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

use super::actions::{self, Action, BINDINGS, Binding, Context};
use super::{
    App, Detail, Effect, FireList, Form, FormKind, Gesture, Known, Order, Overlay, PRESETS, Pane, Part, Tab, Target,
};
use crate::net::{clean_text, clean_within};

/// How far a page key moves.
const PAGE: isize = 10;
/// How many alerts, and how many a second, before a person has said otherwise.
const BURST: (u32, f64) = (100, 10.0);

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, now: Instant) -> Vec<Effect> {
        let context = self.context();
        match actions::action_for(context, &key) {
            Some(action) => self.act(action, now),
            None if context.takes_text() => {
                self.edit(key, now);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Does an action where the person is.
    pub(super) fn act(&mut self, action: Action, now: Instant) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Repaint => return vec![Effect::Repaint],
            Action::Fire => self.overlay = Some(Overlay::Fire(FireList { selected: 0, aim: self.first_aim() })),
            Action::Compose => self.compose(),
            Action::Burst => self.open_burst(),
            Action::Stop => return self.stop_burst(),
            Action::Open => return self.open(now),
            Action::Back => self.back(now),
            Action::Filter => {
                let before = self.filter_here().value_and_reset();
                self.overlay = Some(Overlay::Filter(before));
                self.sift_here(now);
            }
            Action::ShowOverview => self.show(Tab::Overview),
            Action::ShowCost => self.show(Tab::Cost),
            Action::Sort if self.place() == Context::Cost => self.spending.order_by_next(),
            Action::Reverse if self.place() == Context::Cost => self.spending.reverse(),
            Action::Sort => self.fleet.order_by_next(now),
            Action::Reverse => self.fleet.order_by(self.fleet.order(), now),
            Action::Pin => {
                if let Some(name) = self.replica().map(|replica| replica.name.clone()) {
                    self.fleet.pin(&name, now);
                }
            }
            Action::Pause => self.paused_at = if self.is_paused() { None } else { Some(now) },
            Action::Palette => self.overlay = Some(Overlay::Palette(Input::default(), 0)),
            Action::Help => {
                let open = matches!(self.overlay, Some(Overlay::Help(_)));
                self.overlay = (!open).then_some(Overlay::Help(0));
            }
            Action::Next | Action::Previous => self.move_focus(action == Action::Next),
            Action::Left => self.move_aside(-1),
            Action::Right => self.move_aside(1),
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            Action::PageUp => self.page(-PAGE),
            Action::PageDown => self.page(PAGE),
        }
        Vec::new()
    }

    pub(super) fn pointed(&mut self, gesture: Gesture, target: Target, now: Instant) -> Vec<Effect> {
        match (gesture, target) {
            (Gesture::WheelUp, Target::Nothing) if self.opened => self.page(-3),
            (Gesture::WheelDown, Target::Nothing) if self.opened => self.page(3),
            (_, Target::Nothing) if self.overlay.is_none() => {}
            (_, Target::Decisions) => {
                if let Some(detail) = &mut self.detail {
                    detail.part = Part::Decisions;
                    match gesture {
                        Gesture::WheelUp => detail.scroll_decisions(-3),
                        Gesture::WheelDown => detail.scroll_decisions(3),
                        Gesture::Press => {}
                    }
                }
            }
            (Gesture::WheelUp | Gesture::WheelDown, _) => {
                match target {
                    Target::Replica(_) | Target::Head(_) => self.pane = Pane::Fleet,
                    Target::Investigation(_) => self.pane = Pane::Investigations,
                    Target::Cost(pane, _) => self.spending.pane = pane,
                    Target::CostHead(order) => self.spending.pane = order.pane(),
                    _ => {}
                }
                self.move_by(if gesture == Gesture::WheelUp { -1 } else { 1 });
            }
            (Gesture::Press, Target::Replica(row)) => {
                self.pane = Pane::Fleet;
                self.select_replica(row);
            }
            (Gesture::Press, Target::Head(order)) => {
                self.pane = Pane::Fleet;
                self.fleet.order_by(order, now);
            }
            (Gesture::Press, Target::Investigation(row)) => {
                let again = self.pane == Pane::Investigations && !self.follows() && self.selected_row() == row;
                self.pane = Pane::Investigations;
                self.select_investigation(row);
                if again {
                    self.open_selected();
                }
            }
            (Gesture::Press, Target::Tab(tab)) => self.show(tab),
            (Gesture::Press, Target::Cost(pane, row)) => {
                let again = self.spending.pane == pane && self.spending.row(pane) == row;
                self.spending.pane = pane;
                self.spending.mark(pane, row);
                if again {
                    self.open_outlier();
                }
            }
            (Gesture::Press, Target::CostHead(order)) => self.spending.order_by(order),
            (Gesture::Press, Target::Step(step)) => {
                if let Some(detail) = &mut self.detail {
                    detail.part = Part::Steps;
                    detail.choose(step);
                }
            }
            (Gesture::Press, Target::Choice(row)) => match &mut self.overlay {
                Some(Overlay::Fire(list)) => list.selected = row.min(PRESETS.len() - 1),
                Some(Overlay::Palette(_, chosen)) => *chosen = row,
                _ => {}
            },
            (Gesture::Press, Target::Nothing) => {}
        }
        Vec::new()
    }

    /// The actions that the palette offers for what is written, by their labels and sentences.
    #[must_use]
    pub fn palette(&self, written: &str) -> Vec<&'static Binding> {
        let place = self.place();
        let needle = written.trim().to_lowercase();
        let offered = |binding: &&Binding| {
            let words = format!("{} {}", binding.label, binding.help).to_lowercase();
            binding.contexts.contains(&place) && binding.action != Action::Palette && words.contains(&needle)
        };
        BINDINGS.iter().filter(offered).collect()
    }

    fn compose(&mut self) {
        let form = match &self.overlay {
            Some(Overlay::Fire(list)) => Form::alert(list.preset(), list.aim.clone()),
            _ => Form::alert(&PRESETS[0], self.first_aim()),
        };
        self.overlay = Some(Overlay::Form(Box::new(form)));
    }

    /// Shows the burst that goes on or has not been seen to its end; otherwise asks for a new one, like the last.
    fn open_burst(&mut self) {
        let shown = matches!(self.overlay, Some(Overlay::Burst));
        if self.unseen_burst().is_some() && !shown {
            self.overlay = Some(Overlay::Burst);
            return;
        }
        self.leave_burst();
        let (count, rate) = self.burst.as_ref().map_or(BURST, |last| (last.order.count, last.order.rate));
        let form = match (&self.overlay, &self.burst) {
            (Some(Overlay::Fire(list)), _) => {
                let preset = list.preset();
                Form::burst(preset.alert_type, preset.service, count, rate, list.aim.clone())
            }
            (_, Some(last)) => {
                let alert = &last.order.alert;
                Form::burst(&alert.alert_type, &alert.service, count, rate, self.first_aim())
            }
            (_, None) => Form::burst(PRESETS[0].alert_type, PRESETS[0].service, count, rate, self.first_aim()),
        };
        self.overlay = Some(Overlay::Form(Box::new(form)));
    }

    /// Sends what the form says, or says in it why not.
    fn send(&mut self, mut form: Box<Form>, now: Instant) -> Vec<Effect> {
        let order = form.request().and_then(|alert| match form.kind {
            FormKind::Alert => Ok((alert, None)),
            FormKind::Burst => Ok((alert, Some((form.volume()?, self.places(&form.aim, now)?)))),
        });
        match order {
            Ok((alert, None)) => self.fire(alert, form.aim, now),
            Ok((alert, Some(((count, rate), places)))) => {
                let order = Order { alert, count, rate, places, key: self.next_key() };
                self.begin_burst(order, form.aim, now)
            }
            Err(reason) => {
                form.error = Some(reason);
                self.overlay = Some(Overlay::Form(form));
                Vec::new()
            }
        }
    }

    fn open(&mut self, now: Instant) -> Vec<Effect> {
        match self.overlay.take() {
            Some(Overlay::Fire(list)) => return self.fire(list.preset().request(), list.aim, now),
            Some(Overlay::Form(form)) => return self.send(form, now),
            Some(Overlay::Palette(input, chosen)) => {
                if let Some(binding) = self.palette(input.value()).get(chosen) {
                    return self.act(binding.action, now);
                }
            }
            Some(Overlay::Filter(_) | Overlay::Help(_) | Overlay::Burst) => {}
            None if self.place() == Context::Cost => self.open_outlier(),
            None if self.pane == Pane::Fleet => self.show_replica_only(),
            None => self.open_selected(),
        }
        Vec::new()
    }

    pub(super) fn open_selected(&mut self) {
        let Some(detail) = &mut self.detail else { return };
        detail.note_moved();
        self.selected = Some(detail.id.clone());
        self.opened = true;
        let known = self.investigations.get(&detail.id);
        detail.open(known.is_some_and(Known::is_moving));
        let steps = known.map_or(&[][..], |known| &known.investigation.steps);
        // What is at work, or the reasoner, which has the last word.
        let at_work = steps.iter().position(|step| step.status == StepStatus::Running);
        detail.choose(at_work.unwrap_or(steps.len().saturating_sub(1)));
    }

    /// To a screen, out of what was opened.
    const fn show(&mut self, tab: Tab) {
        (self.tab, self.opened) = (tab, false);
    }

    fn show_replica_only(&mut self) {
        let Some(replica) = self.replica() else { return };
        let name = Some(replica.name.clone());
        self.scope = if self.scope == name { None } else { name };
        self.pane = Pane::Investigations;
        self.sift();
    }

    /// Leaves the innermost thing that was opened or set.
    fn back(&mut self, now: Instant) {
        match self.overlay.take() {
            Some(Overlay::Filter(before)) => {
                *self.filter_here() = Input::from(before);
                self.sift_here(now);
            }
            Some(Overlay::Burst) => self.leave_burst(),
            Some(_) => {}
            None if self.opened => self.opened = false,
            None if self.tab == Tab::Cost => self.tab = Tab::Overview,
            None if self.filters_fleet() && !self.fleet_filter.value().is_empty() => {
                self.fleet_filter.reset();
                self.sift_here(now);
            }
            None if !self.filter.value().is_empty() => {
                self.filter.reset();
                self.sift();
            }
            None if self.scope.is_some() => {
                self.scope = None;
                self.sift();
            }
            None => self.selected = None,
        }
    }

    fn move_focus(&mut self, forward: bool) {
        match &mut self.overlay {
            Some(Overlay::Form(form)) if forward => form.next(),
            Some(Overlay::Form(form)) => form.previous(),
            Some(Overlay::Fire(_)) => self.move_aim(if forward { 1 } else { -1 }),
            Some(_) => {}
            None if self.opened => self.detail.iter_mut().for_each(Detail::switch),
            None if self.tab == Tab::Cost => self.spending.move_focus(forward),
            None => {
                self.pane = match self.pane {
                    Pane::Fleet => Pane::Investigations,
                    Pane::Investigations => Pane::Fleet,
                }
            }
        }
    }

    /// Where an alert is fired to is chosen sideways; in a text the cursor moves.
    fn move_aside(&mut self, by: isize) {
        if let Some(Overlay::Form(form)) = &mut self.overlay
            && let Some(input) = form.input()
        {
            input.handle(if by < 0 { InputRequest::GoToPrevChar } else { InputRequest::GoToNextChar });
        } else if self.context() == Context::Cost {
            self.spending.split_by(self.spending.split().moved(by));
        } else {
            self.move_aim(by);
        }
    }

    fn move_by(&mut self, by: isize) {
        match &mut self.overlay {
            Some(Overlay::Help(scroll)) => *scroll = step(*scroll, by, usize::MAX),
            Some(Overlay::Fire(list)) => list.selected = step(list.selected, by, PRESETS.len()),
            Some(Overlay::Form(form)) if by > 0 => form.next(),
            Some(Overlay::Form(form)) => form.previous(),
            Some(Overlay::Filter(_) | Overlay::Burst) => {}
            Some(Overlay::Palette(input, chosen)) => {
                let (written, row) = (input.value().to_owned(), *chosen);
                let rows = self.palette(&written).len();
                if let Some(Overlay::Palette(_, chosen)) = &mut self.overlay {
                    *chosen = step(row, by, rows);
                }
            }
            None if self.opened => self.move_in_detail(by),
            None if self.tab == Tab::Cost => {
                let pane = self.spending.pane;
                self.spending.mark(pane, step(self.spending.row(pane), by, self.spending.count(pane)));
            }
            None if self.pane == Pane::Fleet => {
                self.select_replica(step(self.replica_row(), by, self.fleet.row_count()));
            }
            None => self.select_investigation(step(self.selected_row(), by, self.shown_count())),
        }
    }

    fn page(&mut self, by: isize) {
        match (&self.overlay, self.detail.as_mut().filter(|_| self.opened)) {
            (None, Some(detail)) if detail.reads_decisions() => detail.scroll_decisions(by),
            (None, Some(detail)) => detail.scroll = step(detail.scroll, by, usize::MAX),
            _ => self.move_by(by),
        }
    }

    fn move_in_detail(&mut self, by: isize) {
        let Some(detail) = &mut self.detail else { return };
        if detail.reads_decisions() {
            detail.scroll_decisions(by);
            return;
        }
        let steps = self.investigations.get(&detail.id).map_or(0, |known| known.investigation.steps.len());
        let steps = detail.whole.as_ref().map_or(0, |whole| whole.steps.len()).max(steps);
        detail.choose(step(detail.step, by, steps));
    }

    /// The filter of the pane that keys go to.
    const fn filter_here(&mut self) -> &mut Input {
        match self.pane {
            Pane::Fleet => &mut self.fleet_filter,
            Pane::Investigations => &mut self.filter,
        }
    }

    fn sift_here(&mut self, now: Instant) {
        match self.pane {
            Pane::Fleet => self.fleet.filter(self.fleet_filter.value(), self.shown_at(now)),
            Pane::Investigations => self.sift(),
        }
    }

    fn select_replica(&mut self, row: usize) {
        self.replica = self.fleet.row(row).map(|row| row.key().to_owned());
    }

    fn select_investigation(&mut self, row: usize) {
        self.selected = self.shown(row).map(|known| known.investigation.investigation_id.clone());
    }

    fn edit(&mut self, key: KeyEvent, now: Instant) {
        // A terminal that does not tell of pasting sends a paste as keys.
        if let KeyCode::Char(c) = key.code
            && clean_text(c.encode_utf8(&mut [0; 4])).is_empty()
        {
            return;
        }
        self.change_text(now, |input| {
            input.handle_event(&Event::Key(key));
        });
    }

    /// Writes text where letters go, as if it had been typed. What is pasted is as hostile as what an agent says.
    pub(super) fn paste(&mut self, text: &str, now: Instant) {
        let text = clean_within(text, usize::MAX);
        self.change_text(now, |input| {
            for c in text.chars().take(LONG_TEXT_CHARS) {
                input.handle(InputRequest::InsertChar(c));
            }
        });
    }

    fn change_text(&mut self, now: Instant, change: impl FnOnce(&mut Input)) {
        match &mut self.overlay {
            Some(Overlay::Filter(_)) => {
                change(self.filter_here());
                self.sift_here(now);
            }
            Some(Overlay::Form(form)) => {
                if let Some(input) = form.input() {
                    change(input);
                }
                form.error = None;
            }
            Some(Overlay::Palette(input, chosen)) => {
                change(input);
                *chosen = 0;
            }
            _ => {}
        }
    }
}

/// A row `by` rows away, within `rows`.
fn step(row: usize, by: isize, rows: usize) -> usize {
    row.saturating_add_signed(by).min(rows.saturating_sub(1))
}

//! The investigation that the person looks at: what is known of it whole, and where in it they look.

use std::time::Instant;

use langdeck_shared::{Investigation, Step};

use super::Apart;
use crate::net::NetError;

/// A part of an opened investigation that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Its steps, with what the chosen one was given and gave.
    #[default]
    Steps,
    /// Its decisions.
    Decisions,
}

/// The investigation at the list's marker, or the opened one.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its id.
    pub id: String,
    /// It with inputs, outputs and report, as far as it had come when it was asked for.
    pub whole: Option<Box<Investigation>>,
    /// What is known of one that was not in the list when it was opened.
    pub apart: Option<Apart>,
    /// Why it did not come, the last time that it was asked for.
    pub error: Option<NetError>,
    /// The chosen step.
    pub step: usize,
    /// The first line shown of the step's text.
    pub scroll: usize,
    /// Where keys go.
    pub part: Part,
    /// The first line shown of the decisions; `usize::MAX` stays with the last one while more are made.
    pub decisions_scroll: usize,
    /// How far the decisions reach beyond their place, once they were drawn.
    decisions_beyond: usize,
    moved: bool,
}

impl Detail {
    /// An investigation about to be asked for.
    #[must_use]
    pub const fn new(id: String) -> Self {
        Self {
            id,
            whole: None,
            apart: None,
            error: None,
            step: 0,
            scroll: 0,
            part: Part::Steps,
            decisions_scroll: 0,
            decisions_beyond: usize::MAX,
            moved: true,
        }
    }

    /// One that is not in the list.
    #[must_use]
    pub(super) fn apart(id: String, apart: Apart) -> Self {
        Self { apart: Some(apart), ..Self::new(id) }
    }

    /// Notes that it should be asked for again.
    pub const fn note_moved(&mut self) {
        self.moved = true;
    }

    /// Whether it has moved since it was asked for; then the answer to come is counted on.
    pub const fn take_moved(&mut self) -> bool {
        std::mem::replace(&mut self.moved, false)
    }

    /// Takes the answer.
    pub fn take(&mut self, result: Result<Box<Investigation>, NetError>, now: Instant) {
        match result {
            Ok(whole) => {
                if let Some(step) = self.apart.as_mut().and_then(|apart| apart.take(&whole, now)) {
                    self.choose(step);
                }
                self.whole = Some(whole);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// The chosen step with input and output, once it has come.
    #[must_use]
    pub fn whole_step(&self) -> Option<&Step> {
        self.whole.as_ref().and_then(|whole| whole.steps.get(self.step))
    }

    /// Chooses another step; its text is shown from the top.
    pub const fn choose(&mut self, step: usize) {
        if self.step != step {
            self.step = step;
            self.scroll = 0;
        }
    }

    /// Opens it: keys go to its steps. The decisions of one that goes on are read from the last one, others from the first.
    pub const fn open(&mut self, moving: bool) {
        self.part = Part::Steps;
        self.decisions_scroll = if moving { usize::MAX } else { 0 };
    }

    /// Keys go to the other part.
    pub const fn switch(&mut self) {
        self.part = match self.part {
            Part::Steps => Part::Decisions,
            Part::Decisions => Part::Steps,
        };
    }

    /// Whether keys go to its decisions.
    #[must_use]
    pub fn reads_decisions(&self) -> bool {
        self.part == Part::Decisions
    }

    /// Scrolls the decisions by so many lines; from their end on, they are followed again.
    pub fn scroll_decisions(&mut self, by: isize) {
        let line = self.decisions_scroll.min(self.decisions_beyond).saturating_add_signed(by);
        self.decisions_scroll = if line < self.decisions_beyond { line } else { usize::MAX };
    }

    /// How far the text that keys go to reaches beyond its place.
    pub fn limit_scroll(&mut self, most: usize) {
        match self.part {
            Part::Steps => self.scroll = self.scroll.min(most),
            Part::Decisions => self.decisions_beyond = most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(moving: bool, beyond: usize) -> Detail {
        let mut detail = Detail::new("inv".to_owned());
        detail.open(moving);
        detail.switch();
        detail.limit_scroll(beyond);
        detail
    }

    #[test]
    fn decisions_are_read_from_the_first_or_followed_where_more_are_to_come() {
        assert_eq!(reading(false, 20).decisions_scroll, 0);
        assert_eq!(reading(true, 20).decisions_scroll, usize::MAX);
    }

    #[test]
    fn whoever_scrolls_back_stays_there_and_follows_again_from_the_end_on() {
        let mut detail = reading(true, 20);
        detail.scroll_decisions(-1);
        assert_eq!(detail.decisions_scroll, 19);
        detail.limit_scroll(30);
        assert_eq!(detail.decisions_scroll, 19);
        detail.scroll_decisions(10);
        assert_eq!(detail.decisions_scroll, 29);
        detail.scroll_decisions(10);
        assert_eq!(detail.decisions_scroll, usize::MAX);
        detail.scroll_decisions(isize::MIN);
        assert_eq!(detail.decisions_scroll, 0);
    }

    #[test]
    fn a_key_before_the_first_frame_does_not_go_to_the_end() {
        let mut detail = Detail::new("inv".to_owned());
        detail.switch();
        detail.scroll_decisions(1);
        assert_eq!(detail.decisions_scroll, 1);
        // The step's own text stays where it was.
        assert_eq!(detail.scroll, 0);
    }
}

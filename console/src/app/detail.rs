//! The opened investigation: what is known of it whole, and where the person looks.

use langdeck_shared::{Investigation, Step};

use super::SourceId;
use crate::net::NetError;

/// One investigation, opened.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its id.
    pub id: String,
    /// Who knows it.
    pub source: SourceId,
    /// It with inputs, outputs and report, as far as it had come when it was asked for.
    pub whole: Option<Box<Investigation>>,
    /// Why it did not come, the last time that it was asked for.
    pub error: Option<NetError>,
    /// The chosen step.
    pub step: usize,
    /// The first line shown of the step's text.
    pub scroll: usize,
    asked: bool,
    moved: bool,
}

impl Detail {
    /// An investigation about to be asked for.
    #[must_use]
    pub const fn new(id: String, source: SourceId) -> Self {
        Self { id, source, whole: None, error: None, step: 0, scroll: 0, asked: false, moved: true }
    }

    /// Notes that it has moved since it was asked for.
    pub const fn note_moved(&mut self) {
        self.moved = true;
    }

    /// Whether it should be asked for now; then the answer to come is counted on.
    pub const fn ask(&mut self) -> bool {
        let ask = self.moved && !self.asked;
        if ask {
            self.asked = true;
            self.moved = false;
        }
        ask
    }

    /// Takes the answer.
    pub fn take(&mut self, result: Result<Box<Investigation>, NetError>) {
        self.asked = false;
        match result {
            Ok(whole) => {
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
}

//! The investigation that the person looks at: what is known of it whole, and where in it they look.

use langdeck_shared::{Investigation, Step};

use crate::net::NetError;

/// The investigation at the list's marker, or the opened one.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its id.
    pub id: String,
    /// It with inputs, outputs and report, as far as it had come when it was asked for.
    pub whole: Option<Box<Investigation>>,
    /// Why it did not come, the last time that it was asked for.
    pub error: Option<NetError>,
    /// The chosen step.
    pub step: usize,
    /// The first line shown of the step's text.
    pub scroll: usize,
    moved: bool,
}

impl Detail {
    /// An investigation about to be asked for.
    #[must_use]
    pub const fn new(id: String) -> Self {
        Self { id, whole: None, error: None, step: 0, scroll: 0, moved: true }
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
    pub fn take(&mut self, result: Result<Box<Investigation>, NetError>) {
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

//! Opening the investigation of a step that stands out, also one that is not in the list: it is older than what the console
//! holds, and its fleet is asked for it.

use std::time::Instant;

use langdeck_shared::Investigation;

use super::{App, CostPane, Detail, Known, SourceId};

/// An opened investigation that was not in the list.
#[derive(Debug, Clone)]
pub struct Apart {
    /// Whom to ask: the address that told of it.
    pub source: SourceId,
    /// It, once it has come.
    pub known: Option<Box<Known>>,
    /// The step because of which it was opened.
    step: String,
}

impl Apart {
    /// Takes it as it has come; the first time, where its step is.
    pub(super) fn take(&mut self, whole: &Investigation, now: Instant) -> Option<usize> {
        let first = self.known.replace(Box::new(Known::apart(whole.clone(), now))).is_none();
        place(whole, &self.step).filter(|_| first)
    }
}

impl App {
    /// Opens the investigation of the marked outlier; Esc leads back to the Cost screen.
    pub(super) fn open_outlier(&mut self) {
        let Some(entry) = self.spending.marked_entry().filter(|_| self.spending.pane == CostPane::Outliers) else {
            return;
        };
        let (id, step) = (entry.investigation_id.clone(), entry.step.clone());
        let Some(known) = self.investigations.get(&id) else {
            let source = self.spending.told_by(&id).unwrap_or_else(|| self.connected());
            self.detail = Some(Detail::apart(id, Apart { source, known: None, step }));
            self.opened = true;
            return;
        };
        let place = place(&known.investigation, &step);
        self.detail = Some(Detail::new(id));
        self.open_selected();
        if let (Some(detail), Some(place)) = (&mut self.detail, place) {
            detail.choose(place);
        }
    }

    /// The opened investigation as it is known: from the list, or as it has come by itself.
    #[must_use]
    pub fn opened_known(&self) -> Option<&Known> {
        let detail = self.opened()?;
        let apart = || detail.apart.as_ref()?.known.as_deref();
        self.investigations.get(&detail.id).or_else(apart)
    }
}

fn place(investigation: &Investigation, step: &str) -> Option<usize> {
    investigation.steps.iter().position(|known| &*known.name == step)
}

//! Text of many lines: wrapping, once for each text and width, and scrolling.

use std::cell::RefCell;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How many wrapped texts are kept: as many as one screen shows, before and after a change of its size.
const KEPT: usize = 6;

/// What a wrapped text is: which one, of which state of the investigation looked at, and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) what: What,
    /// [`App::detail_revision`](crate::app::App::detail_revision).
    pub(super) revision: u64,
    pub(super) width: usize,
}

/// A text that may be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The report below a timeline.
    Brief,
    /// The report in its own panel.
    Report,
    /// A step's input and output; with the report under it or not.
    Step(usize, bool),
    /// The decisions.
    Decisions,
}

/// Wrapped texts, kept from frame to frame: to wrap a long one takes longer than all else in a frame.
#[derive(Debug, Default)]
pub struct Texts(RefCell<Vec<(Key, Rc<[Line<'static>]>)>>);

impl Texts {
    /// The lines under this key, made now where they are not known.
    pub(super) fn lines(&self, key: Key, make: impl FnOnce() -> Vec<Line<'static>>) -> Rc<[Line<'static>]> {
        let mut kept = self.0.borrow_mut();
        let known = kept.iter().position(|(known, _)| *known == key).map(|index| kept.remove(index));
        let (key, lines) = known.unwrap_or_else(|| (key, make().into()));
        kept.truncate(KEPT - 1);
        kept.insert(0, (key, Rc::clone(&lines)));
        lines
    }
}

/// The text in lines of at most `width` cells; at least one line, even of nothing.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, width.max(1)).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Draws lines from the one at `scroll` on, or from as far down as leaves no space below the last.
pub(super) fn draw_lines(lines: &[Line<'_>], scroll: usize, area: Rect, buffer: &mut Buffer) {
    let beyond = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll.min(beyond))) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

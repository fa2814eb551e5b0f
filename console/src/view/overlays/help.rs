//! Every key, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::Scene;
use super::super::layout::centred;
use super::super::text::{self, draw_lines};
use crate::app::actions::BINDINGS;
use crate::widgets::panel::Panel;

/// How wide the keys are.
const KEYS: usize = 18;

pub(super) fn render(scene: Scene<'_>, scroll: usize, area: Rect, buffer: &mut Buffer) -> usize {
    let theme = scene.theme;
    let rows = u16::try_from(BINDINGS.len()).unwrap_or(u16::MAX);
    let panel = Panel::new("Keys").note("j and k scroll, Esc closes").focused(true);
    let inner = super::open(scene, &panel, centred(area, 96, rows.saturating_add(2)), buffer);
    let mut lines = Vec::new();
    for binding in BINDINGS {
        let keys = Span::styled(format!("{:<KEYS$}", binding.keys_text()), theme.key);
        for (index, part) in
            text::wrap(binding.help, usize::from(inner.width).saturating_sub(KEYS)).into_iter().enumerate()
        {
            let head = if index == 0 { keys.clone() } else { Span::raw(" ".repeat(KEYS)) };
            lines.push(Line::from(vec![head, Span::styled(part, theme.text)]));
        }
    }
    draw_lines(&lines, scroll, inner, buffer)
}

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

/// How wide the whole is, where there is room.
const WIDTH: u16 = 104;

pub(super) fn render(scene: Scene<'_>, scroll: usize, area: Rect, buffer: &mut Buffer) -> usize {
    let panel = Panel::new("Keys").note("j and k scroll, Esc closes").focused(true);
    let width = panel.inner(centred(area, WIDTH, area.height)).width;
    let lines = lines(scene, usize::from(width));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inner = super::open(scene, &panel, centred(area, WIDTH, rows.saturating_add(2)), buffer);
    draw_lines(&lines, scroll, inner, buffer);
    lines.len().saturating_sub(usize::from(inner.height))
}

fn lines(scene: Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    for binding in BINDINGS {
        let keys = Span::styled(format!("{:<KEYS$}", binding.keys_text()), theme.key);
        for (index, part) in text::wrap(binding.help, width.saturating_sub(KEYS)).into_iter().enumerate() {
            let head = if index == 0 { keys.clone() } else { Span::raw(" ".repeat(KEYS)) };
            lines.push(Line::from(vec![head, Span::styled(part, theme.text)]));
        }
    }
    lines
}

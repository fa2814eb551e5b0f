//! The last line: the keys that matter here, and a word about what has just happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, format};
use crate::app::{Overlay, Pane, Tone, actions};
use crate::widgets::put_right;

/// ```text
///  f fire  Enter open  / filter  Tab next pane  ? help  q quit              ✓ accepted by …x2kqp
/// ```
pub(super) fn render(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    let mut line = match &app.overlay {
        Some(Overlay::Filter(_)) => filter(scene),
        _ => Line::raw(" "),
    };
    let mut room = usize::from(area.width).saturating_sub(line.width());
    if let Some(notice) = &app.notice {
        let (glyph, style) = match notice.tone {
            Tone::Good => (theme.glyphs.arrow, theme.done),
            Tone::Bad => (theme.glyphs.failed, theme.failed),
        };
        let most = usize::from(area.width).saturating_sub(4);
        let text = format::fit(&notice.text, most, theme.glyphs.ellipsis);
        room = room.saturating_sub(format::width(&text) + 4);
        put_right(Rect { width: area.width - 1, ..area }, &format!("{glyph} {text}"), style, buffer);
    }
    for (key, words) in actions::footer(app.context()) {
        let key = key.to_string();
        let width = key.len() + 1 + words.len() + 2;
        if width > room {
            break;
        }
        room -= width;
        line.push_span(Span::styled(key, theme.key));
        line.push_span(Span::styled(format!(" {words}  "), theme.dim));
    }
    let width = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width);
    buffer.set_line(area.x, area.y, &line, width);
}

/// The filter while it is written: `/led▏ 2 of 7`.
fn filter(scene: Scene<'_>) -> Line<'static> {
    let Scene { app, theme, .. } = scene;
    let (filter, shown, of) = match app.pane {
        Pane::Fleet => (&app.fleet_filter, app.fleet.row_count(), app.fleet.known_count()),
        Pane::Investigations => (&app.filter, app.shown_count(), app.investigations.len()),
    };
    Line::from(vec![
        Span::styled(" /", theme.key),
        Span::styled(filter.value().to_owned(), theme.text),
        Span::styled(theme.glyphs.cursor, theme.accent),
        Span::styled(format!("  {shown} of {of}   "), theme.dim),
    ])
}

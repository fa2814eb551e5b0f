//! A buffer as text with its styles, for snapshots; ratatui's own way of writing one leaves the styles out.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

/// The rows of a buffer, then the styles of each row by columns, where they are not plain. Rows with the same styles
/// share a line.
///
/// ```text
/// │ ● running │
/// styles
/// 0  1–9 #4390DE bold
/// ```
pub(crate) fn render(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        text.push('│');
        let mut covered = 0;
        for x in area.left()..area.right() {
            let symbol = buffer[(x, y)].symbol();
            if covered == 0 {
                text.push_str(symbol);
                covered = super::format::width(symbol).saturating_sub(1);
            } else {
                covered -= 1;
            }
        }
        text.push_str("│\n");
    }
    let mut styles: Vec<(u16, u16, String)> = Vec::new();
    for y in area.top()..area.bottom() {
        let runs = runs(buffer, y);
        match styles.last_mut() {
            Some((_, last, same)) if *same == runs => *last = y,
            _ => styles.push((y, y, runs)),
        }
    }
    styles.retain(|(_, _, runs)| !runs.is_empty());
    if !styles.is_empty() {
        text.push_str("styles\n");
    }
    for (first, last, runs) in styles {
        let rows = if first == last { first.to_string() } else { format!("{first}–{last}") };
        let _ = writeln!(text, "{rows:<6} {runs}");
    }
    text
}

fn runs(buffer: &Buffer, y: u16) -> String {
    let mut runs: Vec<(u16, u16, Style)> = Vec::new();
    for x in buffer.area.left()..buffer.area.right() {
        let style = buffer[(x, y)].style();
        match runs.last_mut() {
            Some((_, last, same)) if *same == style => *last = x,
            _ => runs.push((x, x, style)),
        }
    }
    let runs = runs.into_iter().map(|(first, last, style)| (first, last, describe(style)));
    let runs = runs.filter(|(_, _, style)| !style.is_empty()).map(|(first, last, style)| {
        if first == last { format!("{first} {style}") } else { format!("{first}–{last} {style}") }
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn describe(style: Style) -> String {
    let mut words = Vec::new();
    if let Some(colour) = style.fg.filter(|colour| *colour != Color::Reset) {
        words.push(colour.to_string());
    }
    if let Some(colour) = style.bg.filter(|colour| *colour != Color::Reset) {
        words.push(format!("on {colour}"));
    }
    words.extend(style.add_modifier.iter_names().map(|(name, _)| name.to_lowercase()));
    words.join(" ")
}

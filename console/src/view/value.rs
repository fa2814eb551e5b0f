//! A step's input or output, JSON made readable: names on the left, what is said beside or below them.

use ratatui::text::{Line, Span};
use serde_json::Value;

use super::text;
use super::theme::Theme;

/// How deep values are followed; what lies deeper is shown as JSON.
const DEPTH: usize = 6;

/// The value in lines of at most `width` cells.
pub(super) fn lines(value: &Value, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut writer = Writer { width, theme, lines: Vec::new() };
    writer.value("", value, 0);
    writer.lines
}

struct Writer<'a> {
    width: usize,
    theme: &'a Theme,
    lines: Vec<Line<'static>>,
}

impl Writer<'_> {
    /// Writes a value under a name, which may be empty.
    fn value(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Object(members) if depth < DEPTH && !members.is_empty() => {
                self.heading(name, depth);
                let below = depth + usize::from(!name.is_empty());
                for (member, value) in members {
                    self.value(member, value, below);
                }
            }
            Value::Array(items) if depth < DEPTH && !items.is_empty() => {
                self.heading(name, depth);
                let below = depth + usize::from(!name.is_empty());
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{}.", index + 1), item, below);
                }
            }
            Value::String(said) => self.said(name, said, depth),
            other => self.said(name, &other.to_string(), depth),
        }
    }

    fn heading(&mut self, name: &str, depth: usize) {
        if !name.is_empty() {
            self.lines.push(Line::styled(format!("{}{name}", indent(depth)), self.theme.dim));
        }
    }

    fn said(&mut self, name: &str, said: &str, depth: usize) {
        let head = if name.is_empty() { indent(depth) } else { format!("{}{name} ", indent(depth)) };
        let head_width = super::format::width(&head);
        for (index, part) in text::wrap(said, self.width.saturating_sub(head_width)).into_iter().enumerate() {
            let head = if index == 0 { head.clone() } else { " ".repeat(head_width) };
            self.lines.push(Line::from(vec![Span::styled(head, self.theme.dim), Span::styled(part, self.theme.text)]));
        }
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

//! One character to each cell, as terminals have it.
//!
//! A buffer keeps a cluster of characters in its first cell, such as the two of a flag or of a conjunct. A terminal that
//! knows no clusters shows these side by side, and the buffer knows nothing of those after the first: they would stay on
//! the screen when the text is gone, or move the rest of the row to the right where there are more than fit. Nor does it
//! know when something was drawn over the second half of a wide character: that would hide it.

use ratatui::buffer::{Buffer, CellWidth};
use unicode_width::UnicodeWidthChar;

/// Gives each character that has a width its own cell, as far as its cluster has cells: what terminals receive is the
/// same. A character that lost its second half is blank.
pub(super) fn part(buffer: &mut Buffer) {
    let columns = usize::from(buffer.area.width);
    for index in 0..buffer.content.len() {
        let cell = &buffer.content[index];
        let symbol = cell.symbol();
        if symbol.len() == 1 {
            continue;
        }
        let room = usize::from(cell.cell_width()).min(columns - index % columns);
        if buffer.content[index..][..room].iter().skip(1).any(|covered| covered.symbol() != " ") {
            buffer.content[index].set_symbol(" ");
        } else if symbol.chars().filter(|c| takes_room(*c)).count() > 1 {
            let (cluster, style) = (symbol.to_owned(), cell.style());
            let mut left = 0;
            for part in parts(&cluster) {
                let width = part.chars().filter_map(char::width).sum::<usize>();
                if left + width > room {
                    break;
                }
                buffer.content[index + left].set_symbol(part).set_style(style);
                left += width;
            }
        }
    }
}

/// The cluster's characters that have a width, each with the marks that follow; the first also with those before it.
fn parts(cluster: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = cluster.char_indices().filter(|(_, c)| takes_room(*c)).map(|(at, _)| at).collect();
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
    starts.push(cluster.len());
    (1..starts.len()).map(move |next| &cluster[starts[next - 1]..starts[next]])
}

fn takes_room(c: char) -> bool {
    c.width().is_some_and(|width| width > 0)
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn each_character_has_a_cell_and_none_takes_a_neighbours() {
        for (text, cells) in [
            ("plain", ["p", "l", "a", "i", "n", " "]),
            ("🇩🇪!", ["🇩", "🇪", "!", " ", " ", " "]),
            ("स्ते!", ["स\u{94d}", "त\u{947}", "!", " ", " ", " "]),
            ("e\u{301}数!", ["e\u{301}", "数", " ", "!", " ", " "]),
            // The colour of the skin and the letter below the first have no cells of their own.
            ("👍\u{1f3fd}!", ["👍", " ", "!", " ", " ", " "]),
            ("ក\u{17d2}ខ!", ["ក\u{17d2}", "!", " ", " ", " ", " "]),
        ] {
            let mut buffer = Buffer::empty(Rect::new(3, 2, 6, 1));
            buffer.set_string(3, 2, text, Style::new().fg(Color::Red));
            part(&mut buffer);
            let symbols: Vec<_> = buffer.content.iter().map(|cell| cell.symbol()).collect();
            assert_eq!(symbols, cells, "{text}");
        }
    }
    #[test]
    fn what_is_drawn_over_half_a_character_is_seen() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        buffer.set_string(0, 0, "数据", Style::new());
        buffer.set_string(1, 0, "│", Style::new());
        part(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines([" │据"]));
    }
}

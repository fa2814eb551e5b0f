//! How wide a text is on the screen, and how it is cut to a width.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use ratatui::text::Span;

/// How many cells a text takes in a buffer, which leaves control characters out.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    let span = Span::raw(text);
    graphemes(&span).map(|(_, width)| width).sum()
}

/// The text in at most `width` cells: its beginning and an ellipsis where it is longer.
#[must_use]
pub fn fit<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (room, 0))
}

/// The same, keeping the end: `…7d9c-x2kqp`. Replicas of one deployment differ there.
#[must_use]
pub fn fit_start<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (0, room))
}

/// The same, keeping both ends.
#[must_use]
pub fn fit_middle<'a>(text: &'a str, width: usize, ellipsis: &str) -> Cow<'a, str> {
    shorten(text, width, ellipsis, |room| (room.div_ceil(2), room / 2))
}

/// Cuts a text that is too wide; `split` says how many cells of the room go to its beginning and how many to its end.
fn shorten<'a>(text: &'a str, room: usize, ellipsis: &str, split: impl Fn(usize) -> (usize, usize)) -> Cow<'a, str> {
    let whole = width(text);
    if whole <= room {
        return Cow::Borrowed(text);
    }
    let mark = width(ellipsis);
    if mark > room {
        return Cow::Borrowed("");
    }
    let (head, tail) = split(room - mark);
    let mut short = String::with_capacity(text.len().min(4 * room) + ellipsis.len());
    let span = Span::raw(text);
    let mut taken = 0;
    for (grapheme, width) in graphemes(&span) {
        taken += width;
        if taken > head {
            break;
        }
        short.push_str(grapheme);
    }
    short.push_str(ellipsis);
    if tail > 0 {
        let mut skipped = 0;
        for (grapheme, width) in graphemes(&span) {
            if skipped + tail >= whole {
                short.push_str(grapheme);
            } else {
                skipped += width;
            }
        }
    }
    Cow::Owned(short)
}

/// The graphemes that a buffer would place, with the cells that each takes there.
fn graphemes<'a>(span: &'a Span<'_>) -> impl Iterator<Item = (&'a str, usize)> {
    span.styled_graphemes(Style::new()).map(|grapheme| (grapheme.symbol, usize::from(grapheme.symbol.cell_width())))
}

/// Printable ASCII: as many cells as bytes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn text_is_cut_where_asked() {
        assert_eq!(fit("checkout-api", 12, "…"), "checkout-api");
        assert_eq!(fit("checkout-api", 6, "…"), "check…");
        assert_eq!(fit_start("langchain-free-7d9c-x2kqp", 11, "…"), "…7d9c-x2kqp");
        assert_eq!(fit_middle("langchain-free", 7, "…"), "lan…ree");
        assert_eq!(fit("abc", 1, "…"), "…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit("abc", 1, ".."), "");
    }

    #[test]
    fn wide_and_combined_characters_stay_whole() {
        assert_eq!(width("数据库"), 6);
        assert_eq!(fit("数据库", 4, "…"), "数…");
        assert_eq!(fit_start("数据库", 4, "…"), "…库");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2, "…"), "e\u{301}…");
        assert_eq!(width("👩‍👩‍👧"), 2);
        assert_eq!(fit_start("👩‍👩‍👧👩‍👩‍👧", 3, "…"), "…👩‍👩‍👧");
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[a-z\u{300}-\u{303}数据ﾞ👩\u{200d}\u{fe0f}🇩🇪\u{1}]{0,20}"]
    }

    proptest! {
        #[test]
        fn cut_text_is_never_wider_than_asked(text in text(), room in 0usize..30) {
            for short in [fit(&text, room, "…"), fit_start(&text, room, "…"), fit_middle(&text, room, "…")] {
                prop_assert!(width(&short) <= room, "{short:?}");
            }
        }

        #[test]
        fn the_width_is_what_a_buffer_takes(text in text()) {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 1));
            let (end, _) = buffer.set_stringn(0, 0, &text, 200, Style::new());
            prop_assert_eq!(usize::from(end), width(&text));
        }
    }
}

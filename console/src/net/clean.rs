//! Hostile text made harmless, once, where it enters.
//!
//! What leaves here holds no escape sequence, no control character, and nothing that is invisible or reorders its
//! neighbours; so it can be put into any cell of the screen and into any line of output. Cleaning twice changes nothing.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthChar;

/// The longest text that is kept, in bytes; what is longer is cut and says so: `… 1234 bytes cut`.
const MAX_BYTES: usize = 16 * 1024;
/// Room for saying how much was cut.
const ROOM_FOR_CUT: usize = 40;
/// The most marks without a width that may follow one another: more than any script needs, fewer than hurt a cell.
const MAX_MARKS: usize = 4;
/// The longest escape sequence that is looked for, in characters after its introducer.
const MAX_SEQUENCE: usize = 4096;

const ESC: char = '\u{1b}';
const BEL: char = '\u{07}';

/// Makes every text in a JSON value harmless: the keys as well as the values.
#[must_use]
pub fn clean_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean_owned(text)),
        Value::Array(values) => Value::Array(values.into_iter().map(clean_json).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(key, value)| (clean_owned(key), clean_json(value))).collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

/// Makes one text harmless. ANSI sequences vanish whole; line breaks and tabs become spaces; other control characters,
/// bidirectional, invisible and variation characters vanish; the length is bounded.
#[must_use]
pub fn clean_text(text: &str) -> String {
    clean_within(text, MAX_BYTES)
}

/// The same with a bound of its own, in bytes.
#[must_use]
pub fn clean_within(text: &str, most: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(most));
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            ESC => {
                skip_escape(&mut chars);
                continue;
            }
            '\u{9b}' => {
                skip_csi(&mut chars);
                continue;
            }
            // The C1 forms of DCS, SOS, OSC, PM and APC.
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_string(&mut chars);
                continue;
            }
            '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            // The half-width sound marks join the character before them, and nobody agrees on how wide both are then.
            '\u{ff9e}' => '\u{309b}',
            '\u{ff9f}' => '\u{309c}',
            // Khmer's "and so on", of one to three cells.
            '\u{17d8}' => '…',
            c if c.is_control() || is_invisible(c) => continue,
            c => c,
        };
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        if marks <= MAX_MARKS {
            kept.push(c);
        }
        if kept.len() > most {
            cut(&mut kept, most.saturating_sub(ROOM_FOR_CUT), chars.map(char::len_utf8).sum());
            break;
        }
    }
    kept
}

/// Most texts are harmless already and need no copy.
fn clean_owned(text: String) -> String {
    if text.len() <= MAX_BYTES && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        text
    } else {
        clean_text(&text)
    }
}

/// Cuts a text after at most `most` bytes, and says of how many more there were; `unread` followed those given.
pub(super) fn cut(text: &mut String, most: usize, unread: usize) {
    let kept = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let cut = text.len() - kept + unread;
    text.truncate(kept);
    text.push_str(&format!("… {cut} bytes cut"));
}

/// After ESC: a CSI sequence, a string such as OSC, or a short sequence of intermediates and a final character.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(' '..='/') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// After CSI: parameters, intermediates, one final character. What breaks the form ends it and is text again.
fn skip_csi(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| matches!(c, '0'..='?')).is_some() {}
    while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// After OSC, DCS and their like: everything up to BEL or ST, or up to the next sequence, which ends this one as
/// terminals have it. Without an end only the introducer goes: a terminal would swallow the rest, but here it is readable
/// text that someone may need. No character is looked at twice from here, so that hostile text costs no more than other.
fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    for _ in 0..MAX_SEQUENCE {
        match ahead.peek() {
            None => return,
            Some(&ESC) => {
                let before = ahead.clone();
                ahead.next();
                *chars = if ahead.next_if_eq(&'\\').is_some() { ahead } else { before };
                return;
            }
            Some(&(BEL | '\u{9c}')) => {
                ahead.next();
                *chars = ahead;
                return;
            }
            Some('\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => {
                *chars = ahead;
                return;
            }
            Some(_) => ahead.next(),
        };
    }
}

/// Bidirectional controls, zero-width characters, tags and variation selectors: nothing that a reader would miss.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "checkout-api", "p95 480ms → target 200ms", "支払い", "naïve", "नमस्ते", "e\u{301}", "🦀"]
        {
            assert_eq!(clean_text(text), text);
        }
    }

    #[test]
    fn sequences_vanish_whole() {
        let cases = [
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("a\u{1b}[38;2;1;2;3mb", "ab"),
            ("a\u{1b}[?1049lb", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{1b}]0;title\u{07}b", "ab"),
            ("a\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\b", "alinkb"),
            ("a\u{9d}52;c;ZXZpbA==\u{9c}b", "ab"),
            ("a\u{1b}P1;2|abc\u{1b}\\b", "ab"),
            ("a\u{1b}(0b", "ab"),
            ("a\u{1b}cb", "ab"),
            ("a\u{1b}7b", "ab"),
            ("a\u{1b}", "a"),
            ("a\u{1b}[", "a"),
            ("a\u{1b}[12\u{1b}[31mb", "ab"),
            ("a\u{1b}]0;cut short\u{1b}[31mb", "ab"),
            ("a\u{9d}\u{9d}\u{9d}b", "ab"),
        ];
        for (hostile, harmless) in cases {
            assert_eq!(clean_text(hostile), harmless, "{hostile:?}");
        }
    }

    #[test]
    fn an_unended_string_keeps_its_text() {
        assert_eq!(clean_text("a\u{1b}]0;rest of the log"), "a0;rest of the log");
    }

    #[test]
    fn breaks_become_spaces_and_the_invisible_goes() {
        assert_eq!(clean_text("a\nb\tc\r\nd"), "a b c d");
        assert_eq!(
            clean_text("user\u{202e}txt.exe\u{200b}\u{feff}\u{2066}\u{e0041}\u{fe0f}\u{7f}\u{0}"),
            "usertxt.exe"
        );
    }

    #[test]
    fn what_terminals_measure_differently_gets_a_width_beyond_doubt() {
        assert_eq!(clean_text("ｶﾞﾊﾟ\u{17d8}"), "ｶ\u{309b}ﾊ\u{309c}…");
    }

    #[test]
    fn lengths_and_marks_are_bounded() {
        let long = clean_text(&"ä".repeat(MAX_BYTES));
        assert!(long.len() <= MAX_BYTES && long.starts_with('ä'));
        assert!(long.ends_with("… 16424 bytes cut"), "{}", &long[MAX_BYTES - 80..]);
        let towering = format!("a{}b", "\u{301}".repeat(1000));
        assert_eq!(clean_text(&towering).chars().count(), 2 + MAX_MARKS);
    }

    #[test]
    fn keys_and_nested_values_are_cleaned() {
        let hostile = json!({"a\u{1b}[31m": ["x\u{7}", {"k\n": "v\u{202e}"}], "n": 1.5, "b": null});
        assert_eq!(clean_json(hostile), json!({"a": ["x", {"k ": "v"}], "n": 1.5, "b": null}));
    }

    /// Texts made of what terminals react to, far likelier to hit a sequence than any text at all.
    fn nasty() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            Just("\u{1b}".to_owned()),
            Just("\u{9b}".to_owned()),
            Just("\u{9d}".to_owned()),
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just("\\".to_owned()),
            Just("31m".to_owned()),
            Just("\u{07}".to_owned()),
            Just("\u{9c}".to_owned()),
            Just("\u{301}".to_owned()),
            Just("\u{202e}".to_owned()),
            "\\PC{0,8}",
            any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in prop_oneof![any::<String>(), nasty()]) {
            let cleaned = clean_text(&text);
            prop_assert!(cleaned.len() <= MAX_BYTES);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_invisible(c)), "{cleaned:?}");
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in prop_oneof![any::<String>(), nasty()]) {
            let cleaned = clean_text(&text);
            prop_assert_eq!(clean_text(&cleaned), cleaned);
        }
    }
}

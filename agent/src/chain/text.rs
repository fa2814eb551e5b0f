//! How much of the texts that models and tools return is kept: what is longer is cut, and says so.

use std::sync::Arc;

/// The longest finding, reasoning or summary, in bytes. The console keeps as much.
pub(super) const MAX_TEXT: usize = 16 * 1024;
/// The longest arguments of a tool that are kept; the tool itself gets them whole.
pub(super) const MAX_ARGUMENTS: usize = 4 * 1024;
/// The longest reason, root cause or recommendation.
pub(crate) const MAX_LINE: usize = 1024;
/// The most recommendations.
pub(super) const MAX_RECOMMENDATIONS: usize = 32;

/// The text, if it is not longer than `most` bytes; otherwise as much of it as finds room beside a mark which says how
/// much is missing.
pub(super) fn bounded(text: String, most: usize) -> String {
    if text.len() <= most { text } else { cut(&text, most) }
}

/// The same for a text that is shared already.
pub(crate) fn bounded_shared(text: Arc<str>, most: usize) -> Arc<str> {
    if text.len() <= most { text } else { cut(&text, most).into() }
}

fn cut(text: &str, most: usize) -> String {
    let mark = |kept: usize| format!("… ({} bytes left out)", text.len() - kept);
    // The mark is longest where nothing is kept.
    let mut kept = most.saturating_sub(mark(0).len());
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    text[..kept].to_owned() + &mark(kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_cut_says_how_much() {
        let text = bounded("ä".repeat(MAX_TEXT), MAX_TEXT);
        let (kept, mark) = text.split_once('…').unwrap();
        assert_eq!(mark, format!(" ({} bytes left out)", 2 * MAX_TEXT - kept.len()));
        assert_eq!(&*bounded_shared("short".into(), 5), "short");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_its_bound(text in any::<String>(), most in 64..200_usize) {
            let kept = bounded(text.repeat(8), most);
            prop_assert!(kept.len() <= most);
        }
    }
}

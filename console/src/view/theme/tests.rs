//! That every theme can be read without colour, on any background and in ASCII.

use super::*;

fn detect(variables: &[(&str, &str)]) -> ColorDepth {
    ColorDepth::detect(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn the_environment_chooses_the_colours() {
    assert_eq!(detect(&[]), ColorDepth::Ansi16);
    assert_eq!(detect(&[("TERM", "xterm")]), ColorDepth::Ansi16);
    assert_eq!(detect(&[("TERM", "xterm-256color")]), ColorDepth::Indexed256);
    assert_eq!(detect(&[("TERM", "screen-256color"), ("COLORTERM", "truecolor")]), ColorDepth::TrueColor);
    assert_eq!(detect(&[("TERM", "xterm-direct")]), ColorDepth::TrueColor);
    assert_eq!(detect(&[("COLORTERM", "24bit"), ("NO_COLOR", "1")]), ColorDepth::None);
    assert_eq!(detect(&[("COLORTERM", "24bit"), ("NO_COLOR", "")]), ColorDepth::TrueColor);
}

fn styles(theme: &Theme) -> Vec<Style> {
    let mut all = vec![
        theme.text,
        theme.strong,
        theme.dim,
        theme.faint,
        theme.title,
        theme.accent,
        theme.selected,
        theme.selected_unfocused,
        theme.running,
        theme.done,
        theme.partial,
        theme.failed,
        theme.stale,
        theme.money,
        theme.warning,
        theme.bar_model,
        theme.bar_tool,
        theme.border,
        theme.border_focused,
        theme.key,
    ];
    all.extend(theme.spark);
    all.extend(theme.spark_money);
    all
}

#[test]
fn without_colour_no_style_names_one() {
    for style in styles(&Theme::new(ColorDepth::None, false)) {
        assert_eq!((style.fg, style.bg), (None, None), "{style:?}");
    }
}

#[test]
fn a_background_brings_its_own_text_colour() {
    for depth in [ColorDepth::Ansi16, ColorDepth::Indexed256, ColorDepth::TrueColor] {
        for style in styles(&Theme::new(depth, false)) {
            assert!(style.bg.is_none() || style.fg.is_some(), "{depth:?} {style:?}");
        }
    }
}

#[test]
fn every_glyph_is_one_cell_wide_and_the_twins_are_ascii() {
    for (glyphs, ascii) in [(&Glyphs::UNICODE, false), (&Glyphs::ASCII, true)] {
        let mut all = vec![
            glyphs.running,
            glyphs.done,
            glyphs.partial,
            glyphs.failed,
            glyphs.waiting,
            glyphs.stale,
            glyphs.cancelled,
            glyphs.marker,
            glyphs.ellipsis,
            glyphs.descending,
            glyphs.dash,
            glyphs.dot,
            glyphs.times,
            glyphs.arrow,
            glyphs.bar_right_half,
            glyphs.bar_head,
            glyphs.guide,
            glyphs.scroll_thumb,
            glyphs.border.top_left,
            glyphs.border.top_right,
            glyphs.border.bottom_left,
            glyphs.border.bottom_right,
            glyphs.border.vertical_left,
            glyphs.border.vertical_right,
            glyphs.border.horizontal_top,
            glyphs.border.horizontal_bottom,
        ];
        all.extend(glyphs.spinner);
        all.extend(glyphs.bar);
        all.extend(glyphs.strip);
        all.extend(glyphs.levels);
        for glyph in all {
            assert_eq!(unicode_width::UnicodeWidthStr::width(glyph), 1, "{glyph:?}");
            assert_eq!(glyph.chars().count(), 1, "{glyph:?}");
            assert!(!ascii || glyph.is_ascii(), "{glyph:?}");
        }
    }
}

#[test]
fn states_are_told_apart_without_colour() {
    for ascii in [false, true] {
        let theme = Theme::new(ColorDepth::None, ascii);
        let marks: Vec<Mark> = Status::ALL.iter().map(|status| theme.status(*status)).collect();
        for (index, mark) in marks.iter().enumerate() {
            for other in &marks[..index] {
                assert_ne!(mark.glyph, other.glyph);
                assert_ne!(mark.word, other.word);
            }
        }
    }
}

#[test]
fn the_spinner_turns_for_ever() {
    let theme = Theme::new(ColorDepth::None, true);
    assert_eq!(theme.spinner(0), "|");
    assert_eq!(theme.spinner(5), "/");
    assert_eq!(theme.spinner(u64::MAX).len(), 1);
}

#[test]
fn a_highlighted_row_keeps_its_colours_only_beside_a_background() {
    let area = Rect::new(0, 0, 4, 1);
    for (depth, kept) in [(ColorDepth::TrueColor, true), (ColorDepth::Ansi16, false), (ColorDepth::None, false)] {
        let theme = Theme::new(depth, false);
        let mut buffer = Buffer::empty(area);
        buffer.set_string(0, 0, "ab", theme.failed);
        theme.highlight(Rect::new(0, 0, 90, 90), true, &mut buffer);
        assert_eq!(Some(buffer[(0, 0)].fg) == theme.failed.fg && kept, kept, "{depth:?}");
        assert_eq!(buffer[(3, 0)].modifier.contains(Modifier::REVERSED), !kept, "{depth:?}");
        assert_eq!(buffer[(3, 0)].bg != Color::Reset, kept, "{depth:?}");
    }
}

//! What the screens are drawn with: styles named by meaning, and glyphs with an ASCII twin each.

use langdeck_shared::{ReplicaStatus, Status, StepKind, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// No colour codes at all, only modifiers such as bold and reverse.
    None,
    /// The terminal's own sixteen.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// Red, green and blue, eight bits each.
    TrueColor,
}

impl ColorDepth {
    /// The depth that the environment asks for; `env` looks a variable up. `TERM=dumb` is no terminal to draw on, which
    /// is not decided here.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        if env("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        if matches!(env("COLORTERM").as_deref(), Some("truecolor" | "24bit")) || env("WT_SESSION").is_some() {
            return Self::TrueColor;
        }
        let term = env("TERM").unwrap_or_default();
        if term.ends_with("-direct") {
            Self::TrueColor
        } else if term.contains("256color") {
            Self::Indexed256
        } else {
            Self::Ansi16
        }
    }
}

/// The characters of the screens, every one a single cell wide.
#[derive(Debug)]
pub struct Glyphs {
    /// At work, or alive.
    pub running: &'static str,
    /// Ended well.
    pub done: &'static str,
    /// Ended with something missing, or on the way out.
    pub partial: &'static str,
    /// Ended badly.
    pub failed: &'static str,
    /// Not yet begun.
    pub waiting: &'static str,
    /// Not known for sure.
    pub stale: &'static str,
    /// Stopped before its end.
    pub cancelled: &'static str,
    /// Stands before the selected row.
    pub marker: &'static str,
    /// Stands for text that was cut off.
    pub ellipsis: &'static str,
    /// Largest first.
    pub descending: &'static str,
    /// Smallest first.
    pub ascending: &'static str,
    /// There is no value.
    pub dash: &'static str,
    /// Between two figures of a title.
    pub dot: &'static str,
    /// Before how often something happened.
    pub times: &'static str,
    /// From one thing to the next.
    pub arrow: &'static str,
    /// One turn of the only thing that moves.
    pub spinner: &'static [&'static str],
    /// The frame of a panel.
    pub border: border::Set<'static>,
    /// A cell filled from the left by 0 to 8 eighths.
    pub bar: [&'static str; 9],
    /// A cell whose right half is filled.
    pub bar_right_half: &'static str,
    /// A cell of a thin bar: its left half, all of it, its right half.
    pub strip: [&'static str; 3],
    /// The growing end of a bar.
    pub bar_head: &'static str,
    /// A moment on the time axis, behind the bars.
    pub guide: &'static str,
    /// Where letters go in a text field.
    pub cursor: &'static str,
    /// The ends of a gauge.
    pub gauge_caps: [&'static str; 2],
    /// The right end of a gauge that is more than full.
    pub gauge_over: &'static str,
    /// A cell of a gauge that is not filled.
    pub gauge_rest: &'static str,
    /// A cell filled from the bottom by 0 to 8 eighths.
    pub levels: [&'static str; 9],
    /// Where in a long list the visible rows are.
    pub scroll_thumb: &'static str,
}

impl Glyphs {
    /// For terminals with a Unicode font.
    pub const UNICODE: Self = Self {
        running: "●",
        done: "✓",
        partial: "◐",
        failed: "✗",
        waiting: "○",
        stale: "?",
        cancelled: "⊘",
        marker: "▸",
        ellipsis: "…",
        descending: "▾",
        ascending: "▴",
        dash: "–",
        dot: "·",
        times: "×",
        arrow: "→",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        border: border::ROUNDED,
        bar: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
        bar_right_half: "▐",
        strip: ["╸", "━", "╺"],
        bar_head: "▸",
        guide: "┊",
        cursor: "▏",
        gauge_caps: ["▕", "▏"],
        gauge_over: "▸",
        gauge_rest: " ",
        levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        scroll_thumb: "▐",
    };

    /// For every other terminal.
    pub const ASCII: Self = Self {
        running: "*",
        done: "+",
        partial: "~",
        failed: "x",
        waiting: "o",
        stale: "?",
        cancelled: "/",
        marker: ">",
        ellipsis: "~",
        descending: "v",
        ascending: "^",
        dash: "-",
        dot: "-",
        times: "x",
        arrow: ">",
        spinner: &["|", "/", "-", "\\"],
        border: border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
        bar: [" ", " ", " ", " ", "-", "=", "=", "=", "="],
        bar_right_half: "-",
        strip: ["-", "=", "-"],
        bar_head: ">",
        guide: ".",
        cursor: "|",
        gauge_caps: ["[", "]"],
        gauge_over: "!",
        gauge_rest: " ",
        levels: [" ", ".", ":", "-", "=", "+", "*", "#", "#"],
        scroll_thumb: "#",
    };
}

/// How a state is shown: always a glyph and a word, the colour only helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// One cell wide.
    pub glyph: &'static str,
    /// What it is called.
    pub word: &'static str,
    /// The style of both.
    pub style: Style,
}

/// The styles of the screens by meaning, and the glyphs. Small and `Copy`: pass it by reference or by value.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// How many colours the styles use.
    pub depth: ColorDepth,
    /// The characters.
    pub glyphs: &'static Glyphs,
    /// Data: the terminal's own colour.
    pub text: Style,
    /// Data that matters more than its neighbours.
    pub strong: Style,
    /// Words around the data: headers, units, footers.
    pub dim: Style,
    /// What is hardly there: guides, the rest of a gauge.
    pub faint: Style,
    /// A panel's name.
    pub title: Style,
    /// The one accent: what has the focus.
    pub accent: Style,
    /// A selected row, laid over it by [`Theme::highlight`].
    pub selected: Style,
    /// A selected row in a panel without the focus.
    pub selected_unfocused: Style,
    /// At work.
    pub running: Style,
    /// Ended well, or well.
    pub done: Style,
    /// Ended with something missing.
    pub partial: Style,
    /// Ended badly.
    pub failed: Style,
    /// No longer known for sure, cancelled, gone.
    pub stale: Style,
    /// An amount of money that matters.
    pub money: Style,
    /// Something to look at before it fails.
    pub warning: Style,
    /// Bars of planner and reasoner.
    pub bar_model: Style,
    /// Bars of tools.
    pub bar_tool: Style,
    /// The filled part of a gauge below its warning.
    pub gauge: Style,
    /// The filled part of a gauge past its warning.
    pub gauge_warning: Style,
    /// The filled part of a gauge at and past its limit.
    pub gauge_over: Style,
    /// The unfilled part of a gauge and its ends.
    pub gauge_rest: Style,
    /// A sparkline from its foot to its top.
    pub spark: [Style; 4],
    /// A sparkline of money from its foot to its top.
    pub spark_money: [Style; 4],
    /// A panel's frame.
    pub border: Style,
    /// The frame of the panel that has the focus.
    pub border_focused: Style,
    /// A key's name in the footer and the help.
    pub key: Style,
}

const PLAIN: Style = Style::new();

impl Theme {
    /// The theme for a terminal's colours, with ASCII characters only if asked for.
    #[must_use]
    pub const fn new(depth: ColorDepth, ascii: bool) -> Self {
        let glyphs = if ascii { &Glyphs::ASCII } else { &Glyphs::UNICODE };
        match depth {
            ColorDepth::None => Self::without_colour(glyphs),
            ColorDepth::Ansi16 => Self::with_sixteen(glyphs),
            ColorDepth::Indexed256 => Self::with_palette(
                glyphs,
                depth,
                &Palette {
                    accent: Color::Indexed(68),
                    teal: Color::Indexed(66),
                    green: Color::Indexed(71),
                    amber: Color::Indexed(172),
                    red: Color::Indexed(167),
                    violet: Color::Indexed(134),
                    grey: Color::Indexed(244),
                    faint: Color::Indexed(240),
                    selected: [Color::Indexed(255), Color::Indexed(236)],
                    unfocused: [Color::Indexed(253), Color::Indexed(235)],
                    spark: [Color::Indexed(25), Color::Indexed(32), Color::Indexed(68), Color::Indexed(75)],
                    spark_money: [Color::Indexed(97), Color::Indexed(97), Color::Indexed(134), Color::Indexed(140)],
                },
            ),
            ColorDepth::TrueColor => Self::with_palette(
                glyphs,
                depth,
                &Palette {
                    accent: Color::Rgb(0x43, 0x90, 0xde),
                    teal: Color::Rgb(0x3f, 0x8f, 0x94),
                    green: Color::Rgb(0x46, 0xa3, 0x61),
                    amber: Color::Rgb(0xc8, 0x8c, 0x25),
                    red: Color::Rgb(0xe0, 0x56, 0x4e),
                    violet: Color::Rgb(0xa2, 0x82, 0xd2),
                    grey: Color::Rgb(0x7f, 0x88, 0x93),
                    faint: Color::Rgb(0x59, 0x62, 0x6d),
                    selected: [Color::Rgb(0xf0, 0xf4, 0xf8), Color::Rgb(0x1e, 0x32, 0x47)],
                    unfocused: [Color::Rgb(0xe0, 0xe4, 0xe8), Color::Rgb(0x24, 0x2a, 0x31)],
                    spark: [
                        Color::Rgb(0x35, 0x63, 0x94),
                        Color::Rgb(0x3b, 0x77, 0xb6),
                        Color::Rgb(0x43, 0x90, 0xde),
                        Color::Rgb(0x62, 0xa8, 0xee),
                    ],
                    spark_money: [
                        Color::Rgb(0x70, 0x5c, 0x92),
                        Color::Rgb(0x88, 0x6e, 0xb1),
                        Color::Rgb(0xa2, 0x82, 0xd2),
                        Color::Rgb(0xb8, 0x9c, 0xe4),
                    ],
                },
            ),
        }
    }

    /// Only modifiers: bold is alive, dim is chrome, reverse is the selection, underline is trouble.
    const fn without_colour(glyphs: &'static Glyphs) -> Self {
        let bold = PLAIN.add_modifier(Modifier::BOLD);
        let dim = PLAIN.add_modifier(Modifier::DIM);
        let trouble = PLAIN.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));
        Self {
            depth: ColorDepth::None,
            glyphs,
            text: PLAIN,
            strong: bold,
            dim,
            faint: dim,
            title: bold,
            accent: bold,
            selected: PLAIN.add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM),
            selected_unfocused: bold,
            running: bold,
            done: PLAIN,
            partial: PLAIN.add_modifier(Modifier::UNDERLINED),
            failed: trouble,
            stale: dim,
            money: PLAIN,
            warning: PLAIN.add_modifier(Modifier::UNDERLINED),
            bar_model: PLAIN,
            bar_tool: PLAIN,
            gauge: PLAIN,
            gauge_warning: bold,
            gauge_over: bold,
            gauge_rest: dim,
            spark: [PLAIN; 4],
            spark_money: [PLAIN; 4],
            border: dim,
            border_focused: PLAIN,
            key: bold,
        }
    }

    /// The terminal's own colours: whoever chose them made them legible, so grey is dim text, not a colour of theirs.
    const fn with_sixteen(glyphs: &'static Glyphs) -> Self {
        let dim = PLAIN.add_modifier(Modifier::DIM);
        Self {
            depth: ColorDepth::Ansi16,
            accent: PLAIN.fg(Color::Cyan),
            running: PLAIN.fg(Color::Cyan),
            done: PLAIN.fg(Color::Green),
            partial: PLAIN.fg(Color::Yellow),
            failed: PLAIN.fg(Color::Red),
            money: PLAIN.fg(Color::Magenta),
            warning: PLAIN.fg(Color::Yellow),
            bar_model: PLAIN.fg(Color::Cyan),
            bar_tool: PLAIN.fg(Color::Blue),
            gauge: PLAIN.fg(Color::Green),
            gauge_warning: PLAIN.fg(Color::Yellow),
            gauge_over: PLAIN.fg(Color::Red),
            spark: [PLAIN.fg(Color::Cyan); 4],
            spark_money: [PLAIN.fg(Color::Magenta); 4],
            border: dim,
            border_focused: PLAIN.fg(Color::Cyan),
            key: PLAIN.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            ..Self::without_colour(glyphs)
        }
    }

    /// One accent and few others, of middling lightness, so that they read on dark and on light; a background only
    /// where it brings its own text colour.
    const fn with_palette(glyphs: &'static Glyphs, depth: ColorDepth, colours: &Palette) -> Self {
        let [selected_text, selected] = colours.selected;
        let [unfocused_text, unfocused] = colours.unfocused;
        Self {
            depth,
            dim: PLAIN.fg(colours.grey),
            faint: PLAIN.fg(colours.faint),
            accent: PLAIN.fg(colours.accent),
            selected: PLAIN.fg(selected_text).bg(selected),
            selected_unfocused: PLAIN.fg(unfocused_text).bg(unfocused),
            running: PLAIN.fg(colours.accent),
            done: PLAIN.fg(colours.green),
            partial: PLAIN.fg(colours.amber),
            failed: PLAIN.fg(colours.red),
            stale: PLAIN.fg(colours.grey),
            money: PLAIN.fg(colours.violet),
            warning: PLAIN.fg(colours.amber),
            bar_model: PLAIN.fg(colours.accent),
            bar_tool: PLAIN.fg(colours.teal),
            gauge: PLAIN.fg(colours.green),
            gauge_warning: PLAIN.fg(colours.amber),
            gauge_over: PLAIN.fg(colours.red),
            gauge_rest: PLAIN.fg(colours.faint),
            spark: ramp(colours.spark),
            spark_money: ramp(colours.spark_money),
            border: PLAIN.fg(colours.faint),
            border_focused: PLAIN.fg(colours.accent),
            key: PLAIN.fg(colours.accent).add_modifier(Modifier::BOLD),
            ..Self::without_colour(glyphs)
        }
    }

    /// Lays the selection over a row that is already drawn. Where the theme has a background for it, the row's own
    /// colours stay; without one the row is reversed as a whole.
    pub fn highlight(&self, row: Rect, focused: bool, buffer: &mut Buffer) {
        let style = if focused { self.selected } else { self.selected_unfocused };
        let row = row.intersection(buffer.area);
        let Some(text) = style.fg else {
            // Reversed, a coloured word would become a coloured block: the row gives its colours up.
            let style = if focused { style.fg(Color::Reset).bg(Color::Reset) } else { style };
            buffer.set_style(row, style);
            return;
        };
        for position in row.positions() {
            if let Some(cell) = buffer.cell_mut(position) {
                if cell.fg == Color::Reset {
                    cell.fg = text;
                }
                cell.bg = style.bg.unwrap_or(cell.bg);
                cell.modifier.insert(style.add_modifier);
            }
        }
    }

    /// How an investigation's status is shown.
    #[must_use]
    pub const fn status(&self, status: Status) -> Mark {
        let glyphs = self.glyphs;
        match status {
            Status::Queued => Mark { glyph: glyphs.waiting, word: "queued", style: self.dim },
            Status::Running => Mark { glyph: glyphs.running, word: "running", style: self.running },
            Status::Succeeded => Mark { glyph: glyphs.done, word: "done", style: self.done },
            Status::Partial => Mark { glyph: glyphs.partial, word: "partial", style: self.partial },
            Status::Failed => Mark { glyph: glyphs.failed, word: "failed", style: self.failed },
            Status::Cancelled => Mark { glyph: glyphs.cancelled, word: "cancelled", style: self.stale },
        }
    }

    /// How a step's status is shown.
    #[must_use]
    pub const fn step_status(&self, status: StepStatus) -> Mark {
        let glyphs = self.glyphs;
        match status {
            StepStatus::Waiting => Mark { glyph: glyphs.waiting, word: "waiting", style: self.dim },
            StepStatus::Running => Mark { glyph: glyphs.running, word: "running", style: self.running },
            StepStatus::Succeeded => Mark { glyph: glyphs.done, word: "done", style: self.done },
            StepStatus::Failed => Mark { glyph: glyphs.failed, word: "failed", style: self.failed },
            StepStatus::Cancelled => Mark { glyph: glyphs.cancelled, word: "cancelled", style: self.stale },
        }
    }

    /// How a replica's status is shown.
    #[must_use]
    pub const fn replica_status(&self, status: ReplicaStatus) -> Mark {
        let glyphs = self.glyphs;
        match status {
            ReplicaStatus::Ready => Mark { glyph: glyphs.running, word: "ready", style: self.done },
            ReplicaStatus::Draining => Mark { glyph: glyphs.partial, word: "draining", style: self.partial },
            ReplicaStatus::Stale => Mark { glyph: glyphs.stale, word: "stale", style: self.stale },
            ReplicaStatus::Unreachable => Mark { glyph: glyphs.failed, word: "unreachable", style: self.failed },
            ReplicaStatus::Gone => Mark { glyph: glyphs.cancelled, word: "gone", style: self.stale },
        }
    }

    /// The style of a step's bar.
    #[must_use]
    pub const fn bar(&self, kind: StepKind, status: StepStatus) -> Style {
        match (status, kind) {
            (StepStatus::Failed, _) => self.failed,
            (StepStatus::Cancelled | StepStatus::Waiting, _) => self.stale,
            (_, StepKind::Tool) => self.bar_tool,
            (_, StepKind::Planner | StepKind::Reasoner) => self.bar_model,
        }
    }

    /// The spinner's cell at a tick, which may be any counter.
    #[must_use]
    pub fn spinner(&self, tick: u64) -> &'static str {
        let frames = self.glyphs.spinner;
        let frame = usize::try_from(tick % frames.len().max(1) as u64).unwrap_or(0);
        frames.get(frame).copied().unwrap_or(" ")
    }
}

/// What the palettes of 256 and of all colours differ in.
struct Palette {
    accent: Color,
    teal: Color,
    green: Color,
    amber: Color,
    red: Color,
    violet: Color,
    grey: Color,
    faint: Color,
    /// Text and background.
    selected: [Color; 2],
    unfocused: [Color; 2],
    spark: [Color; 4],
    spark_money: [Color; 4],
}

const fn ramp(colours: [Color; 4]) -> [Style; 4] {
    let [foot, low, high, top] = colours;
    [PLAIN.fg(foot), PLAIN.fg(low), PLAIN.fg(high), PLAIN.fg(top)]
}

#[cfg(test)]
mod tests {
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
            theme.gauge,
            theme.gauge_warning,
            theme.gauge_over,
            theme.gauge_rest,
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
                glyphs.ascending,
                glyphs.dash,
                glyphs.dot,
                glyphs.times,
                glyphs.arrow,
                glyphs.bar_right_half,
                glyphs.bar_head,
                glyphs.guide,
                glyphs.gauge_over,
                glyphs.gauge_rest,
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
            all.extend(glyphs.gauge_caps);
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
}

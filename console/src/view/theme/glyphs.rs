//! The characters of the screens, with an ASCII twin each.

use ratatui::symbols::border;

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
    /// Stays on top.
    pub pinned: &'static str,
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
        pinned: "◆",
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
        pinned: "^",
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
        levels: [" ", ".", ":", "-", "=", "+", "*", "#", "#"],
        scroll_thumb: "#",
    };
}

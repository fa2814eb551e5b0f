//! What the screens are drawn with: styles named by meaning, and glyphs with an ASCII twin each.

mod depth;
mod glyphs;
mod palette;
#[cfg(test)]
mod tests;

use langdeck_shared::{BudgetState, ReplicaStatus, Status, StepKind, StepStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

pub use depth::ColorDepth;
pub use glyphs::Glyphs;
use palette::Palette;

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
    /// The characters.
    pub glyphs: &'static Glyphs,
    /// Data: the terminal's own colour.
    pub text: Style,
    /// Data that matters more than its neighbours.
    pub strong: Style,
    /// Words around the data: headers, units, footers.
    pub dim: Style,
    /// What is hardly there: guides, scrollbars, a zero in a chart.
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
            ColorDepth::Indexed256 => Self::with_palette(glyphs, &Palette::INDEXED),
            ColorDepth::TrueColor => Self::with_palette(glyphs, &Palette::TRUE_COLOR),
        }
    }

    /// Only modifiers: bold is alive, dim is chrome, reverse is the selection, underline is trouble.
    const fn without_colour(glyphs: &'static Glyphs) -> Self {
        let bold = PLAIN.add_modifier(Modifier::BOLD);
        let dim = PLAIN.add_modifier(Modifier::DIM);
        let trouble = PLAIN.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));
        Self {
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
            accent: PLAIN.fg(Color::Cyan),
            running: PLAIN.fg(Color::Cyan),
            done: PLAIN.fg(Color::Green),
            partial: PLAIN.fg(Color::Yellow),
            failed: PLAIN.fg(Color::Red),
            money: PLAIN.fg(Color::Magenta),
            warning: PLAIN.fg(Color::Yellow),
            bar_model: PLAIN.fg(Color::Cyan),
            bar_tool: PLAIN.fg(Color::Blue),
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
    const fn with_palette(glyphs: &'static Glyphs, colours: &Palette) -> Self {
        let [selected_text, selected] = colours.selected;
        let [unfocused_text, unfocused] = colours.unfocused;
        Self {
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

    /// How the state of a budget is shown.
    #[must_use]
    pub const fn budget(&self, state: BudgetState) -> Mark {
        let glyphs = self.glyphs;
        match state {
            BudgetState::Ok => Mark { glyph: glyphs.running, word: "ok", style: self.done },
            BudgetState::Warning => Mark { glyph: glyphs.partial, word: "warning", style: self.warning },
            BudgetState::Exceeded => Mark { glyph: glyphs.failed, word: "exceeded", style: self.failed },
        }
    }

    /// How a replica is shown whose answers are not what the contract says.
    #[must_use]
    pub const fn faulty(&self) -> Mark {
        Mark { glyph: self.glyphs.failed, word: "faulty", style: self.failed }
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

const fn ramp(colours: [Color; 4]) -> [Style; 4] {
    let [foot, low, high, top] = colours;
    [PLAIN.fg(foot), PLAIN.fg(low), PLAIN.fg(high), PLAIN.fg(top)]
}

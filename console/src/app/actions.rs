//! The action table: what a person can do where, with which keys, and in which words.
//!
//! Keymap, footer, help and the README's key table all come from it, so that they cannot disagree.

#[cfg(test)]
mod tests;

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something that a person can ask the console to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Fire a test alert chosen from a list.
    Fire,
    /// Write an alert and fire it.
    Compose,
    /// Fire many alerts at a rate, or see how far they are.
    Burst,
    /// Send no more of them.
    Stop,
    /// To the overview.
    ShowOverview,
    /// To the Cost screen.
    ShowCost,
    /// Go into what is selected.
    Open,
    /// Leave what was opened, or let go of what was set.
    Back,
    /// Show only what matches a text.
    Filter,
    /// Order the table by another column.
    Sort,
    /// Turn its order round.
    Reverse,
    /// Keep the replica on top, or let go of it.
    Pin,
    /// Stop or go on asking the agents.
    Pause,
    /// Move to the next pane or field.
    Next,
    /// Move to the previous pane or field.
    Previous,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The value to the left.
    Left,
    /// The value to the right.
    Right,
    /// Choose an action by its name.
    Palette,
    /// Show every key.
    Help,
    /// Draw every cell anew.
    Repaint,
    /// Leave the screen to the shell until `fg`.
    Suspend,
    /// End the console.
    Quit,
}

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The first screen, before any agent has answered.
    NoConnection,
    /// The first screen.
    Overview,
    /// The Cost screen.
    Cost,
    /// One investigation, whole.
    Detail,
    /// The decisions of one.
    Decisions,
    /// The list of test alerts.
    Fire,
    /// The form for an alert of one's own, or many of it.
    Compose,
    /// A burst that goes on.
    Burst,
    /// A burst that is over.
    BurstOver,
    /// The filter's text field.
    Filter,
    /// The list of actions.
    Palette,
    /// The list of keys.
    Help,
}

impl Context {
    /// Whether letters go into a text field here instead of being commands.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Compose | Self::Filter | Self::Palette)
    }
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(KeyCode, KeyModifiers);

impl Key {
    const fn plain(code: KeyCode) -> Self {
        Self(code, KeyModifiers::NONE)
    }

    const fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    const fn ctrl(c: char) -> Self {
        Self(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    /// Whether this is the key that was pressed. Shift is part of a character already, so it is not compared there.
    fn matches(self, event: &KeyEvent) -> bool {
        let modifiers = match event.code {
            KeyCode::Char(_) | KeyCode::BackTab => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        self.0 == event.code && self.1 == modifiers
    }

    const fn is_char(self) -> bool {
        matches!(self, Self(KeyCode::Char(_), KeyModifiers::NONE))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1.contains(KeyModifiers::CONTROL) {
            f.write_str("Ctrl-")?;
        }
        match self.0 {
            KeyCode::Char(c) if self.1.contains(KeyModifiers::CONTROL) => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            code => write!(f, "{code}"),
        }
    }
}

/// One row of the action table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// The keys that do it, the one to teach first.
    pub keys: &'static [Key],
    /// One or two words for the palette.
    pub label: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// Where it can be done.
    pub contexts: &'static [Context],
    /// Where the footer teaches it, and in which words.
    pub footer: &'static [(Context, &'static str)],
}

use Context::{
    Burst, BurstOver, Compose, Cost, Decisions, Detail, Filter, Fire, Help, NoConnection, Overview, Palette,
};

/// Every place.
const EVERYWHERE: &[Context] =
    &[NoConnection, Overview, Cost, Detail, Decisions, Fire, Compose, Burst, BurstOver, Filter, Palette, Help];

/// The action table, in the order of footer and help.
pub const BINDINGS: &[Binding] = &[
    Binding {
        action: Action::Fire,
        keys: &[Key::char('f')],
        label: "fire",
        help: "Fire a test alert, chosen from a list",
        contexts: &[Overview, Cost, Detail, Decisions],
        footer: &[(Overview, "fire"), (Detail, "fire"), (Decisions, "fire")],
    },
    Binding {
        action: Action::Open,
        keys: &[Key::plain(KeyCode::Enter)],
        label: "open",
        help: "Open the investigation, or show only the replica's; in a list or a form, go ahead",
        contexts: &[Overview, Cost, Fire, Compose, Filter, Palette],
        footer: &[(Overview, "open"), (Fire, "fire"), (Compose, "fire"), (Filter, "keep"), (Palette, "go ahead")],
    },
    Binding {
        action: Action::Compose,
        keys: &[Key::char('F')],
        label: "compose",
        help: "Write an alert and fire it",
        contexts: &[Overview, Cost, Detail, Decisions, Fire],
        footer: &[(Fire, "compose")],
    },
    Binding {
        action: Action::Burst,
        keys: &[Key::char('b')],
        label: "burst",
        help: "Fire many alerts at a rate; while they are sent, see how far they are",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, BurstOver],
        footer: &[(Fire, "burst"), (BurstOver, "another")],
    },
    Binding {
        action: Action::Stop,
        keys: &[Key::char('x')],
        label: "stop",
        help: "In a burst: send no more",
        contexts: &[Burst],
        footer: &[(Burst, "stop")],
    },
    Binding {
        action: Action::Filter,
        keys: &[Key::char('/')],
        label: "filter",
        help: "Show only the investigations that hold a text; in the fleet, only such replicas",
        contexts: &[Overview],
        footer: &[(Overview, "filter")],
    },
    Binding {
        action: Action::Sort,
        keys: &[Key::char('s')],
        label: "sort",
        help: "Order the fleet, or a table of costs, by the next column",
        contexts: &[Overview, Cost],
        footer: &[(Cost, "sort")],
    },
    Binding {
        action: Action::Reverse,
        keys: &[Key::char('S')],
        label: "reverse",
        help: "Turn that order round",
        contexts: &[Overview, Cost],
        footer: &[],
    },
    Binding {
        action: Action::Pin,
        keys: &[Key::char('P')],
        label: "pin",
        help: "Keep the marked replica on top; again to let go of it",
        contexts: &[Overview],
        footer: &[],
    },
    Binding {
        action: Action::Pause,
        keys: &[Key::char('p')],
        label: "pause",
        help: "Hold the screen still; again to go on, with nothing lost",
        contexts: &[Overview, Cost, Detail, Decisions],
        footer: &[],
    },
    Binding {
        action: Action::Next,
        keys: &[Key::plain(KeyCode::Tab)],
        label: "next pane",
        help: "To the next pane, field or place; in an investigation, to its decisions and back",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Compose],
        footer: &[
            (Overview, "next pane"),
            (Cost, "next pane"),
            (Detail, "decisions"),
            (Decisions, "steps"),
            (Fire, "where to"),
            (Compose, "next field"),
        ],
    },
    Binding {
        action: Action::Previous,
        keys: &[Key::plain(KeyCode::BackTab)],
        label: "previous pane",
        help: "To the previous pane, field or place",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Compose],
        footer: &[],
    },
    Binding {
        action: Action::Down,
        keys: &[Key::char('j'), Key::plain(KeyCode::Down)],
        label: "down",
        help: "One row down; in an investigation, to the next step",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Compose, Palette, Help],
        footer: &[(Detail, "next step"), (Decisions, "down")],
    },
    Binding {
        action: Action::Up,
        keys: &[Key::char('k'), Key::plain(KeyCode::Up)],
        label: "up",
        help: "One row up; in an investigation, to the previous step",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Compose, Palette, Help],
        footer: &[],
    },
    Binding {
        action: Action::First,
        keys: &[Key::char('g'), Key::plain(KeyCode::Home)],
        label: "first",
        help: "To the first row (gg works too)",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Help],
        footer: &[],
    },
    Binding {
        action: Action::Last,
        keys: &[Key::char('G'), Key::plain(KeyCode::End)],
        label: "last",
        help: "To the last row",
        contexts: &[Overview, Cost, Detail, Decisions, Fire, Help],
        footer: &[],
    },
    Binding {
        action: Action::PageDown,
        keys: &[Key::char(' '), Key::plain(KeyCode::PageDown), Key::ctrl('d')],
        label: "page down",
        help: "Ten rows down; in an investigation, scroll the step's text or the decisions",
        contexts: &[Overview, Cost, Detail, Decisions, Help],
        footer: &[(Detail, "scroll"), (Decisions, "scroll")],
    },
    Binding {
        action: Action::PageUp,
        keys: &[Key::plain(KeyCode::PageUp), Key::ctrl('u')],
        label: "page up",
        help: "Ten rows up; in an investigation, scroll the step's text or the decisions back",
        contexts: &[Overview, Cost, Detail, Decisions, Help],
        footer: &[],
    },
    Binding {
        action: Action::Left,
        keys: &[Key::plain(KeyCode::Left), Key::char('h')],
        label: "to the left",
        help: "Split what was spent by the thing before; when firing, the previous place",
        contexts: &[Cost, Fire, Compose],
        footer: &[],
    },
    Binding {
        action: Action::Right,
        keys: &[Key::plain(KeyCode::Right), Key::char('l')],
        label: "to the right",
        help: "Split what was spent by the next thing; when firing, the next place",
        contexts: &[Cost, Fire, Compose],
        footer: &[(Cost, "split by")],
    },
    Binding {
        action: Action::ShowOverview,
        keys: &[Key::char('1')],
        label: "overview",
        help: "The overview: the fleet, investigations and their steps",
        contexts: &[Overview, Cost, Detail, Decisions],
        footer: &[(Cost, "overview")],
    },
    Binding {
        action: Action::ShowCost,
        keys: &[Key::char('2')],
        label: "cost",
        help: "What was spent, on what, and the budgets",
        contexts: &[Overview, Cost, Detail, Decisions],
        footer: &[(Overview, "cost")],
    },
    Binding {
        action: Action::Back,
        keys: &[Key::plain(KeyCode::Esc)],
        label: "back",
        help: "Leave what was opened; on the overview, let go of filter, replica and selection",
        contexts: EVERYWHERE,
        footer: &[
            (Detail, "back"),
            (Decisions, "back"),
            (Fire, "close"),
            (Compose, "close"),
            (Burst, "hide"),
            (BurstOver, "close"),
            (Filter, "undo"),
            (Palette, "close"),
            (Help, "close"),
        ],
    },
    Binding {
        action: Action::Back,
        keys: &[Key::char('q')],
        label: "close",
        help: "Close a list",
        contexts: &[Fire, Burst, BurstOver, Help],
        footer: &[],
    },
    Binding {
        action: Action::Palette,
        keys: &[Key::char(':')],
        label: "palette",
        help: "Choose an action by its name",
        contexts: &[NoConnection, Overview, Cost, Detail, Decisions],
        footer: &[],
    },
    Binding {
        action: Action::Help,
        keys: &[Key::char('?')],
        label: "help",
        help: "Show every key; again to close",
        contexts: &[NoConnection, Overview, Cost, Detail, Decisions, Fire, Help],
        footer: &[(NoConnection, "help"), (Overview, "help"), (Cost, "help"), (Detail, "help"), (Decisions, "help")],
    },
    Binding {
        action: Action::Repaint,
        keys: &[Key::ctrl('l')],
        label: "repaint",
        help: "Draw the whole screen anew",
        contexts: EVERYWHERE,
        footer: &[],
    },
    Binding {
        action: Action::Suspend,
        keys: &[Key::ctrl('z')],
        label: "suspend",
        help: "Back to the shell until fg",
        contexts: EVERYWHERE,
        footer: &[],
    },
    Binding {
        action: Action::Quit,
        keys: &[Key::char('q'), Key::ctrl('c')],
        label: "quit",
        help: "End the console",
        contexts: &[NoConnection, Overview, Cost, Detail, Decisions],
        footer: &[(NoConnection, "quit"), (Overview, "quit"), (Cost, "quit"), (Detail, "quit"), (Decisions, "quit")],
    },
    Binding {
        action: Action::Quit,
        keys: &[Key::ctrl('c')],
        label: "quit",
        help: "End the console, wherever one is",
        contexts: &[Fire, Compose, Burst, BurstOver, Filter, Palette, Help],
        footer: &[],
    },
];

/// What a key means where it was pressed. Where letters are text, plain characters mean nothing here.
#[must_use]
pub fn action_for(context: Context, event: &KeyEvent) -> Option<Action> {
    BINDINGS.iter().find_map(|binding| {
        let here = binding.contexts.contains(&context);
        let pressed = |key: &Key| key.matches(event) && !(context.takes_text() && key.is_char());
        (here && binding.keys.iter().any(pressed)).then_some(binding.action)
    })
}

/// What the footer teaches in a context, in order: the key, and what it does there.
pub fn footer(context: Context) -> impl Iterator<Item = (Key, &'static str)> {
    BINDINGS.iter().filter_map(move |binding| {
        let (_, words) = binding.footer.iter().find(|(place, _)| *place == context)?;
        Some((*binding.keys.first()?, *words))
    })
}

impl Binding {
    /// The keys in words, the one to teach first: `j ↓` is `j Down`.
    #[must_use]
    pub fn keys_text(&self) -> String {
        self.keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// The README's key table.
#[must_use]
pub fn markdown() -> String {
    let mut table = String::from("| keys | what they do |\n|---|---|\n");
    for binding in BINDINGS {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
        table.push_str(&format!("| {} | {} |\n", keys.join(" "), binding.help));
    }
    table
}

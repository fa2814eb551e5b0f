//! How many colours a terminal shows, and how its environment says so.

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

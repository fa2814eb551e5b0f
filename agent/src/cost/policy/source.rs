//! A file that a policy is read from, and where in it something is said: whoever is refused learns the line.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use langdeck_shared::{NAME_CHARS, Usd, check_plain_text};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use toml::{Spanned, Value};

use super::PolicyError;

/// The longest piece of a file that a message quotes, in characters.
const MAX_QUOTE: usize = 80;
/// What there may be several of, each in a table of its own.
const LISTS: [&str; 3] = ["price", "budget", "route"];
/// How the names begin that the TOML library gives the parts of a value with its place.
const SPANNED: &str = "$__serde_spanned";

/// A file that is read.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

/// Something that is said, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) what: T,
    pub(super) place: Place,
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// By the flags of a budget.
    Flags,
    /// In a file, at this line from 1.
    Line { file: String, line: usize },
}

impl Place {
    /// That it cannot be.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> PolicyError {
        match self {
            Self::Flags => PolicyError::Budget(reason.into()),
            Self::Line { file, line } => {
                PolicyError::Invalid { file: file.clone(), line: *line, reason: reason.into() }
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flags => f.write_str("by --budget-usd"),
            Self::Line { line, .. } => write!(f, "at line {line}"),
        }
    }
}

/// The text of a file.
pub(super) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, PolicyError> {
    str::from_utf8(bytes).map_err(|error| PolicyError::Invalid {
        file: file.to_owned(),
        line: line_at(bytes, error.valid_up_to()),
        reason: "it is no UTF-8, which a TOML file has to be".to_owned(),
    })
}

/// The line of a byte, from 1.
fn line_at(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

impl Source<'_> {
    /// What the file says.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, PolicyError> {
        let document = toml::Deserializer::parse(self.text).map_err(|error| self.malformed(&error, None))?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let field = field(error.path());
            self.malformed(error.inner(), field.as_deref())
        })
    }

    /// Why it cannot be read; with the field that is wrong, unless that is what the reason is about.
    fn malformed(&self, error: &toml::de::Error, field: Option<&str>) -> PolicyError {
        let at = error.span().unwrap_or_default();
        let reason = error.message();
        let reason = match field {
            Some(field) if !reason.contains(&format!("`{field}`")) => format!("{field}: {reason}"),
            // The parser only points at what stands there twice.
            None if reason == "duplicate key" => {
                format!("duplicate key `{}`; keep one of them", &self.text[at.clone()])
            }
            _ => reason.to_owned(),
        };
        self.refuse(
            at,
            match field {
                Some(list) if LISTS.contains(&list) => format!("{reason}; each is a table that begins with [[{list}]]"),
                _ => reason,
            },
        )
    }

    pub(super) fn refuse(&self, at: Range<usize>, reason: impl Into<String>) -> PolicyError {
        self.place(&at).refuse(reason)
    }

    fn place(&self, at: &Range<usize>) -> Place {
        Place::Line { file: self.file.to_owned(), line: self.line(at) }
    }

    /// What a value says, with its place.
    pub(super) fn said<T>(&self, at: &Spanned<impl Sized>, what: T) -> Said<T> {
        Said { what, place: self.place(&at.span()) }
    }

    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        line_at(self.text.as_bytes(), at.start)
    }

    /// A value as it stands in the file, for a message of one line.
    pub(super) fn written(&self, value: &Spanned<Value>) -> String {
        let written = self.text[value.span()].lines().next().unwrap_or_default();
        match written.char_indices().nth(MAX_QUOTE) {
            Some((end, _)) => format!("{}…", &written[..end]),
            None => written.to_owned(),
        }
    }

    /// One of several words, which are `known`; the default when it is not said.
    pub(super) fn word<T: FromStr + Default>(
        &self,
        field: &str,
        value: Option<&Spanned<Value>>,
        known: &str,
    ) -> Result<T, PolicyError> {
        let Some(value) = value else { return Ok(T::default()) };
        value
            .get_ref()
            .as_str()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| self.refuse(value.span(), format!("{field}: {} is not {known}", self.written(value))))
    }

    /// A name as alerts may have them.
    pub(super) fn name<'t>(&self, field: &str, name: &'t Spanned<String>) -> Result<&'t str, PolicyError> {
        let text = name.get_ref().as_str();
        if text.chars().count() > NAME_CHARS {
            return Err(self.refuse(name.span(), format!("{field}: must not have more than {NAME_CHARS} characters")));
        }
        check_plain_text(text).map_err(|reason| self.refuse(name.span(), format!("{field}: {reason}")))?;
        Ok(text)
    }

    /// An amount of money as it is written, in quotes or without: a float would not be exact.
    pub(super) fn amount(&self, field: &str, value: &Spanned<Value>) -> Result<Usd, PolicyError> {
        let refuse = |why: &dyn fmt::Display| {
            let written = self.written(value);
            self.refuse(value.span(), format!("{field}: {written} is no amount in USD, such as \"0.02\": {why}"))
        };
        let digits = match value.get_ref() {
            Value::String(text) => text,
            Value::Integer(_) | Value::Float(_) => &self.text[value.span()],
            other => return Err(refuse(&format_args!("it is of the type {}", other.type_str()))),
        };
        digits.parse().map_err(|why| refuse(&why))
    }

    /// An amount of money above zero.
    pub(super) fn positive(&self, field: &str, value: &Spanned<Value>) -> Result<Usd, PolicyError> {
        let amount = self.amount(field, value)?;
        if amount == Usd::ZERO {
            return Err(self.refuse(value.span(), format!("{field}: must be more than zero")));
        }
        Ok(amount)
    }
}

/// The innermost field of a path, or the table of a list in which it ends.
fn field(path: &Path) -> Option<String> {
    let mut in_list = false;
    for segment in path.iter().rev() {
        match segment {
            Segment::Map { key } if in_list => return Some(format!("[[{key}]]")),
            Segment::Map { key } if !key.starts_with(SPANNED) => return Some(key.clone()),
            Segment::Seq { .. } => in_list = true,
            _ => {}
        }
    }
    None
}

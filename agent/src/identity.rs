//! Who this replica is: its name, this life of it, and the ids that it gives out.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use langdeck_shared::ToolMode;
use tokio::time::Instant;

use crate::clock;

const BOOT_ID_CHARS: usize = 10;
/// The longest boot id that is taken for one: other versions of the agent may make longer ones.
const MOST_LIFE_BYTES: usize = 64;

/// One life of one replica.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) replica: Arc<str>,
    /// Random, lowercase letters and digits: tells this life from every other.
    pub(crate) boot_id: String,
    /// The model behind planner and reasoner.
    pub(crate) model: Arc<str>,
    pub(crate) tool_mode: ToolMode,
    pub(crate) started_at: Timestamp,
    pub(crate) started: Instant,
}

impl Identity {
    pub(crate) fn new(replica: &str, model: &str, tool_mode: ToolMode) -> Self {
        let boot_id = iter::repeat_with(fastrand::alphanumeric).take(BOOT_ID_CHARS).collect::<String>();
        Self {
            replica: replica.into(),
            boot_id: boot_id.to_ascii_lowercase(),
            model: model.into(),
            tool_mode,
            started_at: clock::now(),
            started: Instant::now(),
        }
    }

    pub(crate) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// An investigation's id, which says by the boot id whose it is.
    pub(crate) fn investigation_id(&self, number: u64) -> String {
        numbered("inv", &self.boot_id, number)
    }

    /// The number in an id that this life gave out; none for any other text.
    pub(crate) fn number_of(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix("inv_")?.strip_prefix(&self.boot_id)?.strip_prefix('_')?;
        plain_number(number)
    }

    /// The life and the number in any replica's id of an investigation; none for any other text.
    pub(crate) fn life_of(id: &str) -> Option<(&str, u64)> {
        let (life, number) = id.strip_prefix("inv_")?.rsplit_once('_')?;
        let is_life =
            (1..=MOST_LIFE_BYTES).contains(&life.len()) && life.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some((life, plain_number(number)?)).filter(|_| is_life)
    }

    pub(crate) fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }
}

/// The name of the so-and-so-many-th thing of its kind in a life of a replica.
pub(crate) fn numbered(kind: &str, boot_id: &str, number: u64) -> String {
    // Into one block of the right size: there are several for each answer.
    [kind, "_", boot_id, "_", &number.to_string()].concat()
}

/// A number in the one spelling that this replica writes: digits, without sign and without leading zeros.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity::new("r", "m", ToolMode::Sequential)
    }

    #[test]
    fn ids_lead_back_to_their_number_in_their_own_life_only() {
        let (mine, other) = (identity(), identity());
        let id = mine.investigation_id(42);
        assert_eq!(mine.number_of(&id), Some(42));
        assert_eq!(other.number_of(&id), None);
    }

    #[test]
    fn what_only_resembles_an_id_is_none() {
        let mine = identity();
        for number in ["", "+1", "01", "-1", "1 ", "x", "99999999999999999999999"] {
            assert_eq!(mine.number_of(&format!("inv_{}_{number}", mine.boot_id)), None, "{number:?}");
        }
        assert_eq!(mine.number_of("inv_"), None);
    }

    #[test]
    fn a_boot_id_is_ten_lowercase_letters_and_digits() {
        let boot_id = identity().boot_id;
        assert_eq!(boot_id.len(), BOOT_ID_CHARS);
        assert!(boot_id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{boot_id}");
    }
}

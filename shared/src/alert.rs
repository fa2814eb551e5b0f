//! An alert: what asks for an investigation.

use std::collections::BTreeMap;
use std::fmt;

use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest alert type, service or label name, in characters.
pub const NAME_CHARS: usize = 256;
/// The longest severity, in characters.
pub const SEVERITY_CHARS: usize = 64;
/// The longest description, in characters.
pub const LONG_TEXT_CHARS: usize = 8192;
/// The longest label value, in characters.
pub const LABEL_VALUE_CHARS: usize = 2048;
/// The most labels that an alert carries.
pub const LABELS: usize = 64;

/// An alert as a client submits it: the body of `POST /investigate` and `POST /v1/investigations`.
///
/// Fields that it does not know are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"alert_type": "high_latency", "service": "checkout-api"})))]
pub struct AlertRequest {
    /// What went wrong, such as `high_latency`; an alias such as `HighLatency` is understood. 1 to 256 characters, not
    /// blank, without control or bidirectional formatting characters.
    #[garde(length(chars, min = 1, max = NAME_CHARS), custom(plain_name))]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 256))]
    pub alert_type: String,
    /// The service that it concerns, under the same rules as `alert_type`.
    #[garde(length(chars, min = 1, max = NAME_CHARS), custom(plain_name))]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 256))]
    pub service: String,
    /// How bad it is, such as `warning` or `critical`; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = SEVERITY_CHARS))]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub severity: Option<String>,
    /// What a person would want to know; at most 8192 characters, kept as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, max = LONG_TEXT_CHARS))]
    #[cfg_attr(feature = "openapi", schema(max_length = 8192))]
    pub description: Option<String>,
    /// At most 64 labels, names of up to 256 and values of up to 2048 characters, kept as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[garde(custom(bounded_labels))]
    pub labels: BTreeMap<String, String>,
    /// When the alert arose; the time of its arrival when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub timestamp: Option<Timestamp>,
}

/// An alert as the agent took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// The alert type, with aliases resolved: `HighLatency` is `high_latency`.
    pub alert_type: String,
    /// What the client called it, where that was an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_alert_type: Option<String>,
    /// The service that it concerns.
    pub service: String,
    /// How bad it is, where the client said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// What the client said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The client's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it arose, or arrived where the client did not say.
    pub timestamp: Timestamp,
}

/// Why a name may not stand in a log line or on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsafeText {
    /// Nothing but white space.
    Blank,
    /// A C0 or C1 control character.
    Control(char),
    /// A bidirectional formatting character, which can make text read as something else.
    Bidi(char),
}

impl fmt::Display for UnsafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("must not be blank"),
            Self::Control(c) => write!(f, "must not contain control characters, found U+{:04X}", u32::from(*c)),
            Self::Bidi(c) => {
                write!(f, "must not contain bidirectional formatting characters, found U+{:04X}", u32::from(*c))
            }
        }
    }
}

/// Whether a name is fit to be shown: not blank, no control and no bidirectional formatting characters.
///
/// # Errors
///
/// The first reason why it is not.
pub fn check_plain_text(text: &str) -> Result<(), UnsafeText> {
    if text.trim().is_empty() {
        return Err(UnsafeText::Blank);
    }
    match text.chars().find_map(unsafe_char) {
        Some(found) => Err(found),
        None => Ok(()),
    }
}

/// The bidirectional formatting characters are those of Unicode's UAX #9, section 2.
fn unsafe_char(c: char) -> Option<UnsafeText> {
    match c {
        c if c.is_control() => Some(UnsafeText::Control(c)),
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(UnsafeText::Bidi(c))
        }
        _ => None,
    }
}

fn plain_name(text: &str, _context: &()) -> garde::Result {
    check_plain_text(text).map_err(garde::Error::new)
}

fn bounded_labels(labels: &BTreeMap<String, String>, _context: &()) -> garde::Result {
    if labels.len() > LABELS {
        return Err(garde::Error::new(format_args!("at most {LABELS} labels are taken, found {}", labels.len())));
    }
    for (name, value) in labels {
        if name.chars().count() > NAME_CHARS {
            return Err(garde::Error::new(format_args!("a label's name has more than {NAME_CHARS} characters")));
        }
        if value.chars().count() > LABEL_VALUE_CHARS {
            return Err(garde::Error::new(format_args!(
                "the value of label {name:?} has more than {LABEL_VALUE_CHARS} characters"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(alert_type: &str, service: &str) -> AlertRequest {
        AlertRequest { alert_type: alert_type.to_owned(), service: service.to_owned(), ..AlertRequest::default() }
    }

    #[test]
    fn ordinary_names_are_taken() {
        for service in ["checkout-api", "a", "支払い", "naïve service 2", &"x".repeat(NAME_CHARS)] {
            assert!(request("high_latency", service).validate().is_ok(), "{service} was refused");
        }
    }

    #[test]
    fn names_that_could_deceive_are_refused_and_named() {
        let cases = [
            ("", "length"),
            ("  ", "blank"),
            ("a\u{1b}[31m", "U+001B"),
            ("a\u{9b}31m", "U+009B"),
            ("a\u{202e}b", "U+202E"),
            ("a\nb", "U+000A"),
            (&"x".repeat(NAME_CHARS + 1), "length"),
        ];
        for (bad, reason) in cases {
            let report = request("high_latency", bad).validate().unwrap_err().to_string();
            assert!(report.contains("service") && report.contains(reason), "{bad:?}: {report}");
        }
    }

    #[test]
    fn labels_are_bounded() {
        let mut alert = request("high_cpu", "api");
        alert.labels = (0..=LABELS).map(|n| (n.to_string(), String::new())).collect();
        assert!(alert.validate().unwrap_err().to_string().contains("at most 64 labels"));
        alert.labels = BTreeMap::from([("pod".to_owned(), "x".repeat(LABEL_VALUE_CHARS + 1))]);
        assert!(alert.validate().unwrap_err().to_string().contains("\"pod\""));
    }
}

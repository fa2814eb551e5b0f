//! Text with placeholders for what an alert says: `{service}` and `{alert_type}`.

use std::sync::Arc;

use langdeck_shared::Alert;
use serde::Deserialize;

/// A text in which `{service}` and `{alert_type}` stand for the alert's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    Text(Arc<str>),
    Service,
    AlertType,
}

impl Template {
    /// Reads a text. A brace that is not followed by a lowercase word and a closing brace stands for itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let (mut rest, mut searched) = (text, 0);
        while let Some(open) = rest[searched..].find('{').map(|found| found + searched) {
            let word = rest[open + 1..].split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default();
            let after = open + 1 + word.len();
            if word.is_empty() || !rest[after..].starts_with('}') {
                searched = open + 1;
                continue;
            }
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].into()));
            }
            pieces.push(match word {
                "service" => Piece::Service,
                "alert_type" => Piece::AlertType,
                _ => {
                    return Err(format!(
                        "`{{{word}}}` is no placeholder; there are `{{service}}` and `{{alert_type}}`"
                    ));
                }
            });
            (rest, searched) = (&rest[after + 1..], 0);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Ok(Self(pieces))
    }

    /// The text for an alert.
    pub(crate) fn render(&self, alert: &Alert) -> String {
        self.render_between("", alert, "")
    }

    /// The text for an alert; the same one each time where it does not depend on the alert.
    pub(crate) fn render_shared(&self, alert: &Alert) -> Arc<str> {
        match self.0.as_slice() {
            [Piece::Text(text)] => Arc::clone(text),
            _ => self.render(alert).into(),
        }
    }

    /// The text for an alert, with something before and after it.
    pub(crate) fn render_between(&self, before: &str, alert: &Alert, after: &str) -> String {
        self.render_with(before, alert, after, |text, out| out.push_str(text))
    }

    /// The text for an alert, where the text is JSON and the placeholders stand within its strings.
    pub(crate) fn render_json(&self, alert: &Alert) -> String {
        self.render_with("", alert, "", |text, out| {
            for c in text.chars() {
                // The names of an alert hold no control characters, so these two are all that JSON wants escaped.
                if matches!(c, '"' | '\\') {
                    out.push('\\');
                }
                out.push(c);
            }
        })
    }

    fn render_with(&self, before: &str, alert: &Alert, after: &str, insert: impl Fn(&str, &mut String)) -> String {
        let length = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Service => alert.service.len(),
            Piece::AlertType => alert.alert_type.len(),
        });
        let mut out = String::with_capacity(before.len() + length.sum::<usize>() + after.len());
        out.push_str(before);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Service => insert(&alert.service, &mut out),
                Piece::AlertType => insert(&alert.alert_type, &mut out),
            }
        }
        out.push_str(after);
        out
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alert;

    #[test]
    fn placeholders_stand_for_the_alert() {
        let text = Template::parse("{service}: {alert_type} on {service}-1").unwrap();
        assert_eq!(text.render(&alert("high_cpu", "api")), "api: high_cpu on api-1");
    }

    #[test]
    fn braces_that_are_no_placeholder_stay() {
        for text in ["", "{", "{}", "a { b } {A} }{", "{\"a\": {}}", "{service"] {
            assert_eq!(Template::parse(text).unwrap().render(&alert("t", "s")), text);
        }
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        assert!(Template::parse("on {servce}").unwrap_err().contains("`{servce}`"));
    }

    #[test]
    fn json_stays_json_whatever_the_service_is_called() {
        let arguments = Template::parse(r#"{"service":"{service}"}"#).unwrap();
        let text = arguments.render_json(&alert("t", r#"a"b\c{service}"#));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["service"], r#"a"b\c{service}"#);
    }
}

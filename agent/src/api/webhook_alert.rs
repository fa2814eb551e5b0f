//! An alert as Alertmanager tells of it, made into one that can be investigated.

use std::collections::BTreeMap;
use std::fmt;

use garde::Validate;
use langdeck_shared::{
    AlertRequest, LABEL_VALUE_CHARS, LABELS, LONG_TEXT_CHARS, NAME_CHARS, SEVERITY_CHARS, WebhookAlert,
};

const ALERT_NAME: &str = "alertname";
const SEVERITY: &str = "severity";
/// The service of an alert that names none.
const UNKNOWN: &str = "unknown";
const ELLIPSIS: char = '…';

/// What an alert asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    pub(super) request: AlertRequest,
    /// What of it did not fit. The description says so too, for those who read nothing else.
    pub(super) trimmed: Option<String>,
}

/// What of an alert did not fit.
#[derive(Debug, Default)]
struct Trimmed {
    labels: usize,
    values: usize,
    severity: bool,
    description: bool,
}

/// Makes an alert into one that can be investigated. Whoever is on call would rather have most of it than nothing, so
/// what is too much is left out; only a name that nobody may be shown is refused.
///
/// # Errors
///
/// The label at fault, and why.
pub(super) fn translate(alert: WebhookAlert, service_labels: &[String]) -> Result<Translation, String> {
    let WebhookAlert { labels, annotations, starts_at, .. } = alert;
    let Some(alert_type) = said(&labels, ALERT_NAME) else { return Err(format!("label {ALERT_NAME}: is missing")) };
    let named = service_labels.iter().find_map(|label| Some((label.as_str(), said(&labels, label)?)));
    let (service_label, service) = named.unwrap_or((UNKNOWN, UNKNOWN));

    let mut trimmed = Trimmed::default();
    let severity = said(&labels, SEVERITY).map(|severity| cut(severity, SEVERITY_CHARS, &mut trimmed.severity));
    let mut request = AlertRequest {
        alert_type: alert_type.to_owned(),
        service: service.to_owned(),
        severity,
        description: description(&annotations, &mut trimmed.description),
        labels: BTreeMap::new(),
        timestamp: Some(starts_at),
    };
    if let Err(report) = request.validate() {
        let reason = |(path, error): &(garde::Path, garde::Error)| match path.to_string().as_str() {
            "alert_type" => format!("label {ALERT_NAME}: {error}"),
            "service" => format!("label {service_label}: {error}"),
            other => format!("{other}: {error}"),
        };
        return Err(report.iter().map(reason).collect::<Vec<_>>().join("; "));
    }
    let comes_first =
        |label: &str| [ALERT_NAME, SEVERITY].contains(&label) || service_labels.iter().any(|l| l == label);
    request.labels = keep(labels, comes_first, &mut trimmed);
    let trimmed = trimmed.is_anything().then(|| trimmed.to_string());
    if let Some(trimmed) = &trimmed {
        request.description = Some(with_note(request.description.as_deref(), trimmed));
    }
    Ok(Translation { request, trimmed })
}

/// A label or an annotation that is not blank; to Prometheus, an empty label is none.
fn said<'a>(texts: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    texts.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
}

fn description(annotations: &BTreeMap<String, String>, was_cut: &mut bool) -> Option<String> {
    let text = match (said(annotations, "summary"), said(annotations, "description")) {
        (Some(summary), Some(description)) if summary != description => format!("{summary}\n{description}"),
        (summary, description) => summary.or(description)?.to_owned(),
    };
    Some(cut(&text, LONG_TEXT_CHARS, was_cut))
}

/// The description with a last line that says what is missing, for which the description gives way.
fn with_note(description: Option<&str>, trimmed: &str) -> String {
    let note = format!("(not all of the alert fits: {trimmed})");
    match description {
        None => note,
        Some(text) => {
            let room = LONG_TEXT_CHARS.saturating_sub(note.chars().count() + 1);
            format!("{}\n{note}", cut(text, room, &mut false))
        }
    }
}

/// As many labels as an alert may have, those first that say what it is about, then by name.
fn keep(
    labels: BTreeMap<String, String>,
    comes_first: impl Fn(&str) -> bool,
    trimmed: &mut Trimmed,
) -> BTreeMap<String, String> {
    let sent = labels.len();
    let (first, rest): (Vec<_>, Vec<_>) = labels.into_iter().partition(|(name, _)| comes_first(name));
    let named = first.into_iter().chain(rest).filter(|(name, _)| name.chars().count() <= NAME_CHARS);
    let fit = named.take(LABELS).map(|(name, value)| {
        let mut was_cut = false;
        let value = cut(&value, LABEL_VALUE_CHARS, &mut was_cut);
        trimmed.values += usize::from(was_cut);
        (name, value)
    });
    let kept: BTreeMap<_, _> = fit.collect();
    trimmed.labels = sent - kept.len();
    kept
}

/// The text, or as much of it as fits, with an ellipsis at its end.
pub(super) fn cut(text: &str, most: usize, was_cut: &mut bool) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    *was_cut = true;
    text.chars().take(most.saturating_sub(1)).chain([ELLIPSIS]).collect()
}

impl Trimmed {
    const fn is_anything(&self) -> bool {
        self.labels > 0 || self.values > 0 || self.severity || self.description
    }
}

impl fmt::Display for Trimmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(one.to_owned()),
            _ => Some(format!("{count} {many}")),
        };
        let parts = [
            counted(self.labels, "1 label left out", "labels left out"),
            counted(self.values, "1 label's value cut", "labels' values cut"),
            self.severity.then(|| "severity cut".to_owned()),
            self.description.then(|| "description cut".to_owned()),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use langdeck_shared::WebhookStatus;
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;

    fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> WebhookAlert {
        let texts = |texts: &[(&str, &str)]| texts.iter().map(|&(name, text)| (name.into(), text.into())).collect();
        WebhookAlert {
            status: WebhookStatus::Firing,
            labels: texts(labels),
            annotations: texts(annotations),
            starts_at: "2026-01-15T10:30:00Z".parse().unwrap(),
            ends_at: None,
            fingerprint: None,
        }
    }

    fn translated(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Result<Translation, String> {
        translate(alert(labels, annotations), &["service".to_owned(), "job".to_owned()])
    }

    #[test]
    fn the_service_is_the_first_label_that_names_one() {
        let service = |labels: &[(&str, &str)]| {
            let labels = [&[("alertname", "A")], labels].concat();
            translated(&labels, &[]).unwrap().request.service
        };
        assert_eq!(service(&[("job", "api-job"), ("service", "api")]), "api");
        assert_eq!(service(&[("job", "api-job"), ("service", "")]), "api-job");
        assert_eq!(service(&[("job", " "), ("pod", "api-1")]), "unknown");
    }

    #[test]
    fn the_description_is_summary_and_description() {
        let description = |annotations: &[(&str, &str)]| {
            translated(&[("alertname", "A")], annotations).unwrap().request.description.unwrap_or_default()
        };
        assert_eq!(
            description(&[("summary", "slow"), ("description", "p95 is 480ms"), ("runbook", "x")]),
            "slow\np95 is 480ms"
        );
        assert_eq!(description(&[("summary", "slow"), ("description", "slow")]), "slow");
        assert_eq!(description(&[("description", "p95 is 480ms")]), "p95 is 480ms");
        assert_eq!(description(&[("summary", " ")]), "");
    }

    #[test]
    fn names_that_nobody_may_be_shown_are_refused_by_their_label() {
        let long = "x".repeat(NAME_CHARS + 1);
        for (labels, label, reason) in [
            (vec![("service", "api")], "label alertname", "missing"),
            (vec![("alertname", "")], "label alertname", "missing"),
            (vec![("alertname", "A\u{1b}[31m")], "label alertname", "U+001B"),
            (vec![("alertname", "A"), ("job", "a\u{202e}b")], "label job", "U+202E"),
            (vec![("alertname", "A"), ("service", &long)], "label service", "length"),
        ] {
            let refused = translated(&labels, &[]).unwrap_err();
            assert!(refused.contains(label) && refused.contains(reason), "{labels:?}: {refused}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let names: Vec<_> = (0..70).map(|n| format!("a{n:02}")).collect();
        let mut labels: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let (long_name, long_value) = ("n".repeat(NAME_CHARS + 1), "v".repeat(LABEL_VALUE_CHARS + 1));
        let severity = "s".repeat(SEVERITY_CHARS + 1);
        let summary = "é".repeat(LONG_TEXT_CHARS + 1);
        labels.extend([("alertname", "Z"), ("service", "api"), ("severity", &severity), ("job", &long_value)]);
        labels.push((&long_name, "v"));

        let Translation { request, trimmed } = translated(&labels, &[("summary", &summary)]).unwrap();
        request.validate().unwrap();
        assert_eq!(request.labels.len(), LABELS);
        assert_eq!((request.labels["alertname"].as_str(), request.labels["service"].as_str()), ("Z", "api"));
        assert!(request.labels.contains_key("a59") && !request.labels.contains_key("a60"), "{:?}", request.labels);
        assert_eq!(request.labels["severity"], severity);
        assert_eq!(request.labels["job"].chars().count(), LABEL_VALUE_CHARS);
        assert!(request.labels["job"].ends_with('…'));
        assert_eq!(request.severity.unwrap().chars().count(), SEVERITY_CHARS);
        let trimmed = trimmed.unwrap();
        assert_eq!(trimmed, "11 labels left out, 1 label's value cut, severity cut, description cut");
        let description = request.description.unwrap();
        assert_eq!(description.chars().count(), LONG_TEXT_CHARS);
        assert!(description.ends_with(&format!("…\n(not all of the alert fits: {trimmed})")));
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        let Translation { request, trimmed } = translated(
            &[("alertname", "HighLatency"), ("severity", "critical"), ("pod", "a\u{1b}[31m")],
            &[("summary", "p95 \u{1b}[31m")],
        )
        .unwrap();
        assert_eq!(trimmed, None);
        assert_eq!(request.alert_type, "HighLatency");
        assert_eq!(request.severity.as_deref(), Some("critical"));
        assert_eq!(request.labels["pod"], "a\u{1b}[31m");
        assert_eq!(request.description.as_deref(), Some("p95 \u{1b}[31m"));
        assert_eq!(request.timestamp, Some("2026-01-15T10:30:00Z".parse().unwrap()));
    }

    /// Texts as long as what bounds them, give or take a character.
    fn text() -> impl Strategy<Value = String> {
        let bounds =
            prop_oneof![Just(SEVERITY_CHARS), Just(NAME_CHARS), Just(LABEL_VALUE_CHARS), Just(LONG_TEXT_CHARS)];
        prop_oneof![
            any::<String>(),
            (any::<char>(), bounds, 0..3_usize).prop_map(|(c, bound, more)| c.to_string().repeat(bound - 1 + more)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_is_translated_is_an_alert_that_is_taken(
            labels in btree_map(text(), text(), 0..80),
            named in btree_map(prop_oneof!["alertname", "service", "job", "severity"], text(), 0..4),
            annotations in btree_map(prop_oneof!["summary", "description"], text(), 0..3),
        ) {
            let labels: BTreeMap<_, _> = labels.into_iter().chain(named).collect();
            let sent = WebhookAlert { labels: labels.clone(), annotations, ..alert(&[], &[]) };
            if let Ok(Translation { request, trimmed }) = translate(sent, &["service".to_owned(), "job".to_owned()]) {
                prop_assert_eq!(request.validate().map_err(|report| report.to_string()), Ok(()));
                match trimmed {
                    None => prop_assert_eq!(request.labels, labels),
                    Some(trimmed) => {
                        let said = request.description.unwrap().ends_with(&format!(": {trimmed})"));
                        prop_assert!(said, "{}", trimmed);
                    }
                }
            }
        }
    }
}

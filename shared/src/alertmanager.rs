//! Alertmanager's webhook: what it sends, and what became of each alert.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::report::is_zero;

/// A notification as Alertmanager sends it (webhook version 4): the body of `POST /v1/alerts/alertmanager`.
///
/// Only what is used of it is read, whatever version it names; Grafana's notifications fit too. Each alert is read by
/// itself, so that one which cannot be understood does not take the others with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "version": "4",
    "status": "firing",
    "receiver": "langdeck",
    "alerts": [{
        "status": "firing",
        "labels": {"alertname": "HighLatency", "service": "checkout-api", "severity": "critical"},
        "annotations": {"summary": "p95 above 200ms for 5m"},
        "startsAt": "2026-01-15T10:30:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "4b1d2d6a1f0c9e77"
    }]
})))]
#[serde(rename_all = "camelCase")]
pub struct Webhook<'a> {
    /// The alerts of one group, firing and resolved.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<WebhookAlert>))]
    pub alerts: Vec<&'a RawValue>,
    /// How many more Alertmanager left out, because its receiver has a `max_alerts`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated_alerts: u64,
}

/// One alert of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookAlert {
    /// Whether it fires or is over.
    pub status: WebhookStatus,
    /// Its labels; `alertname` becomes the alert type.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What a person would want to know; `summary` and `description` become the description.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended; a time before its start while it fires.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// Tells it from every alert with other labels; without one the labels themselves do.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// Whether an alert of a notification fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "replica": "agent-0",
    "alerts": [
        {"outcome": "accepted", "investigation_id": "inv_07ci28lesb_1"},
        {"outcome": "resolved"},
        {"outcome": "refused", "reason": "label alertname: is missing"}
    ]
})))]
pub struct WebhookAnswer {
    /// The replica that took it.
    pub replica: String,
    /// What became of each alert, in the order in which they were sent.
    pub alerts: Vec<AlertOutcome>,
}

/// What became of one alert of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertOutcome {
    /// In one word.
    pub outcome: Outcome,
    /// The investigation that it concerns; none where it was refused or skipped, and where a resolved alert is not known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub investigation_id: Option<String>,
    /// Why it was refused or skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What of it did not fit into an alert and was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trimmed: Option<String>,
}

/// What became of one alert of a notification, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is a new investigation.
    Accepted,
    /// Its episode already has an investigation; with a cache also: one of the same is under way, which it now has.
    Joined,
    /// It is answered from the cache: its investigation is an earlier one of the same, which has a report.
    Cached,
    /// Its end is noted on its investigation, if that is known.
    Resolved,
    /// A budget is spent, so it is not investigated now; told of again, it may be.
    Skipped,
    /// It cannot be investigated.
    Refused,
}

/// Go writes a map that was never made as `null`.
fn null_is_empty<'de, D: Deserializer<'de>>(map: D) -> Result<BTreeMap<String, String>, D::Error> {
    Option::deserialize(map).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(json: &str) -> Result<WebhookAlert, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_not_said_is_empty_and_what_is_not_known_is_ignored() {
        let said = r#"{"status":"firing","labels":null,"startsAt":"2026-01-15T10:30:00Z","valueString":"[ x=1 ]"}"#;
        let alert = alert(said).unwrap();
        assert_eq!((alert.status, alert.labels.len(), alert.annotations.len()), (WebhookStatus::Firing, 0, 0));
        assert_eq!((alert.ends_at, alert.fingerprint), (None, None));
    }

    #[test]
    fn times_are_instants_whatever_their_zone() {
        let at = |time: &str| alert(&format!(r#"{{"status":"resolved","startsAt":"{time}"}}"#)).unwrap().starts_at;
        assert_eq!(at("2026-01-15T10:30:00.000Z"), at("2026-01-15T12:30:00+02:00"));
        assert!(at("0001-01-01T00:00:00Z") < at("2026-01-15T10:30:00Z"));
    }

    #[test]
    fn alerts_are_kept_as_they_are_until_somebody_reads_them() {
        let json = r#"{"version":"4","alerts":[{"status":"firing"}, 17],"truncatedAlerts":2}"#;
        let webhook: Webhook<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(webhook.alerts.iter().map(|raw| raw.get()).collect::<Vec<_>>(), [r#"{"status":"firing"}"#, "17"]);
        assert_eq!(webhook.truncated_alerts, 2);
    }
}

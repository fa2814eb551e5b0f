//! What the unit tests of several rooms need.

use jiff::Timestamp;
use langdeck_shared::Alert;

/// An alert with nothing but its names.
pub(crate) fn alert(alert_type: &str, service: &str) -> Alert {
    Alert {
        alert_type: alert_type.to_owned(),
        original_alert_type: None,
        service: service.to_owned(),
        severity: None,
        description: None,
        labels: std::collections::BTreeMap::new(),
        timestamp: Timestamp::UNIX_EPOCH,
    }
}

//! Firing test alerts: the list to choose from.

use langdeck_shared::AlertRequest;

use super::Aim;

/// An alert that is ready to be fired.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The alert's type.
    pub alert_type: &'static str,
    /// The service that it concerns.
    pub service: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// What it is like, for the person who chooses.
    pub description: &'static str,
}

/// The test alerts, the documented one first.
pub const PRESETS: &[Preset] = &[
    Preset {
        alert_type: "high_latency",
        service: "checkout-api",
        severity: "critical",
        description: "p95 above 200 ms for 5 minutes",
    },
    Preset {
        alert_type: "high_cpu",
        service: "payment-api",
        severity: "warning",
        description: "CPU above 90 % for 10 minutes",
    },
    Preset {
        alert_type: "high_error_rate",
        service: "cart-api",
        severity: "critical",
        description: "5 % of requests end in 5xx",
    },
    Preset {
        alert_type: "memory_leak",
        service: "search",
        severity: "warning",
        description: "memory grows without load",
    },
    Preset {
        alert_type: "pod_crash_loop",
        service: "ledger",
        severity: "critical",
        description: "6 pod restarts in 10 minutes",
    },
    Preset {
        alert_type: "disk_full",
        service: "image-store",
        severity: "warning",
        description: "a volume is 97 % full",
    },
    Preset {
        alert_type: "target_flapping",
        service: "recommender",
        severity: "warning",
        description: "a tool fails twice, then works",
    },
    Preset {
        alert_type: "upstream_timeout",
        service: "pricing",
        severity: "critical",
        description: "a tool hangs and is given up",
    },
    Preset {
        alert_type: "certificate_expiry",
        service: "edge-proxy",
        severity: "warning",
        description: "a type that no scenario knows",
    },
];

impl Preset {
    /// The alert to send.
    #[must_use]
    pub fn request(&self) -> AlertRequest {
        AlertRequest {
            alert_type: self.alert_type.to_owned(),
            service: self.service.to_owned(),
            severity: Some(self.severity.to_owned()),
            description: Some(self.description.to_owned()),
            ..AlertRequest::default()
        }
    }
}

/// The list of test alerts, open.
#[derive(Debug, Clone, Default)]
pub struct FireList {
    /// The chosen row of [`PRESETS`].
    pub selected: usize,
    /// Where to.
    pub aim: Aim,
}

impl FireList {
    /// The chosen alert.
    #[must_use]
    pub fn preset(&self) -> &'static Preset {
        &PRESETS[self.selected.min(PRESETS.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use garde::Validate;

    use super::*;

    #[test]
    fn every_preset_is_an_alert_that_agents_take() {
        for preset in PRESETS {
            assert!(preset.request().validate().is_ok(), "{}", preset.alert_type);
        }
    }
}

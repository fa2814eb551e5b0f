//! Firing test alerts: the list to choose from, and the form for one of one's own.

use garde::Validate;
use langdeck_shared::AlertRequest;
use tui_input::Input;

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
    /// The name of the replica to fire at.
    pub target: Option<String>,
}

impl FireList {
    /// The chosen alert.
    #[must_use]
    pub fn preset(&self) -> &'static Preset {
        &PRESETS[self.selected.min(PRESETS.len() - 1)]
    }
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The alert's type.
    AlertType,
    /// The service that it concerns.
    Service,
    /// How bad it is; may be empty.
    Severity,
    /// What a person would want to know; may be empty.
    Description,
}

impl Field {
    /// The fields in their order.
    pub const ALL: [Self; 4] = [Self::AlertType, Self::Service, Self::Severity, Self::Description];

    /// The field's label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AlertType => "alert type",
            Self::Service => "service",
            Self::Severity => "severity",
            Self::Description => "description",
        }
    }
}

/// The form for an alert of one's own, open.
#[derive(Debug, Clone, Default)]
pub struct Compose {
    /// What is written in each of [`Field::ALL`].
    pub inputs: [Input; 4],
    /// The place of the field that letters go to.
    pub focus: usize,
    /// The name of the replica to fire at.
    pub target: Option<String>,
    /// Why the alert was not sent.
    pub error: Option<String>,
}

impl Compose {
    /// A form that begins with an alert.
    #[must_use]
    pub fn new(preset: &Preset, target: Option<String>) -> Self {
        let inputs = [preset.alert_type, preset.service, preset.severity, ""].map(Input::from);
        Self { inputs, target, ..Self::default() }
    }

    /// The field that letters go to.
    pub fn input(&mut self) -> &mut Input {
        &mut self.inputs[self.focus.min(Field::ALL.len() - 1)]
    }

    /// The next field.
    pub fn next(&mut self) {
        self.focus = (self.focus + 1) % Field::ALL.len();
    }

    /// The previous field.
    pub fn previous(&mut self) {
        self.focus = (self.focus + Field::ALL.len() - 1) % Field::ALL.len();
    }

    /// The alert as written, checked by the agent's own rules.
    ///
    /// # Errors
    ///
    /// The first field that is wrong, and why.
    pub fn request(&self) -> Result<AlertRequest, String> {
        let [alert_type, service, severity, description] = self.inputs.each_ref().map(|input| input.value().trim());
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let request = AlertRequest {
            alert_type: alert_type.to_owned(),
            service: service.to_owned(),
            severity: said(severity),
            description: said(description),
            ..AlertRequest::default()
        };
        let first_wrong = |report: garde::Report| {
            report.iter().next().map_or_else(String::new, |(path, error)| format!("{path}: {error}").replace('_', " "))
        };
        request.validate().map_err(first_wrong)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_an_alert_that_agents_take() {
        for preset in PRESETS {
            assert!(preset.request().validate().is_ok(), "{}", preset.alert_type);
        }
    }

    #[test]
    fn a_form_with_an_empty_service_says_so() {
        let mut form = Compose::new(&PRESETS[0], None);
        assert_eq!(form.request().map(|request| request.service), Ok("checkout-api".to_owned()));
        form.inputs[1] = Input::from("  ");
        assert!(form.request().is_err_and(|reason| reason.starts_with("service: ")));
    }
}

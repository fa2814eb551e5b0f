//! The form for an alert of one's own, and for a burst of it.

use garde::Validate;
use langdeck_shared::AlertRequest;
use tui_input::Input;

use super::burst::{parse_count, parse_rate};
use super::{Aim, Preset};

/// A line of a form.
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
    /// How many alerts.
    Count,
    /// How many a second.
    Rate,
    /// Where to; chosen, not written.
    To,
}

impl Field {
    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AlertType => "alert type",
            Self::Service => "service",
            Self::Severity => "severity",
            Self::Description => "description",
            Self::Count => "alerts",
            Self::Rate => "per second",
            Self::To => "to",
        }
    }
}

/// What a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// One alert.
    Alert,
    /// Many of it.
    Burst,
}

impl FormKind {
    /// Its fields in their order; where to comes last.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Alert => &[Field::AlertType, Field::Service, Field::Severity, Field::Description, Field::To],
            Self::Burst => &[Field::AlertType, Field::Service, Field::Count, Field::Rate, Field::To],
        }
    }
}

/// A form, open.
#[derive(Debug, Clone)]
pub struct Form {
    /// What it is for.
    pub kind: FormKind,
    /// What is written in each field but the last.
    pub inputs: [Input; 4],
    /// The place of the field that keys go to.
    pub focus: usize,
    /// Where to.
    pub aim: Aim,
    /// Why nothing was sent.
    pub error: Option<String>,
}

impl Form {
    /// A form for one alert that begins with a preset.
    #[must_use]
    pub fn alert(preset: &Preset, aim: Aim) -> Self {
        Self::new(FormKind::Alert, [preset.alert_type, preset.service, preset.severity, ""], aim)
    }

    /// A form for many alerts.
    #[must_use]
    pub fn burst(alert_type: &str, service: &str, count: u32, rate: f64, aim: Aim) -> Self {
        Self::new(FormKind::Burst, [alert_type, service, &count.to_string(), &rate.to_string()], aim)
    }

    fn new(kind: FormKind, written: [&str; 4], aim: Aim) -> Self {
        Self { kind, inputs: written.map(Input::from), focus: 0, aim, error: None }
    }

    /// The field that keys go to, where text is written in it.
    pub fn input(&mut self) -> Option<&mut Input> {
        self.inputs.get_mut(self.focus)
    }

    /// The next field.
    pub fn next(&mut self) {
        self.focus = (self.focus + 1) % self.kind.fields().len();
    }

    /// The previous field.
    pub fn previous(&mut self) {
        let fields = self.kind.fields().len();
        self.focus = (self.focus + fields - 1) % fields;
    }

    fn written(&self, field: Field) -> &str {
        let place = self.kind.fields().iter().position(|other| *other == field);
        place.and_then(|place| self.inputs.get(place)).map_or("", |input| input.value().trim())
    }

    /// The alert as written, checked by the agent's own rules.
    ///
    /// # Errors
    ///
    /// The first field that is wrong, and why.
    pub fn request(&self) -> Result<AlertRequest, String> {
        let said = |field| Some(self.written(field).to_owned()).filter(|text| !text.is_empty());
        let request = AlertRequest {
            alert_type: self.written(Field::AlertType).to_owned(),
            service: self.written(Field::Service).to_owned(),
            severity: said(Field::Severity),
            description: said(Field::Description),
            ..AlertRequest::default()
        };
        let first_wrong = |report: garde::Report| {
            report.iter().next().map_or_else(String::new, |(path, error)| format!("{path}: {error}").replace('_', " "))
        };
        request.validate().map_err(first_wrong)?;
        Ok(request)
    }

    /// How many alerts, and how many a second, as written.
    ///
    /// # Errors
    ///
    /// The first of the two that is wrong, and why.
    pub fn volume(&self) -> Result<(u32, f64), String> {
        let named = |field: Field| move |reason| format!("{}: {reason}", field.label());
        let count = parse_count(self.written(Field::Count)).map_err(named(Field::Count))?;
        let rate = parse_rate(self.written(Field::Rate)).map_err(named(Field::Rate))?;
        Ok((count, rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::PRESETS;

    #[test]
    fn a_form_with_an_empty_service_says_so() {
        let mut form = Form::alert(&PRESETS[0], Aim::Connected);
        assert_eq!(form.request().map(|request| request.service), Ok("checkout-api".to_owned()));
        form.inputs[1] = Input::from("  ");
        assert!(form.request().is_err_and(|reason| reason.starts_with("service: ")));
    }

    #[test]
    fn a_burst_is_bounded_and_says_by_what() {
        let volume = |count: &str, rate: &str| {
            let mut form = Form::burst("high_cpu", "api", 1, 1.0, Aim::Spread);
            (form.inputs[2], form.inputs[3]) = (Input::from(count), Input::from(rate));
            form.volume()
        };
        assert_eq!(volume(" 10000 ", "0.1"), Ok((10_000, 0.1)));
        for count in ["0", "-1", "10001", "1.5", "many", "", "99999999999999999999"] {
            assert_eq!(
                volume(count, "1"),
                Err("alerts: expected a whole number from 1 to 10000".to_owned()),
                "{count}"
            );
        }
        for rate in ["0", "-1", "0.05", "1001", "fast", "", "NaN", "inf"] {
            let reason = "per second: expected a number from 0.1 to 1000, in alerts a second";
            assert_eq!(volume("1", rate), Err(reason.to_owned()), "{rate}");
        }
    }
}

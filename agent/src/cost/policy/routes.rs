//! The part of a policy that chooses models.

use std::fmt;
use std::sync::Arc;

use langdeck_shared::Alert;
use serde::Deserialize;
use toml::Spanned;

use super::source::Said;
use super::{PolicyError, Source};

/// The most routes of a file: each is looked at for each alert.
const MAX_ROUTES: usize = 64;

/// Which model investigates the alerts that this covers. What is none matters not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its place in its file, from 1.
    pub(crate) number: usize,
    pub(crate) alert_type: Option<Arc<str>>,
    severity: Option<Arc<str>>,
    service: Option<Arc<str>>,
    pub(crate) model: Arc<str>,
}

impl Route {
    pub(crate) fn covers(&self, alert: &Alert) -> bool {
        let fits = |wanted: &Option<Arc<str>>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| actual == Some(wanted))
        };
        fits(&self.alert_type, Some(&alert.alert_type))
            && fits(&self.service, Some(&alert.service))
            && fits(&self.severity, alert.severity.as_deref())
    }
}

/// What it covers.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = [("alert type", &self.alert_type), ("severity", &self.severity), ("service", &self.service)];
        let wanted = wanted.into_iter().filter_map(|(field, wanted)| Some((field, wanted.as_deref()?)));
        for (place, (field, wanted)) in wanted.enumerate() {
            let between = if place == 0 { "" } else { ", " };
            write!(f, "{between}{field} {wanted}")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteEntry {
    alert_type: Option<Spanned<String>>,
    severity: Option<Spanned<String>>,
    service: Option<Spanned<String>>,
    model: Spanned<String>,
}

impl Source<'_> {
    pub(super) fn routes(&self, entries: &[RouteEntry]) -> Result<Vec<Said<Route>>, PolicyError> {
        if let Some(entry) = entries.get(MAX_ROUTES) {
            return Err(self.refuse(entry.model.span(), format!("there are more than {MAX_ROUTES} routes")));
        }
        let route = |(entry, number): (&RouteEntry, usize)| Ok(self.said(&entry.model, self.route(number, entry)?));
        entries.iter().zip(1..).map(route).collect()
    }

    fn route(&self, number: usize, entry: &RouteEntry) -> Result<Route, PolicyError> {
        let RouteEntry { alert_type, severity, service, model } = entry;
        let name = |field, name: &Option<Spanned<String>>| {
            name.as_ref().map(|name| self.name(field, name).map(Arc::from)).transpose()
        };
        let route = Route {
            number,
            alert_type: name("alert_type", alert_type)?,
            severity: name("severity", severity)?,
            service: name("service", service)?,
            model: self.name("model", model)?.into(),
        };
        if route.alert_type.is_none() && route.severity.is_none() && route.service.is_none() {
            let reason = "a route needs an `alert_type`, a `severity` or a `service`";
            return Err(self.refuse(model.span(), reason));
        }
        Ok(route)
    }
}

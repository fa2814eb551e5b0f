//! Scenarios: what the simulated model and tools say to each kind of alert. They are data, in TOML.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use langdeck_shared::Alert;
use serde::Deserialize;

use super::template::Template;
use super::{Arguments, Usage};
use crate::policy::CallPolicy;
use crate::tools::{DEFAULT_TIMEOUT, SIMULATED_TOOLS};

const BUILT_IN: &str = include_str!("scenarios.toml");
const BUILT_IN_NAME: &str = "built-in scenarios";
const FALLBACK: &str = "fallback";
const MAX_DURATION_MS: u64 = 600_000;

/// Every scenario, by alert type and alias.
#[derive(Debug)]
pub(crate) struct Scenarios {
    scenarios: Vec<Scenario>,
    /// Alert types and aliases, each to its scenario.
    by_name: HashMap<Arc<str>, usize>,
    /// What is said to an alert type that no scenario knows.
    fallback: Scenario,
}

/// What is said to one kind of alert.
#[derive(Debug)]
pub(crate) struct Scenario {
    alert_type: Arc<str>,
    /// Another one for each scenario that says something else.
    pub(super) fingerprint: u64,
    pub(crate) planner: PlannerPart,
    /// In the plan's order.
    pub(crate) tools: Vec<ToolPart>,
    pub(crate) reasoner: ReasonerPart,
}

#[derive(Debug, Hash)]
pub(crate) struct ToolPart {
    pub(crate) tool: Arc<str>,
    arguments: Template,
    pub(crate) outcome: ToolOutcome,
    pub(crate) tokens: Usage,
    /// How long an attempt takes.
    pub(crate) duration: Duration,
    /// How long an attempt may take.
    pub(crate) timeout: Duration,
}

/// How a simulated tool ends.
#[derive(Debug, Hash)]
pub(crate) enum ToolOutcome {
    Finds(Template),
    Fails {
        error: Template,
        permanent: bool,
    },
    /// The first attempts of each call fail, then it finds something.
    Flaps {
        failures: u32,
        error: Template,
        finding: Template,
    },
}

#[derive(Debug, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannerPart {
    pub(crate) reasoning: Template,
    pub(crate) tokens: Usage,
    duration_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonerPart {
    pub(crate) summary: Template,
    pub(crate) root_cause: Template,
    pub(crate) recommendations: Vec<Template>,
    pub(crate) confidence: f64,
    pub(crate) tokens: Usage,
    duration_ms: u64,
}

impl PlannerPart {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }
}

impl Hash for ReasonerPart {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { summary, root_cause, recommendations, confidence, tokens, duration_ms } = self;
        (summary, root_cause, recommendations, confidence.to_bits(), tokens, duration_ms).hash(hasher);
    }
}

impl ReasonerPart {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }
}

impl ToolPart {
    pub(crate) fn arguments(&self, alert: &Alert) -> Arguments {
        Arguments(self.arguments.render_json(alert).into())
    }
}

impl Scenario {
    pub(crate) fn tool(&self, name: &str) -> Option<&ToolPart> {
        self.tools.iter().find(|part| &*part.tool == name)
    }
}

impl Scenarios {
    /// The built-in scenarios, and before them those of a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML of the right shape, or says something that cannot be.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ScenarioError> {
        let mut sources = Vec::new();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ScenarioError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
            sources.push((path.display().to_string(), text));
        }
        sources.push((BUILT_IN_NAME.to_owned(), BUILT_IN.to_owned()));
        Self::from_sources(&sources)
    }

    /// Of equal names the first source's counts, so that a file can replace what is built in.
    fn from_sources(sources: &[(String, String)]) -> Result<Self, ScenarioError> {
        let mut scenarios = Vec::new();
        let mut by_name = HashMap::new();
        let mut fallback = None;
        for (file, text) in sources {
            let document: Document = toml::from_str(text)
                .map_err(|error| ScenarioError::Malformed { file: file.clone(), reason: error.to_string() })?;
            if let Some(parts) = document.fallback
                && fallback.is_none()
            {
                fallback = Some(parts.into_scenario(FALLBACK).map_err(|invalid| invalid.within(file, FALLBACK))?);
            }
            let mut own_names = HashMap::new();
            for Entry { alert_type, aliases, planner, tools, reasoner } in document.scenario {
                let parts = Parts { planner, tools, reasoner };
                let place = scenarios.len();
                let invalid = |invalid: Invalid| invalid.within(file, &alert_type);
                for name in std::iter::once(&alert_type).chain(&aliases) {
                    check_name(name).map_err(invalid)?;
                    if own_names.insert(Arc::from(name.as_str()), place).is_some() {
                        return Err(invalid(Invalid::new("alert_type", format!("the name `{name}` stands twice"))));
                    }
                }
                scenarios.push(parts.into_scenario(&alert_type).map_err(invalid)?);
            }
            for (name, place) in own_names {
                by_name.entry(name).or_insert(place);
            }
        }
        let fallback = fallback.ok_or_else(|| Invalid::new(FALLBACK, "is missing").within(BUILT_IN_NAME, FALLBACK))?;
        Ok(Self { scenarios, by_name, fallback })
    }

    /// The scenario for an alert type or an alias; the fallback for any other.
    pub(crate) fn of(&self, alert_type: &str) -> &Scenario {
        self.by_name.get(alert_type).map_or(&self.fallback, |&place| &self.scenarios[place])
    }

    /// What to say about one tool: the alert's own scenario or, where that does not plan the tool, the fallback's.
    pub(crate) fn tool(&self, alert_type: &str, tool: &str) -> Option<&ToolPart> {
        self.of(alert_type).tool(tool).or_else(|| self.fallback.tool(tool))
    }

    /// The alert type that an alias stands for; none for what is no alias.
    pub(crate) fn resolve(&self, name: &str) -> Option<&Arc<str>> {
        let canonical = &self.scenarios[*self.by_name.get(name)?].alert_type;
        (**canonical != *name).then_some(canonical)
    }
}

/// Why scenarios were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The file of `--scenarios` cannot be read.
    #[error("--scenarios (LANGDECK_SCENARIOS): cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file is not TOML, or has not the shape of scenarios.
    #[error("{file}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// Where and why.
        reason: String,
    },
    /// A scenario says something that cannot be.
    #[error("{file}: scenario `{scenario}`, field `{field}`: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// The scenario's alert type.
        scenario: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A field and what is wrong with it.
struct Invalid {
    field: String,
    reason: String,
}

impl Invalid {
    fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    fn within(self, file: &str, scenario: &str) -> ScenarioError {
        let Self { field, reason } = self;
        ScenarioError::Invalid { file: file.to_owned(), scenario: scenario.to_owned(), field, reason }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    fallback: Option<Parts>,
    #[serde(default)]
    scenario: Vec<Entry>,
}

// Not `Parts` flattened into it: serde cannot refuse unknown fields there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    alert_type: String,
    #[serde(default)]
    aliases: Vec<String>,
    planner: PlannerPart,
    tools: Vec<ToolEntry>,
    reasoner: ReasonerPart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    planner: PlannerPart,
    tools: Vec<ToolEntry>,
    reasoner: ReasonerPart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolEntry {
    tool: String,
    arguments: serde_json::Map<String, serde_json::Value>,
    finding: Option<Template>,
    error: Option<Template>,
    #[serde(default)]
    permanent: bool,
    fails_first: Option<u32>,
    tokens: Usage,
    duration_ms: u64,
    timeout_ms: Option<u64>,
}

impl Parts {
    fn into_scenario(self, alert_type: &str) -> Result<Scenario, Invalid> {
        let Self { planner, tools, reasoner } = self;
        if tools.is_empty() {
            return Err(Invalid::new("tools", "a plan needs at least one tool"));
        }
        if !(0.0..=1.0).contains(&reasoner.confidence) {
            let reason = format!("{} is not between 0 and 1", reasoner.confidence);
            return Err(Invalid::new("reasoner.confidence", reason));
        }
        if reasoner.recommendations.is_empty() {
            return Err(Invalid::new("reasoner.recommendations", "there must be at least one"));
        }
        for (field, millis) in [("planner", planner.duration_ms), ("reasoner", reasoner.duration_ms)] {
            check_duration(field, millis)?;
        }
        let tools = tools.into_iter().map(ToolEntry::into_part).collect::<Result<Vec<_>, _>>()?;
        for (index, part) in tools.iter().enumerate() {
            if tools[..index].iter().any(|earlier| earlier.tool == part.tool) {
                return Err(Invalid::new("tools", format!("`{}` stands twice", part.tool)));
            }
        }
        let mut hasher = DefaultHasher::new();
        (alert_type, &planner, &tools, &reasoner).hash(&mut hasher);
        Ok(Scenario { alert_type: alert_type.into(), fingerprint: hasher.finish(), planner, tools, reasoner })
    }
}

impl ToolEntry {
    fn into_part(self) -> Result<ToolPart, Invalid> {
        let Self { tool, arguments, finding, error, permanent, fails_first, tokens, duration_ms, timeout_ms } = self;
        if !SIMULATED_TOOLS.contains(&&*tool) {
            let reason = format!("`{tool}` is no simulated tool; there are {}", SIMULATED_TOOLS.join(", "));
            return Err(Invalid::new("tools.tool", reason));
        }
        let field = format!("tools.{tool}");
        check_duration(&field, duration_ms)?;
        let timeout = match timeout_ms {
            None => DEFAULT_TIMEOUT,
            Some(millis @ 1..=MAX_DURATION_MS) => Duration::from_millis(millis),
            Some(millis) => {
                let reason = format!("{millis} is not between 1 and {MAX_DURATION_MS}");
                return Err(Invalid::new(format!("{field}.timeout_ms"), reason));
            }
        };
        let outcome = outcome(finding, error, permanent, fails_first)
            .map_err(|(name, reason)| Invalid::new(format!("{field}{name}"), reason))?;
        let arguments = Template::parse(&serde_json::Value::Object(arguments).to_string())
            .map_err(|reason| Invalid::new(format!("{field}.arguments"), reason))?;
        let duration = Duration::from_millis(duration_ms);
        Ok(ToolPart { tool: tool.into(), arguments, outcome, tokens, duration, timeout })
    }
}

/// How a tool ends, from what its entry says; otherwise the field that is wrong, and why.
fn outcome(
    finding: Option<Template>,
    error: Option<Template>,
    permanent: bool,
    fails_first: Option<u32>,
) -> Result<ToolOutcome, (&'static str, String)> {
    let attempts = CallPolicy::with_timeout(DEFAULT_TIMEOUT).attempts;
    match (finding, error, fails_first) {
        (Some(_), _, _) if permanent => Err((".permanent", "what finds something does not fail for good".to_owned())),
        (Some(finding), None, None) => Ok(ToolOutcome::Finds(finding)),
        (None, Some(error), None) => Ok(ToolOutcome::Fails { error, permanent }),
        (Some(finding), Some(error), Some(failures)) if (1..attempts).contains(&failures) => {
            Ok(ToolOutcome::Flaps { failures, error, finding })
        }
        (Some(_), Some(_), Some(failures)) => {
            let last = attempts - 1;
            let reason =
                format!("{failures} is not between 1 and {last}: of {attempts} attempts the last finds something");
            Err((".fails_first", reason))
        }
        (_, _, Some(_)) => Err((".fails_first", "needs a `finding` and an `error`".to_owned())),
        (_, _, None) => {
            Err(("", "needs either a `finding` or an `error`, or both with `fails_first` between them".to_owned()))
        }
    }
}

fn check_name(name: &str) -> Result<(), Invalid> {
    langdeck_shared::check_plain_text(name)
        .map_err(|reason| Invalid::new("alert_type", format!("the name {name:?} {reason}")))
}

fn check_duration(field: &str, millis: u64) -> Result<(), Invalid> {
    if millis > MAX_DURATION_MS {
        let reason = format!("{millis} is more than {MAX_DURATION_MS}");
        return Err(Invalid::new(format!("{field}.duration_ms"), reason));
    }
    Ok(())
}

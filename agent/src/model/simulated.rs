//! The simulated model: deterministic answers from scenarios, with the tokens and the time of a real one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use langdeck_shared::Alert;

use super::{
    Answer, Arguments, ArgumentsRequest, Conclusion, ConclusionRequest, DEFAULT_TIMEOUT, Finding, Model, ModelCall,
    ModelError, Plan, PlanRequest, Question, Scenarios, Usage,
};
use crate::memory::Recall;
use crate::policy::CallPolicy;

/// The names under which it answers, which tell its price: the usual one and a cheaper one.
pub(crate) const SIMULATED_MODELS: [&str; 2] = ["simulated-gpt-4", "simulated-gpt-3.5"];

/// A model that needs no provider.
#[derive(Debug)]
pub(crate) struct SimulatedModel {
    name: Arc<str>,
    scenarios: Arc<Scenarios>,
    delay: f64,
}

impl SimulatedModel {
    /// A model whose every answer takes `delay` times as long as its scenario says.
    pub(crate) fn new(name: &str, scenarios: Arc<Scenarios>, delay: f64) -> Self {
        Self { name: name.into(), scenarios, delay }
    }

    fn answer<T>(&self, value: T, usage: Usage) -> Result<Answer<T>, ModelError> {
        let reported = (!usage.estimated).then(|| usage.as_reported());
        Ok(Answer { value, call: ModelCall::new(Arc::clone(&self.name), reported, usage) })
    }
}

impl Model for SimulatedModel {
    fn name(&self) -> &str {
        &self.name
    }

    /// Simulated time, slowed down or quickened like the work itself.
    fn policy(&self) -> CallPolicy {
        CallPolicy::with_timeout(DEFAULT_TIMEOUT).scaled(self.delay)
    }

    /// Exactly what its scenario says.
    fn most_tokens(&self, alert: &Alert, question: Question<'_>) -> Usage {
        let scenario = self.scenarios.of(&alert.alert_type);
        match question {
            Question::Plan => scenario.planner.tokens,
            // One that no scenario knows gets no answer.
            Question::Arguments { tool } => {
                self.scenarios.tool(&alert.alert_type, tool).map_or_else(Usage::default, |part| part.tokens)
            }
            Question::Conclude => scenario.reasoner.tokens,
        }
    }

    fn longest_plan(&self, alert: &Alert) -> Option<Vec<&str>> {
        Some(self.scenarios.of(&alert.alert_type).tools.iter().map(|part| &*part.tool).collect())
    }

    /// Its scenario's: that is all that it goes by.
    fn prompt_version(&self, alert: &Alert) -> u64 {
        self.scenarios.of(&alert.alert_type).fingerprint
    }

    fn plan<'a>(
        &'a self,
        PlanRequest { alert, recall, .. }: PlanRequest<'a>,
    ) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>> {
        Box::pin(async move {
            let scenario = self.scenarios.of(&alert.alert_type);
            work(scenario.planner.duration(), DEFAULT_TIMEOUT, self.delay).await;
            let recollection = recall.map(recollection).unwrap_or_default();
            let reasoning = scenario.planner.reasoning.render_between("", alert, &recollection);
            let tools = scenario.tools.iter().map(|part| Arc::clone(&part.tool)).collect();
            self.answer(Plan { tools, reasoning: reasoning.into() }, scenario.planner.tokens)
        })
    }

    fn arguments<'a>(
        &'a self,
        ArgumentsRequest { alert, tool }: ArgumentsRequest<'a>,
    ) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>> {
        // The time of a tool step is all in its tool: a scenario has one duration for both.
        Box::pin(async move {
            let part = self.scenarios.tool(&alert.alert_type, tool);
            let part = part.ok_or_else(|| ModelError::NoAnswer(format!("no scenario tells how to call `{tool}`")))?;
            self.answer(part.arguments(alert), part.tokens)
        })
    }

    fn conclude<'a>(
        &'a self,
        ConclusionRequest { alert, findings }: ConclusionRequest<'a>,
    ) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>> {
        Box::pin(async move {
            let reasoner = &self.scenarios.of(&alert.alert_type).reasoner;
            work(reasoner.duration(), DEFAULT_TIMEOUT, self.delay).await;
            let mut summary = reasoner.summary.render(alert);
            for Finding { tool, result } in findings {
                if let Err(reason) = result {
                    summary.push_str(&format!("; without {tool}: {reason}"));
                }
            }
            let conclusion = Conclusion {
                summary: summary.into(),
                root_cause: reasoner.root_cause.render_shared(alert),
                recommendations: reasoner.recommendations.iter().map(|text| text.render_shared(alert)).collect(),
                confidence: reasoner.confidence,
            };
            self.answer(conclusion, reasoner.tokens)
        })
    }
}

/// What a planner says about what memory recalls.
fn recollection(Recall { investigations, same_type, root_cause, .. }: &Recall) -> String {
    let cause = root_cause.as_deref().map(|cause| [", most often: ", cause]).unwrap_or_default();
    match same_type {
        0 => format!("; memory knows the service from {investigations} other investigations"),
        1 => ["; seen once before on this service", cause[0], cause[1]].concat(),
        times => ["; seen ", &times.to_string(), " times before on this service", cause[0], cause[1]].concat(),
    }
}

/// Takes as long as simulated work does. No factor, no timer; but what outlasts its timeout does so at any pace.
pub(crate) async fn work(duration: Duration, timeout: Duration, delay: f64) {
    if duration > timeout {
        std::future::pending::<()>().await;
    }
    if delay > 0.0 {
        tokio::time::sleep(duration.mul_f64(delay)).await;
    }
}

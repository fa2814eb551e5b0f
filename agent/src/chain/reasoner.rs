//! The reasoner: findings in, conclusion out.

use std::sync::Arc;

use langdeck_shared::Alert;

use super::events::report;
use super::{Engine, Observer, Outcome, StepEnd};
use crate::model::{Conclusion, ConclusionRequest, Finding};

/// Asks the model what the findings mean. Where it fails, what was found is reported as it is; where nothing was found
/// either, the investigation failed.
pub(super) async fn conclude(engine: &Engine, alert: &Alert, findings: &[Finding], observer: &dyn Observer) -> Outcome {
    let step = findings.len() + 1;
    let found = findings.iter().filter(|finding| finding.result.is_ok()).count();
    observer.began(step);
    let answer = engine.model.conclude(ConclusionRequest { alert, findings }).await;
    match report(observer, step, answer) {
        Ok(mut conclusion) => {
            conclusion.confidence = bounded(conclusion.confidence) * share(found, findings.len());
            observer.ended(step, StepEnd::Done);
            Outcome::Concluded { complete: found == findings.len(), conclusion: Arc::new(conclusion) }
        }
        Err(error) => {
            let reason: Arc<str> = format!("no conclusion: {error}").into();
            observer.ended(step, StepEnd::Failed(Arc::clone(&reason)));
            if found == 0 {
                return Outcome::Failed(reason);
            }
            Outcome::Concluded { complete: false, conclusion: Arc::new(without_model(&reason, found)) }
        }
    }
}

/// What can be said when the tools found something and the model says nothing about it.
fn without_model(reason: &str, found: usize) -> Conclusion {
    Conclusion {
        summary: format!("{reason}; what {found} of the tools found stands in their steps").into(),
        root_cause: "unknown".into(),
        recommendations: vec!["read what the tools found".into(), "investigate again".into()],
        confidence: 0.0,
    }
}

/// A confidence between 0 and 1, whatever the model says.
fn bounded(confidence: f64) -> f64 {
    if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) }
}

/// How much of the evidence there is. No conclusion is surer than what it stands on.
#[expect(clippy::cast_precision_loss, reason = "a plan has a handful of steps")]
fn share(found: usize, planned: usize) -> f64 {
    found as f64 / planned.max(1) as f64
}

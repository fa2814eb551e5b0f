//! The reasoner: findings in, conclusion out.

use std::sync::Arc;

use tokio::time::Instant;

use super::attempts::Attempts;
use super::deadline::Until;
use super::text::{MAX_LINE, MAX_RECOMMENDATIONS, MAX_TEXT, bounded, bounded_shared};
use super::{Engine, Job, Outcome, StepEnd};
use crate::model::{Conclusion, ConclusionRequest, Finding, Question};

/// Asks the model what the findings mean. Where it fails, what was found is reported as it is; where nothing was found
/// either, the investigation failed.
pub(super) async fn conclude(engine: &Engine, job: Job<'_>, findings: &[Finding], until: Until) -> Outcome {
    let Job { alert, model, purse, observer, .. } = job;
    let step = findings.len() + 1;
    let found = findings.iter().filter(|finding| finding.result.is_ok()).count();
    observer.began(step, Instant::now());
    let (attempts, model) = (Attempts { until, observer, step }, engine.model(model));
    let answer = match purse.hold(model, alert, Question::Conclude, None) {
        Ok(held) => attempts.ask(model, held, || model.conclude(ConclusionRequest { alert, findings })).await,
        Err(short) => Err(short.into()),
    };
    match answer {
        Ok(conclusion) => {
            let confidence = certainty(conclusion.confidence) * share(found, findings.len());
            let conclusion = Conclusion { confidence, ..kept(conclusion) };
            observer.ended(step, StepEnd::Done);
            Outcome::Concluded { complete: found == findings.len(), conclusion: Arc::new(conclusion) }
        }
        Err(failure) => {
            let reason = engine.explained(job, "conclusion", &failure);
            observer.ended(step, failure.end(Arc::clone(&reason)));
            if found == 0 {
                return Outcome::Failed(reason);
            }
            Outcome::Concluded { complete: false, conclusion: Arc::new(without_model(&reason, findings)) }
        }
    }
}

/// As much of a model's conclusion as is kept.
fn kept(conclusion: Conclusion) -> Conclusion {
    let Conclusion { summary, root_cause, mut recommendations, confidence } = conclusion;
    recommendations.truncate(MAX_RECOMMENDATIONS);
    for recommendation in &mut recommendations {
        if recommendation.len() > MAX_LINE {
            *recommendation = bounded_shared(Arc::clone(recommendation), MAX_LINE);
        }
    }
    Conclusion {
        summary: bounded_shared(summary, MAX_TEXT),
        root_cause: bounded_shared(root_cause, MAX_LINE),
        recommendations,
        confidence,
    }
}

/// What can be said when the tools found something and the model says nothing about it.
fn without_model(reason: &str, findings: &[Finding]) -> Conclusion {
    let missing = findings.iter().filter_map(|Finding { tool, result }| result.as_ref().err().map(|why| (tool, why)));
    let found = findings.len() - missing.clone().count();
    let mut summary = format!("{reason}; what {found} of the tools found stands in their steps");
    for (tool, why) in missing {
        summary.push_str(&format!("; without {tool}: {why}"));
    }
    Conclusion {
        summary: bounded(summary, MAX_TEXT).into(),
        root_cause: "unknown".into(),
        recommendations: vec!["read what the tools found".into(), "investigate again".into()],
        confidence: 0.0,
    }
}

/// A confidence between 0 and 1, whatever the model says.
fn certainty(confidence: f64) -> f64 {
    if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) }
}

/// How much of the evidence there is. No conclusion is surer than what it stands on.
#[expect(clippy::cast_precision_loss, reason = "a plan has a handful of steps")]
fn share(found: usize, planned: usize) -> f64 {
    found as f64 / planned.max(1) as f64
}

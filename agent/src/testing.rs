//! What the unit tests of several rooms need.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use langdeck_shared::Alert;

use crate::{
    Answer, Arguments, ArgumentsRequest, CallPolicy, Conclusion, ConclusionRequest, Finding, Model, ModelCall,
    ModelError, Plan, PlanRequest, Question, Tool, ToolCall, ToolError, Usage,
};

/// An alert with nothing but its names.
pub(crate) fn alert(alert_type: &str, service: &str) -> Alert {
    Alert {
        alert_type: alert_type.to_owned(),
        original_alert_type: None,
        service: service.to_owned(),
        severity: None,
        description: None,
        labels: BTreeMap::new(),
        timestamp: Timestamp::UNIX_EPOCH,
    }
}

/// A model that does as it is told, and remembers what it was asked.
pub(crate) struct FakeModel {
    pub(crate) plan: Vec<&'static str>,
    pub(crate) confidence: f64,
    /// What each answer takes.
    pub(crate) usage: Usage,
    /// The most that an answer may take, where that is more.
    pub(crate) most: Option<Usage>,
    /// By which price it is charged; `fake` has none.
    pub(crate) name: &'static str,
    /// The call that goes wrong, and how.
    pub(crate) fault: Option<(Call, Fault)>,
    /// How often it still goes wrong.
    pub(crate) faults_left: AtomicU32,
    /// The findings that it was last asked about.
    pub(crate) told: Mutex<Vec<Finding>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Plan,
    Arguments,
    Conclude,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NoAnswer,
    Unusable,
    Panic,
    Hang,
}

impl FakeModel {
    pub(crate) fn planning(plan: &[&'static str]) -> Self {
        Self {
            plan: plan.to_vec(),
            confidence: 0.8,
            usage: Usage { input: 10, output: 1, ..Usage::default() },
            most: None,
            name: "fake",
            fault: None,
            faults_left: AtomicU32::new(u32::MAX),
            told: Mutex::default(),
        }
    }

    /// The same by a name that has a price.
    pub(crate) fn priced(self) -> Self {
        Self { name: "simulated-gpt-4", ..self }
    }

    pub(crate) fn failing(self, call: Call, fault: Fault) -> Self {
        Self { fault: Some((call, fault)), ..self }
    }

    pub(crate) fn failing_first(self, times: u32, call: Call, fault: Fault) -> Self {
        Self { faults_left: AtomicU32::new(times), ..self.failing(call, fault) }
    }

    async fn answer<T>(&self, call: Call, value: T) -> Result<Answer<T>, ModelError> {
        let spent = ModelCall { model: "simulated-gpt-4".into(), usage: self.usage, reported: None };
        let one_less = |left: u32| left.checked_sub(1);
        match self.fault {
            Some((faulty, fault))
                if faulty == call && self.faults_left.fetch_update(Relaxed, Relaxed, one_less).is_ok() =>
            {
                match fault {
                    Fault::NoAnswer => Err(ModelError::NoAnswer("out of order".to_owned())),
                    Fault::Unusable => Err(ModelError::Unusable { reason: "gibberish".to_owned(), call: spent.into() }),
                    Fault::Panic => panic!("a model that panics"),
                    Fault::Hang => std::future::pending().await,
                }
            }
            _ => Ok(Answer { value, call: spent }),
        }
    }
}

impl Model for FakeModel {
    fn name(&self) -> &str {
        self.name
    }

    fn most_tokens(&self, _: &Alert, _: Question<'_>) -> Usage {
        self.most.unwrap_or(self.usage)
    }

    fn plan<'a>(&'a self, _: PlanRequest<'a>) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>> {
        let tools = self.plan.iter().map(|&tool| tool.into()).collect();
        Box::pin(self.answer(Call::Plan, Plan { tools, reasoning: "because".into() }))
    }

    fn arguments<'a>(&'a self, request: ArgumentsRequest<'a>) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>> {
        let text = format!(r#"{{"of":"{}"}}"#, request.tool);
        Box::pin(self.answer(Call::Arguments, Arguments(text.into())))
    }

    fn conclude<'a>(&'a self, request: ConclusionRequest<'a>) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>> {
        *self.told.lock().unwrap() = request.findings.to_vec();
        let conclusion = Conclusion {
            summary: "so it is".into(),
            root_cause: "a cause".into(),
            recommendations: vec!["do something".into()],
            confidence: self.confidence,
        };
        Box::pin(self.answer(Call::Conclude, conclusion))
    }
}

/// What a tool is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    Finds(Duration),
    /// The first attempts fail, the next one finds something at once.
    Flaps(u32),
    Fails,
    FailsForGood,
    Hangs,
    Panics,
    /// Finds a text of so many bytes.
    Floods(usize),
    /// Fails, and panics when it is asked whether to try again.
    PanicsBesideItsCall,
    /// Fails, and wants to be tried again after the longest time that there is.
    AsksForEternity,
}

/// A tool that does as it is told.
pub(crate) fn fake_tool(name: &'static str, behaviour: Behaviour) -> Arc<dyn Tool> {
    Arc::new(FakeTool { name, behaviour })
}

struct FakeTool {
    name: &'static str,
    behaviour: Behaviour,
}

impl Tool for FakeTool {
    fn name(&self) -> &str {
        self.name
    }

    fn policy(&self, _: &Alert) -> CallPolicy {
        assert!(!matches!(self.behaviour, Behaviour::PanicsBesideItsCall), "a policy that panics");
        let policy = CallPolicy::with_timeout(Duration::from_secs(10));
        match self.behaviour {
            Behaviour::AsksForEternity => CallPolicy { backoff: Duration::MAX, max_backoff: Duration::MAX, ..policy },
            _ => policy,
        }
    }

    fn run<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>> {
        // Before there is a future: the earliest that a tool can panic.
        assert!(!matches!(self.behaviour, Behaviour::Panics), "a tool that panics");
        Box::pin(async move {
            match self.behaviour {
                Behaviour::Finds(after) => {
                    tokio::time::sleep(after).await;
                    Ok(format!("{} with {}", self.name, call.arguments.0))
                }
                Behaviour::Flaps(failures) if call.attempt > failures => Ok(format!("at attempt {}", call.attempt)),
                Behaviour::Flaps(_)
                | Behaviour::Fails
                | Behaviour::PanicsBesideItsCall
                | Behaviour::AsksForEternity => Err(ToolError::Transient("broken".to_owned())),
                Behaviour::FailsForGood => Err(ToolError::Permanent("forbidden".to_owned())),
                Behaviour::Hangs | Behaviour::Panics => std::future::pending().await,
                Behaviour::Floods(bytes) => Ok("x".repeat(bytes)),
            }
        })
    }
}

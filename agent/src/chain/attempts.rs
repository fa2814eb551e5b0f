//! Attempts: a call of a model or a tool that is bounded in time, tried again where that can help, and whose panics stay
//! its own.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use super::Observer;
use super::deadline::Until;
use super::events::{Callee, FailedAttempt, StepEnd};
use super::text::{MAX_LINE, bounded};
use crate::cost::{Held, Short};
use crate::model::{Answer, Model, ModelError};
use crate::policy::CallPolicy;
use crate::tools::ToolError;

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Another attempt may succeed.
    Transient,
    /// It took too long; another attempt may be quicker.
    TimedOut,
    /// Another attempt would end the same way.
    Permanent,
    /// There is no time for another attempt.
    OutOfTime,
    /// There is not enough left to spend for even one.
    Unaffordable(Short),
}

/// What bounds the attempts of a call, and who learns of them.
#[derive(Clone, Copy)]
pub(super) struct Attempts<'a> {
    pub(super) until: Until,
    pub(super) observer: &'a dyn Observer,
    /// The step that calls.
    pub(super) step: usize,
}

impl Failure {
    fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { reason: bounded(reason.into(), MAX_LINE), kind }
    }

    /// One that no other attempt would mend.
    pub(super) fn permanent(reason: impl Into<String>) -> Self {
        Self::new(Kind::Permanent, reason)
    }

    /// Whether there was not enough left to spend for even one attempt.
    pub(super) const fn is_unaffordable(&self) -> bool {
        matches!(self.kind, Kind::Unaffordable(_))
    }

    /// How a step ends for which there is no more than this.
    pub(super) fn end(&self, reason: Arc<str>) -> StepEnd {
        match self.kind {
            Kind::Transient | Kind::Permanent => StepEnd::Failed(reason),
            Kind::TimedOut => StepEnd::TimedOut(reason),
            Kind::OutOfTime => StepEnd::OutOfTime(reason),
            Kind::Unaffordable(short) => StepEnd::Unaffordable(reason, short),
        }
    }
}

impl From<Short> for Failure {
    fn from(short: Short) -> Self {
        Self::new(Kind::Unaffordable(short), short.to_string())
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Transient(reason) => Self::new(Kind::Transient, reason),
            ToolError::Permanent(reason) => Self::permanent(reason),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        // An answer that cannot be used is paid for; the same question would most likely be answered the same way.
        let kind = match error {
            ModelError::NoAnswer(_) => Kind::Transient,
            ModelError::Unusable { .. } => Kind::Permanent,
        };
        Self::new(kind, error.to_string())
    }
}

impl Attempts<'_> {
    /// Asks a model. Each answer's call is paid for with what is held and reported, also of one that cannot be used; what
    /// the answer holds is returned.
    pub(super) async fn ask<T, F>(
        &self,
        model: &dyn Model,
        held: Held<'_>,
        question: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<Answer<T>, ModelError>>,
    {
        let Self { observer, step, .. } = *self;
        let (question, held) = (&question, &held);
        let attempt = |_| async move {
            let answer = question().await;
            let call = match &answer {
                Ok(answer) => Some(&answer.call),
                Err(error) => error.call(),
            };
            if let Some(call) = call {
                observer.called_model(step, call, held.settle(call));
            }
            Ok(answer?.value)
        };
        self.run(Callee::Model, || model.policy(), attempt).await
    }

    /// Calls a tool; `call` is given the attempt's number, from 1.
    pub(super) async fn call<T, F>(
        &self,
        policy: impl Fn() -> CallPolicy,
        call: impl Fn(u32) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ToolError>>,
    {
        let call = &call;
        let attempt = |number| async move { Ok(call(number).await?) };
        self.run(Callee::Tool, policy, attempt).await
    }

    /// All attempts, where a panic of whoever is called is one more way to fail.
    async fn run<T, F>(
        &self,
        callee: Callee,
        policy: impl Fn() -> CallPolicy,
        attempt: impl Fn(u32) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let ended = AssertUnwindSafe(self.repeat(callee, policy, attempt)).catch_unwind().await;
        // The panic's own message is on standard error, where it does not reach people who only read reports.
        ended.unwrap_or_else(|_panic| Err(Failure::permanent(callee.panicked())))
    }

    /// Attempts until one succeeds or another makes no sense. What succeeds at once does not even ask for the policy.
    async fn repeat<T, F>(
        &self,
        callee: Callee,
        policy: impl Fn() -> CallPolicy,
        attempt: impl Fn(u32) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut number = 1;
        loop {
            let failure = match self.once(callee, &policy, attempt(number)).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if !matches!(failure.kind, Kind::Transient | Kind::TimedOut) {
                return Err(failure);
            }
            let policy = policy();
            if number >= policy.attempts {
                return Err(failure);
            }
            let wait = policy.wait_after(number);
            let next = Instant::now().checked_add(wait).filter(|next| !self.until.has_passed(*next));
            // To wait for an attempt that cannot be made would only cost the others their time.
            let Some(next) = next else { return Err(failure) };
            let timed_out = failure.kind == Kind::TimedOut;
            self.observer.retrying(self.step, callee, FailedAttempt { reason: failure.reason.into(), timed_out, wait });
            if !wait.is_zero() {
                Box::pin(tokio::time::sleep_until(next)).await;
            }
            number += 1;
        }
    }

    /// One attempt. What is ready at once costs neither a timer nor a look at the clock.
    async fn once<T>(
        &self,
        callee: Callee,
        policy: impl Fn() -> CallPolicy,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut attempt = pin!(attempt);
        if let Poll::Ready(ended) = poll_fn(|context| Poll::Ready(attempt.as_mut().poll(context))).await {
            return ended;
        }
        let timeout = policy().timeout;
        let too_long = || Failure::new(Kind::TimedOut, callee.too_long(timeout));
        // Simulated work without a delay.
        if timeout.is_zero() {
            return Err(too_long());
        }
        let at = Instant::now().checked_add(timeout).filter(|at| *at < self.until.at);
        // On the heap, so that runs which never wait do not carry room for timers about.
        match Box::pin(timeout_at(at.unwrap_or(self.until.at), attempt)).await {
            Ok(ended) => ended,
            Err(_elapsed) if at.is_some() => Err(too_long()),
            Err(_elapsed) => Err(Failure::new(Kind::OutOfTime, self.until.reason())),
        }
    }
}

impl Callee {
    fn too_long(self, timeout: Duration) -> String {
        let what = match self {
            Self::Model => "the model did not answer",
            Self::Tool => "no result",
        };
        if timeout.is_zero() {
            return format!("{what} in time");
        }
        format!("{what} within {}", humantime::format_duration(timeout))
    }

    const fn panicked(self) -> &'static str {
        match self {
            Self::Model => "the model panicked; the agent's log says where",
            Self::Tool => "the tool panicked; the agent's log says where",
        }
    }
}

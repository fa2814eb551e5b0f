//! What the state asks of agents: send an alert, fetch an investigation. Each in a task of its own.

use std::sync::Arc;

use langdeck_shared::AlertRequest;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::{BaseUrl, Client, NetError};
use crate::app::{Message, SourceId};
use crate::crash::{self, Task};

/// Carries out what needs an agent, and tells the app how it ended, whatever happens.
#[derive(Debug, Clone)]
pub struct Submitter {
    client: Client,
    sources: Arc<[BaseUrl]>,
    messages: mpsc::Sender<Message>,
    runtime: Handle,
}

impl Submitter {
    /// A submitter to these sources that reports to `messages`.
    #[must_use]
    pub fn new(client: Client, sources: Arc<[BaseUrl]>, messages: mpsc::Sender<Message>, runtime: Handle) -> Self {
        Self { client, sources, messages, runtime }
    }

    /// Sends an alert; its outcome comes as [`Message::Fired`].
    pub fn fire(&self, source: SourceId, alert: Box<AlertRequest>, idempotency_key: String) {
        let (client, sources) = (self.client.clone(), Arc::clone(&self.sources));
        let work = async move {
            let base = sources.get(source.0).ok_or_else(|| unknown(source))?;
            client.submit(base, &alert, &idempotency_key).await
        };
        self.run(work, move |result| Message::Fired { source, result });
    }

    /// Fetches an investigation whole; it comes as [`Message::Detail`].
    pub fn fetch_detail(&self, source: SourceId, id: String) {
        let (client, sources, asked) = (self.client.clone(), Arc::clone(&self.sources), id.clone());
        let work = async move {
            let base = sources.get(source.0).ok_or_else(|| unknown(source))?;
            client.investigation(base, &asked).await.map(Box::new)
        };
        self.run(work, move |result| Message::Detail { id, result });
    }

    /// Runs the work in one task and waits for it in another, so that a panic in it is an answer too.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, NetError>> + Send + 'static,
        report: impl FnOnce(Result<T, NetError>) -> Message + Send + 'static,
    ) {
        let work = self.runtime.spawn(crash::named(Task::Errand, work));
        let messages = self.messages.clone();
        self.runtime.spawn(async move {
            let result = work.await.unwrap_or_else(|error| Err(fault(error)));
            // Nobody listens any more only when the console ends.
            let _ended = messages.send(report(result)).await;
        });
    }
}

fn unknown(source: SourceId) -> NetError {
    NetError::Internal(format!("there is no source {}", source.0))
}

/// What a task that did not end well has to say.
pub(super) fn fault(error: JoinError) -> NetError {
    match error.try_into_panic() {
        Ok(panic) => NetError::Internal(crash::words(&*panic)),
        Err(_) => NetError::Internal("a task was stopped".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use langdeck_shared::Accepted;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_answered_too() {
        let (sender, mut messages) = mpsc::channel(1);
        let submitter = Submitter::new(Client::new(&[]).unwrap(), Vec::new().into(), sender, Handle::current());
        submitter.run::<Accepted>(async { panic!("words\u{1b}[31m of the panic") }, |result| Message::Fired {
            source: SourceId(0),
            result,
        });
        let Some(Message::Fired { result: Err(error), .. }) = messages.recv().await else { panic!("not answered") };
        assert_eq!(error, NetError::Internal("words of the panic".to_owned()));
    }
}

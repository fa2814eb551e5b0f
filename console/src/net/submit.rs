//! What the state asks of agents: send an alert or a burst, fetch an investigation or the costs. Each in a task of its own.

use std::sync::Arc;

use langdeck_shared::{Accepted, AlertRequest};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::burst::{self, Hold};
use super::{BaseUrl, Client, CostSpanFilter, NetError};
use crate::app::{Message, Order, Place, SourceId};
use crate::crash::{self, Task};

/// Carries out what needs an agent, and tells the app how it ended, whatever happens.
#[derive(Debug)]
pub struct Submitter {
    client: Client,
    sources: Arc<[BaseUrl]>,
    messages: mpsc::Sender<Message>,
    runtime: Handle,
    /// Keeps the burst going.
    burst: Option<Hold>,
}

impl Submitter {
    /// A submitter to these sources that reports to `messages`.
    #[must_use]
    pub fn new(client: Client, sources: Arc<[BaseUrl]>, messages: mpsc::Sender<Message>, runtime: Handle) -> Self {
        Self { client, sources, messages, runtime, burst: None }
    }

    /// Sends an alert; its outcome comes as [`Message::Fired`].
    pub fn fire(&self, place: Place, alert: Box<AlertRequest>, idempotency_key: String) {
        let (client, sources, to) = (self.client.clone(), Arc::clone(&self.sources), place.clone());
        let work = async move { submit(&client, &sources, &to, &alert, &idempotency_key).await };
        self.run(work, move |result| Message::Fired { place, result });
    }

    /// Sends many alerts, each once; how far it has come is told as [`Message::BurstMoved`], and the end as
    /// [`Message::BurstEnded`].
    pub fn begin_burst(&mut self, order: Order) {
        let Order { alert, count, rate, places, key } = order;
        let (hold, places) = Hold::new(places);
        self.burst = Some(hold);
        let (client, sources, alert) = (self.client.clone(), Arc::clone(&self.sources), Arc::new(alert));
        let messages = self.messages.clone();
        let work = async move {
            let send_one = |place: Place, number: u32| {
                let (client, sources, alert) = (client.clone(), Arc::clone(&sources), Arc::clone(&alert));
                let key = format!("{key}-{number}");
                async move { submit(&client, &sources, &place, &alert, &key).await }
            };
            // Where the loop is too busy to hear of it, the next telling says more.
            let tell = |progress: &_| drop(messages.try_send(Message::BurstMoved(Box::new(Clone::clone(progress)))));
            Ok(Box::new(burst::send(count, rate, places, send_one, tell).await))
        };
        self.run(work, Message::BurstEnded);
    }

    /// Sends the rest of the burst to these places.
    pub fn redirect_burst(&self, places: Vec<Place>) {
        if let Some(hold) = &self.burst {
            hold.redirect(places);
        }
    }

    /// Sends no more of the burst.
    pub fn stop_burst(&mut self) {
        self.burst = None;
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

    /// Fetches the costs of the fleet behind an address; they come as [`Message::Costs`].
    pub fn fetch_costs(&self, source: SourceId) {
        let (client, sources) = (self.client.clone(), Arc::clone(&self.sources));
        let work = async move {
            let base = sources.get(source.0).ok_or_else(|| unknown(source))?;
            client.costs(base, &CostSpanFilter::default()).await.map(Box::new)
        };
        self.run(work, move |result| Message::Costs { source, result });
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

async fn submit(
    client: &Client,
    sources: &[BaseUrl],
    place: &Place,
    alert: &AlertRequest,
    key: &str,
) -> Result<Accepted, NetError> {
    let base = sources.get(place.source.0).ok_or_else(|| unknown(place.source))?;
    client.submit(base, place.replica.as_deref(), alert, key).await
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
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_answered_too() {
        let (sender, mut messages) = mpsc::channel(1);
        let submitter = Submitter::new(Client::new(&[]).unwrap(), Vec::new().into(), sender, Handle::current());
        submitter.run::<Accepted>(async { panic!("words\u{1b}[31m of the panic") }, |result| Message::Fired {
            place: Place { source: SourceId(0), replica: None },
            result,
        });
        let Some(Message::Fired { result: Err(error), .. }) = messages.recv().await else { panic!("not answered") };
        assert_eq!(error, NetError::Internal("words of the panic".to_owned()));
    }
}

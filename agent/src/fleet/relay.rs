//! Asking one replica for what it has, and all of them at once.

use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures_util::{StreamExt, stream};
use langdeck_shared::{FailureKind, MissingReplica, PeerFailure};
use tokio::time::{Instant, timeout_at};

use super::{AT_ONCE, Fleet, MOST_ANSWER, Member, Peer, Question, Reply};

/// How long all replicas together may take to answer.
const TOGETHER: Duration = Duration::from_secs(2);

impl Fleet {
    /// Asks a replica and reads its answer. Waiting for a place to ask in is part of the question's patience.
    pub(crate) async fn ask_member<T>(
        &self,
        member: &Member,
        question: Question,
        read: impl FnOnce(&Reply) -> Result<T, PeerFailure>,
    ) -> Result<T, PeerFailure> {
        let peer = member.peer()?;
        let deadline = Instant::now() + question.patience;
        let Ok(_place) = timeout_at(deadline, self.relays.acquire()).await else {
            return Err(PeerFailure::new(FailureKind::Unreachable, "too many other questions were under way"));
        };
        let patience = deadline.saturating_duration_since(Instant::now());
        self.exchange(peer, Question { patience, ..question }, read).await
    }

    /// Asks a peer and reads its answer; how that went is counted.
    pub(super) async fn exchange<T>(
        &self,
        peer: &Peer,
        question: Question,
        read: impl FnOnce(&Reply) -> Result<T, PeerFailure>,
    ) -> Result<T, PeerFailure> {
        // On the heap, so that requests which ask nobody do not carry room for it about.
        let asked = Box::pin(self.client.ask(&peer.addresses, question));
        let result = asked.await.and_then(|reply| read(&reply));
        self.meters.count_peer_request(result.as_ref().err().map(|failure| failure.kind));
        result
    }

    /// Asks every other replica of `members` the same, and passes on what each says as it comes; those that have not
    /// answered within two seconds, and those that cannot be asked.
    pub(crate) async fn gather<T>(
        &self,
        members: &[Member],
        path: &PathAndQuery,
        read: impl Fn(&Member, &Reply) -> Result<T, PeerFailure>,
        mut take: impl FnMut(T),
    ) -> Vec<MissingReplica> {
        let deadline = Instant::now() + TOGETHER;
        let others = members.iter().filter(|member| !member.is_here() && !member.is_gone());
        let answers: Vec<_> = others.map(|member| self.answer_of(member, path, deadline, &read)).collect();
        let mut answers = stream::iter(answers).buffer_unordered(AT_ONCE);
        let mut missing = self.never_heard();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(answer) => take(answer),
                Err(lost) => missing.push(lost),
            }
        }
        missing.sort_by(|a, b| (&a.replica, &a.boot_id).cmp(&(&b.replica, &b.boot_id)));
        missing
    }

    async fn answer_of<T>(
        &self,
        member: &Member,
        path: &PathAndQuery,
        deadline: Instant,
        read: impl Fn(&Member, &Reply) -> Result<T, PeerFailure>,
    ) -> Result<T, MissingReplica> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let question = Question::get(path.clone(), patience, MOST_ANSWER);
        let answer = self.ask_member(member, question, |reply| read(member, reply)).await;
        answer.map_err(|failure| missing(member, failure))
    }

    /// Peers that lead to no replica.
    fn never_heard(&self) -> Vec<MissingReplica> {
        let problems = self.lock().problems().into_iter();
        problems
            .map(|problem| MissingReplica { replica: problem.peer, boot_id: None, failure: problem.failure })
            .collect()
    }
}

fn missing(member: &Member, failure: PeerFailure) -> MissingReplica {
    MissingReplica { replica: member.replica.clone(), boot_id: Some(member.boot_id.clone()), failure }
}

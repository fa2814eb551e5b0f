//! The directory over a resolver that does as it is told.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Semaphore;

use super::*;

const AGE: Duration = Duration::from_secs(3);

/// Answers the same for every name, with a permit for each round.
struct Fake {
    answer: Mutex<Lookup>,
    rounds: AtomicUsize,
    permits: Semaphore,
}

impl Fake {
    fn answering(answer: Lookup) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(answer), rounds: AtomicUsize::new(0), permits: Semaphore::new(1000) })
    }

    fn set(&self, answer: Lookup) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Lets no round end any more.
    fn hang(&self) {
        self.permits.forget_permits(usize::MAX);
    }

    fn go_on(&self) {
        self.permits.add_permits(1000);
    }

    fn rounds(&self) -> usize {
        self.rounds.load(Relaxed)
    }
}

impl Resolve for Arc<Fake> {
    fn look_up<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Vec<Lookup>> {
        let round = async move {
            self.rounds.fetch_add(1, Relaxed);
            self.permits.acquire().await.unwrap().forget();
            vec![self.answer.lock().unwrap().clone(); names.len()]
        };
        round.boxed()
    }
}

fn sources(texts: &[&str]) -> Vec<PeerSource> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn directory(texts: &[&str], fake: &Arc<Fake>) -> Arc<Directory> {
    Directory::with(&sources(texts), Box::new(Arc::clone(fake)))
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The peers, each as its authority and its addresses.
fn shown(set: &PeerSet) -> Vec<String> {
    let show = |peer: &Peer| {
        let addresses: Vec<_> = peer.addresses.iter().map(ToString::to_string).collect();
        format!("{} at {}", peer.authority, addresses.join(" "))
    };
    set.peers.iter().map(show).collect()
}

/// Lets every task do what it can without time going on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_and_nothing_is_looked_up() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1"])));
    let directory = directory(&["dns://agents:8000"], &fake);
    tokio::time::advance(AGE * 100).await;
    settle().await;
    assert_eq!(fake.rounds(), 0);
    assert_eq!(shown(&*directory.current(AGE).await), ["10.0.0.1:8000 at 10.0.0.1:8000"]);
    tokio::time::advance(AGE * 100).await;
    settle().await;
    assert_eq!(fake.rounds(), 1);
}

#[tokio::test(start_paused = true)]
async fn addresses_need_no_lookup() {
    let fake = Fake::answering(Err("never asked".to_owned()));
    let directory = directory(&["http://10.0.0.1:8000", "dns://10.0.0.2:8000"], &fake);
    let set = directory.current(Duration::ZERO).await;
    assert_eq!(shown(&set), ["10.0.0.1:8000 at 10.0.0.1:8000", "10.0.0.2:8000 at 10.0.0.2:8000"]);
    assert_eq!((fake.rounds(), set.problems.len()), (0, 0));
    assert_eq!(*self::directory(&[], &fake).current(Duration::ZERO).await, PeerSet::default());
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_and_again_waits_for_no_lookup() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1"])));
    let directory = directory(&["dns://agents:8000"], &fake);
    let first = directory.current(AGE).await;
    fake.set(Ok(ips(&["10.0.0.2"])));
    tokio::time::advance(AGE).await;
    assert!(Arc::ptr_eq(&first, &directory.current(AGE).await));
    settle().await;
    assert_eq!(fake.rounds(), 1, "it was young enough");

    fake.hang();
    tokio::time::advance(AGE).await;
    for _ in 0..3 {
        let set = directory.current(AGE).now_or_never().expect("an answer at once");
        assert!(Arc::ptr_eq(&first, &set));
        settle().await;
    }
    assert_eq!(fake.rounds(), 2, "one lookup at a time");
    fake.go_on();
    settle().await;
    assert_eq!(shown(&*directory.current(AGE).await), ["10.0.0.2:8000 at 10.0.0.2:8000"]);
    assert_eq!(fake.rounds(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_all_who_ask_wait_for_one_lookup() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1"])));
    let directory = directory(&["dns://agents:8000"], &fake);
    let ask = || join_all((0..10).map(|_| directory.current(AGE)));
    assert!(ask().await.iter().all(|set| set.peers.len() == 1));
    assert_eq!(fake.rounds(), 1);
    fake.set(Ok(ips(&["10.0.0.1", "10.0.0.2"])));
    tokio::time::advance(AGE * 4).await;
    assert!(ask().await.iter().all(|set| set.peers.len() == 2));
    assert_eq!(fake.rounds(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_goes_on_when_the_one_who_asked_hangs_up() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1"])));
    fake.hang();
    let directory = directory(&["dns://agents:8000"], &fake);
    let hung_up = tokio::time::timeout(Duration::from_secs(1), directory.current(AGE)).await;
    assert!(hung_up.is_err());
    fake.go_on();
    settle().await;
    assert_eq!(directory.current(AGE).now_or_never().unwrap().peers.len(), 1);
    assert_eq!(fake.rounds(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_fails_leaves_the_peers_and_says_why_and_since_when() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1"])));
    let directory = directory(&["dns://agents:8000", "http://agent-9:8000"], &fake);
    let before = directory.current(Duration::ZERO).await;
    assert_eq!(before.problems, []);
    let mut since = None;
    for reason in ["no answer", "no such name"] {
        fake.set(Err(reason.to_owned()));
        tokio::time::advance(AGE).await;
        let set = directory.current(Duration::ZERO).await;
        assert_eq!(set.peers, before.peers);
        let problem = &set.problems[0];
        assert_eq!((set.problems.len(), &*problem.name, problem.reason.as_str()), (2, "agent-9", reason));
        assert_eq!(problem.since, *since.get_or_insert(problem.since));
    }
    fake.set(Ok(ips(&["10.0.0.2"])));
    tokio::time::advance(AGE).await;
    let after = directory.current(Duration::ZERO).await;
    assert_eq!((shown(&after), after.problems.len()), (vec!["10.0.0.2:8000 at 10.0.0.2:8000".to_owned()], 0));
}

#[test]
fn only_a_change_is_news() {
    let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let name: Arc<str> = "agents".into();
    let mut history = History::new();
    let mut round = |lookup: Lookup, now| learn(&mut history, std::iter::once((&name, lookup)), now);
    let problem = |reason: &str| LookupProblem { name: "agents".into(), since: early, reason: reason.to_owned() };

    assert_eq!(round(Ok(ips(&["10.0.0.1"])), early), News::default());
    assert_eq!(round(Err("a".to_owned()), early), News { failing: vec![problem("a")], found_again: vec![] });
    assert_eq!(round(Err("b".to_owned()), late), News::default());
    assert_eq!(round(Ok(ips(&["10.0.0.2"])), late), News { failing: vec![], found_again: vec![problem("b")] });
    assert_eq!(round(Ok(ips(&["10.0.0.3"])), late), News::default());
}

#[tokio::test(start_paused = true)]
async fn a_url_is_one_peer_and_an_address_behind_a_name_is_one() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1", "::1"])));
    let set = directory(&["dns://agents:1", "http://agent-0:2"], &fake).current(AGE).await;
    assert_eq!(shown(&set), ["10.0.0.1:1 at 10.0.0.1:1", "[::1]:1 at [::1]:1", "agent-0:2 at 10.0.0.1:2 [::1]:2",]);
}

#[tokio::test(start_paused = true)]
async fn no_address_comes_twice() {
    let fake = Fake::answering(Ok(ips(&["10.0.0.1", "10.0.0.2"])));
    let texts = ["http://10.0.0.2:1", "dns://agents:1", "dns://agents:1", "http://agent-0:1", "http://10.0.0.2:1"];
    let set = directory(&texts, &fake).current(AGE).await;
    assert_eq!(shown(&set), ["10.0.0.2:1 at 10.0.0.2:1", "10.0.0.1:1 at 10.0.0.1:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_url_whose_name_leads_nowhere_is_a_peer_without_addresses() {
    let fake = Fake::answering(Err("no such name".to_owned()));
    let set = directory(&["dns://agents:8000", "http://agent-0:8000"], &fake).current(AGE).await;
    assert_eq!(shown(&set), ["agent-0:8000 at "]);
    assert_eq!(set.problems.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn peers_beyond_the_bound_are_left_out_and_counted() {
    let many = (0..3000_u32).map(|n| IpAddr::from(std::net::Ipv4Addr::from(n))).collect();
    let fake = Fake::answering(Ok(many));
    let set = directory(&["dns://agents:1", "dns://agents:2"], &fake).current(AGE).await;
    assert_eq!((set.peers.len(), set.dropped), (MAX_PEERS, 6000 - MAX_PEERS));
    assert_eq!(&*set.peers[MAX_PEERS - 1].authority, "0.0.4.71:2");
}

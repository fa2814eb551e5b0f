//! A fleet of real agents on loopback, through any of them: what one knows of all, and what it does for another.

mod episodes;
mod everywhere;
mod firing;
mod owners;
mod watching;

use std::sync::{Arc, Mutex};

use langdeck_agent::{Agent, Config};
use langdeck_shared::{FleetUpdate, ReplicaStatus};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Server, config, eventually};

/// A fleet of real agents on loopback, each of which has all of them and `others` for peers.
async fn fleet(size: usize, others: &[String]) -> Vec<Server> {
    fleet_of(size, others, config()).await
}

/// The same with other settings, and without others; each knows of all when this returns.
pub(super) async fn ready_fleet(size: usize, common: Config) -> Vec<Server> {
    let servers = fleet_of(size, &[], common).await;
    for server in &servers {
        knows(server, size).await;
    }
    servers
}

async fn fleet_of(size: usize, others: &[String], common: Config) -> Vec<Server> {
    let mut listeners = Vec::new();
    for _ in 0..size {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let own = listeners.iter().map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    let peers: Vec<_> = own.chain(others.iter().cloned()).map(|url| url.parse().unwrap()).collect();
    let mut servers = Vec::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        let config = Config { replica_name: format!("agent-{number}"), peers: peers.clone(), ..common.clone() };
        servers.push(Server::around(Agent::start_on(listener, config).await.unwrap()));
    }
    servers
}

/// Until a replica knows that so many are ready.
async fn knows(server: &Server, ready: usize) {
    eventually("it knows of all that are ready", async || {
        let update: FleetUpdate = server.read("/v1/fleet").await;
        let count = update.replicas.iter().filter(|replica| replica.status == ReplicaStatus::Ready).count();
        (count == ready).then_some(())
    })
    .await;
}

/// A peer that takes every connection and writes these bytes, again and again where they are to be `endless`.
async fn bad_peer(bytes: &'static [u8], endless: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                    while stream.write_all(bytes).await.is_ok() && endless {}
                }
            });
        }
    });
    url
}

/// The name and the first life of a peer that plays a part.
const ACTOR: (&str, &str) = ("actor", "actorlife0");

/// How a peer that plays a part answers, apart from saying who it is.
#[derive(Debug, Clone)]
enum Part {
    /// Not at all.
    Silence,
    /// With this, again and again.
    Endless(Vec<u8>),
    /// With a status and a body.
    Answer(u16, String),
    /// By hanging up.
    HangUp,
}

/// A peer that says to be a ready replica, and answers everything else as its part says.
#[derive(Clone)]
struct Actor {
    url: String,
    /// Its life; none where it does not even say who it is.
    life: Arc<Mutex<Option<String>>>,
    part: Arc<Mutex<Part>>,
    /// The heads and bodies of what it was asked besides who it is.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Actor {
    async fn start(part: Part) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let life = Arc::new(Mutex::new(Some(ACTOR.1.to_owned())));
        let actor = Self { url, life, part: Arc::new(Mutex::new(part)), heard: Arc::default() };
        let state: Value = Server::start().await.read("/v1/replica").await;
        let player = actor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, state.clone(), player.clone()));
            }
        });
        actor
    }

    fn play(&self, part: Part) {
        *self.part.lock().unwrap() = part;
    }

    fn begin_life(&self, boot_id: &str) {
        *self.life.lock().unwrap() = Some(boot_id.to_owned());
    }

    fn fall_silent(&self) {
        *self.life.lock().unwrap() = None;
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn play(mut stream: TcpStream, mut state: Value, actor: Actor) {
    state["replica"] = json!(ACTOR.0);
    while let Some(request) = read_request(&mut stream).await {
        if request.starts_with("GET /v1/replica?") {
            let Some(life) = actor.life.lock().unwrap().clone() else { continue };
            state["boot_id"] = json!(life);
            let answered = write(&mut stream, 200, &state.to_string()).await;
            if answered.is_err() {
                return;
            }
            continue;
        }
        actor.heard.lock().unwrap().push(request);
        let part = actor.part.lock().unwrap().clone();
        match part {
            Part::Silence => {}
            Part::HangUp => return,
            Part::Answer(status, body) => {
                if write(&mut stream, status, &body).await.is_err() {
                    return;
                }
            }
            Part::Endless(bytes) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await;
                while stream.write_all(&bytes).await.is_ok() {}
                return;
            }
        }
    }
}

/// A request's head and body, as long as the connection holds.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
        text.push_str(str::from_utf8(&part[..count]).unwrap());
    }
}

async fn write(stream: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).await
}

/// A fleet of real agents and an actor, whom they all know.
async fn fleet_with_actor(size: usize, part: Part) -> (Vec<Server>, Actor) {
    let actor = Actor::start(part).await;
    let servers = fleet(size, std::slice::from_ref(&actor.url)).await;
    for server in &servers {
        knows(server, size + 1).await;
    }
    (servers, actor)
}

//! Agents that play a scenario from a file: each turn lasts until the test calls for the next one.
//!
//! ```toml
//! [[turn]]                        # a truthful answer, changed as the patch says (RFC 7396)
//! patch = '{"totals": {"failed": 7}}'
//! [[turn]]
//! does = "hangs"                  # or hangs-up, never-ends
//! [[turn]]
//! does = "writes"                 # these bytes; {url} is the agent's own address
//! bytes = "HTTP/1.1 200 OK\r\n\r\n"
//! [[turn]]                        # tells of several, the one that answers first
//! fleet = '{"problems": []}'      # changes the answer around them
//! [[turn.replica]]
//! name = "pod-a"
//! patch = '{"totals": {"failed": 7}}'
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Reply, Scripted, alone, snapshot};

/// A scenario as it stands in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What the console must say of the second turn, where that is a fault.
    #[serde(default)]
    pub(crate) reason: String,
    turn: Vec<Turn>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    #[serde(default)]
    does: Does,
    #[serde(default)]
    patch: Option<String>,
    /// The patched answer has this field with so many samples like the last one.
    #[serde(default)]
    samples: usize,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    bytes: String,
    #[serde(default)]
    replica: Vec<Entry>,
    #[serde(default)]
    fleet: Option<String>,
}

/// A replica of a fleet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    patch: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Does {
    #[default]
    Answers,
    Hangs,
    HangsUp,
    NeverEnds,
    Writes,
}

/// An agent that plays a scenario under a name of its own.
pub(crate) struct Player {
    agent: Scripted,
    turn: Arc<AtomicUsize>,
    /// How often it was asked in each turn.
    asked: Arc<[AtomicUsize]>,
}

impl Scenario {
    /// Reads `scenarios/{name}.toml`.
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name).with_extension("toml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The names of all scenarios in a folder.
    pub(crate) fn all_in(folder: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(folder);
        let files = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
        let mut names: Vec<_> =
            files.map(|file| format!("{folder}/{}", file.file_stem().unwrap().to_str().unwrap())).collect();
        names.sort();
        names
    }

    /// Begins to play.
    pub(crate) async fn play(self, replica: &'static str) -> Player {
        let turn = Arc::new(AtomicUsize::new(0));
        let asked: Arc<[AtomicUsize]> = self.turn.iter().map(|_| AtomicUsize::new(0)).collect();
        let (now, count) = (Arc::clone(&turn), Arc::clone(&asked));
        let agent = Scripted::start(move |request| {
            // Only the beat is scripted; whole investigations are not to be had here.
            if !request.starts_with("GET /v1/fleet") {
                return Reply::Hang;
            }
            let turn = now.load(Ordering::SeqCst);
            count[turn].fetch_add(1, Ordering::SeqCst);
            self.turn[turn].reply(replica)
        })
        .await;
        Player { agent, turn, asked }
    }
}

impl Player {
    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        self.agent.url().to_string()
    }

    /// Goes on to the next turn.
    pub(crate) fn next(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it was asked in this turn.
    pub(crate) fn asked(&self) -> usize {
        self.asked[self.turn.load(Ordering::SeqCst)].load(Ordering::SeqCst)
    }
}

impl Turn {
    fn reply(&self, replica: &str) -> Reply {
        let reply = match self.does {
            Does::Answers => Reply::Json(200, self.fleet(replica)),
            Does::Hangs => Reply::Hang,
            Does::HangsUp => Reply::Raw(Vec::new()),
            Does::NeverEnds => Reply::Endless,
            Does::Writes => Reply::Raw(self.bytes.clone().into_bytes()),
        };
        if self.delay_ms > 0 { Reply::Late(Duration::from_millis(self.delay_ms), Box::new(reply)) } else { reply }
    }

    fn fleet(&self, replica: &str) -> Value {
        let told = |entry: &Entry| patched(snapshot(&entry.name, "1"), entry.patch.as_deref());
        let mut replicas: Vec<Value> = self.replica.iter().map(told).collect();
        if replicas.is_empty() {
            replicas.push(self.answer(replica));
        }
        let mut fleet = alone(replicas[0].clone());
        fleet["replicas"] = replicas.into();
        patched(fleet, self.fleet.as_deref())
    }

    fn answer(&self, replica: &str) -> Value {
        let mut answer = patched(snapshot(replica, "1"), self.patch.as_deref());
        if self.samples > 0 {
            let last = answer["samples"].as_array().and_then(|samples| samples.last()).cloned().unwrap_or_default();
            answer["samples"] = vec![last; self.samples].into();
        }
        answer
    }
}

fn patched(mut answer: Value, patch: Option<&str>) -> Value {
    if let Some(patch) = patch {
        merge(&mut answer, serde_json::from_str(patch).unwrap_or_else(|error| panic!("{error} in {patch}")));
    }
    answer
}

/// A JSON merge patch: members are replaced one by one, and those that are `null` are taken away.
fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(members), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    members.remove(&name);
                } else {
                    merge(members.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

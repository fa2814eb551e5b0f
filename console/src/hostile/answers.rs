//! Answers of agents with something in every field, and hostile texts for each of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use langdeck_shared::{Accepted, Costs, Investigation, ReplicaStatus, Status};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::testing::{budget, costs, decisions, idle, investigation, pattern, samples};
use crate::app::{Message, SourceId};
use crate::net::{FleetAnswer, NetError, read};

pub(super) const JSON: &str = "application/json";

/// Fields that are one word of a few, or a time: anything else there makes the answer none at all.
const WORDS: [&str; 20] = [
    "status",
    "kind",
    "mode",
    "tool_mode",
    "accepted_at",
    "started_at",
    "ended_at",
    "timestamp",
    "time",
    "now",
    "last_seen",
    "window",
    "state",
    "at_limit",
    "counted",
    "resets_at",
    "exhausted_at",
    "since",
    "at",
    "basis",
];

/// Texts made of what terminals react to, and of what bends columns.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let sequences = [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}[31;7m",
        "\u{1b}[?1049l",
        "\u{1b}]0;owned\u{7}",
        "\u{1b}]52;c;b3duZWQ=\u{7}",
        "\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{1b}P1;2|owned\u{1b}\\",
        "\u{1b}(0",
        "\u{1b}c",
        "\u{9b}5;5H",
        "\u{9d}0;owned\u{9c}",
        "\u{1b}",
        "\r\n\t\u{8}\u{7}\u{0}\u{7f}",
        "\u{84}\u{85}\u{8d}\u{90}",
    ];
    let bending = [
        "\u{202e}\u{2066}\u{200f}",
        "\u{200b}\u{2060}\u{feff}\u{ad}",
        "\u{e0041}\u{e007f}\u{fe0f}\u{e0100}",
        "数据库",
        "ｶﾞﾊﾟ",
        "👩\u{200d}👩\u{200d}👧",
        "👍\u{1f3fd}",
        "🇩🇪",
        "❤\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
        "ក\u{17d2}ក\u{17d2}ខ",
        "ⵏ\u{2d7f}ⴾ",
        "ꓹꓼ",
        "لا",
        "\u{16d67}\u{16d67}",
        "\u{605}1",
        "\u{1100}\u{1161}\u{11a8}",
        "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
        "\u{17d8}",
    ];
    let piece = prop_oneof![
        select(sequences.to_vec()).prop_map(str::to_owned),
        select(bending.to_vec()).prop_map(str::to_owned),
        "[a-z ]{1,30}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// An answer with something in every field that is ever shown.
pub(super) fn full(replica: &str) -> Value {
    let age = Duration::from_secs(4);
    let mut update = idle(replica, replica);
    update.running = 1;
    update.samples = samples(1);
    update.budgets = vec![budget("total", 1_000_000, 100), budget("service:api", 1_000_000, 83)];
    update.investigations = [Status::Running, Status::Partial, Status::Failed]
        .into_iter()
        .enumerate()
        .map(|(index, status)| whole(&format!("inv_{replica}_{index}"), replica, status))
        .collect();
    update.memory.patterns = vec![pattern("api", "high_cpu", 4, "a cause", age)];
    let mut silent = idle("silent", "silent");
    (silent.status, silent.age_ms) = (ReplicaStatus::Unreachable, 12_000);
    let failure = |kind: &str| json!({"kind": kind, "detail": "no: "});
    let mut silent = json!(silent);
    silent["failure"] = failure("faulty");
    // Not what the contract says, and so told of in its own words.
    let mut liar = json!(idle("liar", "liar"));
    liar["tool_mode"] = json!("wild");
    json!({
        "cursor": "1", "reset": true, "more": false, "replica": replica, "boot_id": replica,
        "replicas": [update, silent, liar],
        "problems": [
            {"peer": "http://10.1.2.3:8000", "age_ms": 1_000, "failure": failure("refused")},
            {"peer": "dns://agents:8000", "age_ms": 1_000, "failure": failure("unresolved")},
        ],
    })
}

pub(super) fn whole(id: &str, replica: &str, status: Status) -> Investigation {
    let mut whole = investigation(id, replica, ("high_cpu", "api"), status, Duration::from_secs(4));
    let alert = Arc::make_mut(&mut whole.alert);
    alert.original_alert_type = Some("HighCPU".to_owned());
    alert.description = Some("slow".to_owned());
    alert.labels.insert("region".to_owned(), "eu".to_owned());
    for step in &mut whole.steps {
        (step.attempts, step.last_error, step.error) = (2, Some("lost".into()), Some("lost".into()));
        step.input = Some(json!({"service": "api", "deep": {"list": ["a", {"b": "c"}]}}));
        step.output = Some(json!("three pods"));
    }
    (whole.decisions, whole.decisions_left_out) = (decisions(&whole), 3);
    let reasoner =
        json!({"summary": "s", "root_cause": "r", "recommendations": ["a", "b"], "confidence": 0.5, "tokens_used": 1});
    whole.report = serde_json::from_value(json!({
        "investigation_id": id, "replica": replica, "status": "partial", "alert": whole.alert,
        "chain_execution": {
            "planner": {"plan": ["a"], "reasoning": "because", "tokens_used": 1},
            "executor": {"mode": "sequential", "total_tokens": 1,
                "steps": [{"step": 1, "tool": "t", "status": "failed", "result": "r", "tokens_used": 1, "duration_ms": 2}]},
            "reasoner": reasoner,
        },
        "cost_tracking": {"total_tokens": 3, "breakdown": {"planner": 1, "executor": 1, "reasoner": 1},
            "cost_usd": 0.1, "model": "m"},
        "execution_time_ms": 5, "memory_updated": true,
    }))
    .expect("a report");
    whole
}

/// Puts hostile texts into every string and every name that an agent chooses.
fn poison(value: &mut Value, name: &str, texts: &mut impl Iterator<Item = String>) {
    match value {
        Value::String(text) if !WORDS.contains(&name) => text.push_str(&texts.next().unwrap_or_default()),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, name, texts)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, member)| poison(member, name, texts));
            if matches!(name, "labels" | "alert_types" | "input" | "deep" | "figures") {
                let named = std::mem::take(members).into_iter();
                members.extend(named.map(|(name, member)| (name + &texts.next().unwrap_or_default(), member)));
            }
        }
        _ => {}
    }
}

pub(super) fn poisoned(mut value: Value, texts: &[String]) -> Vec<u8> {
    poison(&mut value, "", &mut texts.iter().cycle().cloned());
    value.to_string().into_bytes()
}

/// What an agent's answer becomes, on the way that every answer takes.
pub(super) fn answered(source: usize, body: &[u8], now: Instant) -> Message {
    let source = SourceId(source);
    match read::<FleetAnswer>(StatusCode::OK, JSON, body) {
        Ok(answer) => Message::Updated { source, answer: Box::new(answer), received: now, took: Duration::ZERO },
        Err(error) => Message::PollFailed { source, error, next_try: now + Duration::from_secs(1) },
    }
}

pub(super) fn told(id: String, body: &[u8]) -> Message {
    Message::Detail { id, result: read::<Investigation>(StatusCode::OK, JSON, body).map(Box::new) }
}

/// The costs that an address tells, with something in every field that is ever shown.
pub(super) fn costs_told(source: usize, texts: &[String]) -> Message {
    let body = poisoned(json!(costs("evil", "evil")), texts);
    Message::Costs { source: SourceId(source), result: read::<Costs>(StatusCode::OK, JSON, &body).map(Box::new) }
}

/// A problem in an agent's words, cleaned as its answers are.
pub(super) fn problem(texts: &[String]) -> NetError {
    let body = json!({"type": "t", "title": "t", "detail": "no: ", "request_id": "r",
        "errors": [{"field": "f", "reason": "r"}]});
    let mut body: Value = serde_json::from_slice(&poisoned(body, texts)).expect("JSON");
    body["status"] = json!(422);
    read::<Accepted>(StatusCode::UNPROCESSABLE_ENTITY, JSON, body.to_string().as_bytes()).expect_err("a refusal")
}

/// The answer with the field at this place, counted through all of them, taken away or another number.
pub(super) fn changed(field: Index, value: Option<i64>) -> Vec<u8> {
    fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
            Value::Array(items) => {
                items.iter().take(3).enumerate().map(|(index, item)| (index.to_string(), item)).collect()
            }
            _ => return found.push(at.to_owned()),
        };
        found.push(at.to_owned());
        members.iter().for_each(|(name, member)| paths(member, &format!("{at}/{name}"), found));
    }
    let mut answer = full("changed");
    let mut found = Vec::new();
    paths(&answer, "", &mut found);
    let path = field.get(&found);
    if let Some(place) = answer.pointer_mut(path) {
        *place = value.map_or(Value::Null, |number| json!(number));
    }
    answer.to_string().into_bytes()
}

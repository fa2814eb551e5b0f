//! Whatever comes as body, query, path or header gets an answer as the OpenAPI document has it, and leaves nothing
//! behind.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::document::Document;
use crate::raw::{Answer, Raw};
use crate::support::{Server, assert_calm};

const DOORS: [&str; 2] = ["/investigate", "/v1/investigations"];
const ALERTMANAGERS: &str = "/v1/alerts/alertmanager";
const WITH_PARAMETERS: [&str; 4] = ["/v1/investigations", "/v1/memory", "/v1/replica", "/v1/fleet"];
const WITHOUT: [&str; 6] = ["/v1/costs", "/health", "/livez", "/readyz", "/metrics", "/openapi.json"];

/// A request; its route is its path in the OpenAPI document.
struct Asked {
    method: &'static str,
    route: &'static str,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Asked {
    fn get(route: &'static str, path: String) -> Self {
        Self { method: "GET", route, path, headers: Vec::new(), body: Vec::new() }
    }

    fn alert(door: &'static str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type", b"application/json".to_vec())];
        Self { method: "POST", route: door, path: door.to_owned(), headers, body }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { method, path, headers, body, .. } = self;
        let first = format!("{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n", body.len());
        let headers = headers.iter().map(|(name, value)| [name.as_bytes(), b": ", value, b"\r\n"].concat());
        [first.into_bytes(), headers.collect::<Vec<_>>().concat(), b"\r\n".to_vec(), body.clone()].concat()
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}

/// A server, what it says of itself, and the connection over which it is asked.
struct Target {
    runtime: Runtime,
    server: Server,
    document: Document,
    connection: RefCell<Option<Raw>>,
}

impl Target {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start());
        let document = runtime.block_on(Document::of(&server));
        Self { runtime, server, document, connection: RefCell::new(None) }
    }

    /// Asks whatever the strategy comes up with, and sees that nothing is left of it. Were one of the `expected` statuses
    /// never answered, the strategy would not reach what it is for.
    fn ask(&self, asked: impl Strategy<Value = Asked>, expected: &[u16]) {
        let seen = RefCell::new(BTreeSet::new());
        let run = |asked| {
            let answer = self.runtime.block_on(self.answer(&asked));
            self.check(&asked, &answer);
            seen.borrow_mut().insert(answer.status);
            Ok(())
        };
        TestRunner::default().run(&asked, run).unwrap();
        self.runtime.block_on(assert_calm(&self.server));
        let seen = seen.into_inner();
        assert!(expected.iter().all(|status| seen.contains(status)), "only {seen:?}");
    }

    async fn answer(&self, asked: &Asked) -> Answer {
        let kept = self.connection.borrow_mut().take();
        let mut connection = match kept {
            Some(connection) => connection,
            None => Raw::connect(&self.server).await,
        };
        connection.send(asked.bytes()).await;
        let answer = connection.answer().await.unwrap();
        if answer.headers.get("connection").is_none_or(|value| value != "close") {
            self.connection.replace(Some(connection));
        }
        answer
    }

    fn check(&self, asked: &Asked, answer: &Answer) {
        answer.check();
        let status = answer.status;
        assert!(status < 500 || matches!(status, 502 | 503), "{answer:?}");
        self.document.check_answer(asked.method, asked.route, status, &answer.headers, &answer.body);
    }
}

/// A JSON text: what serde would make of it, and much that it would not.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "0",
            "-0",
            "1e400",
            "-1E-400",
            "01",
            "NaN",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"",
            ""
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        (1..400usize).prop_map(|digits| "9".repeat(digits)),
        (1..300usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        string(),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|values| format!("[{}]", values.join(","))),
            vec((string(), inner), 0..5).prop_map(|fields| object(&fields)),
        ]
    })
}

fn string() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| Value::from(text).to_string())
}

fn object(fields: &[(String, String)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// An alert in which any field may be missing, double, misspelt or of another type.
fn almost_an_alert() -> impl Strategy<Value = String> {
    almost([
        ("alert_type", "\"high_latency\""),
        ("service", "\"checkout-api\""),
        ("severity", "\"critical\""),
        ("description", "\"slow\""),
        ("labels", "{\"team\":\"shop\"}"),
        ("timestamp", "\"2026-01-15T10:30:00Z\""),
    ])
}

/// A notification of such alerts, as Alertmanager would write them.
fn almost_a_notification() -> impl Strategy<Value = String> {
    let alert = almost([
        ("status", "\"firing\""),
        ("startsAt", "\"2026-01-15T10:30:00Z\""),
        ("labels", "{\"alertname\":\"HighLatency\",\"service\":\"checkout-api\"}"),
        ("annotations", "{\"summary\":\"slow\"}"),
        ("endsAt", "\"0001-01-01T00:00:00Z\""),
        ("fingerprint", "\"4b1d2d6a1f0c9e77\""),
    ]);
    let alerts = vec(prop_oneof![8 => alert, 1 => json()], 0..4);
    (alerts, json()).prop_map(|(alerts, truncated)| {
        let alerts = format!("[{}]", alerts.join(","));
        let truncated = if truncated.len() % 2 == 0 { "0".to_owned() } else { truncated };
        object(&[("\"alerts\"".to_owned(), alerts), ("\"truncatedAlerts\"".to_owned(), truncated)])
    })
}

/// An object with these fields, of which the first two are needed, or nearly that.
fn almost(right: [(&str, &str); 6]) -> impl Strategy<Value = String> {
    let right = right.map(|(name, value)| (format!("{name:?}"), value.to_owned()));
    let names = right.clone().map(|(name, _)| name).to_vec();
    let wrong = (prop_oneof![select(names), string()], json());
    let (needed, optional) = right.split_at(2);
    let needed = prop_oneof![8 => Just(needed.to_vec()), 1 => Just(needed[..1].to_vec())];
    let optional = proptest::sample::subsequence(optional.to_vec(), 0..=4);
    let wrong = prop_oneof![Just(Vec::new()), vec(wrong, 1..3)];
    (needed, optional, wrong).prop_map(|(needed, optional, wrong)| object(&[needed, optional, wrong].concat()))
}

/// Bytes as they stand in a URI: most are escaped, an escape may be broken.
fn in_uri(length: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9._~-]{1,8}",
        2 => any::<u8>().prop_map(|byte| format!("%{byte:02x}")),
        1 => select(vec!["%", "%z", "+", "!", "$", "'", "(", "*", ",", ";", ":", "@"]).prop_map(str::to_owned),
    ];
    vec(piece, 1..length).prop_map(|pieces| pieces.concat())
}

fn query(boot_id: &str) -> impl Strategy<Value = String> {
    let names = ["limit", "cursor", "status", "service", "alert_type", "since"].map(str::to_owned).to_vec();
    let cursor = (select(vec![boot_id.to_owned(), "another".to_owned()]), any::<u64>(), any::<u64>());
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (0..300_u32).prop_map(|number| number.to_string()),
        select(vec!["", "queued", "running", "succeeded", "failed", "Failed"]).prop_map(str::to_owned),
        cursor.clone().prop_map(|(boot_id, number, _)| format!("{boot_id}.{number}")),
        cursor.prop_map(|(boot_id, seq, second)| format!("{boot_id}.{seq}.{second}")),
        in_uri(6),
    ];
    let pair =
        (prop_oneof![6 => select(names), 1 => in_uri(3)], value).prop_map(|(name, value)| format!("{name}={value}"));
    vec(prop_oneof![8 => pair, 1 => in_uri(3), 1 => Just(String::new())], 0..4).prop_map(|pairs| pairs.join("&"))
}

/// Whatever may stand in a header's value on the wire.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => 0x20..=0x7e_u8, 1 => 0x80..=0xff_u8, 1 => Just(b'\t')];
    prop_oneof![8 => vec(byte, 0..40), 1 => vec(0x21..=0x7e_u8, 100..300)]
}

#[test]
fn any_bytes_for_a_body() {
    let door = prop_oneof![select(&DOORS), Just(ALERTMANAGERS)];
    let asked = (door, vec(any::<u8>(), 0..200)).prop_map(|(door, body)| Asked::alert(door, body));
    Target::new().ask(asked, &[400]);
}

#[test]
fn any_json_for_an_alert() {
    let text = prop_oneof![json(), almost_an_alert()];
    let asked = (select(&DOORS), text).prop_map(|(door, text)| Asked::alert(door, text.into_bytes()));
    Target::new().ask(asked, &[200, 202, 400, 422]);
}

#[test]
fn any_json_for_a_notification() {
    let text = prop_oneof![1 => json(), 4 => almost_a_notification()];
    let asked = text.prop_map(|text| Asked::alert(ALERTMANAGERS, text.into_bytes()));
    Target::new().ask(asked, &[200, 400, 422]);
}

#[test]
fn any_query() {
    let target = Target::new();
    target.runtime.block_on(target.server.investigate("high_cpu", "api"));
    let query = query(target.server.agent.boot_id());
    let route = prop_oneof![6 => select(&WITH_PARAMETERS), 1 => select(&WITHOUT)];
    target.ask((route, query).prop_map(|(route, query)| Asked::get(route, format!("{route}?{query}"))), &[200, 422]);
}

#[test]
fn any_id() {
    let target = Target::new();
    target.runtime.block_on(target.server.investigate("high_cpu", "api"));
    let boot_id = target.server.agent.boot_id().to_owned();
    let id = prop_oneof![
        in_uri(20),
        (0..3_u64).prop_map(move |number| format!("inv_{boot_id}_{number}")),
        (in_uri(3), any::<u64>()).prop_map(|(boot_id, number)| format!("inv_{boot_id}_{number}")),
    ];
    let asked = (id, any::<bool>()).prop_map(|(id, cancel)| {
        let asked = Asked::get("/v1/investigations/{id}", format!("/v1/investigations/{id}"));
        let route = "/v1/investigations/{id}/cancel";
        if cancel { Asked { method: "POST", route, path: asked.path + "/cancel", ..asked } } else { asked }
    });
    target.ask(asked, &[200, 404, 409]);
}

#[test]
fn any_headers() {
    let value = || proptest::option::of(header_value());
    let media_type = prop_oneof![4 => Just(b"application/json".to_vec()), 1 => header_value()];
    let alert = br#"{"alert_type":"high_cpu","service":"api"}"#;
    let asked = (select(&DOORS), media_type, value(), value()).prop_map(|(door, media_type, key, request_id)| {
        let given = [("idempotency-key", key), ("x-request-id", request_id)];
        let given = given.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let headers = [("content-type", media_type)].into_iter().chain(given).collect();
        Asked { headers, ..Asked::alert(door, alert.to_vec()) }
    });
    Target::new().ask(asked, &[200, 202, 400, 415]);
}

#[test]
fn any_path() {
    let target = Target::new();
    let word =
        select(vec!["v1", "investigations", "investigate", "livez", "cancel", ".", ".."]).prop_map(str::to_owned);
    let path = vec(prop_oneof![in_uri(4), word], 0..5).prop_map(|pieces| format!("/{}", pieces.join("/")));
    let run = |path| {
        let answer = target.runtime.block_on(target.answer(&Asked::get("", path)));
        answer.check();
        prop_assert!(matches!(answer.status, 200 | 404 | 405), "{answer:?}");
        Ok(())
    };
    TestRunner::default().run(&path, run).unwrap();
}

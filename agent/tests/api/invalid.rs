//! What is no alert, no route, no method or no query: each refused with a problem that says why.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Server, problem};

const DOORS: [&str; 2] = ["/investigate", "/v1/investigations"];
const JSON: &str = "application/json";
const GOOD: &str = r#"{"alert_type":"a","service":"b"}"#;

/// A bad request, and the problem that it gets.
struct Bad {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    kind: &'static str,
    /// What the detail names: the field where there is one, and the reason.
    named: Vec<String>,
}

impl Bad {
    fn new(method: &'static str, path: impl Into<String>, status: u16, kind: &'static str, named: &[&str]) -> Self {
        let named = named.iter().map(|&part| part.to_owned()).collect();
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new(), status, kind, named }
    }

    /// Where an alert is taken, a body that is none or comes under wrong headers.
    fn alerts(
        body: impl AsRef<[u8]>,
        headers: &[(&'static str, &str)],
        status: u16,
        kind: &'static str,
        named: &[&str],
    ) -> Vec<Self> {
        let headers: Vec<_> = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        let bad = |door: &str| {
            let bad = Self::new("POST", door, status, kind, named);
            Self { headers: headers.clone(), body: body.as_ref().to_vec(), ..bad }
        };
        DOORS.map(bad).into()
    }
}

/// Every bad input that there is. `used` is the key, and `ended` the id of an investigation that is over.
fn table(used: &str, ended: &str) -> Vec<Bad> {
    let not_json = |body: &str, reason: &str| Bad::alerts(body, &[("content-type", JSON)], 400, "not-json", &[reason]);
    let no_alert = |body: &str, field: &str, reason: &str| {
        Bad::alerts(body, &[("content-type", JSON)], 422, "invalid-alert", &[field, reason])
    };
    let with_field = |field: &str| format!(r#"{{"alert_type":"a","service":"b",{field}}}"#);
    let labels = |count: usize| (0..count).map(|n| format!(r#""{n}":"""#)).collect::<Vec<_>>().join(",");
    let long = |length: usize| "x".repeat(length);
    let bytes = |bytes: &[u8]| Bad::alerts(bytes, &[("content-type", JSON)], 400, "not-json", &["utf-8"]);
    let media_type = |headers: &[(&'static str, &str)]| {
        let said = headers.first().map_or("nothing", |(_, value)| value).replace('"', "\\\"");
        Bad::alerts(GOOD, headers, 415, "unsupported-media-type", &[&said, "application/json"])
    };
    let key = |key: &str| {
        let headers = [("content-type", JSON), ("idempotency-key", key)];
        Bad::alerts(GOOD, &headers, 400, "invalid-idempotency-key", &["idempotency-key", "1 to 255"])
    };
    let nowhere = |path: &str| vec![Bad::new("GET", path, 404, "not-found", &[path])];
    let unknown = |method: &'static str, path: String| vec![Bad::new(method, path, 404, "not-found", &[])];
    let method = |method: &'static str, path: &str| {
        vec![Bad::new(method, path, 405, "method-not-allowed", &[path, method, "allow"])]
    };
    let query = |path: &str, parameter: &str, reason: &str| {
        vec![Bad::new("GET", path, 422, "invalid-query", &[parameter, reason])]
    };
    let deep = format!(r#""labels":{}{}"#, "[".repeat(1000), "]".repeat(1000));
    let table = [
        not_json("", "EOF"),
        not_json("{", "EOF"),
        not_json("alert_type=a&service=b", "expected value"),
        not_json(r#"{"alert_type":"a","service":"b"} x"#, "trailing characters"),
        not_json(r#"{"alert_type":5, oops"#, "key must be a string"),
        not_json("\u{feff}{}", "expected value"),
        not_json(&"[".repeat(10_000), ""),
        bytes(b"{\"alert_type\":\"a\xff\",\"service\":\"b\"}"),
        bytes(b"\xff\xfe{\x00}\x00"),
        no_alert(r#"{"alert_type":"\ud800","service":"b"}"#, "alert_type", "hex escape"),
        no_alert("[]", "", "object"),
        no_alert(r#"["high_cpu","api"]"#, "", "object"),
        no_alert("null", "", "object"),
        no_alert("1e400", "", "object"),
        no_alert("17", "", "object"),
        no_alert("{}", "alert_type", "missing field"),
        no_alert(r#"{"alert_type":"a"}"#, "service", "missing field"),
        no_alert(r#"{"alert_type":5,"service":"b"}"#, "alert_type", "expected a string"),
        no_alert(r#"{"alert_type":null,"service":"b"}"#, "alert_type", "expected a string"),
        no_alert(r#"{"alert_type":"a","alert_type":"b","service":"c"}"#, "alert_type", "duplicate"),
        no_alert(r#"{"alert_type":"a","service":["b"]}"#, "service", "expected a string"),
        no_alert(r#"{"alert_type":"","service":"b"}"#, "alert_type", "blank"),
        no_alert(r#"{"alert_type":"a","service":" \t "}"#, "service", "blank"),
        no_alert(r#"{"alert_type":"a\u0000","service":"b"}"#, "alert_type", "U+0000"),
        no_alert(r#"{"alert_type":"a","service":"\u001b[31m"}"#, "service", "U+001B"),
        no_alert(r#"{"alert_type":"a","service":"\u009b31m"}"#, "service", "U+009B"),
        no_alert(r#"{"alert_type":"a","service":"b\u202ec"}"#, "service", "U+202E"),
        no_alert(&format!(r#"{{"alert_type":"a","service":"{}"}}"#, long(257)), "service", "length"),
        no_alert(&format!(r#"{{"alert_type":"{}","service":"b"}}"#, long(257)), "alert_type", "length"),
        no_alert(&with_field(r#""severity":1"#), "severity", "expected a string"),
        no_alert(&with_field(&format!(r#""severity":"{}""#, long(65))), "severity", "length"),
        no_alert(&with_field(&format!(r#""description":"{}""#, long(8193))), "description", "length"),
        no_alert(&with_field(r#""timestamp":"noon""#), "timestamp", "year"),
        no_alert(&with_field(r#""timestamp":1768473000"#), "timestamp", "expected"),
        no_alert(&with_field(r#""labels":[]"#), "labels", "expected a map"),
        no_alert(&with_field(r#""labels":{"x":1}"#), "labels.x", "string"),
        no_alert(&with_field(&deep), "labels", "expected a map"),
        no_alert(&with_field(&format!(r#""labels":{{{}}}"#, labels(65))), "labels", "at most 64"),
        no_alert(&with_field(&format!(r#""labels":{{"{}":""}}"#, long(257))), "labels", "name"),
        no_alert(&with_field(&format!(r#""labels":{{"x":"{}"}}"#, long(2049))), "labels", "2048"),
        Bad::alerts(long(65_537), &[("content-type", JSON)], 413, "too-large", &["65536"]),
        media_type(&[]),
        media_type(&[("content-type", "text/plain")]),
        media_type(&[("content-type", "application/x-www-form-urlencoded")]),
        media_type(&[("content-type", "application/jsonx")]),
        media_type(&[("content-type", "application/json; charset=utf-16")]),
        media_type(&[("content-type", "application/json;Charset=\"ISO-8859-1\"")]),
        Bad::alerts(
            GOOD,
            &[("content-type", JSON), ("content-encoding", "gzip")],
            415,
            "unsupported-media-type",
            &["content-encoding", "gzip", "uncompressed"],
        ),
        key(""),
        key("two words"),
        key(&long(256)),
        Bad::alerts(GOOD, &[("content-type", JSON), ("idempotency-key", used)], 409, "conflict", &["another alert"]),
        nowhere("/"),
        nowhere("/nowhere"),
        nowhere("/v1"),
        nowhere("/v1/investigations/"),
        nowhere("/investigate/"),
        vec![Bad::new("GET", "/v1/investigations/inv_x_1", 404, "owner-gone", &["life x", "has ended"])],
        unknown("GET", "/v1/investigations/inv_x_01".to_owned()),
        unknown("GET", "/v1/investigations/inv_".to_owned()),
        unknown("GET", "/v1/investigations/%ff".to_owned()),
        unknown("GET", "/v1/investigations/%00".to_owned()),
        unknown("GET", format!("/v1/investigations/{}", long(5000))),
        unknown("GET", format!("/v1/investigations/{ended}0")),
        vec![Bad::new("POST", "/v1/investigations/inv_x_1/cancel", 404, "owner-gone", &["life x", "has ended"])],
        unknown("POST", format!("/v1/investigations/{ended}0/cancel")),
        vec![Bad::new("POST", format!("/v1/investigations/{ended}/cancel"), 409, "conflict", &["ended", "succeeded"])],
        method("GET", "/investigate"),
        method("DELETE", "/v1/investigations"),
        method("POST", "/metrics"),
        method("PUT", "/v1/replica"),
        method("BREW", "/health"),
        query("/v1/investigations?limit=0", "limit", "from 1 to 200"),
        query("/v1/investigations?limit=201", "limit", "from 1 to 200"),
        query("/v1/investigations?limit=ten", "limit", "from 1 to 200"),
        query("/v1/investigations?limit=", "limit", "from 1 to 200"),
        query("/v1/investigations?limit=1&limit=2", "limit", "twice"),
        query("/v1/investigations?status=done", "status", "succeeded"),
        query("/v1/investigations?colour=red", "colour", "no such parameter"),
        query("/v1/costs?scope=world", "scope", "expected replica or fleet"),
        query("/v1/memory?limit=-1", "limit", "from 1 to 200"),
        query("/v1/replica?sinse=1", "sinse", "no such parameter"),
    ];
    table.into_iter().flatten().collect()
}

#[tokio::test]
async fn what_is_bad_is_refused_with_its_reason_and_counted_nowhere() {
    let server = Server::start().await;
    let first = server.request("POST", "/investigate").json(&json!({ "alert_type": "a", "service": "another" }));
    let ended =
        first.header("idempotency-key", "used").send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    for Bad { method, path, headers, body, status, kind, named } in
        table("used", ended["investigation_id"].as_str().unwrap())
    {
        let shown = format!("{method} {path:.80} {:.80}", String::from_utf8_lossy(&body));
        let request = headers
            .into_iter()
            .fold(server.request(method, &path), |request, (name, value)| request.header(name, value));
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{shown}");
        let problem = problem(response).await;
        assert_eq!(problem.kind, format!("urn:langdeck:problem:{kind}"), "{shown}");
        assert!(named.iter().all(|part| problem.detail.contains(part)), "{shown}: {problem:?}");
        if let Some(first) = problem.errors.first() {
            assert_eq!(first.field, named[0], "{shown}: {problem:?}");
        }
    }
    let update = server.replica(None).await;
    assert_eq!((update.totals.requests, update.running, update.queued), (1, 0, 0));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let server = Server::start().await;
    let problem = problem(server.post("/investigate", &json!({ "alert_type": " ", "service": "" })).await).await;
    let fields: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert!(fields.contains(&"alert_type") && fields.contains(&"service"), "{problem:?}");
}

#[tokio::test]
async fn an_answer_names_some_of_many_wrong_parameters() {
    let server = Server::start().await;
    let many = problem(server.get(&format!("/v1/memory?{}", "a&".repeat(1000))).await).await;
    assert_eq!(many.errors.len(), 8, "the answer is many times as long as the request");
}

#[tokio::test]
async fn json_is_taken_by_each_of_its_names_and_up_to_64_kib() {
    let server = Server::start().await;
    let longest = GOOD.to_owned() + &" ".repeat(64 * 1024 - GOOD.len());
    for media_type in [
        "application/json; charset=utf-8",
        "application/json;q=1;charset=\"UTF-8\"",
        "Application/JSON",
        "application/cloudevents+json",
    ] {
        let request = server.request("POST", "/investigate").body(longest.clone()).header("content-type", media_type);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{media_type}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_taken_names_those_that_are() {
    let server = Server::start().await;
    let cases = [
        ("GET", "/investigate", "POST"),
        ("DELETE", "/v1/investigations", "POST,GET,HEAD"),
        ("POST", "/metrics", "GET,HEAD"),
        ("PUT", "/v1/replica", "GET,HEAD"),
        ("BREW", "/health", "GET,HEAD"),
    ];
    for (method, path, allowed) in cases {
        let response = server.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        let methods = |list: &str| list.split(',').map(|method| method.trim().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(methods(response.headers()["allow"].to_str().unwrap()), methods(allowed), "{path}");
        assert_eq!(problem(response).await.kind, "urn:langdeck:problem:method-not-allowed");
    }
}

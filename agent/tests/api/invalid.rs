//! What is no alert, no route, no method or no query: each refused with a problem that says why.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Server, problem};

const DOORS: [&str; 2] = ["/investigate", "/v1/investigations"];

/// A body, the status and the problem that it gets, the field that is named, and a part of the reason.
type Case<'a> = (&'a str, StatusCode, &'a str, &'a str, &'a str);

#[tokio::test]
async fn what_is_no_alert_is_refused_by_every_door_and_counted_by_none() {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let long = "x".repeat(257);
    let too_long = format!(r#"{{"alert_type":"a","service":"{long}"}}"#);
    let many: Vec<String> = (0..65).map(|n| format!(r#""{n}":"""#)).collect();
    let many_labels = format!(r#"{{"alert_type":"a","service":"b","labels":{{{}}}}}"#, many.join(","));
    let deep = "[".repeat(10_000);
    let deep_field = format!(r#"{{"alert_type":"a","service":"b","labels":{}}}"#, "[".repeat(1000) + &"]".repeat(1000));
    let cases: &[Case<'_>] = &[
        ("", BAD, "not-json", "", "EOF"),
        ("{", BAD, "not-json", "", "EOF"),
        ("alert_type=a&service=b", BAD, "not-json", "", "expected value"),
        (r#"{"alert_type":"a","service":"b"} x"#, BAD, "not-json", "", "trailing characters"),
        (r#"{"alert_type":5, oops"#, BAD, "not-json", "", "key must be a string"),
        ("\u{feff}{}", BAD, "not-json", "", "expected value"),
        (r#"{"alert_type":"\ud800","service":"b"}"#, INVALID, "invalid-alert", "alert_type", "hex escape"),
        (&deep, BAD, "not-json", "", ""),
        ("[]", INVALID, "invalid-alert", "", "object"),
        (r#"["high_cpu","api"]"#, INVALID, "invalid-alert", "", "object"),
        ("null", INVALID, "invalid-alert", "", "object"),
        ("1e400", INVALID, "invalid-alert", "", "object"),
        ("17", INVALID, "invalid-alert", "", "object"),
        ("{}", INVALID, "invalid-alert", "alert_type", "missing field"),
        (r#"{"alert_type":"a"}"#, INVALID, "invalid-alert", "service", "missing field"),
        (r#"{"alert_type":5,"service":"b"}"#, INVALID, "invalid-alert", "alert_type", "expected a string"),
        (r#"{"alert_type":null,"service":"b"}"#, INVALID, "invalid-alert", "alert_type", "expected a string"),
        (r#"{"alert_type":"a","alert_type":"b","service":"c"}"#, INVALID, "invalid-alert", "alert_type", "duplicate"),
        (r#"{"alert_type":"a","service":["b"]}"#, INVALID, "invalid-alert", "service", "expected a string"),
        (r#"{"alert_type":"a","service":"b","labels":[]}"#, INVALID, "invalid-alert", "labels", "expected a map"),
        (r#"{"alert_type":"a","service":"b","labels":{"x":1}}"#, INVALID, "invalid-alert", "labels.x", "string"),
        (&deep_field, INVALID, "invalid-alert", "labels", "expected a map"),
        (r#"{"alert_type":"a","service":"b","timestamp":"noon"}"#, INVALID, "invalid-alert", "timestamp", "year"),
        (r#"{"alert_type":"","service":"b"}"#, INVALID, "invalid-alert", "alert_type", "blank"),
        (r#"{"alert_type":"a","service":" \t "}"#, INVALID, "invalid-alert", "service", "blank"),
        (r#"{"alert_type":"a\u0000","service":"b"}"#, INVALID, "invalid-alert", "alert_type", "U+0000"),
        (r#"{"alert_type":"a","service":"\u001b[31m"}"#, INVALID, "invalid-alert", "service", "U+001B"),
        (r#"{"alert_type":"a","service":"b\u202ec"}"#, INVALID, "invalid-alert", "service", "U+202E"),
        (&too_long, INVALID, "invalid-alert", "service", "length"),
        (&many_labels, INVALID, "invalid-alert", "labels", "at most 64"),
    ];
    let server = Server::start().await;
    for door in DOORS {
        for &(body, status, kind, field, reason) in cases {
            let request = server.request("POST", door).header("content-type", "application/json").body(body.to_owned());
            let response = request.send().await.unwrap();
            let shown: String = body.chars().take(80).collect();
            assert_eq!(response.status(), status, "{shown}");
            let problem = problem(response).await;
            assert_eq!(problem.kind, format!("urn:langdeck:problem:{kind}"), "{shown}");
            if field.is_empty() {
                assert!(problem.detail.contains(reason), "{shown}: {problem:?}");
            } else {
                assert_eq!(problem.errors[0].field, field, "{shown}: {problem:?}");
                assert!(problem.errors[0].reason.contains(reason), "{shown}: {problem:?}");
            }
        }
    }
    assert_eq!(server.replica(None).await.totals.requests, 0);
}

#[tokio::test]
async fn json_is_utf_8() {
    let server = Server::start().await;
    for body in [b"{\"alert_type\":\"a\xff\",\"service\":\"b\"}".as_slice(), b"\xff\xfe{\x00}\x00"] {
        let request = server.request("POST", "/investigate").header("content-type", "application/json").body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(problem(response).await.detail.contains("utf-8"));
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let server = Server::start().await;
    let problem = problem(server.post("/investigate", &json!({ "alert_type": " ", "service": "" })).await).await;
    let fields: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert!(fields.contains(&"alert_type") && fields.contains(&"service"), "{problem:?}");
}

#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let server = Server::start().await;
    let body = r#"{"alert_type":"a","service":"b"}"#;
    for media_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("application/json; charset=utf-16"),
        Some("application/json;Charset=\"ISO-8859-1\""),
    ] {
        let mut request = server.request("POST", "/investigate").body(body);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type:?}");
        assert_eq!(problem(response).await.kind, "urn:langdeck:problem:unsupported-media-type");
    }
    for media_type in [
        "application/json; charset=utf-8",
        "application/json;q=1;charset=\"UTF-8\"",
        "Application/JSON",
        "application/cloudevents+json",
    ] {
        let request = server.request("POST", "/investigate").body(body).header("content-type", media_type);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{media_type}");
    }
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_no_more() {
    let server = Server::start().await;
    let padded = |length: usize| {
        let body = r#"{"alert_type":"a","service":"b"}"#;
        server
            .request("POST", "/investigate")
            .header("content-type", "application/json")
            .body(body.to_owned() + &" ".repeat(length - body.len()))
    };
    assert_eq!(padded(64 * 1024).send().await.unwrap().status(), StatusCode::OK);
    let response = padded(64 * 1024 + 1).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem(response).await.kind, "urn:langdeck:problem:too-large");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    for path in ["/", "/nowhere", "/v1", "/v1/investigations/", "/investigate/", "/v1/investigations/inv_x_1"] {
        let response = server.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(problem(response).await.kind, "urn:langdeck:problem:not-found");
    }
    for id in ["%ff", "..", "inv_", "%00", &"x".repeat(5000)] {
        let response = server.get(&format!("/v1/investigations/x{id}")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
        problem(response).await;
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
        let methods = |list: &str| {
            list.split(',').map(|method| method.trim().to_owned()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(methods(response.headers()["allow"].to_str().unwrap()), methods(allowed), "{path}");
        assert_eq!(problem(response).await.kind, "urn:langdeck:problem:method-not-allowed");
    }
}

#[tokio::test]
async fn a_bad_query_names_its_parameter() {
    let server = Server::start().await;
    let cases = [
        ("/v1/investigations?limit=0", "limit"),
        ("/v1/investigations?limit=201", "limit"),
        ("/v1/investigations?limit=ten", "limit"),
        ("/v1/investigations?limit=", "limit"),
        ("/v1/investigations?limit=1&limit=2", "limit"),
        ("/v1/investigations?status=done", "status"),
        ("/v1/investigations?colour=red", "colour"),
        ("/v1/memory?limit=-1", "limit"),
        ("/v1/replica?sinse=1", "sinse"),
    ];
    for (path, field) in cases {
        let response = server.get(path).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let problem = problem(response).await;
        assert_eq!(problem.kind, "urn:langdeck:problem:invalid-query");
        assert_eq!(problem.errors[0].field, field, "{path}: {problem:?}");
    }
    let many = problem(server.get(&format!("/v1/memory?{}", "a&".repeat(1000))).await).await;
    assert_eq!(many.errors.len(), 8, "the answer is many times as long as the request");
}

//! The OpenAPI document: complete, with examples that are true, and the committed one.

use langdeck_shared::{
    Accepted, AlertRequest, Costs, DecisionPage, FleetUpdate, Health, Investigation, InvestigationPage, Memory,
    Problem, ReplicaUpdate, Report, WebhookAnswer,
};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::document::Document;
use crate::support::Server;

/// The routes of the contract, each once.
const ROUTES: [&str; 16] = [
    "get /health",
    "get /livez",
    "get /metrics",
    "get /openapi.json",
    "get /readyz",
    "get /v1/costs",
    "get /v1/decisions",
    "get /v1/fleet",
    "get /v1/investigations",
    "get /v1/investigations/{id}",
    "get /v1/memory",
    "get /v1/replica",
    "post /investigate",
    "post /v1/alerts/alertmanager",
    "post /v1/investigations",
    "post /v1/investigations/{id}/cancel",
];

/// Sends a request, and holds its answer to the document.
async fn ask(document: &Document, path: &str, request: RequestBuilder) -> (u16, String) {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let method = request.method().to_string();
    let response: Response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.text().await.unwrap();
    document.check_answer(&method, path, status, &headers, &body);
    (status, body)
}

#[tokio::test]
async fn it_lists_the_routes_that_there_are_and_their_answers_are_as_it_says() {
    let server = Server::start().await;
    let document = Document::of(&server).await;
    let mut listed: Vec<_> = document.operations().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    listed.sort();
    assert_eq!(listed, ROUTES);
    let id = server.submit("disk_full", "ledger").await;
    server.ended(&id).await;
    for (method, path, _) in document.operations() {
        let at = path.replace("{id}", &id);
        // An alert and a notification at once: each door ignores what it does not know.
        let body = json!({ "alert_type": "high_cpu", "service": "api", "alerts": [] });
        let (status, body) = ask(&document, path, server.request(&method.to_uppercase(), &at).json(&body)).await;
        assert!((200..300).contains(&status) || path.ends_with("/cancel"), "{method} {path}: {status} {body}");
        let unknown = server.request(&method.to_uppercase(), &at.replace(&id, "unknown"));
        if at.contains(&id) {
            assert_eq!(ask(&document, path, unknown).await.0, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_a_description_and_but_for_a_long_head_the_common_headers() {
    let document = Document::of(&Server::start().await).await;
    for (method, path, operation) in document.operations() {
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("431") && responses.contains_key("500"), "{method} {path}");
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
            let headers = &response["headers"];
            for name in ["x-request-id", "x-agent-replica"] {
                assert_eq!(headers.get(name).is_some(), status != "431", "{method} {path} {status}");
            }
            let for_later = ["429", "503"].contains(&status.as_str());
            assert_eq!(headers.get("Retry-After").is_some(), for_later, "{method} {path} {status}");
        }
    }
}

/// What the wire type of that name makes of a value.
fn reread(schema: &str, value: &Value) -> Value {
    fn by<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
    }
    let by = match schema {
        "Accepted" => by::<Accepted>,
        "AlertRequest" => by::<AlertRequest>,
        "Costs" => by::<Costs>,
        "DecisionPage" => by::<DecisionPage>,
        "FleetUpdate" => by::<FleetUpdate>,
        "Health" => by::<Health>,
        "Investigation" => by::<Investigation>,
        "InvestigationPage" => by::<InvestigationPage>,
        "Memory" => by::<Memory>,
        "Problem" => by::<Problem>,
        "ReplicaUpdate" => by::<ReplicaUpdate>,
        "Report" => by::<Report>,
        "WebhookAnswer" => by::<WebhookAnswer>,
        // Most of a notification is not read, and so would not be written.
        "Webhook" => Value::clone,
        other => panic!("no wire type {other}"),
    };
    by(value)
}

/// The examples of a body.
fn examples(content: &Value) -> Vec<&Value> {
    let several = content["examples"].as_object().into_iter().flatten();
    content.get("example").into_iter().chain(several.map(|(_, example)| &example["value"])).collect()
}

#[tokio::test]
async fn every_body_has_examples_and_each_of_them_is_one() {
    let document = Document::of(&Server::start().await).await;
    for (method, path, operation) in document.operations() {
        let responses = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| *status != "431");
        let bodies = responses.map(|(status, response)| (status.as_str(), response));
        for (of, body) in bodies.chain(operation.get("requestBody").map(|body| ("request", body))) {
            for (media_type, content) in body["content"].as_object().unwrap() {
                let shown = format!("{method} {path} {of} {media_type}");
                let examples = examples(content);
                assert!(!examples.is_empty(), "{shown}");
                for example in examples {
                    if let Some(schema) = Document::schema(content) {
                        document.check_value(schema, example);
                        assert_eq!(&reread(schema, example), example, "{shown}");
                    }
                    if media_type == "application/problem+json" {
                        assert_eq!(example["status"].to_string(), of, "{shown}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn every_example_of_a_request_is_taken() {
    let server = Server::start().await;
    let document = Document::of(&server).await;
    let mut sent = 0;
    for (method, path, operation) in document.operations() {
        for example in examples(&operation["requestBody"]["content"]["application/json"]) {
            let request = server.request(&method.to_uppercase(), path).json(example);
            let (status, body) = ask(&document, path, request).await;
            assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
            sent += 1;
        }
    }
    assert_eq!(sent, 5);
}

#[tokio::test]
async fn it_is_the_committed_one() {
    let document: Value = Server::start().await.read("/openapi.json").await;
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn every_reference_in_it_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                object.values().for_each(|value| check(value, document));
            }
            Value::Array(array) => array.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document: Value = Server::start().await.read("/openapi.json").await;
    check(&document, &document);
}

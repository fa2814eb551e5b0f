//! The OpenAPI document, made from the handlers and the wire types.

mod problems;

use std::collections::BTreeMap;

use langdeck_shared::Problem;
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Ref, RefOr, Response};
use utoipa::{IntoParams, IntoResponses, OpenApi};

use super::costs::{Dimension, Format};
use super::query::Scope;
use super::{alertmanager, costs, decisions, fleet, investigations, operations, pages, replica};
use problems::Broken;
pub(super) use problems::{
    CancelLost, Failed, HasEnded, InvalidQuery, KeyReusedOrCancelled, LookLost, NoRoom, NoSuchInvestigation, NotReady,
    NotificationRefusals, Refusals, SubmitRefusals,
};

/// What every answer of an endpoint says.
const COMMON_HEADERS: [(&str, &str); 2] = [
    ("x-request-id", "The request's id: the client's own where it sent a sane one"),
    ("x-agent-replica", "The replica that answers"),
];
const LONG_HEAD: &str =
    "Request line and headers have more than 16 KiB, or there are more than 100 headers; a bare answer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Langdeck agent",
        description = "An alert comes in, a chain of planner, executor and reasoner runs over it, and every step and cent is on record. Every answer carries `x-request-id` and `x-agent-replica`, and every error is application/problem+json: also 404 where there is no such path, and 405 with `Allow` where a path does not take the method. Only what is no HTTP gets a bare 400, and what has too long a head a bare 431. Where there is a GET, there is a HEAD.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        investigations::investigate,
        investigations::submit,
        pages::list,
        investigations::get,
        investigations::cancel,
        alertmanager::notify,
        replica::memory,
        costs::costs,
        decisions::decisions,
        replica::replica,
        fleet::fleet,
        operations::health,
        operations::livez,
        operations::readyz,
        operations::metrics,
        operations::openapi,
    ),
    components(schemas(Problem, Scope, Dimension, Format))
)]
struct Document;

/// The header by which a client may safely send an alert again.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters. The same key with the same alert leads to the same investigation.
    #[param(rename = "Idempotency-Key", required = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    key: String,
}

/// The header by which replicas tell each other's requests from those of clients.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document is made from the type, not from a value")]
pub(super) struct HandedOnBy {
    /// The name of the replica that hands this request on. Such a request is answered here or not at all, and with
    /// `scope=fleet` for this replica only.
    #[param(rename = "x-agent-handed-on-by", required = false)]
    replica: String,
}

/// The document as JSON.
///
/// # Errors
///
/// When it cannot be written, or its examples cannot be read.
pub(super) fn document() -> Result<String, serde_json::Error> {
    let mut document = Document::openapi();
    complete(&mut document)?;
    document.to_json()
}

/// What an endpoint is asked, where it takes a body, and what it answers when all goes well.
#[derive(Deserialize)]
struct Examples {
    #[serde(default)]
    requests: BTreeMap<String, Value>,
    answer: Value,
    /// The answer in other media types.
    #[serde(default)]
    others: BTreeMap<String, Value>,
}

/// Adds what all endpoints have in common, and the examples.
fn complete(document: &mut utoipa::openapi::OpenApi) -> Result<(), serde_json::Error> {
    let mut examples: BTreeMap<String, Examples> = serde_json::from_str(include_str!("examples.json"))?;
    let headers = &mut document.components.get_or_insert_default().headers;
    for (name, description) in COMMON_HEADERS {
        headers.insert(name.to_owned(), HeaderBuilder::new().description(Some(description)).build().into());
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [("GET", &mut item.get), ("POST", &mut item.post)] {
            let Some(operation) = operation else { continue };
            if let Some(examples) = examples.remove(&format!("{method} {path}")) {
                illustrate(operation, examples);
            }
            let responses = &mut operation.responses.responses;
            responses.extend(Broken::responses());
            for response in responses.values_mut().filter_map(inline) {
                for (name, _) in COMMON_HEADERS {
                    response
                        .headers
                        .insert(name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
                }
            }
            responses.insert("431".to_owned(), Response::new(LONG_HEAD).into());
        }
    }
    Ok(())
}

fn illustrate(operation: &mut Operation, Examples { requests, answer, others }: Examples) {
    let bodies = operation.request_body.iter_mut().filter_map(inline).flat_map(|body| body.content.values_mut());
    for content in bodies.filter_map(inline) {
        let example =
            |(name, value): (&String, &Value)| (name.clone(), ExampleBuilder::new().value(Some(value.clone())).into());
        content.examples = requests.iter().map(example).collect();
    }
    let responses = operation.responses.responses.iter_mut();
    let good = responses.filter(|(status, _)| status.starts_with('2')).filter_map(|(_, response)| inline(response));
    for (media_type, content) in good.flat_map(|response| &mut response.content) {
        let Some(content) = inline(content) else { continue };
        content.example = Some(others.get(media_type).unwrap_or(&answer).clone());
    }
}

fn inline<T>(value: &mut RefOr<T>) -> Option<&mut T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

//! The OpenAPI document, which every answer is held to.

use std::collections::HashMap;

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::Server;

const METHODS: [&str; 2] = ["get", "post"];

pub(crate) struct Document {
    pub(crate) json: Value,
    schemas: HashMap<String, Validator>,
}

/// An operation's method, path and what is said of it.
pub(crate) type Operation<'a> = (&'static str, &'a str, &'a Value);

impl Document {
    pub(crate) async fn of(server: &Server) -> Self {
        let json: Value = server.read("/openapi.json").await;
        let validator = |name: &String| {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}"), "components": json["components"] });
            jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
        };
        let names = json["components"]["schemas"].as_object().unwrap().keys();
        let schemas = names.map(|name| (name.clone(), validator(name))).collect();
        Self { json, schemas }
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.json["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            assert!(item.as_object().unwrap().keys().all(|key| METHODS.contains(&key.as_str())), "{item}");
            METHODS.iter().filter_map(move |method| Some((*method, path.as_str(), item.get(*method)?)))
        });
        operations.collect()
    }

    /// The name of the schema that a body of this content has; none for what is no JSON of ours.
    pub(crate) fn schema(content: &Value) -> Option<&str> {
        content["schema"]["$ref"].as_str()?.strip_prefix("#/components/schemas/")
    }

    /// Whether a value is what a schema says.
    #[track_caller]
    pub(crate) fn check_value(&self, schema: &str, value: &Value) {
        let errors: Vec<_> = self.schemas[schema].iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{value} is no {schema}: {errors:?}");
    }

    /// Whether an answer is listed, with its headers, its media type and what it says.
    #[track_caller]
    pub(crate) fn check_answer(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &str) {
        let shown = format!("{method} {path}: {status} {headers:?} {body:.200}");
        let listed = &self.json["paths"][path][method.to_lowercase()]["responses"][status.to_string()];
        assert!(listed.is_object(), "not listed: {shown}");
        for name in listed["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            assert!(headers.contains_key(name), "no {name}: {shown}");
        }
        let media_type = headers["content-type"].to_str().unwrap();
        let content = &listed["content"][media_type];
        assert!(content.is_object(), "{media_type} is not listed: {shown}");
        if let Some(schema) = Self::schema(content) {
            self.check_value(schema, &serde_json::from_str(body).unwrap());
        }
    }
}

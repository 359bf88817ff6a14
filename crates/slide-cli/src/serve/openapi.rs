//! The OpenAPI document.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use serde_json::Value;

use super::routes::json;
use super::service::Service;

const DOCUMENT: &str = include_str!("openapi.json");

/// The document, with the version of the program and the limits of this server.
pub(crate) async fn document(State(service): State<Arc<Service>>) -> Response<Body> {
    let mut document: Value = serde_json::from_str(DOCUMENT).expect("the tests parse it");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let bounds = service.bounds(None);
    let k =
        serde_json::json!({ "type": "integer", "minimum": 1, "maximum": bounds.max_k, "default": bounds.default_k });
    document["components"]["schemas"]["K"] = k;
    document["components"]["schemas"]["Many"]["properties"]["examples"]["maxItems"] = bounds.max_examples.into();
    json(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::routes::PATHS;
    use super::*;

    #[test]
    fn every_path_is_described() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut described: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut paths = PATHS;
        paths.sort_unstable();
        described.sort_unstable();
        assert_eq!(described, paths);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
                    Some(target) if name == "$ref" => {
                        let pointer = target.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{target}");
                    }
                    _ => check(value, document),
                }),
                Value::Array(values) => values.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        let document = serde_json::from_str(DOCUMENT).unwrap();
        check(&document, &document);
    }
}

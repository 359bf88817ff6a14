//! Which request is answered by what.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use tower_service::Service as _;

use super::example::Question;
use super::failure::Failure;
use super::metrics;
use super::model::Served;
use super::queue::{Answer, PIECE, Piece};
use super::service::Service;
use super::{body, openapi, page, stream};

/// Bodies up to this many bytes are parsed by the thread that read them, in some ten microseconds; larger ones elsewhere.
const PARSED_AT_ONCE: usize = 32 << 10;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Every path that is answered.
pub(crate) const PATHS: [&str; 6] = ["/", "/predict", "/healthz", "/metrics", "/model", "/openapi.json"];

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/predict", post(predict))
        .route("/healthz", get(health))
        .route("/metrics", get(text_of_metrics))
        .route("/model", get(model))
        .route("/openapi.json", get(openapi::document))
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, format!("expected one of {}", PATHS.join(", "))))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "expected POST for /predict, GET for the other paths")
        })
        .with_state(service)
}

/// Answers a request of any kind and counts it. When the server is to end, the connection is closed behind the answer.
pub(crate) async fn answer(mut router: Router, service: Arc<Service>, request: Request<Body>) -> Response<Body> {
    let start = Instant::now();
    let path = request.uri().path();
    let endpoint = PATHS.into_iter().find(|&known| known == path).unwrap_or("other");
    let Ok(mut response) = router.call(request).await;
    if service.is_ending() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    service.metrics.request(endpoint, response.status().as_u16(), start.elapsed().as_secs_f64());
    response
}

/// A JSON text as an answer.
pub(crate) fn json(text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    k: Option<usize>,
}

async fn predict(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let options = Query::<Options>::try_from_uri(&head.uri);
    let options = match options {
        Ok(Query(options)) => options,
        Err(error) => return Failure::wrong(format!("query: {error}; expected at most k=NUMBER")).into_response(),
    };
    let bounds = service.bounds(options.k);
    if let Err(failure) = bounds.k(options.k) {
        return failure.into_response();
    }
    match content_type(&head.headers) {
        "application/json" => {}
        "application/x-ndjson" | "application/jsonl" => return stream::answer(service, bounds, body),
        other => {
            const EXPECTED: &str = "expected application/json, or application/x-ndjson for a stream";
            let message = format!("Content-Type: {other:?}, {EXPECTED}");
            return Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
        }
    }
    let answer = async {
        let text = body::read(body, service.limits.max_body.get(), service.limits.timeout).await?;
        // To parse what cannot be answered would take time from what can.
        if service.queue.is_full() {
            return Err(Failure::full());
        }
        let served = service.served();
        let question = if text.len() <= PARSED_AT_ONCE {
            bounds.question(&text, &served)
        } else {
            let served = served.clone();
            let parsed = tokio::task::spawn_blocking(move || bounds.question(&text, &served)).await;
            parsed.map_err(|_| Failure::defect())?
        };
        ask(&service, question?, served).await
    };
    answer.await.map_or_else(Failure::into_response, json)
}

/// The type without its parameters; empty if there is none.
fn content_type(headers: &HeaderMap) -> &str {
    let whole = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim()
}

/// The JSON text that answers a question.
async fn ask(service: &Service, question: Question, served: Arc<Served>) -> Result<Bytes, Failure> {
    let Question { k, is_list, examples } = question;
    let mut room = service.queue.room(examples.len())?;
    let piece = |examples| Piece { served: served.clone(), examples, k, separator: b',' };
    if !is_list {
        return of(service.queue.push(piece(examples), room)).await.map(Bytes::from);
    }
    let mut examples = examples.into_iter();
    let mut answers = Vec::new();
    while examples.len() > 0 {
        let some: Vec<_> = examples.by_ref().take(PIECE).collect();
        let room = room.split(some.len());
        answers.push(service.queue.push(piece(some), room));
    }
    let mut text = br#"{"results":["#.to_vec();
    for (number, answer) in answers.into_iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        text.append(&mut of(answer).await?);
    }
    text.extend_from_slice(b"]}");
    Ok(text.into())
}

/// Waits for an answer.
pub(crate) async fn of(answer: Answer) -> Result<Vec<u8>, Failure> {
    answer.await.unwrap_or_else(|_| Err(Failure::defect()))
}

async fn health(State(service): State<Arc<Service>>) -> Response<Body> {
    match service.is_ending() {
        false => json(r#"{"status":"ok"}"#),
        true => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending").into_response(),
    }
}

async fn text_of_metrics(State(service): State<Arc<Service>>) -> Response<Body> {
    let mut response = Response::new(service.metrics.text(&service.queue).into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    response
}

async fn model(State(service): State<Arc<Service>>) -> Response<Body> {
    json(service.served().description().to_string())
}

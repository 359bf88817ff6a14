//! The body of a request, within its limits.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::StatusCode;

use super::failure::Failure;

/// Reads a body of at most `most` bytes, all of it within `time`.
pub(crate) async fn read(body: Body, most: usize, time: Duration) -> Result<Bytes, Failure> {
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    match tokio::time::timeout(time, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_limit(&error) => Err(too_large(most)),
        Ok(Err(error)) => Err(Failure::wrong(format!("the body ends early: {error}"))),
        Err(_) => Err(late(time)),
    }
}

pub(crate) fn too_large(most: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {most} bytes"))
}

pub(crate) fn late(time: Duration) -> Failure {
    Failure::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not arrive within {} s", time.as_secs_f64()))
}

/// Whether the error says that there are more bytes than allowed.
fn is_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"))
}

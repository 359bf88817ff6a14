//! Streams of examples: NDJSON in, a line of answer for each line, in order, while the rest still arrives.

use std::mem;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::Response;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;

use super::body;
use super::example::{Bounds, CheckedExample};
use super::failure::Failure;
use super::model::Served;
use super::queue::{Answer, PIECE, Piece};
use super::routes;
use super::service::Service;

/// Parts of the answer that are on their way while the client has not taken the ones before.
const AHEAD: usize = 8;

/// A part of the answer: some lines.
enum Part {
    Text(Vec<u8>),
    /// Of examples that are being predicted: the number of the first line, and how many.
    Later(Answer, u64, u64),
}

/// Answers each line of `body`. The answer begins before the body has ended.
pub(crate) fn answer(service: Arc<Service>, bounds: Bounds, body: Body) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move { Reader::new(service, bounds, sender).read(body).await });
    let parts = stream::unfold(receiver, async |mut receiver| {
        let part = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(text(part).await), receiver))
    });
    let mut response = Response::new(Body::from_stream(parts));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

async fn text(part: Part) -> Bytes {
    let (answer, first, lines) = match part {
        Part::Text(text) => return text.into(),
        Part::Later(answer, first, lines) => (answer, first, lines),
    };
    let mut text = match routes::of(answer).await {
        Ok(text) => text,
        Err(failure) => (first..first + lines).map(|line| failure.line(line)).collect::<Vec<_>>().join(&b'\n'),
    };
    text.push(b'\n');
    text.into()
}

/// Why no more is read: the client takes no more answers.
struct Gone;

struct Reader {
    service: Arc<Service>,
    bounds: Bounds,
    parts: Sender<Part>,
    lines: Lines,
    /// Number of the line before the examples that are collected.
    done: u64,
    /// Examples of the same `k` that were checked against the same model, not more than a piece.
    examples: Vec<CheckedExample>,
    k: usize,
    served: Arc<Served>,
}

impl Reader {
    fn new(service: Arc<Service>, bounds: Bounds, parts: Sender<Part>) -> Self {
        let lines = Lines::new(service.limits.max_body.get());
        let served = service.served();
        Self { service, bounds, parts, lines, done: 0, examples: Vec::new(), k: 0, served }
    }

    /// Reads to the end, to an error, or until the client is gone.
    async fn read(mut self, body: Body) {
        let time = self.service.limits.timeout;
        let mut chunks = body.into_data_stream();
        loop {
            let failure = match timeout(time, chunks.next()).await {
                Ok(Some(Ok(chunk))) => match self.take(&chunk).await {
                    Ok(()) => continue,
                    Err(Gone) => return,
                },
                Ok(Some(Err(error))) => Some(Failure::wrong(format!("the body ends early: {error}"))),
                Ok(None) => None,
                Err(_) => Some(body::late(time)),
            };
            // A failure to send means that the client is gone.
            let _ = match failure {
                Some(failure) => self.fail(&failure).await,
                None => self.end().await,
            };
            return;
        }
    }

    async fn take(&mut self, chunk: &[u8]) -> Result<(), Gone> {
        self.lines.push(chunk);
        while let Some(line) = self.lines.next_line() {
            self.line(line).await?;
        }
        // What follows may be long in coming.
        self.flush().await
    }

    /// The last line may lack its end.
    async fn end(&mut self) -> Result<(), Gone> {
        if let Some(line) = self.lines.rest() {
            self.line(line).await?;
        }
        self.flush().await
    }

    async fn line(&mut self, line: Line) -> Result<(), Gone> {
        let served = self.service.served();
        let question = match line {
            Line::Text(text) => self.bounds.question(&text, &served),
            Line::TooLong => Err(body::too_large(self.lines.most)),
        };
        let question = question.and_then(|question| match question.is_list {
            false => Ok(question),
            true => Err(Failure::wrong("examples: in a stream each line is one example")),
        });
        match question {
            Err(failure) => self.fail(&failure).await,
            Ok(question) => {
                if self.k != question.k || !Arc::ptr_eq(&self.served, &served) || self.examples.len() == PIECE {
                    self.flush().await?;
                }
                (self.k, self.served) = (question.k, served);
                self.examples.extend(question.examples);
                Ok(())
            }
        }
    }

    /// Answers the next line by an error.
    async fn fail(&mut self, failure: &Failure) -> Result<(), Gone> {
        self.flush().await?;
        self.done += 1;
        self.service.metrics.bad_lines.inc();
        let mut text = failure.line(self.done);
        text.push(b'\n');
        self.parts.send(Part::Text(text)).await.map_err(|_| Gone)
    }

    /// Hands the examples that are collected to the queue.
    async fn flush(&mut self) -> Result<(), Gone> {
        if self.examples.is_empty() {
            return Ok(());
        }
        let examples = mem::take(&mut self.examples);
        let (first, lines) = (self.done + 1, examples.len() as u64);
        self.done += lines;
        // First a place for the answer, so that a client that takes none holds no room in the queue.
        let place = self.parts.reserve().await.map_err(|_| Gone)?;
        let room = self.service.queue.stream_room(examples.len()).await.map_err(|_| Gone)?;
        let piece = Piece { served: self.served.clone(), examples, k: self.k, separator: b'\n' };
        place.send(Part::Later(self.service.queue.push(piece, room), first, lines));
        Ok(())
    }
}

/// Bytes cut into lines.
struct Lines {
    bytes: Vec<u8>,
    /// Bytes that are in no line any more.
    start: usize,
    /// Bytes without an end of line.
    searched: usize,
    most: usize,
    /// Whether the line that has begun is too long; its bytes are dropped.
    is_too_long: bool,
}

#[derive(Debug, PartialEq)]
enum Line {
    Text(Vec<u8>),
    TooLong,
}

impl Lines {
    fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, most, is_too_long: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    fn next_line(&mut self) -> Option<Line> {
        match self.bytes[self.searched..].iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                let line = self.start..self.searched + length;
                (self.start, self.searched) = (line.end + 1, line.end + 1);
                let was_too_long = mem::take(&mut self.is_too_long) || line.len() > self.most;
                Some(if was_too_long { Line::TooLong } else { Line::Text(self.bytes[line].to_vec()) })
            }
            None => {
                if self.bytes.len() - self.start > self.most {
                    self.is_too_long = true;
                    self.bytes.clear();
                    self.start = 0;
                }
                self.searched = self.bytes.len();
                None
            }
        }
    }

    /// What stands behind the last end of a line, if anything.
    fn rest(&mut self) -> Option<Line> {
        let is_too_long = mem::take(&mut self.is_too_long);
        let rest = self.bytes.split_off(self.start);
        match is_too_long {
            true => Some(Line::TooLong),
            false => (!rest.is_empty()).then_some(Line::Text(rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(most: usize, chunks: &[&str]) -> Vec<String> {
        let mut lines = Lines::new(most);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk.as_bytes());
            found.extend(std::iter::from_fn(|| lines.next_line()));
        }
        found.extend(lines.rest());
        let text = |line| match line {
            Line::Text(text) => String::from_utf8(text).unwrap(),
            Line::TooLong => "too long".into(),
        };
        found.into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = "one\n\nthree \nlast";
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(lines(100, &[left, right]), ["one", "", "three ", "last"], "{left:?}, {right:?}");
        }
        assert_eq!(lines(100, &["a\n"]), ["a"]);
        assert!(lines(100, &[]).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_does_not_hide_the_next() {
        assert_eq!(lines(3, &["abc\nabcd\nx"]), ["abc", "too long", "x"]);
        assert_eq!(lines(3, &["abcd", "efgh", "i\nx\n"]), ["too long", "x"]);
        assert_eq!(lines(3, &["abcd", "efgh"]), ["too long"]);
    }
}

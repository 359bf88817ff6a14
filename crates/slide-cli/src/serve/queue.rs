//! The queue of examples, and the threads that predict them.
//!
//! A question is cut into pieces, so that a long one is shared by the threads and others need not wait for its end. A thread that finds
//! many short pieces predicts some of them together: a block of examples takes little more time than one. Pieces wait in one
//! line; how many examples may be in it is counted by permits, which a piece holds until it is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context as _, Result};
use crossbeam_channel::{Receiver, Sender, unbounded};
use slide_core::Predictions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::answer;
use super::example::CheckedExample;
use super::failure::Failure;
use super::metrics::Metrics;
use super::model::Served;

/// Most examples of a piece, and of what a thread predicts together: a block of the predictor has at most 64.
pub(crate) const PIECE: usize = 32;

/// The answer to a piece: the predictions of its examples as JSON.
pub(crate) type Answer = oneshot::Receiver<Result<Vec<u8>, Failure>>;

/// Some examples of one question.
pub(crate) struct Piece {
    pub(crate) served: Arc<Served>,
    pub(crate) examples: Vec<CheckedExample>,
    pub(crate) k: usize,
    /// Between the answers to its examples.
    pub(crate) separator: u8,
}

/// A piece in the queue.
struct Waiting {
    piece: Piece,
    since: Instant,
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    _room: Room,
}

/// Room in the queue for some examples, until it is dropped.
pub(crate) struct Room(OwnedSemaphorePermit);

/// The way to the predicting threads.
pub(crate) struct Queue {
    /// None when the server has ended.
    line: Mutex<Option<Sender<Waiting>>>,
    capacity: usize,
    /// Permits of single questions, and of streams.
    room: Arc<Semaphore>,
    stream_room: Arc<Semaphore>,
}

impl Queue {
    /// Starts `threads` threads; `capacity` examples have room, and half as many of streams beside them.
    pub(crate) fn start(
        threads: usize,
        capacity: usize,
        metrics: &Arc<Metrics>,
    ) -> Result<(Self, Vec<JoinHandle<()>>)> {
        let (line, pieces) = unbounded();
        let start = |number| {
            let worker = Worker { pieces: pieces.clone(), threads, metrics: metrics.clone() };
            let thread = thread::Builder::new().name(format!("predict {number}"));
            thread.spawn(move || worker.run()).context("cannot start a thread for predictions")
        };
        let workers = (0..threads).map(start).collect::<Result<_>>()?;
        let room = Arc::new(Semaphore::new(capacity));
        let stream_room = Arc::new(Semaphore::new(Self::stream_capacity(capacity)));
        Ok((Self { line: Mutex::new(Some(line)), capacity, room, stream_room }, workers))
    }

    /// At least a piece.
    fn stream_capacity(capacity: usize) -> usize {
        (capacity / 2).max(PIECE)
    }

    /// Examples that wait or are being predicted.
    pub(crate) fn waiting(&self) -> usize {
        let streams = Self::stream_capacity(self.capacity) - self.stream_room.available_permits();
        self.capacity - self.room.available_permits() + streams
    }

    /// Whether there is no room at all.
    pub(crate) fn is_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// Room for `examples` examples, or a refusal.
    pub(crate) fn room(&self, examples: usize) -> Result<Room, Failure> {
        let permit = self.room.clone().try_acquire_many_owned(u32::try_from(examples).unwrap_or(u32::MAX));
        permit.map(Room).map_err(|_| Failure::full())
    }

    /// Room for a piece of a stream, as soon as there is any.
    pub(crate) async fn stream_room(&self, examples: usize) -> Result<Room, Failure> {
        let permits = u32::try_from(examples).unwrap_or(u32::MAX);
        self.stream_room.clone().acquire_many_owned(permits).await.map(Room).map_err(|_| Failure::full())
    }

    /// Hands a piece to the threads. If the answer is dropped, it is not predicted.
    pub(crate) fn push(&self, piece: Piece, room: Room) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let waiting = Waiting { piece, since: Instant::now(), answer, _room: room };
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = &*line {
            // Fails only if all threads have ended: then the answer never comes, which its receiver notices.
            let _ = line.send(waiting);
        }
        receiver
    }

    /// Lets the threads end when they have answered what waits.
    pub(crate) fn close(&self) {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Room {
    /// Splits off the room of `examples` examples.
    pub(crate) fn split(&mut self, examples: usize) -> Self {
        Self(self.0.split(examples).expect("room for all examples of the question"))
    }
}

struct Worker {
    pieces: Receiver<Waiting>,
    threads: usize,
    metrics: Arc<Metrics>,
}

impl Worker {
    fn run(self) {
        let mut together = Vec::new();
        let mut predictions = Predictions::default();
        let mut next = None;
        while let Some(first) = next.take().or_else(|| self.pieces.recv().ok()) {
            next = self.gather(first, &mut together);
            self.predict(&mut together, &mut predictions);
        }
    }

    /// Puts into `together` what is to be predicted with `first`: this thread's share of what waits. Returns a piece that was taken
    /// and does not go with it.
    fn gather(&self, first: Waiting, together: &mut Vec<Waiting>) -> Option<Waiting> {
        let mut examples = first.piece.examples.len();
        let mut share = self.pieces.len() / self.threads;
        together.push(first);
        while share > 0 && examples < PIECE {
            share -= 1;
            let Ok(waiting) = self.pieces.try_recv() else { break };
            let (piece, first) = (&waiting.piece, &together[0].piece);
            examples += piece.examples.len();
            if piece.k != first.k || !Arc::ptr_eq(&piece.served, &first.served) || examples > PIECE {
                return Some(waiting);
            }
            together.push(waiting);
        }
        None
    }

    fn predict(&self, together: &mut Vec<Waiting>, predictions: &mut Predictions) {
        let start = Instant::now();
        together.retain(|waiting| {
            let is_awaited = !waiting.answer.is_closed();
            if !is_awaited {
                self.metrics.abandoned.inc_by(waiting.piece.examples.len() as u64);
            }
            is_awaited
        });
        let Some(first) = together.first() else { return };
        let (served, k) = (first.piece.served.clone(), first.piece.k);
        let asked = served.table().map_or(k, |table| table.asked(k));
        let examples: Vec<_> =
            together.iter().flat_map(|waiting| &waiting.piece.examples).map(CheckedExample::as_example).collect();
        let predict = || served.predictor.session().predict_batch_into(&examples, asked, predictions);
        let outcome = catch_unwind(AssertUnwindSafe(predict));
        let count = examples.len();
        let seconds = start.elapsed().as_secs_f64();
        self.metrics.batch_seconds.observe(seconds);
        self.metrics.batch_examples.observe(count as f64);
        self.metrics.examples.inc_by(count as u64);
        let failed: Option<fn() -> Failure> = match outcome {
            Ok(Ok(())) => None,
            // Examples were checked against this model, so this is a defect too.
            Ok(Err(_)) | Err(_) => Some(Failure::defect),
        };
        let mut all = predictions.iter();
        for Waiting { piece, since, answer, _room: room } in together.drain(..) {
            self.metrics.queue_seconds.observe(start.saturating_duration_since(since).as_secs_f64());
            let text = match failed {
                Some(failure) => Err(failure()),
                None => Ok(answer::of(all.by_ref().take(piece.examples.len()), &served, k, piece.separator)),
            };
            // The room is free before the client can ask again.
            drop(room);
            // The client may have gone.
            let _ = answer.send(text);
        }
    }
}

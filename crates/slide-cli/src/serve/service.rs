//! What all requests share: the model that is served, the queue, the limits and the counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;
use arc_swap::ArcSwap;

use super::example::{Bounds, DEFAULT_K};
use super::metrics::Metrics;
use super::model::Served;
use super::queue::Queue;
use crate::args::ServeLimits;

/// The state of the server.
pub(crate) struct Service {
    served: ArcSwap<Served>,
    pub(crate) queue: Queue,
    pub(crate) limits: ServeLimits,
    pub(crate) metrics: Arc<Metrics>,
    /// Set when the server is to end: connections are closed behind their next answer.
    ending: AtomicBool,
}

impl Service {
    /// Starts `threads` threads that predict.
    pub(crate) fn start(model: Served, limits: ServeLimits, threads: usize) -> Result<(Self, Vec<JoinHandle<()>>)> {
        let metrics = Arc::new(Metrics::default());
        metrics.generation.set(model.generation as i64);
        let (queue, workers) = Queue::start(threads, limits.queue.get(), &metrics)?;
        let served = ArcSwap::from_pointee(model);
        Ok((Self { served, queue, limits, metrics, ending: AtomicBool::new(false) }, workers))
    }

    /// The model that is served now.
    pub(crate) fn served(&self) -> Arc<Served> {
        self.served.load_full()
    }

    /// Serves another model from now on; what has been accepted is answered by the one before.
    pub(crate) fn take_over(&self, model: Served) {
        self.metrics.generation.set(model.generation as i64);
        self.served.store(Arc::new(model));
    }

    pub(crate) fn bounds(&self, default_k: Option<usize>) -> Bounds {
        let (max_k, max_examples) = (self.limits.max_k.get(), self.limits.max_examples.get());
        Bounds { default_k: default_k.unwrap_or(DEFAULT_K.min(max_k)), max_k, max_examples }
    }

    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

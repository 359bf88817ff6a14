//! What `/metrics` counts, in the text format of Prometheus (OpenMetrics).

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::queue::Queue;

/// The type of the text, as Prometheus asks for it.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoadLabels {
    result: &'static str,
}

/// Counters, gauges and histograms.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's head to the head of its answer, of `/predict`.
    request_seconds: Histogram,
    pub(crate) connections: Gauge,
    pub(crate) examples: Counter,
    /// Examples whose client has gone before they were predicted.
    pub(crate) abandoned: Counter,
    /// Lines of streams that could not be answered as asked.
    pub(crate) bad_lines: Counter,
    pub(crate) queue_seconds: Histogram,
    pub(crate) batch_seconds: Histogram,
    pub(crate) batch_examples: Histogram,
    queue_examples: Gauge,
    pub(crate) generation: Gauge,
    loads: Family<LoadLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        // 50 us to 26 s.
        let seconds = || Histogram::new(exponential_buckets(50e-6, 2.0, 20));
        let metrics = Self {
            registry: Registry::with_prefix("slide"),
            requests: Family::default(),
            request_seconds: seconds(),
            connections: Gauge::default(),
            examples: Counter::default(),
            abandoned: Counter::default(),
            bad_lines: Counter::default(),
            queue_seconds: seconds(),
            batch_seconds: seconds(),
            batch_examples: Histogram::new(exponential_buckets(1.0, 2.0, 7)),
            queue_examples: Gauge::default(),
            generation: Gauge::default(),
            loads: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let all = &mut self.registry;
        all.register("http_requests", "Requests by endpoint and status", self.requests.clone());
        let what = "From the head of a request for predictions to the head of its answer";
        all.register_with_unit("http_request", what, Unit::Seconds, self.request_seconds.clone());
        all.register("connections", "Open connections", self.connections.clone());
        all.register("examples", "Examples predicted", self.examples.clone());
        all.register("examples_abandoned", "Examples whose client has gone before", self.abandoned.clone());
        all.register("stream_bad_lines", "Lines of streams that were answered by an error", self.bad_lines.clone());
        all.register_with_unit("queue", "What examples waited", Unit::Seconds, self.queue_seconds.clone());
        all.register_with_unit("batch", "Prediction of a batch", Unit::Seconds, self.batch_seconds.clone());
        all.register("batch_examples", "Examples predicted together", self.batch_examples.clone());
        all.register("queue_examples", "Examples that wait or are being predicted", self.queue_examples.clone());
        all.register("model_generation", "1 for the first model, 2 for the next", self.generation.clone());
        all.register("model_loads", "Attempts to take over a new model", self.loads.clone());
        self
    }

    /// Counts a request that was answered after `seconds`.
    pub(crate) fn request(&self, endpoint: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&RequestLabels { endpoint, status }).inc();
        if endpoint == "/predict" {
            self.request_seconds.observe(seconds);
        }
    }

    /// Counts an attempt to take over a new model.
    pub(crate) fn load(&self, succeeded: bool) {
        let result = if succeeded { "taken" } else { "refused" };
        self.loads.get_or_create(&LoadLabels { result }).inc();
    }

    pub(crate) fn text(&self, queue: &Queue) -> String {
        self.queue_examples.set(queue.waiting() as i64);
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

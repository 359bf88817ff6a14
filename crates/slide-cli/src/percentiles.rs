//! How long something takes that is done again and again.

use std::time::Duration;

use serde::Serialize;

/// Microseconds that this share of the predictions take at most.
#[derive(Serialize)]
pub(crate) struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
}

impl Percentiles {
    pub(crate) fn of(times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.saturating_sub(1)).map_or(0.0, |time| 1e6 * time.as_secs_f64())
        };
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p99_9: at(0.999) }
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p90, p99, p99_9 } = self;
        write!(f, "p50 {p50:.1} us, p90 {p90:.1}, p99 {p99:.1}, p99.9 {p99_9:.1}")
    }
}

//! One active set for a whole batch.

use slide_kernels::Kernels;

use super::{ExampleKey, RowSet, random, random::Words};
use crate::streams;

/// The labels of a batch and `random_count` uniformly random other rows, strictly ascending.
///
/// `labels` come in any order, repeated or not. There are fewer random rows if the layer has fewer.
///
/// # Panics
/// If a label is not below `rows`.
#[must_use]
pub(crate) fn shared_set(
    kernels: &Kernels,
    labels: &[u32],
    random_count: usize,
    rows: usize,
    key: ExampleKey,
) -> Vec<u32> {
    super::assert_rows(labels, rows);
    let mut set = RowSet::new(rows);
    set.extend(labels.iter().copied());
    let count = set.len().saturating_add(random_count);
    random::fill(&mut set, rows, count, &mut Words::new(kernels, key.stream(streams::SHARED)));
    let mut active = Vec::new();
    set.drain_to(&mut active);
    active
}

//! The labels that the model's index finds.

use std::sync::Arc;

use slide_kernels::Kernels;

use super::{Candidates, Query, Retriever, Scratch};
use crate::index::LabelIndex;
use crate::layer::rows::LayerRows;

/// Rows of the lists that the index reads.
#[derive(Debug)]
pub(super) struct Index(pub(super) Arc<LabelIndex>);

impl Retriever for Index {
    fn retrieve(
        &self,
        kernels: &Kernels,
        output: &LayerRows,
        query: &Query<'_>,
        wanted: usize,
        scratch: &mut Scratch,
        candidates: &mut Candidates,
    ) {
        candidates.clear();
        for query in query.rows.chunks_exact(output.columns()).take(query.examples) {
            candidates.rows.extend_from_slice(self.0.search(kernels, query, wanted, &mut scratch.index));
            candidates.ends.push(candidates.rows.len());
        }
    }
}

//! All labels.

use slide_kernels::Kernels;

use super::{Candidates, Query, Retriever, Scratch};
use crate::layer::rows::LayerRows;

/// Every row is a candidate.
#[derive(Debug)]
pub(super) struct Exact;

impl Retriever for Exact {
    fn retrieve(
        &self,
        _: &Kernels,
        _: &LayerRows,
        _: &Query<'_>,
        _: usize,
        _: &mut Scratch,
        candidates: &mut Candidates,
    ) {
        candidates.set_all();
    }
}

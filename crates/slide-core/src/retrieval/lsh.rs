//! The labels in the buckets of the model's hash tables that the example's codes name: the look-up of training's samplers.

use slide_kernels::{Kernels, Matrix};

use super::{Candidates, Query, RetrievalError, Retriever, Scratch, Source};
use crate::layer::partition::Partition;
use crate::layer::rows::LayerRows;
use crate::lsh::{OutputTables, TableState};
use crate::sampling::{self, Context, ExampleKey, Sampler, SamplerKind};

/// The union of the buckets.
#[derive(Debug)]
pub(super) struct Lsh {
    /// Over the rows as training numbers them.
    tables: OutputTables,
}

/// All tables are visited, whatever is in them.
const UNION: Sampler =
    Sampler { kind: SamplerKind::Vanilla, target: usize::MAX, floor: 0, ceiling: usize::MAX, min_matches: 1 };

impl Lsh {
    pub(super) fn new(source: &Source<'_>) -> Result<Self, RetrievalError> {
        let &Source { output, ref tables, seed, runtime, .. } = source;
        let (hashing, state) = tables.as_ref().ok_or(RetrievalError::NoTables)?;
        let mut tables = OutputTables::new(hashing, output, seed, *runtime.placement())?;
        let sharded: TableState;
        let state = if is_in_order_of_training(output) {
            state
        } else {
            let width = hashing.tables;
            let codes = output.in_order_of_sums(0..output.rows()).map(|row| row as usize * width);
            let codes = codes.flat_map(|at| &state.codes[at..at + width]).copied().collect();
            sharded = TableState { codes, rebuilt_at: state.rebuilt_at };
            &sharded
        };
        tables.restore(state, runtime.kernels(), runtime.workers())?;
        Ok(Self { tables })
    }
}

/// Whether the rows lie as training numbers them, and as the codes of hash tables need them.
fn is_in_order_of_training(output: &LayerRows) -> bool {
    *output.partition() == Partition::new(output.rows())
}

impl Retriever for Lsh {
    fn retrieve(
        &self,
        kernels: &Kernels,
        output: &LayerRows,
        query: &Query<'_>,
        _: usize,
        scratch: &mut Scratch,
        candidates: &mut Candidates,
    ) {
        let Scratch { codes, set, sampling, .. } = scratch;
        let sampling = sampling.get_or_insert_with(|| sampling::Scratch::new(output.rows()));
        let tables = &self.tables.tables;
        let count = tables.settings().tables;
        codes.resize(query.padded * count, 0);
        let hidden = Matrix::new(query.rows, output.columns(), output.width()).expect("sized to the block");
        self.tables.codes(kernels, hidden, codes);
        let context = Context { kernels, rows: output.rows(), tables: Some(tables) };
        candidates.clear();
        for (example, codes) in codes.chunks_exact(count).enumerate().take(query.examples) {
            let key = ExampleKey { seed: 0, step: 0, example: example as u32 };
            UNION.collect(&context, codes, &[], key, sampling, set);
            if is_in_order_of_training(output) {
                candidates.rows.extend_from_slice(set);
            } else {
                let training = Partition::new(output.rows());
                candidates.rows.extend(set.iter().map(|&row| output.partition().to_internal(training.to_logical(row))));
            }
            candidates.ends.push(candidates.rows.len());
        }
    }
}

//! The hash tables of the output layer: built from its rows, used by samplers in training and by retrieval.

use slide_kernels::{Kernels, Matrix};
use slide_mem::{Placement, Report, Workers};

use super::{HashError, HashFunctions, HashTables, HashingConfig};
use crate::layer::partition::Partition;
use crate::layer::rows::{LayerRows, Weights};

/// Hash functions and tables over the output rows.
#[derive(Debug)]
pub(crate) struct OutputTables {
    /// The functions, for rows and queries.
    functions: HashFunctions,
    /// The tables, by internal row.
    pub(crate) tables: HashTables,
    seed: u64,
    /// The batch before which the tables were last rebuilt; a reservoir's choice depends on it.
    rebuilt_at: u64,
}

impl OutputTables {
    /// Empty tables for `output`, whose functions are drawn by `seed`.
    pub(crate) fn new(
        config: &HashingConfig,
        output: &LayerRows,
        seed: u64,
        placement: Placement,
    ) -> Result<Self, HashError> {
        let functions = HashFunctions::new(config, output.width(), seed)?;
        let tables = HashTables::empty(config, output.rows(), placement)?;
        Ok(Self { functions, tables, seed, rebuilt_at: 0 })
    }

    /// The codes of hidden activations, `[vectors][tables]`: the buckets of rows that are likely to have large logits.
    pub(crate) fn codes(&self, kernels: &Kernels, hidden: Matrix<'_>, codes: &mut [u32]) {
        self.functions.codes(kernels, hidden, codes);
    }

    /// The pages and nodes of the tables.
    pub(crate) fn report(&self) -> Report {
        self.tables.report()
    }

    /// The state of the tables for a checkpoint: their codes, and the batch before which these were computed. (Tables
    /// rebuilt from the weights of the checkpoint would be newer than those that the uninterrupted run uses.)
    pub(crate) fn state(&self) -> TableState {
        TableState { codes: self.tables.codes(), rebuilt_at: self.rebuilt_at }
    }

    /// Restores the tables of `state`.
    pub(crate) fn restore(
        &mut self,
        state: &TableState,
        kernels: &Kernels,
        workers: &Workers,
    ) -> Result<(), HashError> {
        let Self { tables, .. } = self;
        let partition = Partition::new(tables.rows());
        *tables = HashTables::from_codes(tables.settings(), tables.rows(), &state.codes, tables.placement())
            .map_err(|error| error.of_row(|row| partition.to_logical(row as u32) as usize))?;
        self.rebuilt_at = state.rebuilt_at;
        tables.rebuild(kernels, workers, self.seed, self.rebuilt_at);
        Ok(())
    }

    /// Hashes all rows of `output`, minus their mean row if the settings say so, and fills the tables, before batch `step`.
    pub(crate) fn rebuild(&mut self, output: &LayerRows, step: u64, kernels: &Kernels, workers: &Workers) {
        let (width, functions) = (output.width(), &self.functions);
        let tables = self.tables.settings().tables;
        let mean = self.tables.settings().center_rows.then(|| mean_row(output, workers));
        self.tables.each_block_of_codes(workers, |rows, codes| {
            let (mut changed, centred_rows): (Vec<f32>, Vec<f32>);
            let (mut values, stride) = match output.weights() {
                Weights::F32(table) => {
                    let stride = table.stride();
                    (&table.as_slice()[rows.start * stride..rows.end * stride], stride)
                }
                Weights::Bf16(_) | Weights::Quantized(_) => {
                    let stride = output.columns();
                    changed = vec![0.0; rows.len() * stride];
                    let each = changed.chunks_exact_mut(stride).zip(rows.clone());
                    each.for_each(|(out, row)| output.copy_row(row, out));
                    (&changed[..], stride)
                }
            };
            if let Some(mean) = &mean {
                let centred =
                    values.chunks(stride).flat_map(|row| row[..width].iter().zip(mean).map(|(x, mean)| x - mean));
                centred_rows = centred.collect();
                values = &centred_rows;
            }
            let vectors = Matrix::new(values, values.len() / rows.len(), width).expect("whole rows");
            debug_assert_eq!(codes.len(), rows.len() * tables);
            functions.codes(kernels, vectors, codes);
        });
        self.rebuilt_at = step;
        self.tables.rebuild(kernels, workers, self.seed, step);
    }
}

/// Rows that are added up by one worker.
const SUMMED: usize = 4096;

/// The mean of the rows of `output`, `[width]`: sums of [`SUMMED`] rows in their order, added in their order, so that it does not depend
/// on the number of workers.
fn mean_row(output: &LayerRows, workers: &Workers) -> Vec<f32> {
    let (rows, columns) = (output.rows(), output.columns());
    let mut sums = vec![vec![0.0_f64; columns]; rows.div_ceil(SUMMED)];
    workers.each(&mut sums, |piece, sums| {
        let mut values = vec![0.0; columns];
        for row in piece * SUMMED..rows.min((piece + 1) * SUMMED) {
            output.copy_row(row, &mut values);
            sums.iter_mut().zip(&values).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    });
    let mean = |column| (sums.iter().map(|sums| sums[column]).sum::<f64>() / rows as f64) as f32;
    (0..output.width()).map(mean).collect()
}

/// The data that determine the contents of the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableState {
    /// The codes of all output rows, `[internal row][tables]`.
    pub(crate) codes: Vec<u32>,
    /// The batch before which they were computed.
    pub(crate) rebuilt_at: u64,
}

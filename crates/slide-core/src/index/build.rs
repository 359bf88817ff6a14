//! Building an index from a trained output layer and the queries of training examples.

use slide_kernels::{Kernels, MatrixMut};

use super::LabelIndex;
use super::assignment::reassign;
use super::clusters::k_means;
use super::config::{IndexConfig, IndexReport};
use super::lists::Lists;
use super::places::{Whitening, mean_row, places};
use super::router::{Router, Training};
use crate::layer::rows::LayerRows;
use crate::runtime::Runtime;
use crate::views::{list_range, matrix};

/// Passes over the queries by which the router learns the first lists, and those to which labels have moved each time.
const EPOCHS: [u32; 3] = [1, 1, 3];
/// Queries whose products are added at a time.
const PIECE: usize = 256;

/// Last hidden layers of examples, with the rows that they should find.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queries {
    pub(crate) count: usize,
    pub(crate) columns: usize,
    /// `[count][columns]`, centred by [`build`].
    pub(crate) values: Vec<f32>,
    /// The rows of the examples' own labels.
    pub(crate) own_ends: Vec<usize>,
    pub(crate) own: Vec<u32>,
    /// The best rows of each, as many of each query, best first.
    pub(crate) best: Vec<u32>,
}

impl Queries {
    /// A query, centred once [`build`] has begun.
    pub(super) fn centred(&self, query: usize) -> &[f32] {
        &self.values[query * self.columns..(query + 1) * self.columns]
    }

    pub(super) fn own(&self, query: usize) -> &[u32] {
        &self.own[list_range(&self.own_ends, query)]
    }

    pub(super) fn best(&self, query: usize) -> &[u32] {
        &self.best[query * self.each()..(query + 1) * self.each()]
    }

    /// Best rows of a query.
    pub(super) fn each(&self) -> usize {
        self.best.len() / self.count.max(1)
    }
}

/// Builds the index of `output`. It learns from `queries`, and is tuned on `held_out`; both are as the layer gets them, and are centred
/// here.
pub(crate) fn build(
    output: &LayerRows,
    mut queries: Queries,
    mut held_out: Queries,
    config: &IndexConfig,
    seed: u64,
    runtime: &Runtime,
) -> LabelIndex {
    let (kernels, workers) = (runtime.kernels(), runtime.workers());
    let (columns, rows) = (output.columns(), output.rows());
    let centre = mean_row(queries.count, columns, |query, out| out.copy_from_slice(queries.centred(query)));
    for values in [&mut queries.values, &mut held_out.values] {
        for query in values.chunks_exact_mut(columns) {
            query.iter_mut().zip(&centre).for_each(|(x, mean)| *x -= mean);
        }
    }
    let whitening = Whitening::new(&covariance(&queries, kernels), columns);
    let row = |row: usize, out: &mut [f32]| output.copy_row(row, out);
    let places = places(&whitening, rows, &row, workers);
    let lists = config.list_count(rows);
    let (assigned, means) = k_means(&places, columns, lists, seed, kernels, workers);
    drop(places);
    let mut lists_of: Vec<Vec<u32>> = assigned.iter().map(|&list| vec![list]).collect();
    let mut training = Training::new(means, columns, |direction| whitening.row_of_direction(direction));
    for (stage, epochs) in EPOCHS.into_iter().enumerate() {
        if stage > 0 {
            reassign(&queries, &training, &mut lists_of, kernels, workers);
        }
        training.run(&queries, |label| &lists_of[label as usize], (seed, stage as u64), epochs, kernels);
    }
    let router = Router::quantised(&training.rows, &training.bias, columns, kernels);
    let lists = Lists::new(output, &centre, &lists_of, lists, workers);
    let mut index = LabelIndex { centre, router, lists, breadth: 0.0, report: IndexReport::default() };
    (index.report.lists, index.report.queries, index.report.bytes) =
        (index.lists.count(), queries.count, index.bytes());
    index.tune(&held_out, config.index_recall, runtime);
    index
}

/// The covariance of centred queries, `[columns][columns]`.
fn covariance(queries: &Queries, kernels: &Kernels) -> Vec<f32> {
    let columns = queries.columns;
    let mut covariance = vec![0.0; columns * columns];
    let mut transposed = vec![0.0; columns * PIECE];
    for queries in queries.values.chunks(PIECE * columns) {
        let count = queries.len() / columns;
        let transposed = &mut transposed[..columns * count];
        kernels.transpose(matrix(queries, columns), MatrixMut::new(transposed, count, count).expect("sized above"));
        let out = MatrixMut::new(&mut covariance, columns, columns).expect("sized above");
        kernels.gemm_gradient(matrix(transposed, count), matrix(queries, columns), out);
    }
    let scale = 1.0 / queries.count.max(1) as f32;
    covariance.iter_mut().for_each(|x| *x *= scale);
    covariance
}

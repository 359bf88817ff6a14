//! The router: which lists a query should read.

use slide_kernels::rng::{CounterRng, RngKey};
use slide_kernels::{Kernels, MatrixI8, MatrixMut, QuantizedTable, QuantizedTableMut, Table};

use super::build::Queries;
use crate::streams;
use crate::views::{matrix, matrix_mut, refill, row_ids};

/// Queries of a step of training.
const BATCH: usize = 64;
/// Learning rate of the first step, times the mean square of a query over its columns.
const LEARNING_RATE: f32 = 0.05;
/// Labels of a query whose lists it is trained to find.
const TARGETS: usize = 5;
/// Standard deviation of the logits before training.
const START_DEVIATION: f32 = 2.0;

/// A row and a bias for each list, in eight bits.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) columns: usize,
    pub(crate) values: Vec<i8>,
    pub(crate) scales: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// The sums of the rows: only quantised vectors with a zero point need them, but a table has them.
    pub(super) sums: Vec<i32>,
    pub(super) all: Vec<u32>,
}

impl Router {
    /// From what is stored.
    pub(crate) fn new(columns: usize, values: Vec<i8>, scales: Vec<f32>, bias: Vec<f32>) -> Self {
        let all = (0..bias.len() as u32).collect();
        Self { columns, values, sums: vec![0; scales.len()], scales, bias, all }
    }

    /// Quantised rows.
    pub(super) fn quantised(rows: &[f32], bias: &[f32], columns: usize, kernels: &Kernels) -> Self {
        let lists = bias.len();
        let mut router = Self::new(columns, vec![0; rows.len()], vec![0.0; lists], bias.to_vec());
        let Self { values, scales, sums, .. } = &mut router;
        let out =
            QuantizedTableMut::new(values, scales, sums, columns, columns).expect("a scale and a sum for each row");
        kernels.quantize_rows_i8(matrix(rows, columns).into(), out);
        router
    }

    /// Number of lists.
    pub(crate) fn lists(&self) -> usize {
        self.bias.len()
    }

    /// The logit of each list for a quantised query.
    pub(super) fn logits(&self, kernels: &Kernels, query: &[i8], scale: f32, logits: &mut Vec<f32>) {
        logits.resize(self.lists(), 0.0);
        let values = MatrixI8::new(&self.values, self.columns, self.columns).expect("whole rows");
        let table = QuantizedTable::new(values, &self.scales, &self.sums).expect("a scale and a sum for each row");
        kernels.rows_dot_i8_scaled(table, row_ids(&self.all, self.lists()), query, scale, logits);
        logits.iter_mut().zip(&self.bias).for_each(|(logit, bias)| *logit += bias);
    }
}

/// Rows and biases to be multiplied with blocks of vectors.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    rows: &'a [f32],
    bias: &'a [f32],
    columns: usize,
    all: Vec<u32>,
}

/// Buffers of [`Rows::scores`].
#[derive(Debug, Default)]
pub(super) struct Products {
    padded: Vec<f32>,
    transposed: Vec<f32>,
    scores: Vec<f32>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(rows: &'a [f32], bias: &'a [f32], columns: usize) -> Self {
        Self { rows, bias, columns, all: (0..bias.len() as u32).collect() }
    }

    /// The scores `<row, vector> + bias` of `vectors`, `[vectors][columns]`, as `[rows][padded]`, and `padded`, the number of vectors
    /// rounded up to a multiple of 16.
    pub(super) fn scores<'b>(
        &self,
        kernels: &Kernels,
        vectors: &[f32],
        products: &'b mut Products,
    ) -> (&'b mut [f32], usize) {
        let Products { padded, transposed, scores } = products;
        let count = (vectors.len() / self.columns).next_multiple_of(16);
        refill(padded, count * self.columns, 0.0);
        padded[..vectors.len()].copy_from_slice(vectors);
        transposed.resize(padded.len(), 0.0);
        kernels.transpose(matrix(padded, self.columns), matrix_mut(transposed, count));
        scores.resize(self.bias.len() * count, 0.0);
        let table: Table<'_> = matrix(self.rows, self.columns).into();
        let all = row_ids(&self.all, self.bias.len());
        kernels.gemm_forward(table, all, self.bias, matrix(transposed, count), matrix_mut(scores, count));
        (scores, count)
    }
}

/// A router in training.
#[derive(Clone, Debug)]
pub(super) struct Training {
    pub(super) rows: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Training {
    /// From a direction for each list, scaled so that the logits of whitened queries have [`START_DEVIATION`].
    pub(super) fn new(mut directions: Vec<f32>, columns: usize, to_row: impl Fn(&mut [f32])) -> Self {
        let lists = directions.len() / columns;
        let square: f64 = directions.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let deviation = (square / lists.max(1) as f64).sqrt().max(1e-12);
        let scale = (f64::from(START_DEVIATION) / deviation) as f32;
        directions.iter_mut().for_each(|x| *x *= scale);
        directions.chunks_exact_mut(columns).for_each(to_row);
        Self { rows: directions, bias: vec![0.0; lists] }
    }

    /// Trains by `epochs` passes of stochastic gradient descent on the softmax over the lists. A query's targets are the lists of its
    /// five best labels: of each label, which `lists_of` gives, the list that the router scores highest.
    pub(super) fn run<'a>(
        &mut self,
        queries: &Queries,
        lists_of: impl Fn(u32) -> &'a [u32],
        (seed, stage): (u64, u64),
        epochs: u32,
        kernels: &Kernels,
    ) {
        let columns = queries.columns;
        let square: f64 = queries.values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let mean_square = (square / queries.values.len().max(1) as f64).max(1e-12) as f32;
        let rate = LEARNING_RATE / mean_square;
        let batches = queries.count.div_ceil(BATCH);
        let steps = batches * epochs as usize;
        let mut order: Vec<u32> = (0..queries.count as u32).collect();
        let mut products = Products::default();
        let (mut batch, mut max, mut sum) = (Vec::new(), Vec::new(), Vec::new());
        for step in 0..steps {
            if step % batches == 0 {
                let epoch = (step / batches) as u64;
                CounterRng::new(RngKey::new(seed, streams::INDEX_ORDER, stage, epoch as u32)).shuffle(&mut order);
            }
            let first = step % batches * BATCH;
            let members = &order[first..queries.count.min(first + BATCH)];
            batch.clear();
            members.iter().for_each(|&query| batch.extend_from_slice(queries.centred(query as usize)));
            let (scores, padded) = Rows::new(&self.rows, &self.bias, columns).scores(kernels, &batch, &mut products);
            let targets: Vec<(usize, u32)> = (members.iter().enumerate())
                .flat_map(|(place, &query)| {
                    queries.best(query as usize).iter().take(TARGETS).map(move |&label| (place, label))
                })
                .filter_map(|(place, label)| {
                    let score = |list: &u32| scores[*list as usize * padded + place];
                    let best = lists_of(label).iter().copied().reduce(|a, b| if score(&b) > score(&a) { b } else { a });
                    best.map(|list| (place, list))
                })
                .collect();
            refill(&mut max, padded, 0.0);
            refill(&mut sum, padded, 0.0);
            kernels.column_max_sum(matrix(scores, padded), &mut max, &mut sum);
            sum.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
            kernels.softmax_columns(matrix_mut(scores, padded), &max, &sum);
            let rate = rate * (1.0 - step as f32 / steps as f32) / members.len() as f32;
            // The gradient of the logits times the negative rate: nothing for the padding.
            for scores in scores.chunks_exact_mut(padded) {
                scores[..members.len()].iter_mut().for_each(|score| *score *= -rate);
                scores[members.len()..].fill(0.0);
            }
            for (place, list) in targets {
                scores[list as usize * padded + place] += rate / TARGETS as f32;
            }
            batch.resize(padded * columns, 0.0);
            let rows = MatrixMut::new(&mut self.rows, columns, columns).expect("whole rows");
            kernels.gemm_gradient(matrix(scores, padded), matrix(&batch, columns), rows);
            for (bias, scores) in self.bias.iter_mut().zip(scores.chunks_exact(padded)) {
                *bias += scores.iter().sum::<f32>() * mean_square * columns as f32;
            }
        }
    }
}

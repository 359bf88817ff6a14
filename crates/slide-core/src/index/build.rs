//! Building an index from a trained output layer and the queries of training examples.

use slide_kernels::{Kernels, MatrixMut};

use super::LabelIndex;
use super::clusters::k_means;
use super::config::{IndexConfig, IndexReport};
use super::lists::Lists;
use super::places::{Whitening, places};
use super::router::{Products, Router, Rows, Training};
use super::search::Scratch;
use crate::layer::rows::LayerRows;
use crate::runtime::Runtime;
use crate::views::{list_range, matrix};

/// Times that labels move to the lists where their queries go, and the router learns the new lists.
const MOVES: u64 = 2;
/// Lists of a label at most, and
const MOST_LISTS: usize = 3;
/// the share of a label's mass that another list than the first must have.
const SHARE: f32 = 0.15;
/// Queries that masses are computed for at a time.
const PIECE: usize = 256;
/// Lists of a query that count for the mass of its labels, at most.
const ROUTED: usize = 8;

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
    fn each(&self) -> usize {
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
    let centre = mean(&queries.values, columns);
    for values in [&mut queries.values, &mut held_out.values] {
        for query in values.chunks_exact_mut(columns) {
            query.iter_mut().zip(&centre).for_each(|(x, mean)| *x -= mean);
        }
    }
    let whitening = Whitening::new(&covariance(&queries, kernels), columns);
    let row = |row: usize, out: &mut [f32]| output.copy_row(row, out);
    let places = places(&queries, &whitening, rows, &row, workers);
    let lists = config.list_count(rows);
    let (assigned, means) = k_means(&places, columns, lists, seed, kernels, workers);
    drop(places);
    let mut lists_of: Vec<Vec<u32>> = assigned.iter().map(|&list| vec![list]).collect();
    let mut training = Training::new(means, columns, |direction| whitening.row_of_direction(direction));
    training.run(&queries, |label| &lists_of[label as usize], seed, 0, kernels);
    for stage in 1..=MOVES {
        reassign(&queries, &training, &mut lists_of, kernels, workers);
        training.run(&queries, |label| &lists_of[label as usize], seed, stage, kernels);
    }
    let router = Router::quantised(&training.rows, &training.bias, columns, kernels);
    let lists = Lists::new(output, &centre, &lists_of, lists, workers);
    let mut index = LabelIndex { centre, router, lists, breadth: 0.0, report: IndexReport::default() };
    (index.report.lists, index.report.queries, index.report.bytes) =
        (index.lists.count(), queries.count, index.bytes());
    index.tune(&held_out, config.index_recall, runtime);
    index
}

fn mean(values: &[f32], columns: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f64; columns];
    for query in values.chunks_exact(columns) {
        sum.iter_mut().zip(query).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let count = (values.len() / columns).max(1) as f64;
    sum.into_iter().map(|sum| (sum / count) as f32).collect()
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

/// Moves each label to the list that the queries with it among their best are routed to, and to at most two more that have a share of
/// them.
fn reassign(
    queries: &Queries,
    training: &Training,
    lists_of: &mut [Vec<u32>],
    kernels: &Kernels,
    workers: &slide_mem::Workers,
) {
    let columns = queries.columns;
    let rows = Rows::new(&training.rows, &training.bias, columns);
    /// Vectors of queries, and the lists that each is routed to with their probabilities.
    type Piece<'a> = (&'a [f32], Vec<(u32, f32)>);
    let mut pieces: Vec<Piece<'_>> = queries.values.chunks(PIECE * columns).map(|piece| (piece, Vec::new())).collect();
    /// Products, the first lists with their logits, and all logits of a query.
    type Buffers = (Products, Vec<u32>, Vec<f32>, Vec<f32>);
    let mut scratch: Vec<Buffers> = (0..workers.count()).map(|_| Default::default()).collect();
    workers.each_with(&mut scratch, &mut pieces, |_, (vectors, routed), (products, top, top_values, logits)| {
        let count = vectors.len() / columns;
        let (scores, padded) = rows.scores(kernels, vectors, products);
        top.resize(ROUTED, 0);
        top_values.resize(ROUTED, 0.0);
        for query in 0..count {
            logits.clear();
            logits.extend(scores.chunks_exact(padded).map(|scores| scores[query]));
            let (max, sum) = kernels.max_sum(logits);
            let found = kernels.top_k(logits, top, top_values);
            let probability = |&logit: &f32| slide_kernels::numerics::exp(logit - max) / sum;
            routed.extend(top[..found].iter().copied().zip(top_values[..found].iter().map(probability)));
            routed.resize(routed.len().next_multiple_of(ROUTED), (0, 0.0));
        }
    });
    // By label: the queries ascend, so that each sum has a fixed order.
    let mut mass: Vec<Vec<(u32, f32)>> = vec![Vec::new(); lists_of.len()];
    let routed = pieces.iter().flat_map(|(_, routed)| routed.chunks_exact(ROUTED));
    for (query, routed) in routed.enumerate() {
        for &label in queries.best(query) {
            let mass = &mut mass[label as usize];
            for &(list, probability) in routed {
                match mass.iter_mut().find(|(other, _)| *other == list) {
                    Some((_, sum)) => *sum += probability,
                    None => mass.push((list, probability)),
                }
            }
        }
    }
    for (lists, mut mass) in lists_of.iter_mut().zip(mass) {
        let total: f32 = mass.iter().map(|(_, mass)| mass).sum();
        mass.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let Some(first) = mass.first() else { continue };
        let others = mass[1..].iter().take(MOST_LISTS - 1).filter(|(_, mass)| *mass >= SHARE * total);
        *lists = std::iter::once(first).chain(others).map(|(list, _)| *list).collect();
    }
}

/// Best labels that an index is tuned to find.
const TUNED_AT: usize = 5;
/// Breadths are tried in quarters, up to this many.
const MOST_QUARTERS: usize = 80;

impl LabelIndex {
    /// Chooses the least breadth that finds the share `recall` of the five best labels of `queries`; the greatest if none does.
    fn tune(&mut self, queries: &Queries, recall: f32, runtime: &Runtime) {
        let (mut low, mut high) = (0, MOST_QUARTERS);
        while low < high {
            let middle = (low + high) / 2;
            if self.measure(queries, middle as f32 / 4.0, runtime) < f64::from(recall) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.measure(queries, low as f32 / 4.0, runtime);
    }

    /// Sets the breadth, reports what it finds, and returns the share of the five best labels.
    fn measure(&mut self, queries: &Queries, breadth: f32, runtime: &Runtime) -> f64 {
        self.breadth = breadth;
        let workers = runtime.workers();
        let best = |query: usize| &queries.best(query)[..TUNED_AT.min(queries.each())];
        // Of each query: whether the best row was found, how many of the five, rows read, lists read.
        let mut counts = vec![[0_usize; 4]; queries.count];
        let mut scratch: Vec<Scratch> = (0..workers.count()).map(|_| Scratch::default()).collect();
        workers.each_with(&mut scratch, &mut counts, |query, counts, scratch| {
            let found = self.rank(runtime.kernels(), queries.centred(query), TUNED_AT, scratch);
            let is_found = |row: &&u32| found.contains(row);
            *counts = [
                best(query).iter().take(1).filter(is_found).count(),
                best(query).iter().filter(is_found).count(),
                scratch.rows_read(),
                scratch.lists_read(),
            ];
        });
        let mean = |which: usize| {
            counts.iter().map(|counts| counts[which]).sum::<usize>() as f64 / queries.count.max(1) as f64
        };
        self.report = IndexReport {
            held_out: queries.count,
            recall_at_1: mean(0),
            recall_at_5: mean(1) / TUNED_AT.min(queries.each()).max(1) as f64,
            rows_read: mean(2),
            lists_read: mean(3),
            ..self.report
        };
        self.report.recall_at_5
    }
}

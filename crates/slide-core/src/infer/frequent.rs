//! The most frequent labels, which the network knows best and always scores.

use slide_kernels::{Kernels, MatrixMut, Table, Values};

use crate::layer::dense;
use crate::layer::quantized::ByteVectors;
use crate::layer::rows::LayerRows;
use crate::network::Network;
use crate::retrieval::Query;
use crate::views::{matrix, matrix_mut, row_ids};

/// How many labels these are.
const FREQUENT: usize = 512;
/// Examples of a block from which on the product is faster than one example after another.
const TOGETHER: usize = 4;

/// The most frequent labels of a model.
#[derive(Debug)]
pub(super) struct Frequent {
    /// As rows of the network, in the order of sums.
    rows: Vec<u32>,
    /// The labels of these rows.
    labels: Vec<u32>,
    /// Whether a label is one of them.
    is_frequent: Vec<bool>,
    /// Their weights once more, transposed, `[columns][rows]`, and biases: for an example alone, which most hidden units are not
    /// active for. Empty if the rows are integers.
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// Logits of a block of examples.
#[derive(Debug, Default)]
pub(super) struct Logits {
    /// `[rows][padded]`, if they were computed so.
    by_row: Vec<f32>,
    /// `[examples][columns]`.
    by_example: Vec<f32>,
    columns: usize,
    /// The active hidden units of an example.
    units: Vec<u32>,
    activations: Vec<f32>,
    /// The block's last hidden layer, if the rows are integers.
    vectors: ByteVectors,
}

impl Frequent {
    pub(super) fn new(kernels: &Kernels, network: &Network, frequencies: &[u32]) -> Self {
        let mut labels: Vec<u32> = (0..frequencies.len() as u32).collect();
        let most = FREQUENT.min(labels.len());
        if most < labels.len() {
            labels.select_nth_unstable_by_key(most, |&label| (u32::MAX - frequencies[label as usize], label));
        }
        labels.truncate(most);
        let output = &network.output;
        let mut rows: Vec<u32> = labels.iter().map(|&label| output.partition().to_internal(label)).collect();
        rows.sort_unstable_by_key(|&row| output.place_in_sums(row));
        let labels: Vec<u32> = rows.iter().map(|&row| output.partition().to_logical(row)).collect();
        let mut is_frequent = vec![false; frequencies.len()];
        labels.iter().for_each(|&label| is_frequent[label as usize] = true);
        let weights = if output.quantized().is_some() { Vec::new() } else { transposed(kernels, output, &rows) };
        let biases = rows.iter().map(|&row| output.bias()[row as usize]).collect();
        Self { rows, labels, is_frequent, weights, biases }
    }

    /// Whether a label is one of them.
    pub(super) fn has(&self, label: u32) -> bool {
        self.is_frequent[label as usize]
    }

    /// The network's logits of these labels for a block of examples: each is the same chain of multiply-adds either way.
    pub(super) fn score(&self, kernels: &Kernels, network: &Network, query: &Query<'_>, logits: &mut Logits) {
        let Logits { by_row, by_example, columns, units, activations, vectors } = logits;
        let rows = self.rows.len();
        *columns = rows.next_multiple_of(16);
        by_example.resize(*columns * query.padded, 0.0);
        let (output, width) = (&network.output, network.output.columns());
        if query.examples >= TOGETHER {
            by_row.resize(rows * query.padded, 0.0);
            if let Some(weights) = output.quantized() {
                vectors.take(kernels, &query.rows[..query.padded * width], width);
                dense::forward_bytes(kernels, (weights, output.bias()), &self.rows, vectors, by_row);
            } else {
                dense::forward(kernels, output, &self.rows, query.transposed, query.padded, by_row);
            }
            let out = MatrixMut::new(by_example, *columns, rows).expect("sized to the block");
            return kernels.transpose(matrix(by_row, query.padded), out);
        }
        let examples = query.rows.chunks_exact(width).take(query.examples);
        for (hidden, out) in examples.zip(by_example.chunks_exact_mut(*columns)) {
            if output.quantized().is_some() {
                dense::forward_one(kernels, output, &self.rows, hidden, vectors, &mut out[..rows]);
                continue;
            }
            let table = Table::new(Values::F32(&self.weights), rows, rows).expect("a whole number of rows");
            units.clear();
            units.extend((0..width as u32).filter(|&unit| hidden[unit as usize] != 0.0));
            activations.clear();
            activations.extend(units.iter().map(|&unit| hidden[unit as usize]));
            kernels.embedding_forward(table, row_ids(units, width), activations, &self.biases, &mut out[..rows]);
        }
    }

    /// The labels with their logits for an example of the block that was scored.
    pub(super) fn of<'a>(&'a self, logits: &'a Logits, example: usize) -> impl Iterator<Item = (u32, f32)> {
        let logits = &logits.by_example[example * logits.columns..];
        self.labels.iter().copied().zip(logits.iter().copied())
    }
}

/// The weights of `rows`, transposed: `[columns][rows]`.
fn transposed(kernels: &Kernels, output: &LayerRows, rows: &[u32]) -> Vec<f32> {
    let columns = output.columns();
    let mut by_row = vec![0.0; rows.len() * columns];
    for (&row, weights) in rows.iter().zip(by_row.chunks_exact_mut(columns)) {
        output.copy_row(row as usize, weights);
    }
    let mut weights = vec![0.0; by_row.len()];
    kernels.transpose(matrix(&by_row, columns), matrix_mut(&mut weights, rows.len()));
    weights
}

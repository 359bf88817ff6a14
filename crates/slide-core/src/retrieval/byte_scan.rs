//! A scan of an output layer of floats in eight bits, at a third of the cost, where the order of close scores does not matter.
//!
//! Rows and queries are rounded symmetrically; stored rows of integers ([`layer::quantized`](crate::layer::quantized)) are multiplied with
//! queries that have a zero point. What an index learns from this scan is pinned by its golden sum.

use slide_kernels::{Kernels, MatrixI8, QuantizedTableMut};

use super::ranking::ScoredLabel;
use super::scan::Scan;
use crate::layer::rows::LayerRows;
use crate::views::{matrix, refill, row_ids};

/// A copy of the rows in eight bits, with a scale each.
#[derive(Clone, Debug)]
pub(crate) struct ByteScan {
    columns: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
}

/// What one thread needs.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    values: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    products: Vec<i32>,
    scan: Scan,
    best: Vec<Vec<ScoredLabel>>,
}

impl ByteScan {
    pub(crate) fn new(layer: &LayerRows, kernels: &Kernels) -> Self {
        let (rows, columns) = (layer.rows(), layer.columns());
        let (mut values, mut scales, mut sums) = (vec![0; rows * columns], vec![0.0; rows], vec![0; rows]);
        let out = QuantizedTableMut::new(&mut values, &mut scales, &mut sums, columns, columns);
        kernels.quantize_rows_i8(layer.table(), out.expect("a scale and a sum for each row"));
        Self { columns, values, scales }
    }

    /// The `k` best labels of each of `queries`, `[queries][columns]`, best first, by products in eight bits.
    pub(crate) fn best<'a>(
        &self,
        kernels: &Kernels,
        layer: &LayerRows,
        queries: &[f32],
        k: usize,
        scratch: &'a mut Scratch,
    ) -> &'a [Vec<ScoredLabel>] {
        let Scratch { values, scales, sums, products, scan, best } = scratch;
        let (columns, count) = (self.columns, queries.len() / self.columns);
        let padded = count.next_multiple_of(16);
        refill(scales, padded, 0.0);
        refill(values, padded * columns, 0);
        sums.resize(count, 0);
        let out = QuantizedTableMut::new(&mut values[..count * columns], &mut scales[..count], sums, columns, columns);
        kernels.quantize_rows_i8(matrix(queries, columns).into(), out.expect("a scale and a sum for each query"));
        let table = MatrixI8::new(&self.values, columns, columns).expect("whole rows");
        let vectors = MatrixI8::new(values, columns, columns).expect("whole rows");
        scan.run_with(kernels, layer, padded, k, false, best, |rows, logits| {
            products.resize(logits.len(), 0);
            kernels.gemm_i8(table, row_ids(rows, layer.rows()), vectors, products);
            let products = products.chunks_exact(padded);
            for ((&row, logits), products) in rows.iter().zip(logits.chunks_exact_mut(padded)).zip(products) {
                let (scale, bias) = (self.scales[row as usize], layer.bias()[row as usize]);
                for ((logit, &product), query) in logits.iter_mut().zip(products).zip(&*scales) {
                    *logit = product as f32 * (scale * query) + bias;
                }
            }
        });
        &best[..count]
    }
}

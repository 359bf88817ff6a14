//! Rows of eight or four bits with a scale each, and their products in integer arithmetic: for prediction, never for training.
//!
//! A weight is its integer times the scale of its row. What the rows are multiplied with is rounded to bytes too, once for each
//! vector; the sum of a product is exact, so it does not depend on how many vectors are multiplied at once.

use slide_kernels::{Affine, Kernels, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable};
use slide_mem::{MemError, Placement, RowTable};

use crate::choice::choices;
use crate::views::{matrix, refill, row_ids};

choices! {
    /// Bits of a weight in rows of integers. In memory a weight has a byte in any case.
    pub enum RowBits ("number of bits") {
        /// -7 to 7: two weights in a byte of the file.
        Four = "4",
        /// -127 to 127.
        Eight = "8",
    }
}

impl RowBits {
    /// The integer of a row's largest weight.
    fn largest(self) -> f32 {
        match self {
            Self::Four => 7.0,
            Self::Eight => 127.0,
        }
    }

    /// Bytes of a row of `width` weights in a file.
    pub(crate) fn bytes(self, width: usize) -> usize {
        match self {
            Self::Four => width.div_ceil(2),
            Self::Eight => width,
        }
    }
}

/// Rows that are widened before they are added up: with 256 columns, 16 KiB of the first cache.
const WIDENED: usize = 16;
const FIRST: [u32; WIDENED] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Rows of integers, one per neuron, in internal row order.
#[derive(Debug)]
pub(crate) struct QuantizedRows {
    pub(crate) bits: RowBits,
    /// The columns past the width are 0.
    pub(crate) values: RowTable<i8>,
    /// What the integers of each row are multiplied with.
    pub(crate) scales: Vec<f32>,
    /// Of the integers of each row.
    pub(crate) sums: Vec<i32>,
}

/// A block of vectors in bytes, which rows are multiplied with.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteVectors {
    columns: usize,
    /// `[vectors][columns]`.
    values: Vec<u8>,
    affine: Vec<Affine>,
    products: Vec<i32>,
}

impl ByteVectors {
    /// Number of vectors.
    pub(crate) fn count(&self) -> usize {
        self.affine.len()
    }

    /// Takes `vectors`, `[vectors][columns]`.
    pub(crate) fn take(&mut self, kernels: &Kernels, vectors: &[f32], columns: usize) {
        let count = vectors.len() / columns;
        self.columns = columns;
        self.values.resize(vectors.len(), 0);
        refill(&mut self.affine, count, Affine::default());
        let out = QuantizedBatchMut::new(&mut self.values, &mut self.affine, columns, columns);
        kernels.quantize_rows_u8(matrix(vectors, columns), out.expect("a scale for each vector"));
    }
}

impl QuantizedRows {
    /// Zeros.
    pub(crate) fn zeroed(rows: usize, width: usize, bits: RowBits, placement: &Placement) -> Result<Self, MemError> {
        let values = RowTable::zeroed(rows, width, *placement)?;
        Ok(Self { bits, values, scales: vec![0.0; rows], sums: vec![0; rows] })
    }

    /// Rows of bytes that lie in a file; scales and sums are still 0.
    pub(crate) fn in_file(values: RowTable<i8>) -> Self {
        let rows = values.rows();
        Self { bits: RowBits::Eight, values, scales: vec![0.0; rows], sums: vec![0; rows] }
    }

    /// Rounds row `row` to integers: the largest weight is 7 or 127 times the scale. A row with a weight that is not finite has the
    /// scale NaN, so all its products are NaN.
    pub(crate) fn set_row(&mut self, row: usize, weights: &[f32]) {
        let most = weights.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let out = self.values.row_mut(row);
        out.fill(0);
        self.scales[row] = match most / self.bits.largest() {
            _ if !weights.iter().all(|x| x.is_finite()) => f32::NAN,
            // Zeros, or so near to 0 that a quotient would not be exact enough.
            scale if scale < f32::MIN_POSITIVE => 0.0,
            scale => {
                out.iter_mut().zip(weights).for_each(|(out, x)| *out = (x / scale).round_ties_even() as i8);
                scale
            }
        };
    }

    /// Adds up the integers of each row: to be called when rows have been set.
    pub(crate) fn finish(&mut self) {
        let rows = self.values.as_slice().chunks_exact(self.values.stride());
        self.sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().map(|&x| i32::from(x)).sum());
    }

    /// Writes the weights of a row, zeros past the width, to `out`.
    pub(crate) fn copy_row(&self, row: usize, out: &mut [f32]) {
        let values = &self.values.as_slice()[row * self.values.stride()..][..out.len()];
        out.iter_mut().zip(values).for_each(|(out, &x)| *out = self.scales[row] * f32::from(x));
    }

    /// `out = bias + sum of factors[i] * rows[i]`, in one chain of multiply-adds, with the weights as [`copy_row`](Self::copy_row) gives
    /// them. Some rows at a time are widened in the first cache.
    pub(crate) fn sum_of_rows(
        &self,
        kernels: &Kernels,
        bias: &[f32],
        rows: &[u32],
        factors: &[f32],
        widened: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let (columns, stride, values) = (out.len(), self.values.stride(), self.values.as_slice());
        widened.resize((WIDENED + 1) * columns, 0.0);
        let (sum, widened) = widened.split_at_mut(columns);
        out.copy_from_slice(bias);
        let mut ahead = rows.iter().skip(WIDENED);
        for (rows, factors) in rows.chunks(WIDENED).zip(factors.chunks(WIDENED)) {
            for (&row, widened) in rows.iter().zip(widened.chunks_exact_mut(columns)) {
                if let Some(&row) = ahead.next() {
                    slide_kernels::prefetch(&values[row as usize * stride..][..columns]);
                }
                let row = row as usize;
                kernels.dequantize_i8(&values[row * stride..][..columns], self.scales[row], widened);
            }
            sum.copy_from_slice(out);
            let table = matrix(&widened[..rows.len() * columns], columns);
            kernels.embedding_forward(table.into(), row_ids(&FIRST[..rows.len()], rows.len()), factors, sum, out);
        }
    }

    /// The products of some rows with vector `number`.
    fn dots(&self, kernels: &Kernels, rows: &[u32], vectors: &ByteVectors, number: usize, out: &mut [f32]) {
        let columns = vectors.columns;
        let vector = &vectors.values[number * columns..(number + 1) * columns];
        let values = MatrixI8::new(self.values.as_slice(), self.values.stride(), columns).expect("whole rows");
        let table = QuantizedTable::new(values, &self.scales, &self.sums).expect("a scale and a sum for each row");
        let rows = row_ids(rows, self.values.rows());
        kernels.rows_dot_u8_i8_scaled(table, rows, vector, vectors.affine[number], out);
    }

    /// The products of some rows with all vectors, `[rows][vectors]`: to the bit those of each vector alone.
    pub(crate) fn products(&self, kernels: &Kernels, rows: &[u32], vectors: &mut ByteVectors, out: &mut [f32]) {
        if vectors.count() == 1 {
            return self.dots(kernels, rows, vectors, 0, out);
        }
        let ByteVectors { columns, values: bytes, affine, products } = vectors;
        products.resize(out.len(), 0);
        let values = MatrixI8::new(self.values.as_slice(), self.values.stride(), *columns).expect("whole rows");
        let bytes = Matrix::new(bytes, *columns, *columns).expect("whole vectors");
        kernels.gemm_u8_i8(values, row_ids(rows, self.values.rows()), bytes, products);
        let by_row = out.chunks_exact_mut(affine.len()).zip(products.chunks_exact(affine.len()));
        for ((out, products), &row) in by_row.zip(rows) {
            let (scale, sum) = (self.scales[row as usize], self.sums[row as usize]);
            for ((out, product), affine) in out.iter_mut().zip(products).zip(&*affine) {
                let product = product.wrapping_sub(i32::from(affine.zero_point).wrapping_mul(sum));
                *out = product as f32 * (scale * affine.scale);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use slide_kernels::{CounterRng, Isa, RngKey};

    use super::*;

    const WIDTH: usize = 37;
    const COLUMNS: usize = 48;

    fn rows(bits: RowBits) -> (QuantizedRows, Vec<f32>) {
        let mut random = CounterRng::new(RngKey::new(3, 98, 0, 0));
        let weights: Vec<f32> = (0..50 * WIDTH).map(|_| random.below(2001) as f32 / 1000.0 - 1.0).collect();
        let mut rows = QuantizedRows::zeroed(50, WIDTH, bits, &Placement::default()).unwrap();
        weights.chunks_exact(WIDTH).enumerate().for_each(|(row, weights)| rows.set_row(row, weights));
        rows.finish();
        (rows, weights)
    }

    #[test]
    fn a_weight_is_half_a_step_off_at_most_and_rounding_again_changes_nothing() {
        for bits in [RowBits::Four, RowBits::Eight] {
            let (mut rows, weights) = rows(bits);
            for (row, weights) in weights.chunks_exact(WIDTH).enumerate() {
                let mut out = [1.0; COLUMNS];
                rows.copy_row(row, &mut out);
                let most = weights.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                let step = most / bits.largest();
                assert!(out.iter().zip(weights).all(|(out, x)| (out - x).abs() <= 0.5001 * step), "{bits}, row {row}");
                assert!(out[WIDTH..].iter().all(|&x| x == 0.0));
                let before = rows.values.row(row).to_vec();
                rows.set_row(row, &out[..WIDTH]);
                assert_eq!(rows.values.row(row), before, "{bits}, row {row}");
            }
        }
    }

    #[test]
    fn rows_without_a_scale() {
        let mut rows = rows(RowBits::Four).0;
        for (weights, scale) in [([0.0; 2], 0.0), ([f32::NAN, 1.0], f32::NAN), ([1.0, f32::INFINITY], f32::NAN)] {
            rows.set_row(0, &weights);
            assert!(rows.values.row(0).iter().all(|&x| x == 0));
            assert_eq!(rows.scales[0].to_bits() & 0x7fff_ffff, scale.to_bits(), "{weights:?}");
        }
    }

    #[test]
    fn products_are_those_of_one_vector_on_every_instruction_set_and_near_those_of_floats() {
        let (rows, weights) = rows(RowBits::Eight);
        let mut random = CounterRng::new(RngKey::new(4, 98, 0, 0));
        let mut inputs = vec![0.0; 5 * COLUMNS];
        for input in inputs.chunks_exact_mut(COLUMNS) {
            // Of both signs, so that zero points differ from 0.
            input[..WIDTH].iter_mut().for_each(|x| *x = random.below(2001) as f32 / 1000.0 - 0.3);
        }
        let listed = [3, 0, 49, 7];
        let mut expected: Option<Vec<f32>> = None;
        for isa in Isa::available() {
            let kernels = Kernels::for_isa(isa).unwrap();
            let mut vectors = ByteVectors::default();
            vectors.take(kernels, &inputs, COLUMNS);
            let mut all = [0.0; 4 * 5];
            rows.products(kernels, &listed, &mut vectors, &mut all);
            for number in 0..5 {
                let mut one = [0.0; 4];
                rows.dots(kernels, &listed, &vectors, number, &mut one);
                for (place, (&row, one)) in listed.iter().zip(one).enumerate() {
                    assert_eq!(one.to_bits(), all[place * 5 + number].to_bits(), "{isa}");
                    let row = &weights[row as usize * WIDTH..][..WIDTH];
                    let exact: f32 = row.iter().zip(&inputs[number * COLUMNS..]).map(|(a, b)| a * b).sum();
                    assert!((one - exact).abs() < 0.15, "{isa}: {one} for {exact}");
                }
            }
            assert!(*expected.get_or_insert_with(|| all.to_vec()) == all, "{isa}");
        }
    }
}

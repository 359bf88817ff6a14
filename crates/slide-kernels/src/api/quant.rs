//! Quantisation to eight bits, and integer dot products of quantised vectors.
//!
//! # Error of a quantised dot product
//! Let `u = 2^-24` and `e = 1/2 + 2^-15`. A value `x` of a row (or vector) with scale `s` and the value `x'` that its byte
//! represents differ by at most `e * s`, if `s` is neither 0 nor NaN. (`x / s` is computed with two or three roundings,
//! each of at most `2^-16` because its result is below 256; then it is rounded to an integer.) So, for a row `w` with scale `s`
//! and a vector `x` with scale `t`, of which the bytes represent `w'` and `x'`,
//!
//! ```text
//! |<w', x'> - <w, x>| <= sum_k |w'_k - w_k| |x_k| + |w'_k| |x'_k - x_k| <= e (s sum_k |x_k| + t sum_k |w'_k|)
//! ```
//!
//! and the result `r` of [`rows_dot_i8_scaled`](Kernels::rows_dot_i8_scaled), three roundings from `<w', x'>`, has
//! `|r - <w', x'>| <= 4u |<w', x'>|` if nothing overflows or is subnormal. [`dot_error_bound`] is the sum of both.

use crate::{Affine, Kernels, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds, views};

table! {
    /// Safety: the level is available; the two have the same rows and widths.
    quantize_rows_i8: unsafe fn(views::Table<'_>, QuantizedTableMut<'_>),
    /// Safety: the level is available; the two have the same rows and widths.
    quantize_rows_u8: unsafe fn(Matrix<'_>, QuantizedBatchMut<'_>),
    /// Safety: the level is available; the slices have one length.
    dequantize_i8: unsafe fn(&[i8], f32, &mut [f32]),
    /// Safety: the level is available; the slices have one length.
    dequantize_u8: unsafe fn(&[u8], Affine, &mut [f32]),
    /// Safety: the level is available; `out.len()` is the number of rows.
    row_sums_i8: unsafe fn(MatrixI8<'_>, &mut [i32]),
    /// Safety: the level is available; the slices have one length.
    dot_i8: unsafe fn(&[i8], &[i8]) -> i32,
    /// Safety: the level is available; the slices have one length.
    dot_u8_i8: unsafe fn(&[u8], &[i8]) -> i32,
    /// Safety: the level is available; `rows.bound()` is at most the number of rows; the vector is as long as they are wide;
    /// `out.len() == rows.len()`.
    rows_dot_i8: unsafe fn(MatrixI8<'_>, RowIds<'_>, &[i8], &mut [i32]),
    /// Safety: as for `rows_dot_i8`.
    rows_dot_u8_i8: unsafe fn(MatrixI8<'_>, RowIds<'_>, &[u8], &mut [i32]),
    /// Safety: as for `rows_dot_i8`.
    rows_dot_i8_scaled: unsafe fn(QuantizedTable<'_>, RowIds<'_>, &[i8], f32, &mut [f32]),
    /// Safety: as for `rows_dot_i8`.
    rows_dot_u8_i8_scaled: unsafe fn(QuantizedTable<'_>, RowIds<'_>, &[u8], Affine, &mut [f32]),
}

/// A bound of the error of a dot product of quantised vectors, compared with the exact one of the numbers that were
/// quantised: `e (s sum_k |x_k| + t sum_k |w'_k|) + 2^-22 (sum_k |w'_k|) (max_k |x_k| + e t)`, with `e = 1/2 + 2^-15`.
///
/// `s` and `t` are the scales of row and vector; `sum_x` and `max_x` are of the magnitudes of the vector before it was
/// quantised, `sum_w` of the magnitudes of the row after (`s` times its bytes). It holds for the results in `f32` of
/// [`rows_dot_i8_scaled`](Kernels::rows_dot_i8_scaled) and [`rows_dot_u8_i8_scaled`](Kernels::rows_dot_u8_i8_scaled) unless
/// the integer wraps, a scale is 0 or NaN, or the result is subnormal or overflows.
pub fn dot_error_bound(s: f64, t: f64, sum_x: f64, max_x: f64, sum_w: f64) -> f64 {
    let e = 0.5 + 1.0 / 32_768.0;
    e * (s * sum_x + t * sum_w) + sum_w / 4_194_304.0 * (max_x + e * t)
}

impl Kernels {
    /// Rows to eight bits, symmetric: for each row `s = max_k |x_k| / 127`, `q_k = round(x_k * (1 / s))`, every operation
    /// rounded to `f32`, `round` to the nearest integer, ties to even; and the sum of the `q_k`. `q_k` is in
    /// `-127..=127`, and `s * q_k` differs from `x_k` by at most `(1/2 + 2^-15) s`.
    ///
    /// If `s` would be less than [`f32::MIN_POSITIVE`] (in a row of zeros, or of numbers below 1.5e-36), then `s` and
    /// all `q_k` are 0. If a row has a NaN or an infinity, then `s` is NaN and all `q_k` are 0: every result computed from
    /// the row is NaN. A `bf16` table is widened exactly first.
    ///
    /// # Panics
    /// Unless `table` and `out` have as many rows of one width.
    pub fn quantize_rows_i8(&self, table: views::Table<'_>, out: QuantizedTableMut<'_>) {
        assert_eq!(table.rows(), out.scales.len(), "quantize_rows_i8: table and out differ in rows");
        assert_eq!(table.width(), out.width, "quantize_rows_i8: table and out differ in width");
        // SAFETY: a `Kernels` value proves its level; the shapes were asserted.
        unsafe { (self.quant.quantize_rows_i8)(table, out) }
    }

    /// A vector to eight bits, symmetric; returns the scale. As [`quantize_rows_i8`](Kernels::quantize_rows_i8).
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn quantize_i8(&self, values: &[f32], out: &mut [i8]) -> f32 {
        assert_eq!(values.len(), out.len(), "quantize_i8: values and out differ in length");
        let (stride, width) = (values.len().max(1), values.len());
        let rows = values.len() / stride;
        let (mut scale, mut sum) = ([0.0], [0]);
        let row = Matrix::new(values, stride, width).expect("one row");
        let (scales, sums) = (&mut scale[..rows], &mut sum[..rows]);
        self.quantize_rows_i8(row.into(), QuantizedTableMut { values: out, scales, sums, stride, width });
        scale[0]
    }

    /// Vectors to eight bits, asymmetric, each with its scale and zero point: with `high = max(0, max_k x_k)` and
    /// `low = -min(0, min_k x_k)`, `s = high / 255 + low / 255`, `z = round(low * (1 / s))` and
    /// `q_k = round(fma(x_k, 1 / s, z))`, at least 0 and at most 255; every operation rounded to `f32`, `round` to the nearest
    /// integer, ties to even. Zero is represented exactly, by `z`; without negative elements (after ReLU) `z` is 0.
    /// `s * (q_k - z)` differs from `x_k` by at most `(1/2 + 2^-15) s`.
    ///
    /// If `s` would be less than [`f32::MIN_POSITIVE`], then `s`, `z` and all `q_k` are 0. If a vector has a NaN or an infinity,
    /// then `s` is NaN, `z` and all `q_k` are 0: every result computed from the vector is NaN.
    ///
    /// # Panics
    /// Unless `vectors` and `out` have as many rows of one width.
    pub fn quantize_rows_u8(&self, vectors: Matrix<'_>, out: QuantizedBatchMut<'_>) {
        assert_eq!(vectors.rows(), out.affine.len(), "quantize_rows_u8: vectors and out differ in rows");
        assert_eq!(vectors.width(), out.width, "quantize_rows_u8: vectors and out differ in width");
        // SAFETY: a `Kernels` value proves its level; the shapes were asserted.
        unsafe { (self.quant.quantize_rows_u8)(vectors, out) }
    }

    /// A vector to eight bits, asymmetric; returns scale and zero point. As
    /// [`quantize_rows_u8`](Kernels::quantize_rows_u8).
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn quantize_u8(&self, values: &[f32], out: &mut [u8]) -> Affine {
        assert_eq!(values.len(), out.len(), "quantize_u8: values and out differ in length");
        let (stride, width) = (values.len().max(1), values.len());
        let mut affine = [Affine::default()];
        let vector = Matrix::new(values, stride, width).expect("one row");
        let batch = QuantizedBatchMut { values: out, affine: &mut affine[..vector.rows()], stride, width };
        self.quantize_rows_u8(vector, batch);
        affine[0]
    }

    /// `out[k] = scale * values[k]`, rounded once.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dequantize_i8(&self, values: &[i8], scale: f32, out: &mut [f32]) {
        assert_eq!(values.len(), out.len(), "dequantize_i8: values and out differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.quant.dequantize_i8)(values, scale, out) }
    }

    /// `out[k] = scale * (values[k] - zero_point)`, rounded once: the difference is exact.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dequantize_u8(&self, values: &[u8], affine: Affine, out: &mut [f32]) {
        assert_eq!(values.len(), out.len(), "dequantize_u8: values and out differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.quant.dequantize_u8)(values, affine, out) }
    }

    /// `out[i] = sum_k values[i, k]`, for all rows, modulo 2^32 (exact for rows of less than 2^24 elements).
    ///
    /// # Panics
    /// Unless `out.len() == values.rows()`.
    pub fn row_sums_i8(&self, values: MatrixI8<'_>, out: &mut [i32]) {
        assert_eq!(out.len(), values.rows(), "row_sums_i8: out and values differ in rows");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.quant.row_sums_i8)(values, out) }
    }

    /// The dot product `sum_i a[i] * b[i]` in integers: exact up to 131,071 elements; modulo 2^32 for longer vectors
    /// (a sum that fits `i32` is still exact). No saturation.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn dot_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "dot_i8: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.quant.dot_i8)(a, b) }
    }

    /// The dot product `sum_i a[i] * b[i]` in integers: exact up to 65,793 elements; modulo 2^32 for longer vectors
    /// (a sum that fits `i32` is still exact). No saturation.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn dot_u8_i8(&self, a: &[u8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "dot_u8_i8: a and b differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal by the assertion.
        unsafe { (self.quant.dot_u8_i8)(a, b) }
    }

    /// `out[i] = <values[rows[i]], vector>`: many rows at arbitrary positions, times one vector, in integer arithmetic as
    /// [`dot_i8`](Kernels::dot_i8).
    ///
    /// # Panics
    /// Unless `vector.len() == values.width()`, `out.len() == rows.len()` and `rows.bound() <= values.rows()`.
    pub fn rows_dot_i8(&self, values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[i8], out: &mut [i32]) {
        check("rows_dot_i8", values, rows, vector.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.quant.rows_dot_i8)(values, rows, vector, out) }
    }

    /// `out[i] = <values[rows[i]], vector>`: many rows at arbitrary positions, times one vector, in integer arithmetic as
    /// [`dot_u8_i8`](Kernels::dot_u8_i8).
    ///
    /// # Panics
    /// Unless `vector.len() == values.width()`, `out.len() == rows.len()` and `rows.bound() <= values.rows()`.
    pub fn rows_dot_u8_i8(&self, values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[u8], out: &mut [i32]) {
        check("rows_dot_u8_i8", values, rows, vector.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.quant.rows_dot_u8_i8)(values, rows, vector, out) }
    }

    /// [`rows_dot_i8`](Kernels::rows_dot_i8), dequantised: with the integer `d` of row `n`,
    /// `out[i] = d * (scales[n] * scale)`: `d` rounded to `f32`, then two multiplications.
    /// The error is that of [`dot_error_bound`](crate::quant::dot_error_bound).
    ///
    /// # Panics
    /// Unless `vector` is as long as the rows are wide, `out.len() == rows.len()`, and `rows.bound()` is at most the number of
    /// rows.
    pub fn rows_dot_i8_scaled(
        &self,
        table: QuantizedTable<'_>,
        rows: RowIds<'_>,
        vector: &[i8],
        scale: f32,
        out: &mut [f32],
    ) {
        check("rows_dot_i8_scaled", table.values(), rows, vector.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked, scales and sums when the view was made.
        unsafe { (self.quant.rows_dot_i8_scaled)(table, rows, vector, scale, out) }
    }

    /// [`rows_dot_u8_i8`](Kernels::rows_dot_u8_i8), dequantised: with the integer `d` of row `n`,
    /// `out[i] = (d - zero_point * sums[n]) * (scales[n] * scale)`: the bracket modulo 2^32, rounded to `f32`, then two
    /// multiplications. The error is that of [`dot_error_bound`](crate::quant::dot_error_bound).
    ///
    /// # Panics
    /// Unless `vector` is as long as the rows are wide, `out.len() == rows.len()`, and `rows.bound()` is at most the number of
    /// rows.
    pub fn rows_dot_u8_i8_scaled(
        &self,
        table: QuantizedTable<'_>,
        rows: RowIds<'_>,
        vector: &[u8],
        affine: Affine,
        out: &mut [f32],
    ) {
        check("rows_dot_u8_i8_scaled", table.values(), rows, vector.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked, scales and sums when the view was made.
        unsafe { (self.quant.rows_dot_u8_i8_scaled)(table, rows, vector, affine, out) }
    }
}

fn check(method: &str, values: MatrixI8<'_>, rows: RowIds<'_>, vector: usize, out: usize) {
    assert!(rows.bound() <= values.rows(), "{method}: row indices were checked against more rows than the table has");
    assert_eq!(vector, values.width(), "{method}: vector and table differ in width");
    assert_eq!(out, rows.len(), "{method}: out and rows differ in length");
}

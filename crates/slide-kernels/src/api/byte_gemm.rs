//! Small dense products of bytes: a batch of quantised vectors that share their rows.
//!
//! `R` rows, `S` vectors, `K` elements of each. With the scale `s` and the sum of a row ([`QuantizedTable`](crate::QuantizedTable)),
//! and the scale `t` and the zero point `z` of a vector ([`Affine`](crate::Affine); 0 for `i8`), a product `d` represents
//! `s t (d - z sum)`: Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference*, section 2.3.

use crate::{Kernels, Matrix, MatrixI8, RowIds};

table! {
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    gemm_i8: unsafe fn(MatrixI8<'_>, RowIds<'_>, MatrixI8<'_>, &mut [i32]),
    /// Safety: the level is available; the conditions under "Panics" of the public method hold.
    gemm_u8_i8: unsafe fn(MatrixI8<'_>, RowIds<'_>, Matrix<'_, u8>, &mut [i32]),
}

impl Kernels {
    /// `out[r * S + s] = <values[rows[r]], vectors[s]>`: many rows at arbitrary positions, times `S` vectors, in integer arithmetic as
    /// [`dot_i8`](Kernels::dot_i8): exact up to 131,071 elements; modulo 2^32 for longer vectors. No saturation.
    /// A row may be listed more than once. Multiples of 16 vectors are fastest.
    ///
    /// # Panics
    /// Unless `vectors.width() == values.width()`, `out.len() == rows.len() * vectors.rows()` and
    /// `rows.bound() <= values.rows()`.
    pub fn gemm_i8(&self, values: MatrixI8<'_>, rows: RowIds<'_>, vectors: MatrixI8<'_>, out: &mut [i32]) {
        check("gemm_i8", values, rows, [vectors.rows(), vectors.width()], out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.byte_gemm.gemm_i8)(values, rows, vectors, out) }
    }

    /// `out[r * S + s] = <values[rows[r]], vectors[s]>`: many rows at arbitrary positions, times `S` vectors, in integer arithmetic as
    /// [`dot_u8_i8`](Kernels::dot_u8_i8): exact up to 65,793 elements; modulo 2^32 for longer vectors. No
    /// saturation. A row may be listed more than once. Multiples of 16 vectors are fastest.
    ///
    /// # Panics
    /// Unless `vectors.width() == values.width()`, `out.len() == rows.len() * vectors.rows()` and
    /// `rows.bound() <= values.rows()`.
    pub fn gemm_u8_i8(&self, values: MatrixI8<'_>, rows: RowIds<'_>, vectors: Matrix<'_, u8>, out: &mut [i32]) {
        check("gemm_u8_i8", values, rows, [vectors.rows(), vectors.width()], out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.byte_gemm.gemm_u8_i8)(values, rows, vectors, out) }
    }
}

fn check(method: &str, values: MatrixI8<'_>, rows: RowIds<'_>, [vectors, width]: [usize; 2], out: usize) {
    assert!(rows.bound() <= values.rows(), "{method}: row indices were checked against more rows than the table has");
    assert_eq!(width, values.width(), "{method}: vectors and table differ in width");
    assert_eq!(rows.len().checked_mul(vectors), Some(out), "{method}: out needs an element for each row and vector");
}

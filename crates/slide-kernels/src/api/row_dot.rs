//! Dot products of many vectors with one: rows of a table with a vector, or vectors with one row.

use half::bf16;

use crate::{Kernels, Matrix, RowIds, views};

table! {
    /// Safety: the level is available; `rows.bound() <= table.rows()`; `vector.len() == table.width()`;
    /// `out.len() == rows.len()`.
    rows_dot: unsafe fn(views::Table<'_>, RowIds<'_>, &[f32], &mut [f32]),
    /// Safety: as of `rows_dot`.
    rows_dot_bf16: unsafe fn(Matrix<'_, bf16>, RowIds<'_>, &[bf16], &mut [f32]),
    /// Safety: the level is available; `ids.bound() <= vectors.rows()`; `row.len() == vectors.width()`;
    /// `out.len() == ids.len()`.
    vectors_dot: unsafe fn(&[f32], Matrix<'_>, RowIds<'_>, &mut [f32]),
}

impl Kernels {
    /// `out[i] = <table[rows[i]], vector>`: many rows at arbitrary positions, times one vector.
    ///
    /// Order, for each row: 16 virtual lanes. Lane `j` starts from `+0.0` and takes the elements `k = j (mod 16)` in
    /// ascending order, each by one fused multiply-add; then lane `j` += lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`.
    ///
    /// # Panics
    /// Unless `vector.len() == table.width()`, `out.len() == rows.len()` and `rows.bound() <= table.rows()`.
    pub fn rows_dot(&self, table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32]) {
        assert!(
            rows.bound() <= table.rows(),
            "rows_dot: row indices were checked against more rows than the table has"
        );
        assert_eq!(vector.len(), table.width(), "rows_dot: vector and table differ in width");
        assert_eq!(out.len(), rows.len(), "rows_dot: out and rows differ in length");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.row_dot.rows_dot)(table, rows, vector, out) }
    }

    /// `out[i] = <table[rows[i]], vector>` of `bf16`, each widened exactly, in `f32`. The function is
    /// symmetric: it also computes the products of one row with many vectors.
    ///
    /// Order, for each row: 16 virtual lanes that take pairs, as in [`dot_bf16`](Kernels::dot_bf16). Lane `j` starts from
    /// `+0.0` and takes the elements `k` with `k / 2 = j (mod 16)` in ascending order, each by one fused multiply-add; then
    /// lane `j` += lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`.
    ///
    /// With [`Precision::Native`](crate::Precision::Native) the error has the bound of [`dot_bf16`](Kernels::dot_bf16), for the
    /// `ceil(n / 32)` pairs of a lane and four additions of the reduction: `g(2 ceil(n / 32) + 4)`.
    ///
    /// # Panics
    /// Unless `vector.len() == table.width()`, `out.len() == rows.len()` and `rows.bound() <= table.rows()`.
    pub fn rows_dot_bf16(&self, table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32]) {
        assert!(
            rows.bound() <= table.rows(),
            "rows_dot_bf16: row indices were checked against more rows than the table has"
        );
        assert_eq!(vector.len(), table.width(), "rows_dot_bf16: vector and table differ in width");
        assert_eq!(out.len(), rows.len(), "rows_dot_bf16: out and rows differ in length");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.row_dot.rows_dot_bf16)(table, rows, vector, out) }
    }

    /// `out[i] = <row, vectors[ids[i]]>`: one row times many vectors. The order is that of
    /// [`rows_dot`](Kernels::rows_dot).
    ///
    /// # Panics
    /// Unless `row.len() == vectors.width()`, `out.len() == ids.len()` and `ids.bound() <= vectors.rows()`.
    pub fn vectors_dot(&self, row: &[f32], vectors: Matrix<'_>, ids: RowIds<'_>, out: &mut [f32]) {
        assert!(ids.bound() <= vectors.rows(), "vectors_dot: ids were checked against more vectors than there are");
        assert_eq!(row.len(), vectors.width(), "vectors_dot: row and vectors differ in width");
        assert_eq!(out.len(), ids.len(), "vectors_dot: out and ids differ in length");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.row_dot.vectors_dot)(row, vectors, ids, out) }
    }
}

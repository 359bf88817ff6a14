//! [`crate::api::gemm`] on NEON.

use super::F32x16;
use crate::api::gemm::Table;
use crate::generic::tile::{Tile, work};
use crate::{Matrix, MatrixMut, RowIds, generic, views};

// 32 registers: 24 sums, 4 for the vector, the rest for factors.
tile_lists!("neon", [6 5 4 3 2 1] x 1);

wrappers!("neon", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, out: MatrixMut<'_>)
        = |table, rows, bias, inputs, out| generic::gemm::forward::<F32x16>(TILES, table, rows, bias, inputs, out);
    fn backward(table: views::Table<'_>, rows: RowIds<'_>, deltas: Matrix<'_>, input_gradient: MatrixMut<'_>)
        = |table, rows, deltas, gradient| generic::gemm::backward::<F32x16>(TILES, table, rows, deltas, gradient);
    fn gradient(deltas: Matrix<'_>, inputs: Matrix<'_>, gradient: MatrixMut<'_>)
        = |deltas, inputs, gradient| generic::gemm::gradient::<F32x16>(TILES, deltas, inputs, gradient);
});

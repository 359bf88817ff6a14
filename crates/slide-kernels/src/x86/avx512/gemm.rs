//! [`crate::api::gemm`] on AVX-512.

use super::F32x16;
use crate::api::gemm::Table;
use crate::generic::tile::{Tile, work};
use crate::{Matrix, MatrixMut, RowIds, generic, views};

// 32 registers: up to 24 sums, the vectors, and the factors (or as operands from memory).
tile_lists!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", [12 6 4 2 1] x 1, [12 6 4 2 1] x 2, [8 6 4 2 1] x 3, [6 5 4 3 2 1] x 4);

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, out: MatrixMut<'_>)
        = |table, rows, bias, inputs, out| generic::gemm::forward::<F32x16>(TILES, table, rows, bias, inputs, out);
    fn backward(table: views::Table<'_>, rows: RowIds<'_>, deltas: Matrix<'_>, input_gradient: MatrixMut<'_>)
        = |table, rows, deltas, gradient| generic::gemm::backward::<F32x16>(TILES, table, rows, deltas, gradient);
    fn gradient(deltas: Matrix<'_>, inputs: Matrix<'_>, gradient: MatrixMut<'_>)
        = |deltas, inputs, gradient| generic::gemm::gradient::<F32x16>(TILES, deltas, inputs, gradient);
});

//! [`crate::api::row_dot`] by the instructions for `bf16`.

use half::bf16;

use super::{Bfdot, Bfmlal, F32x16};
use crate::api::row_dot::Table;
use crate::arm::neon;
use crate::generic::row_dot::rows_dot_of_pairs;
use crate::{Matrix, RowIds};

wrappers!("neon,bf16", Table {
    fn rows_dot_bf16(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32])
        = rows_dot_of_pairs::<F32x16, Bfmlal, 0, 4>;
    fn rows_dot_bf16_native(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32])
        = rows_dot_of_pairs::<F32x16, Bfdot, 0, 4>;
}
    const TABLE: Table = Table { rows_dot_bf16, ..neon::KERNELS.row_dot };
);

pub(crate) const NATIVE: Table = Table { rows_dot_bf16: rows_dot_bf16_native, ..TABLE };

//! [`crate::api::row_dot`] by `vdpbf16ps`.

use half::bf16;

use super::{F32x16, KERNELS, Vdpbf16ps};
use crate::api::row_dot::Table;
use crate::{Matrix, RowIds, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16", Table {
    fn rows_dot_bf16(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32])
        = generic::row_dot::rows_dot_of_pairs::<F32x16, Vdpbf16ps, 4, 4>;
}
    const NATIVE: Table = Table { rows_dot_bf16, ..KERNELS.row_dot };
);

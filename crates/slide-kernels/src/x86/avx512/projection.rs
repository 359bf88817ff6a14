//! [`crate::api::projection`] on AVX-512.

use super::F32x16;
use crate::api::projection::{SignedProjection, Table};
use crate::{Matrix, RowIds, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn projection_codes(functions: &SignedProjection<'_>, vectors: Matrix<'_>, out: &mut [u32])
        = generic::projection::projection_codes::<F32x16, 4>;
    fn projection_codes_sparse(functions: &SignedProjection<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32])
        = generic::projection::projection_codes_sparse::<F32x16, 4>;
});

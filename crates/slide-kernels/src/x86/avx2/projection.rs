//! [`crate::api::projection`] on AVX2.

use super::F32x16;
use crate::api::projection::{SignedProjection, Table};
use crate::{Matrix, RowIds, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn projection_codes(functions: &SignedProjection<'_>, vectors: Matrix<'_>, out: &mut [u32])
        = generic::projection::projection_codes::<F32x16, 2>;
    fn projection_codes_sparse(functions: &SignedProjection<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32])
        = generic::projection::projection_codes_sparse::<F32x16, 2>;
});

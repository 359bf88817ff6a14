//! [`crate::api::transpose`] on AVX2.

use core::arch::x86_64::*;

use crate::api::transpose::Table;
use crate::{Matrix, MatrixMut, generic};

wrappers!("avx,avx2,fma,f16c", Table {
    fn transpose(source: Matrix<'_>, destination: MatrixMut<'_>)
        = |source, destination| generic::transpose::transpose::<8>(source, destination, block);
});

/// Transposes 8 x 8 elements: pairs, then pairs of pairs, then halves change places.
///
/// # Safety
/// AVX2 is available; `from` and `to` are valid for reading and writing 8 rows of 8 elements.
#[target_feature(enable = "avx,avx2,fma,f16c")]
unsafe fn block(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: the caller has AVX2 and 8 rows of 8 elements on both sides.
    unsafe {
        let mut rows = [_mm256_setzero_ps(); 8];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = _mm256_loadu_ps(from.add(i * from_stride));
        }
        let mut pairs = rows;
        for i in (0..8).step_by(2) {
            pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
            pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
        }
        // Column j and column j + 4 of rows 0..4 in quads[j], of rows 4..8 in quads[j + 4].
        let mut quads = rows;
        for i in [0, 4] {
            quads[i] = _mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
            quads[i + 1] = _mm256_shuffle_ps::<0xEE>(pairs[i], pairs[i + 2]);
            quads[i + 2] = _mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
            quads[i + 3] = _mm256_shuffle_ps::<0xEE>(pairs[i + 1], pairs[i + 3]);
        }
        for j in 0..4 {
            let (low, high) = (quads[j], quads[j + 4]);
            _mm256_storeu_ps(to.add(j * to_stride), _mm256_permute2f128_ps::<0x20>(low, high));
            _mm256_storeu_ps(to.add((j + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(low, high));
        }
    }
}

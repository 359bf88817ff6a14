//! [`crate::api::gemm`] by `vdpbf16ps`.

use core::arch::x86_64::*;

use super::{F32x16, KERNELS, Vdpbf16ps};
use crate::api::gemm::Table;
use crate::generic::factors::{Halves, Rounded};
use crate::generic::gemm::forward_by;
use crate::generic::pairs::PairProduct;
use crate::generic::tile::Multiply;
use crate::generic::{SimdF32x16, SimdU32x16};
use crate::x86::avx512::U32x16;
use crate::{Matrix, MatrixMut, RowIds, Values, views};

row_tile_lists!(
    "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16", Vdpbf16ps,
    [12 6 4 2 1] x 1, [12 6 4 2 1] x 2, [8 6 4 2 1] x 3, [6 5 4 3 2 1] x 4
);

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, out: MatrixMut<'_>)
        = |table: views::Table<'_>, rows, bias, inputs, out| match table.values() {
            Values::F32(_) => (KERNELS.gemm.forward)(table, rows, bias, inputs, out),
            Values::Bf16(values) => {
                forward_by::<F32x16, Halves<Interleaved>>(TILES, values, table.stride(), rows, bias, inputs, out)
            }
        };
}
    const NATIVE: Table = Table { forward, ..KERNELS.gemm };
);

impl Multiply<F32x16> for Vdpbf16ps {
    type Left = U32x16;

    #[inline(always)]
    unsafe fn left(from: *const f32) -> U32x16 {
        // SAFETY: the caller has AVX-512 and a word to read.
        unsafe { U32x16::splat(F32x16::token(), from.cast::<u32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(left: U32x16, right: F32x16, sum: F32x16) -> F32x16 {
        // SAFETY: the caller has AVX-512 BF16; no memory is touched.
        unsafe { <Self as PairProduct<F32x16>>::add(left, right.bitcast_u32(), sum) }
    }
}

/// Pairs of the depth lie in a word.
struct Interleaved;

impl Rounded<F32x16> for Interleaved {
    const STEP: usize = 2;

    #[inline(always)]
    unsafe fn pack([even, odd, ..]: [F32x16; 4], to: *mut f32) {
        // SAFETY: upheld by the caller; the types are 64 bytes of plain numbers.
        unsafe {
            let halves = core::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd.0, even.0));
            // Word `i` takes elements `i` and `16 + i`.
            let order = _mm512_add_epi32(
                _mm512_set1_epi32(16 << 16),
                _mm512_mullo_epi32(
                    _mm512_set1_epi32(0x1_0001),
                    _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                ),
            );
            _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi16(order, halves));
        }
    }
}

//! AVX-512 BF16 (Cooper Lake, Sapphire Rapids, Zen 4). Everything else is that of [`super::avx512popcnt`].
//!
//! The reproducible kernels use none of it. `vdpbf16ps` adds the products of a pair in another order, and it and the
//! conversion `vcvtneps2bf16` treat subnormal numbers as zero, whatever MXCSR says; so `bf16` are stored by the integer
//! operations of `generic::storage` here too.

mod dot;
mod gemm;
mod row_dot;

use core::arch::x86_64::*;

use super::avx512::{F32x16, U32x16};
use super::avx512popcnt;
use crate::generic::pairs::PairProduct;
use crate::{Isa, Kernels, Precision};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Avx512Bf16, ..avx512popcnt::KERNELS };

/// With the native instructions (see [`Precision::Native`](crate::Precision::Native)).
pub(crate) const NATIVE: Kernels = Kernels { gemm: gemm::NATIVE, ..NATIVE_WHERE_SLOW };

/// The same for processors where `vdpbf16ps` is slow ([`Quirks`](crate::Quirks)): only the kernels that are bound by loads.
pub(crate) const NATIVE_WHERE_SLOW: Kernels =
    Kernels { precision: Precision::Native, dot: dot::NATIVE, row_dot: row_dot::NATIVE, ..KERNELS };

/// `vdpbf16ps`: both products of a pair by one instruction.
struct Vdpbf16ps;

impl PairProduct<F32x16> for Vdpbf16ps {
    #[inline(always)]
    unsafe fn add(a: U32x16, b: U32x16, sum: F32x16) -> F32x16 {
        // SAFETY: AVX-512 BF16 is guaranteed by the caller; the types are 64 bytes of plain numbers.
        unsafe {
            let (a, b) =
                (core::mem::transmute::<__m512i, __m512bh>(a.0), core::mem::transmute::<__m512i, __m512bh>(b.0));
            F32x16(_mm512_dpbf16_ps(sum.0, a, b), sum.1)
        }
    }

    #[inline(always)]
    unsafe fn add_masked(a: U32x16, b: U32x16, sum: F32x16, _: usize) -> F32x16 {
        // SAFETY: the caller has AVX-512 BF16; no memory is touched.
        unsafe { Self::add(a, b, sum) }
    }
}

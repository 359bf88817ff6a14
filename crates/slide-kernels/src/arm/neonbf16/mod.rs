//! NEON with the dot products of Armv8.6 (Graviton3): `dotprod`, `i8mm`, `bf16`. The instructions are written as `asm!`,
//! because their intrinsics are not stable. Everything else is that of [`super::neon`].
//!
//! `bfmlalb` and `bfmlalt` widen, multiply and add with one rounding, as `fmla` does, and so are used by the reproducible kernels;
//! `bfdot` and `bfmmla` flush subnormals and round to odd, and are used by the native ones.

mod blocks;
mod byte_gemm;
mod dot;
mod gemm;
mod matrix;
mod quant;
mod row_dot;

use core::arch::aarch64::*;
use core::arch::asm;

use super::neon::{self, F32x16, U32x16};
use crate::generic::pairs::{PairProduct, Widening};
use crate::{Isa, Kernels, Precision};

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::NeonBf16,
    blocks: blocks::TABLE,
    byte_gemm: byte_gemm::TABLE,
    dot: dot::TABLE,
    quant: quant::TABLE,
    row_dot: row_dot::TABLE,
    ..neon::KERNELS
};

/// With the native instructions (see [`Precision::Native`](crate::Precision::Native)).
pub(crate) const NATIVE: Kernels =
    Kernels { precision: Precision::Native, dot: dot::NATIVE, gemm: gemm::NATIVE, row_dot: row_dot::NATIVE, ..KERNELS };

/// `bfmlalb`, then `bfmlalt`: the even elements, then the odd ones, as [`Widening`] has them.
pub(crate) struct Bfmlal;

impl PairProduct<F32x16> for Bfmlal {
    #[inline(always)]
    unsafe fn add(a: U32x16, b: U32x16, sum: F32x16) -> F32x16 {
        // SAFETY: the instructions are guaranteed by the caller; they touch nothing but registers.
        each(a, b, sum, |a, b, mut sum| unsafe {
            asm!(
                // A closure does not have the features of the function that it is inlined into.
                ".arch_extension bf16",
                "bfmlalb {sum:v}.4s, {a:v}.8h, {b:v}.8h",
                "bfmlalt {sum:v}.4s, {a:v}.8h, {b:v}.8h",
                sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b, options(pure, nomem, nostack, preserves_flags)
            );
            sum
        })
    }

    #[inline(always)]
    unsafe fn add_masked(a: U32x16, b: U32x16, sum: F32x16, count: usize) -> F32x16 {
        // SAFETY: the caller has `bf16`, whose level includes NEON, all that `Widening` needs.
        unsafe { Widening::add_masked(a, b, sum, count) }
    }
}

/// `bfdot`: both products of a pair by one instruction.
pub(crate) struct Bfdot;

impl PairProduct<F32x16> for Bfdot {
    #[inline(always)]
    unsafe fn add(a: U32x16, b: U32x16, sum: F32x16) -> F32x16 {
        // SAFETY: the instruction is guaranteed by the caller; it touches nothing but registers.
        each(a, b, sum, |a, b, mut sum| unsafe {
            asm!(
                ".arch_extension bf16",
                "bfdot {sum:v}.4s, {a:v}.8h, {b:v}.8h",
                sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b, options(pure, nomem, nostack, preserves_flags)
            );
            sum
        })
    }

    #[inline(always)]
    unsafe fn add_masked(a: U32x16, b: U32x16, sum: F32x16, _: usize) -> F32x16 {
        // SAFETY: the caller has `bf16`; no memory is touched.
        unsafe { Self::add(a, b, sum) }
    }
}

#[inline(always)]
fn each(a: U32x16, b: U32x16, sum: F32x16, add: impl Fn(uint32x4_t, uint32x4_t, float32x4_t) -> float32x4_t) -> F32x16 {
    let at = |i: usize| add(a.0[i], b.0[i], sum.0[i]);
    F32x16([at(0), at(1), at(2), at(3)])
}

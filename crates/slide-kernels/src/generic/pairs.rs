//! Products of `bf16` that lie in pairs in 32-bit words: the even one in the lower half, the odd one in the upper half.

use super::{LANES, SimdF32x16, SimdU32x16};

/// Elements of a vector of pairs.
pub(crate) const PAIRED: usize = 2 * LANES;

/// How two vectors of pairs are multiplied and accumulated: the difference between the reproducible and the native kernels.
pub(crate) trait PairProduct<L: SimdF32x16> {
    /// Whether each element takes a register of its own.
    const WIDENS: bool = false;

    /// Lane `j` of `sum` takes the products of elements `2 j` and `2 j + 1`.
    ///
    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add(a: L::U32, b: L::U32, sum: L) -> L;

    /// The same for the first `count` elements; the others of `a` and `b` are `+0.0`.
    ///
    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add_masked(a: L::U32, b: L::U32, sum: L, count: usize) -> L;
}

/// Widening and fused multiply-adds, the even element first.
pub(crate) struct Widening;

impl<L: SimdF32x16> PairProduct<L> for Widening {
    const WIDENS: bool = true;

    #[inline(always)]
    unsafe fn add(a: L::U32, b: L::U32, sum: L) -> L {
        let sum = even(a).fma(even(b), sum);
        odd(a).fma(odd(b), sum)
    }

    #[inline(always)]
    unsafe fn add_masked(a: L::U32, b: L::U32, sum: L, count: usize) -> L {
        let (with_even, with_odd) = (L::first(count.div_ceil(2)), L::first(count / 2));
        // Lanes without an element stay unchanged: adding +0.0 would change -0.0.
        let sum = even(a).fma(even(b), sum).select(with_even, sum);
        odd(a).fma(odd(b), sum).select(with_odd, sum)
    }
}

#[inline(always)]
pub(crate) fn even<W: SimdU32x16>(pairs: W) -> W::F32 {
    pairs.shift_left::<16>().bitcast_f32()
}

#[inline(always)]
pub(crate) fn odd<W: SimdU32x16>(pairs: W) -> W::F32 {
    pairs.and(W::splat(pairs.proof(), 0xFFFF_0000)).bitcast_f32()
}

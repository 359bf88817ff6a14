//! Products of `bf16` that lie in pairs in 32-bit words: the even one in the lower half, the odd one in the upper half.

use super::{LANES, Lanes, Words};

/// Elements of a vector of pairs.
pub(crate) const PAIRED: usize = 2 * LANES;

/// How a vector of pairs is multiplied with another and added: what tells the reproducible kernels from the native ones.
pub(crate) trait PairProduct<L: Lanes> {
    /// Whether each element takes a register of its own.
    const WIDENS: bool = false;

    /// Lane `j` of `sum` takes the products of elements `2 j` and `2 j + 1`.
    ///
    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add(a: L::Words, b: L::Words, sum: L) -> L;

    /// The same for the first `count` elements; the others of `a` and `b` are `+0.0`.
    ///
    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add_part(a: L::Words, b: L::Words, sum: L, count: usize) -> L;
}

/// Widening and fused multiply-adds, the even element first.
pub(crate) struct Widening;

impl<L: Lanes> PairProduct<L> for Widening {
    const WIDENS: bool = true;

    #[inline(always)]
    unsafe fn add(a: L::Words, b: L::Words, sum: L) -> L {
        let sum = even(a).fma(even(b), sum);
        odd(a).fma(odd(b), sum)
    }

    #[inline(always)]
    unsafe fn add_part(a: L::Words, b: L::Words, sum: L, count: usize) -> L {
        // SAFETY: `sum` proves the instruction set.
        let (with_even, with_odd) = unsafe { (L::first(count.div_ceil(2)), L::first(count / 2)) };
        // Lanes without an element stay as they are: adding +0.0 would change -0.0.
        let sum = even(a).fma(even(b), sum).select(with_even, sum);
        odd(a).fma(odd(b), sum).select(with_odd, sum)
    }
}

#[inline(always)]
pub(crate) fn even<W: Words>(pairs: W) -> W::Lanes {
    pairs.shift_left::<16>().to_lanes()
}

#[inline(always)]
pub(crate) fn odd<W: Words>(pairs: W) -> W::Lanes {
    // SAFETY: `pairs` proves the instruction set.
    pairs.and(unsafe { W::splat(0xFFFF_0000) }).to_lanes()
}

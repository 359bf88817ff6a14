//! Body of the product of a sparse vector and a dense one ([`crate::api::sparse_dot`]).

use half::bf16;

use super::{LANES, SimdF32x16, SimdU32x16};
use crate::{SparseVector, Values, scalar};

/// Elements at sixteen scattered places, by a gather instruction or without.
pub(crate) trait Scattered: SimdF32x16 {
    /// Lane `j` is the word at `SCALE * ids[j]` bytes from `from`.
    ///
    /// # Safety
    /// The instruction set is available; `ids` is valid for reading 16 elements; they are less than 2^31, and the words are
    /// valid for reading.
    unsafe fn gather<const SCALE: i32>(from: *const u8, ids: *const u32) -> Self::U32;

    /// The same, by one load for each.
    ///
    /// # Safety
    /// That of [`gather`](Scattered::gather).
    unsafe fn collect<const SCALE: i32>(from: *const u8, ids: *const u32) -> Self::U32;
}

/// # Safety
/// The contract of [`crate::api::sparse_dot::Table::dot`].
#[inline(always)]
pub(crate) unsafe fn dot<L: Scattered, const GATHER: bool>(a: SparseVector<'_>, dense: Values<'_>) -> f32 {
    // The places of a gather are signed.
    if a.is_empty() || a.ids().bound() > i32::MAX as usize {
        return scalar::sparse_dot::dot(a, dense);
    }
    // SAFETY: guaranteed by the caller; there is an element, so there is one in `dense` too.
    unsafe {
        match dense {
            Values::F32(dense) => dot_of::<L, f32, GATHER>(a, dense),
            // A word is read for each element, and there must be one.
            Values::Bf16([_]) => scalar::sparse_dot::dot(a, dense),
            Values::Bf16(dense) => dot_of::<L, bf16, GATHER>(a, dense),
        }
    }
}

/// A format whose elements can be looked up.
trait Element: Sized {
    /// Sixteen elements, widened.
    ///
    /// # Safety
    /// The instruction set is available; `ids` is valid for reading 16 elements, each less than 2^31 and than the number of
    /// elements that `from` is valid for, which is at least 4 bytes' worth.
    unsafe fn at<L: Scattered, const GATHER: bool>(from: *const Self, ids: *const u32) -> L;
}

#[inline(always)]
unsafe fn words<L: Scattered, const GATHER: bool, const SCALE: i32>(from: *const u8, ids: *const u32) -> L::U32 {
    // SAFETY: the caller has the instruction set, 16 ids, and the word that each of them names.
    unsafe { if GATHER { L::gather::<SCALE>(from, ids) } else { L::collect::<SCALE>(from, ids) } }
}

impl Element for f32 {
    #[inline(always)]
    unsafe fn at<L: Scattered, const GATHER: bool>(from: *const f32, ids: *const u32) -> L {
        // SAFETY: the caller has the instruction set, 16 ids, and the element that each of them names.
        unsafe { words::<L, GATHER, 4>(from.cast(), ids).bitcast_f32() }
    }
}

impl Element for bf16 {
    /// The word that ends with the element has it in its upper half, where that of an `f32` is; only the first element has no
    /// such word, but is in the lower half of the one that it begins.
    #[inline(always)]
    unsafe fn at<L: Scattered, const GATHER: bool>(from: *const bf16, ids: *const u32) -> L {
        // SAFETY: guaranteed by the caller; the words begin at the element before, or at the first.
        unsafe {
            let simd = L::token();
            let (zero, ids) = (L::U32::splat(simd, 0), L::U32::load(ids));
            let has_one_before = ids.greater_signed(zero);
            let mut places = [0; LANES];
            ids.add(L::U32::splat(simd, u32::MAX)).select(has_one_before, zero).store(places.as_mut_ptr());
            let words = words::<L, GATHER, 2>(from.cast(), places.as_ptr());
            words.and(L::U32::splat(simd, 0xFFFF_0000)).select(has_one_before, words.shift_left::<16>()).bitcast_f32()
        }
    }
}

/// # Safety
/// The contract of the table; there is an element in `a`; its numbers are less than 2^31; `dense` has at least 4 bytes.
#[inline(always)]
unsafe fn dot_of<L: Scattered, E: Element, const GATHER: bool>(a: SparseVector<'_>, dense: &[E]) -> f32 {
    let (count, ids, values) = (a.len(), a.ids().ids().as_ptr(), a.values().as_ptr());
    // SAFETY: guaranteed by the caller; each load is of elements `i..i + 16 <= count`, or of the `count - i` that are left; the
    // first element stands in for the places that are missing.
    unsafe {
        let mut lanes = L::zero(L::token());
        let mut i = 0;
        while i + LANES <= count {
            lanes = E::at::<L, GATHER>(dense.as_ptr(), ids.add(i)).fma(L::load(values.add(i)), lanes);
            i += LANES;
        }
        if i < count {
            let mask = L::first(count - i);
            let mut places = [0; LANES];
            L::load_masked(ids.add(i).cast(), mask).bitcast_u32().store(places.as_mut_ptr());
            let elements = E::at::<L, GATHER>(dense.as_ptr(), places.as_ptr());
            lanes = elements.fma(L::load_masked(values.add(i), mask), lanes).select(mask, lanes);
        }
        lanes.reduce_sum()
    }
}

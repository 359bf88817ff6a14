//! Bodies of [`crate::api::convert`].

use half::{bf16, f16};

use super::storage::Rounder;
use super::tiles::{Tiled, for_tiles};
use super::{LANES, SimdF32x16, Storage};
use crate::Rounding;

/// Sixteen `f16`.
pub(crate) trait Halves: SimdF32x16 {
    /// # Safety
    /// The instruction set is available; `from` is valid for reading 16 elements.
    unsafe fn load_f16(from: *const f16) -> Self;

    /// The first `count < 16` elements; the other lanes are `+0.0` and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading `count` elements.
    unsafe fn load_masked_f16(from: *const f16, count: usize) -> Self;

    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn store_f16(self, to: *mut f16);

    /// The first `count < 16` elements; nothing else is touched.
    ///
    /// # Safety
    /// `to` is valid for writing `count` elements.
    unsafe fn store_masked_f16(self, to: *mut f16, count: usize);
}

/// A format to convert from or into: 16 elements, or the first `count < 16` if `MASKED`.
trait Format<L>: Copy {
    /// # Safety
    /// The instruction set of `L` is available; `from` is valid for reading the elements.
    unsafe fn load<const MASKED: bool>(from: *const Self, count: usize) -> L;

    /// # Safety
    /// `to` is valid for writing the elements.
    unsafe fn store<const MASKED: bool>(to: *mut Self, value: L, rounder: &Rounder, k: usize, count: usize);
}

macro_rules! stored {
    ($($format:ty),*) => { $(
        impl<L: SimdF32x16> Format<L> for $format {
            #[inline(always)]
            unsafe fn load<const MASKED: bool>(from: *const Self, count: usize) -> L {
                // SAFETY: the caller has the instruction set and 16 elements, or `count` if masked.
                unsafe { if MASKED { Storage::load_masked(from, count) } else { Storage::load(from) } }
            }
            #[inline(always)]
            unsafe fn store<const MASKED: bool>(to: *mut Self, value: L, rounder: &Rounder, k: usize, count: usize) {
                // SAFETY: `value` proves the instruction set; the caller has room for 16 elements, or `count` if
                // masked.
                unsafe {
                    let [addend, ..] = rounder.addends::<L>(k);
                    if MASKED { Storage::store_masked(to, value, addend, count) } else { Storage::store(to, value, addend) }
                }
            }
        }
    )* };
}

stored!(f32, bf16);

impl<L: Halves> Format<L> for f16 {
    #[inline(always)]
    unsafe fn load<const MASKED: bool>(from: *const f16, count: usize) -> L {
        // SAFETY: the caller has the instruction set and 16 elements, or `count` if masked.
        unsafe { if MASKED { L::load_masked_f16(from, count) } else { L::load_f16(from) } }
    }
    #[inline(always)]
    unsafe fn store<const MASKED: bool>(to: *mut f16, value: L, _: &Rounder, _: usize, count: usize) {
        // SAFETY: `value` proves the instruction set; the caller has room for 16 elements, or `count` if masked.
        unsafe { if MASKED { value.store_masked_f16(to, count) } else { value.store_f16(to) } }
    }
}

struct Convert<From, To> {
    from: *const From,
    to: *mut To,
    rounder: Rounder,
}

impl<L: SimdF32x16, From: Format<L>, To: Format<L>> Tiled<L> for Convert<From, To> {
    #[inline(always)]
    unsafe fn tile<const T: usize, const MASKED: bool>(&mut self, k: usize, count: usize) {
        for k in (k..).step_by(LANES).take(T) {
            // SAFETY: the caller of `convert` guaranteed the instruction set and one length, of which `for_tiles` says that
            // the tile is part.
            unsafe {
                let value = From::load::<MASKED>(self.from.add(k), count);
                To::store::<MASKED>(self.to.add(k), value, &self.rounder, k, count);
            }
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; both slices have one length.
#[inline(always)]
unsafe fn convert<L: SimdF32x16, From: Format<L>, To: Format<L>>(from: &[From], rounder: Rounder, to: &mut [To]) {
    // SAFETY: the caller has the instruction set; both slices have one length, as the public method asserted.
    unsafe { for_tiles::<L, 4>(to.len(), &mut Convert { from: from.as_ptr(), to: to.as_mut_ptr(), rounder }) }
}

/// # Safety
/// The contract of [`crate::api::convert::Table::f32_to_bf16`].
#[inline(always)]
pub(crate) unsafe fn f32_to_bf16<L: SimdF32x16>(from: &[f32], rounding: Rounding, to: &mut [bf16]) {
    // SAFETY: upheld by the caller. A loop for each kind of rounding.
    unsafe {
        match Rounder::new(rounding, 0) {
            Rounder::Nearest => convert::<L, _, _>(from, Rounder::Nearest, to),
            Rounder::Stochastic { row_key } => convert::<L, _, _>(from, Rounder::Stochastic { row_key }, to),
        }
    }
}

macro_rules! conversions {
    ($($name:ident: $from:ty, $to:ty, $bound:ident;)*) => { $(
        /// # Safety
        /// The instruction set of `L` is available; both slices have one length.
        #[inline(always)]
        pub(crate) unsafe fn $name<L: $bound>(from: &[$from], to: &mut [$to]) {
            // SAFETY: a `Kernels` value proves the level; `Kernels::f32_to_bf16` asserted the lengths.
            unsafe { convert::<L, _, _>(from, Rounder::Nearest, to) }
        }
    )* };
}

conversions! {
    bf16_to_f32: bf16, f32, SimdF32x16;
    f32_to_f16: f32, f16, Halves;
    f16_to_f32: f16, f32, Halves;
}

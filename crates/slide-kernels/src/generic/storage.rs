//! The formats in which a table stores its weights.

use half::bf16;

use super::{LANES, SimdF32x16, SimdU32x16};
use crate::api::row_update::Rounding;
use crate::scalar::row_update::{SECOND_STATE, row_key};

/// A format of stored weights.
pub(crate) trait Storage: Copy {
    /// # Safety
    /// The instruction set of `L` is available; `from` is valid for reading 16 elements.
    unsafe fn load<L: SimdF32x16>(from: *const Self) -> L;

    /// The first `count < 16` elements; the other lanes are `+0.0` and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set of `L` is available; `from` is valid for reading `count` elements.
    unsafe fn load_masked<L: SimdF32x16>(from: *const Self, count: usize) -> L;

    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn store<L: SimdF32x16>(to: *mut Self, value: L, rounding: Addend<L>);

    /// The first `count < 16` elements; nothing else is touched.
    ///
    /// # Safety
    /// `to` is valid for writing `count` elements.
    unsafe fn store_masked<L: SimdF32x16>(to: *mut Self, value: L, rounding: Addend<L>, count: usize);
}

impl Storage for f32 {
    #[inline(always)]
    unsafe fn load<L: SimdF32x16>(from: *const f32) -> L {
        // SAFETY: the caller has the instruction set and 16 elements to read.
        unsafe { L::load(from) }
    }
    #[inline(always)]
    unsafe fn load_masked<L: SimdF32x16>(from: *const f32, count: usize) -> L {
        // SAFETY: the caller has the instruction set and `count` elements to read.
        unsafe { L::load_masked(from, L::first(count)) }
    }
    #[inline(always)]
    unsafe fn store<L: SimdF32x16>(to: *mut f32, value: L, _: Addend<L>) {
        // SAFETY: `value` proves the instruction set; the caller has 16 elements to write.
        unsafe { value.store(to) }
    }
    #[inline(always)]
    unsafe fn store_masked<L: SimdF32x16>(to: *mut f32, value: L, _: Addend<L>, count: usize) {
        // SAFETY: upheld by the caller; `value` proves the instruction set.
        unsafe { value.store_masked(to, L::first(count)) }
    }
}

impl Storage for bf16 {
    #[inline(always)]
    unsafe fn load<L: SimdF32x16>(from: *const bf16) -> L {
        // SAFETY: the caller has the instruction set and 16 elements to read.
        unsafe { L::load_bf16(from) }
    }
    #[inline(always)]
    unsafe fn load_masked<L: SimdF32x16>(from: *const bf16, count: usize) -> L {
        // SAFETY: the caller has the instruction set and `count` elements to read.
        unsafe { L::load_masked_bf16(from, count) }
    }
    #[inline(always)]
    unsafe fn store<L: SimdF32x16>(to: *mut bf16, value: L, rounding: Addend<L>) {
        // SAFETY: upheld by the caller; a `bf16` is a `u16`.
        unsafe { rounding.round(value).store_low_halves(to.cast()) }
    }
    #[inline(always)]
    unsafe fn store_masked<L: SimdF32x16>(to: *mut bf16, value: L, rounding: Addend<L>, count: usize) {
        // SAFETY: upheld by the caller; a `bf16` is a `u16`.
        unsafe { rounding.round(value).store_masked_low_halves(to.cast(), count) }
    }
}

/// [`Rounding`] for one row.
#[derive(Clone, Copy)]
pub(crate) enum Rounder {
    Nearest,
    Stochastic { row_key: u32 },
}

static IOTA: [u32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

impl Rounder {
    #[inline(always)]
    pub(crate) fn new(rounding: Rounding, row: u32) -> Rounder {
        match rounding {
            Rounding::Nearest => Rounder::Nearest,
            Rounding::Stochastic { key, first_row } => Rounder::Stochastic { row_key: row_key(key, first_row, row) },
        }
    }

    /// For sixteen elements from `k` on: what is added to the weights, to the first and to the second state.
    ///
    /// # Safety
    /// The instruction set of `L` is available.
    #[inline(always)]
    pub(crate) unsafe fn addends<L: SimdF32x16>(&self, k: usize) -> [Addend<L>; 3] {
        match *self {
            Rounder::Nearest => [Addend::Half; 3],
            // SAFETY: the instruction set is guaranteed by the caller, and `IOTA` has 16 elements.
            Rounder::Stochastic { row_key } => unsafe {
                let simd = L::token();
                let elements = L::U32::load(IOTA.as_ptr()).add(L::U32::splat(simd, k as u32));
                let random = mix(L::U32::splat(simd, row_key).xor(elements));
                [
                    Addend::Random(random.shift_right::<16>()),
                    Addend::Random(random.and(L::U32::splat(simd, 0xFFFF))),
                    Addend::Random(random.mul(L::U32::splat(simd, SECOND_STATE)).shift_right::<16>()),
                ]
            },
        }
    }
}

/// What is added to the lower halves of sixteen `f32` before they are cut off.
#[derive(Clone, Copy)]
pub(crate) enum Addend<L: SimdF32x16> {
    /// Just under a half, and the last bit that stays: to the nearest, ties to even.
    Half,
    Random(L::U32),
}

impl<L: SimdF32x16> Addend<L> {
    /// The bits of the rounded values, in the lower halves.
    #[inline(always)]
    fn round(self, value: L) -> L::U32 {
        let (bits, simd) = (value.bitcast_u32(), value.proof());
        let addend = match self {
            Addend::Half => bits.shift_right::<16>().and(L::U32::splat(simd, 1)).add(L::U32::splat(simd, 0x7FFF)),
            Addend::Random(words) => words,
        };
        let magnitude = bits.and(L::U32::splat(simd, 0x7FFF_FFFF));
        let nan = magnitude.greater_signed(L::U32::splat(simd, 0x7F80_0000));
        bits.or(L::U32::splat(simd, 0x0040_0000)).select(nan, bits.add(addend)).shift_right::<16>()
    }
}

/// `lowbias32`, as in the specification.
#[inline(always)]
fn mix<W: SimdU32x16>(x: W) -> W {
    let (first, second) = (W::splat(x.proof(), 0x7FEB_352D), W::splat(x.proof(), 0x846C_A68B));
    let x = x.xor(x.shift_right::<16>()).mul(first);
    let x = x.xor(x.shift_right::<15>()).mul(second);
    x.xor(x.shift_right::<16>())
}

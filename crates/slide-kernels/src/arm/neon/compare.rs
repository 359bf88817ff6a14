//! [`crate::generic::Compare`] and its companions on NEON.

use core::arch::aarch64::*;

use pulp::aarch64::Neon;

use super::lanes::Mask16;
use super::transpose::quarter;
use super::{F32x16, NEON, TOKEN, U32x16};
use crate::generic::codes::BitCount;
use crate::generic::random::Counters;
use crate::generic::{Compare, Compress, Gather, LANES, ONES, SimdF32x16, SimdU32x16, Swap, Transpose};

/// Bit `j` in lane `j`.
static BITS: [u32; LANES] = {
    let mut bits = [0; LANES];
    let mut j = 0;
    while j < LANES {
        bits[j] = 1 << j;
        j += 1;
    }
    bits
};

#[inline(always)]
pub(super) fn halves([a, b, c, d]: [uint32x4_t; 4]) -> [uint16x8_t; 4] {
    let halves = |register| NEON.vreinterpretq_u16_u32(register);
    [halves(a), halves(b), halves(c), halves(d)]
}

impl Compare for F32x16 {
    #[inline(always)]
    fn greater(self, other: Self) -> Mask16 {
        let each = |i: usize| NEON.vcgtq_f32(self.0[i], other.0[i]);
        Mask16::of([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> Mask16 {
        let each = |i: usize| NEON.vcleq_f32(self.0[i], other.0[i]);
        Mask16::of([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    fn larger(self, old: Self) -> Self {
        // NEON's maximum differs for NaN and for zeros.
        self.select(self.greater(old), old)
    }
    #[inline(always)]
    fn mask_to_bits(_: Neon, mask: Mask16) -> u32 {
        let [a, b, c, d] = halves(mask.lanes);
        // SAFETY: there are 16 of them.
        let bits = halves(unsafe { U32x16::load(BITS.as_ptr()) }.0);
        let low = NEON.vandq_u16(NEON.vuzp1q_u16(a, b), NEON.vuzp1q_u16(bits[0], bits[1]));
        let high = NEON.vandq_u16(NEON.vuzp1q_u16(c, d), NEON.vuzp1q_u16(bits[2], bits[3]));
        u32::from(NEON.vaddvq_u16(NEON.vorrq_u16(low, high)))
    }
    #[inline(always)]
    fn mask_from_bits(_: Neon, bits: u32) -> Mask16 {
        // SAFETY: there are 16 of them.
        let (bits, places) = (NEON.vdupq_n_u32(bits), unsafe { U32x16::load(BITS.as_ptr()) });
        let each = |i: usize| NEON.vtstq_u32(bits, places.0[i]);
        Mask16::of([each(0), each(1), each(2), each(3)])
    }
}

impl Gather for F32x16 {
    /// A table in registers would leave none free: it stays in memory.
    type Table128 = *const f32;

    #[inline(always)]
    unsafe fn gather(from: *const f32, ids: U32x16) -> Self {
        let mut places = [0_u32; LANES];
        // SAFETY: the caller has that many elements; there are 16 places and lanes.
        unsafe {
            ids.store(places.as_mut_ptr());
            let lanes: [f32; LANES] = core::array::from_fn(|j| *from.add(places[j] as usize));
            Self::load(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn table_128(from: *const f32) -> *const f32 {
        from
    }
    #[inline(always)]
    unsafe fn look_up_128(table: *const f32, ids: U32x16) -> Self {
        // SAFETY: the caller has the 128 elements of the table.
        unsafe { Self::gather(table, ids.and(U32x16::splat(TOKEN, 127))) }
    }
}

impl Swap for F32x16 {
    // 128 of them would be all the registers.
    const BLOCK: usize = 64;

    #[inline(always)]
    fn swap_1(self) -> Self {
        let each = |i: usize| NEON.vrev64q_f32(self.0[i]);
        F32x16([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    fn swap_2(self) -> Self {
        let each = |i: usize| NEON.vextq_f32::<2>(self.0[i], self.0[i]);
        F32x16([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    fn swap_4(self) -> Self {
        let [a, b, c, d] = self.0;
        F32x16([b, a, d, c])
    }
    #[inline(always)]
    fn swap_8(self) -> Self {
        let [a, b, c, d] = self.0;
        F32x16([c, d, a, b])
    }
}

impl Transpose for F32x16 {
    #[inline(always)]
    unsafe fn transpose_16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller has the elements.
        unsafe {
            for r in (0..LANES).step_by(4) {
                for c in (0..LANES).step_by(4) {
                    let columns = quarter(from.add(r * from_stride + c), from_stride);
                    for (j, column) in columns.into_iter().enumerate() {
                        vst1q_f32(to.add((c + j) * to_stride + r), column);
                    }
                }
            }
        }
    }
}

/// For each set of four lanes the bytes of those that are in it, ascending; beyond them bytes of the first.
static MEMBERS: [[u8; 16]; 16] = {
    let mut members = [[0; 16]; 16];
    let mut set = 0;
    while set < 16 {
        let (mut byte, mut count) = (0, 0);
        while byte < 16 {
            if (set >> (byte / 4)) & 1 == 1 {
                members[set][count] = byte as u8;
                count += 1;
            }
            byte += 1;
        }
        set += 1;
    }
    members
};

impl Compress for F32x16 {
    #[inline(always)]
    unsafe fn compress(self, set: u32, to: *mut f32) {
        let mut count = 0;
        for (i, register) in self.0.into_iter().enumerate() {
            let set = (set >> (4 * i) & 0xF) as usize;
            // SAFETY: a list of members has 16 bytes; the caller has 16 elements to write.
            unsafe {
                let members = vqtbl1q_u8(vreinterpretq_u8_f32(register), vld1q_u8(MEMBERS[set].as_ptr()));
                // At most four elements on for each register before it, so that all of it lies within the sixteen.
                vst1q_f32(to.add(count), vreinterpretq_f32_u8(members));
            }
            count += usize::from(ONES[set]);
        }
    }
    #[inline(always)]
    fn flip(self, set: u32) -> Self {
        let sign = U32x16::splat(TOKEN, 0x8000_0000);
        let mask = Self::mask_from_bits(TOKEN, set);
        self.bitcast_u32().xor(sign.select(mask, U32x16::splat(TOKEN, 0))).bitcast_f32()
    }
}

impl BitCount for U32x16 {
    #[inline(always)]
    fn ones_of_bytes(self) -> Self {
        let each = |i: usize| NEON.vreinterpretq_u32_u8(NEON.vcntq_u8(NEON.vreinterpretq_u8_u32(self.0[i])));
        U32x16([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    fn sums_of_bytes(four: [Self; 4]) -> [u32; 4] {
        // At most 4 * 2 * 255 in 16 bits, then their sums in 32.
        let sums = |j: usize| {
            let pairs = |i: usize| NEON.vpaddlq_u8(NEON.vreinterpretq_u8_u32(four[j].0[i]));
            NEON.vpaddlq_u16(NEON.vaddq_u16(NEON.vaddq_u16(pairs(0), pairs(1)), NEON.vaddq_u16(pairs(2), pairs(3))))
        };
        let [a, b, c, d] = [sums(0), sums(1), sums(2), sums(3)];
        let mut out = [0; 4];
        // SAFETY: there is room for four.
        unsafe { vst1q_u32(out.as_mut_ptr(), vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d))) };
        out
    }
}

/// Four counters, the halves of their lanes apart.
#[derive(Clone, Copy)]
pub(super) struct U64x4 {
    lower: uint32x4_t,
    upper: uint32x4_t,
}

impl Counters for U64x4 {
    type Token = Neon;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn token() -> Neon {
        TOKEN
    }
    #[inline(always)]
    fn ascending(_: Neon, first: u32) -> Self {
        // SAFETY: there are four numbers.
        let lower = NEON.vaddq_u32(NEON.vdupq_n_u32(first), unsafe { vld1q_u32([0, 1, 2, 3].as_ptr()) });
        U64x4 { lower, upper: lower }
    }
    #[inline(always)]
    fn splat(_: Neon, word: u32) -> Self {
        let lower = NEON.vdupq_n_u32(word);
        U64x4 { lower, upper: lower }
    }
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        let first =
            NEON.vreinterpretq_u32_u64(NEON.vmull_u32(NEON.vget_low_u32(self.lower), NEON.vget_low_u32(other.lower)));
        let last = NEON.vreinterpretq_u32_u64(NEON.vmull_high_u32(self.lower, other.lower));
        U64x4 { lower: NEON.vuzp1q_u32(first, last), upper: NEON.vuzp2q_u32(first, last) }
    }
    #[inline(always)]
    fn upper(self) -> Self {
        U64x4 { lower: self.upper, upper: self.upper }
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        U64x4 { lower: NEON.veorq_u32(self.lower, other.lower), upper: self.upper }
    }
    #[inline(always)]
    unsafe fn store([a, b, c, d]: [Self; 4], to: *mut u32) {
        // SAFETY: the caller has 16 words to write.
        unsafe { vst4q_u32(to, uint32x4x4_t(a.lower, b.lower, c.lower, d.lower)) }
    }
}

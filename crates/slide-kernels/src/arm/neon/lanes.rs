//! Sixteen lanes in four registers.

use core::arch::aarch64::*;

use half::bf16;
use pulp::aarch64::Neon;

use super::compare::halves;
use super::masked::{
    load_masked, load_masked_bf16, load_masked_halves, load_selected, store_masked, store_masked_halves, store_selected,
};
use super::{NEON, TOKEN};
use crate::generic::{LANES, SimdF32x16, SimdU32x16};

/// Sixteen `f32`, four lanes a register.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(pub(in crate::arm) [float32x4_t; 4]);

/// Sixteen `u32`, four lanes a register.
#[derive(Clone, Copy)]
pub(crate) struct U32x16(pub(in crate::arm) [uint32x4_t; 4]);

/// A set of lanes: all bits of a selected lane are set.
#[derive(Clone, Copy)]
pub(crate) struct Mask16 {
    pub(super) lanes: [uint32x4_t; 4],
    /// `Some(count)` if the set is the first `count` lanes, `None` if it may be any set. NEON has no masked loads and stores, but
    /// prefixes can be loaded and stored. (The field is optimised away where the compiler sees how the mask was made.)
    first: Option<usize>,
}

impl Mask16 {
    #[inline(always)]
    pub(super) fn of(lanes: [uint32x4_t; 4]) -> Mask16 {
        Mask16 { lanes, first: None }
    }
}

/// The image of each register, with those of other vectors beside it.
macro_rules! each {
    (|$($register:ident = $object:ident.$field:tt),+| $image:expr) => {{
        let each = |i: usize| {
            $(let $register = $object.$field[i];)+
            $image
        };
        [each(0), each(1), each(2), each(3)]
    }};
}

/// Implements a lane-wise operation of two vectors by the intrinsic for one register.
macro_rules! lane_wise {
    ($name:ident, $type:ident, $intrinsic:ident) => {
        #[inline(always)]
        fn $name(self, other: Self) -> Self {
            $type(each!(|a = self.0, b = other.0| NEON.$intrinsic(a, b)))
        }
    };
}

static IOTA: [u32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

impl SimdF32x16 for F32x16 {
    type Token = Neon;
    type Mask = Mask16;
    type U32 = U32x16;
    type HalfReduced = float32x4_t;
    const REGISTERS: usize = 4;

    #[inline(always)]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written")]
    fn before<T>(self, mut address: *const T) -> *const T {
        let [a, b, c, d] = self.0;
        // SAFETY: no instruction at all.
        unsafe {
            core::arch::asm!(
                "/* {0} {1:v} {2:v} {3:v} {4:v} */",
                inout(reg) address, in(vreg) a, in(vreg) b, in(vreg) c, in(vreg) d,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    }

    #[inline(always)]
    unsafe fn token() -> Neon {
        TOKEN
    }
    #[inline(always)]
    fn proof(self) -> Neon {
        TOKEN
    }
    #[inline(always)]
    fn first(count: usize) -> Mask16 {
        let count = count.min(LANES);
        // SAFETY: there are 16 places.
        let (end, places) = (NEON.vdupq_n_u32(count as u32), unsafe { U32x16::load(IOTA.as_ptr()) });
        Mask16 { lanes: each!(|place = places.0| NEON.vcltq_u32(place, end)), first: Some(count) }
    }
    #[inline(always)]
    fn splat(_: Neon, value: f32) -> Self {
        F32x16([NEON.vdupq_n_f32(value); 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has 16 elements to read.
        unsafe { F32x16([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]) }
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: Mask16) -> Self {
        // SAFETY: the caller has the elements of `mask` to read; no others are touched.
        unsafe {
            F32x16(match mask.first {
                Some(count) => load_masked(from, count),
                None => load_selected(from, mask.lanes),
            })
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: the caller has 16 elements to read.
        unsafe {
            let (low, high) = (vld1q_u16(from.cast()), vld1q_u16(from.cast::<u16>().add(8)));
            // The upper halves of `f32`, which a `bf16` is: interleaved with zeros. (More units can do that than can shift.)
            let zero = vdupq_n_u16(0);
            F32x16([
                vreinterpretq_f32_u16(vzip1q_u16(zero, low)),
                vreinterpretq_f32_u16(vzip2q_u16(zero, low)),
                vreinterpretq_f32_u16(vzip1q_u16(zero, high)),
                vreinterpretq_f32_u16(vzip2q_u16(zero, high)),
            ])
        }
    }
    #[inline(always)]
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has `count` elements to read.
        unsafe { F32x16(load_masked_bf16(from.cast(), count)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has 16 elements to write.
        unsafe {
            for (i, register) in self.0.into_iter().enumerate() {
                vst1q_f32(to.add(4 * i), register);
            }
        }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: Mask16) {
        // SAFETY: the caller has the elements of `mask` to write; no others are touched.
        unsafe {
            match mask.first {
                Some(count) => store_masked(to, self.0, count),
                None => store_selected(to, self.0, mask.lanes),
            }
        }
    }
    #[inline(always)]
    fn fma(self, factor: Self, addend: Self) -> Self {
        F32x16(each!(|a = self.0, b = factor.0, sum = addend.0| NEON.vfmaq_f32(sum, a, b)))
    }
    lane_wise!(add, F32x16, vaddq_f32);
    lane_wise!(sub, F32x16, vsubq_f32);
    lane_wise!(mul, F32x16, vmulq_f32);
    lane_wise!(div, F32x16, vdivq_f32);
    #[inline(always)]
    fn sqrt(self) -> Self {
        F32x16(each!(|a = self.0| NEON.vsqrtq_f32(a)))
    }
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        F32x16(each!(|mask = mask.lanes, a = self.0, b = other.0| NEON.vbslq_f32(mask, a, b)))
    }
    #[inline(always)]
    fn bitcast_u32(self) -> U32x16 {
        U32x16(each!(|a = self.0| NEON.vreinterpretq_u32_f32(a)))
    }
    #[inline(always)]
    fn reduce_sum(self) -> f32 {
        reduce_register(add_registers(self))
    }
    #[inline(always)]
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4] {
        let mut sums = [0.0; 4];
        // SAFETY: there is room for four.
        unsafe { vst1q_f32(sums.as_mut_ptr(), Self::half_reduce(four)) };
        sums
    }
    /// All of it: no later step would be shared.
    #[inline(always)]
    fn half_reduce(four: [Self; 4]) -> float32x4_t {
        reduce_each(four.map(add_registers))
    }
    #[inline(always)]
    fn reduce_sum16(fours: [float32x4_t; 4]) -> Self {
        F32x16(fours)
    }
}

/// `(x[0] + x[2]) + (x[1] + x[3])`.
#[inline(always)]
pub(in crate::arm) fn reduce_register(x: float32x4_t) -> f32 {
    NEON.vpadds_f32(NEON.vadd_f32(NEON.vget_low_f32(x), NEON.vget_high_f32(x)))
}

/// [`reduce_register`] of each of four.
#[inline(always)]
pub(in crate::arm) fn reduce_each([a, b, c, d]: [float32x4_t; 4]) -> float32x4_t {
    // Two sums of each of two registers side by side, then all four.
    let pairs = |a, b| {
        let (a, b) = (NEON.vreinterpretq_f64_f32(a), NEON.vreinterpretq_f64_f32(b));
        let (low, high) =
            (NEON.vreinterpretq_f32_f64(NEON.vzip1q_f64(a, b)), NEON.vreinterpretq_f32_f64(NEON.vzip2q_f64(a, b)));
        NEON.vaddq_f32(low, high)
    };
    NEON.vpaddq_f32(pairs(a, b), pairs(c, d))
}

/// Lane `j` += lane `j + 8`, then lane `j + 4`.
#[inline(always)]
fn add_registers(F32x16([a, b, c, d]): F32x16) -> float32x4_t {
    NEON.vaddq_f32(NEON.vaddq_f32(a, c), NEON.vaddq_f32(b, d))
}

/// The lower halves of the 16 words.
#[inline(always)]
pub(super) fn low_halves(words: U32x16) -> [uint16x8_t; 2] {
    let [a, b, c, d] = halves(words.0);
    [NEON.vuzp1q_u16(a, b), NEON.vuzp1q_u16(c, d)]
}

impl SimdU32x16 for U32x16 {
    type Token = Neon;
    type Mask = Mask16;
    type F32 = F32x16;

    #[inline(always)]
    fn proof(self) -> Neon {
        TOKEN
    }
    #[inline(always)]
    fn splat(_: Neon, value: u32) -> Self {
        U32x16([NEON.vdupq_n_u32(value); 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller has 16 elements to read.
        unsafe { U32x16([vld1q_u32(from), vld1q_u32(from.add(4)), vld1q_u32(from.add(8)), vld1q_u32(from.add(12))]) }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self {
        let from: *const u16 = from.cast();
        // SAFETY: the caller has 32 elements to read.
        let each = |i: usize| NEON.vreinterpretq_u32_u16(unsafe { vld1q_u16(from.add(8 * i)) });
        U32x16([each(0), each(1), each(2), each(3)])
    }
    #[inline(always)]
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self {
        // SAFETY: the caller has `count` elements to read.
        unsafe {
            let halves = load_masked_halves(from.cast(), count);
            let each = |i: usize| vreinterpretq_u32_u16(halves[i]);
            U32x16([each(0), each(1), each(2), each(3)])
        }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the caller has 16 elements to write.
        unsafe {
            for (i, register) in self.0.into_iter().enumerate() {
                vst1q_u32(to.add(4 * i), register);
            }
        }
    }
    #[inline(always)]
    unsafe fn store_low_halves(self, to: *mut u16) {
        // SAFETY: the caller has 16 elements to write.
        unsafe {
            let [low, high] = low_halves(self);
            vst1q_u16(to, low);
            vst1q_u16(to.add(8), high)
        }
    }
    #[inline(always)]
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize) {
        // SAFETY: the caller has `count` elements to write.
        unsafe { store_masked_halves(to, low_halves(self), count) }
    }
    lane_wise!(add, U32x16, vaddq_u32);
    lane_wise!(mul, U32x16, vmulq_u32);
    lane_wise!(and, U32x16, vandq_u32);
    lane_wise!(or, U32x16, vorrq_u32);
    lane_wise!(xor, U32x16, veorq_u32);
    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        // Becomes an immediate: the shifts by a constant want it as another type than a method of this trait has it.
        U32x16(each!(|a = self.0| NEON.vshlq_u32(a, NEON.vdupq_n_s32(N as i32))))
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        U32x16(each!(|a = self.0| NEON.vshlq_u32(a, NEON.vdupq_n_s32(-(N as i32)))))
    }
    #[inline(always)]
    fn shift_left_each(self, counts: Self) -> Self {
        U32x16(each!(|a = self.0, count = counts.0| NEON.vshlq_u32(a, NEON.vreinterpretq_s32_u32(count))))
    }
    #[inline(always)]
    fn select(self, mask: Mask16, other: Self) -> Self {
        U32x16(each!(|mask = mask.lanes, a = self.0, b = other.0| NEON.vbslq_u32(mask, a, b)))
    }
    #[inline(always)]
    fn greater_signed(self, other: Self) -> Mask16 {
        Mask16::of(each!(
            |a = self.0, b = other.0| NEON.vcgtq_s32(NEON.vreinterpretq_s32_u32(a), NEON.vreinterpretq_s32_u32(b))
        ))
    }
    #[inline(always)]
    fn signed_to_f32(self) -> F32x16 {
        F32x16(each!(|a = self.0| NEON.vcvtq_f32_s32(NEON.vreinterpretq_s32_u32(a))))
    }
    #[inline(always)]
    fn bitcast_f32(self) -> F32x16 {
        F32x16(each!(|a = self.0| NEON.vreinterpretq_f32_u32(a)))
    }
}

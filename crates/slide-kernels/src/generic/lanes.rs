//! Vectors of sixteen lanes of `f32` or `u32`, over which the generic bodies are written.
//!
//! Sixteen lanes are one register of AVX-512, two of AVX2, four of NEON. The virtual lanes of the specification are the same
//! on every level, and so is the order of additions.
//!
//! Safety by type: a token of pulp, a value without a size, proves an instruction set. A vector is made with a token or, by a load, where
//! the caller guarantees the instruction set, and can be asked for its token. So whatever touches no memory is safe, but for
//! [`SimdF32x16::token`].

use half::bf16;

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen `f32`.
pub(crate) trait SimdF32x16: Copy {
    /// Proves that the instruction set is available.
    type Token: Copy;
    /// A set of lanes.
    type Mask: Copy;
    /// Sixteen `u32` of the same instruction set.
    type U32: SimdU32x16<Token = Self::Token, Mask = Self::Mask, F32 = Self>;
    /// Four vectors after the first half of their reductions.
    type HalfReduced: Copy;
    /// Registers of the processor that the sixteen lanes take.
    const REGISTERS: usize;

    /// Returns `address`, and makes the compiler place loads from it after the computation of `self`: loads of many rows ahead
    /// of their use would occupy all registers. Emits no instruction.
    #[inline(always)]
    fn before<T>(self, address: *const T) -> *const T {
        address
    }

    /// # Safety
    /// The instruction set is available.
    unsafe fn token() -> Self::Token;

    /// The token that this vector was made with.
    fn proof(self) -> Self::Token;

    /// The first `count` lanes (all of them from 16 on).
    fn first(count: usize) -> Self::Mask;

    fn splat(simd: Self::Token, value: f32) -> Self;

    #[inline(always)]
    fn zero(simd: Self::Token) -> Self {
        Self::splat(simd, 0.0)
    }

    /// # Safety
    /// The instruction set is available; `from` is valid for reading 16 elements.
    unsafe fn load(from: *const f32) -> Self;

    /// The lanes of `mask`; the others are `+0.0` and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading the elements of `mask`.
    unsafe fn load_masked(from: *const f32, mask: Self::Mask) -> Self;

    /// Widens 16 `bf16` exactly.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading 16 elements.
    unsafe fn load_bf16(from: *const bf16) -> Self;

    /// Widens the first `count < 16` elements exactly; the other lanes are `+0.0` and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading `count` elements.
    unsafe fn load_masked_bf16(from: *const bf16, count: usize) -> Self;

    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn store(self, to: *mut f32);

    /// Writes the lanes of `mask` and touches nothing else.
    ///
    /// # Safety
    /// `to` is valid for writing the elements of `mask`.
    unsafe fn store_masked(self, to: *mut f32, mask: Self::Mask);

    /// `self * factor + addend`, rounded once.
    fn fma(self, factor: Self, addend: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    /// The lanes of `mask` from `self`, the others from `other`.
    fn select(self, mask: Self::Mask, other: Self) -> Self;
    fn bitcast_u32(self) -> Self::U32;

    /// Lane `j` += lane `j + 8`, then `+ 4`, `+ 2`, `+ 1`; the sum.
    fn reduce_sum(self) -> f32;
    /// [`reduce_sum`](SimdF32x16::reduce_sum) of four vectors at once.
    fn reduce_sum4(four: [Self; 4]) -> [f32; 4];
    /// The first half of [`reduce_sum`](SimdF32x16::reduce_sum) for four vectors.
    fn half_reduce(four: [Self; 4]) -> Self::HalfReduced;
    /// The other half for sixteen: the sum of the first vector in the first lane, and so on.
    fn reduce_sum16(fours: [Self::HalfReduced; 4]) -> Self;
    /// [`reduce_sum`](SimdF32x16::reduce_sum) of a multiple of four vectors at once.
    #[inline(always)]
    fn reduce_sum_each<const N: usize>(all: [Self; N]) -> [f32; N] {
        const { assert!(N.is_multiple_of(4)) };
        let mut sums = [0.0; N];
        for i in (0..N).step_by(4) {
            let four = Self::reduce_sum4([all[i], all[i + 1], all[i + 2], all[i + 3]]);
            sums[i..i + 4].copy_from_slice(&four);
        }
        sums
    }
}

/// Sixteen `u32`. Arithmetic wraps.
pub(crate) trait SimdU32x16: Copy {
    /// Proves that the instruction set is available.
    type Token: Copy;
    /// A set of lanes.
    type Mask: Copy;
    /// Sixteen `f32` of the same instruction set.
    type F32: SimdF32x16;

    /// The token that this vector was made with.
    fn proof(self) -> Self::Token;

    fn splat(simd: Self::Token, value: u32) -> Self;

    /// # Safety
    /// The instruction set is available; `from` is valid for reading 16 elements.
    unsafe fn load(from: *const u32) -> Self;

    /// 32 `bf16` as pairs: the even ones in the lower halves. Any alignment of `bf16` will do.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading 32 elements.
    unsafe fn load_pairs(from: *const bf16) -> Self;

    /// The first `count < 32` elements; the others are `+0.0` and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading `count` elements.
    unsafe fn load_masked_pairs(from: *const bf16, count: usize) -> Self;

    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn store(self, to: *mut u32);

    /// Writes the lower halves of the 16 words.
    ///
    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn store_low_halves(self, to: *mut u16);

    /// Writes the lower halves of the first `count < 16` words and touches nothing else.
    ///
    /// # Safety
    /// `to` is valid for writing `count` elements.
    unsafe fn store_masked_low_halves(self, to: *mut u16, count: usize);

    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn shift_left<const N: u32>(self) -> Self;
    fn shift_right<const N: u32>(self) -> Self;
    /// Each lane by its own count, below 64; from 32 on the result is 0.
    fn shift_left_each(self, counts: Self) -> Self;
    /// The lanes of `mask` from `self`, the others from `other`.
    fn select(self, mask: Self::Mask, other: Self) -> Self;
    /// The lanes where `self > other`, both taken as `i32`.
    fn greater_signed(self, other: Self) -> Self::Mask;
    /// Of each lane as `i32` the nearest `f32`, ties to even.
    fn signed_to_f32(self) -> Self::F32;
    fn bitcast_f32(self) -> Self::F32;
}

/// Returns `address`, but hides its origin from the compiler, so that loads from it use one base register and are not hoisted.
/// Intel cores since Haswell un-laminate multiply-adds with indexed addressing (two micro-operations); and loads of many rows
/// ahead of their use would occupy all registers.
#[inline(always)]
pub(crate) fn in_register<T>(address: *const T) -> *const T {
    #[cfg(target_arch = "x86_64")]
    let address = {
        let mut address = address;
        // SAFETY: no instruction at all.
        unsafe {
            core::arch::asm!("/* {0} */", inout(reg) address, options(nostack, preserves_flags));
        }
        address
    };
    address
}

/// Prefetches the cache line at `address`, of a row to come; the address need not be valid.
///
/// On x86-64 into the second-level cache: into the first, each prefetch occupies one of its few buffers of misses until the line has come
/// from memory, and a Zen 4 then reads scattered rows at half the rate, and updates them at two thirds
/// (`cargo bench -p slide-benches --bench memory`).
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    cfg_if::cfg_if! {
        if #[cfg(target_arch = "x86_64")] {
            // SAFETY: SSE is part of x86-64, and a prefetch of an invalid address does nothing.
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(address.cast());
            }
        } else if #[cfg(target_arch = "aarch64")] {
            // SAFETY: a prefetch of an invalid address does nothing.
            unsafe {
                core::arch::asm!("prfm pldl1keep, [{}]", in(reg) address.addr(), options(nomem, nostack, preserves_flags));
            }
        } else {
            let _ = address;
        }
    }
}

/// Prefetches the cache line at `address` into the second-level cache; the address need not be valid.
#[inline(always)]
pub(crate) fn prefetch_l2<T>(address: *const T) {
    cfg_if::cfg_if! {
        if #[cfg(target_arch = "x86_64")] {
            // SAFETY: SSE is part of x86-64, and a prefetch of an invalid address does nothing.
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(address.cast());
            }
        } else if #[cfg(target_arch = "aarch64")] {
            // SAFETY: a prefetch of an invalid address does nothing.
            unsafe {
                core::arch::asm!("prfm pldl2keep, [{}]", in(reg) address.addr(), options(nomem, nostack, preserves_flags));
            }
        } else {
            let _ = address;
        }
    }
}

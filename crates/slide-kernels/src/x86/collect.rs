//! Loads of single elements into the lanes of a register, for processors that gather slowly.

use core::arch::asm;
use core::arch::x86_64::*;

/// The words at `SCALE * ids[j]` bytes from `from`.
///
/// A load that fills all lanes and a blend need no shuffle, of which there is one port only; the instruction is written out
/// because the compiler makes `vinsertps` of both, which is a shuffle.
///
/// # Safety
/// AVX2 is available; `ids` is valid for reading eight elements, and the words for reading.
#[inline(always)]
pub(super) unsafe fn collect_8<const SCALE: i32>(from: *const u8, ids: *const u32) -> __m256i {
    // SAFETY: the caller has AVX2, eight ids, and their words: four and four.
    unsafe { _mm256_set_m128i(collect_4::<SCALE>(from, ids.add(4)), collect_4::<SCALE>(from, ids)) }
}

/// # Safety
/// As that of [`collect_8`], for four elements.
#[inline(always)]
unsafe fn collect_4<const SCALE: i32>(from: *const u8, ids: *const u32) -> __m128i {
    // SAFETY: upheld by the caller. Two numbers come with one load.
    unsafe {
        let (first, second) = (ids.cast::<u64>().read_unaligned(), ids.add(2).cast::<u64>().read_unaligned());
        let low =
            _mm_blend_epi32::<0b1010>(splat::<SCALE>(from, first as u32), splat::<SCALE>(from, (first >> 32) as u32));
        let high =
            _mm_blend_epi32::<0b1010>(splat::<SCALE>(from, second as u32), splat::<SCALE>(from, (second >> 32) as u32));
        _mm_blend_epi32::<0b1100>(low, high)
    }
}

/// The word at `SCALE * id` bytes from `from`, in every lane.
///
/// # Safety
/// AVX2 is available; the word is valid for reading.
#[inline(always)]
unsafe fn splat<const SCALE: i32>(from: *const u8, id: u32) -> __m128i {
    let word: __m128i;
    // SAFETY: the caller guarantees that the instruction is available and the word valid for reading.
    unsafe {
        asm!(
            "vbroadcastss {word}, dword ptr [{from} + {scale}*{id}]",
            word = lateout(xmm_reg) word,
            from = in(reg) from,
            scale = const SCALE,
            id = in(reg) u64::from(id),
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    word
}

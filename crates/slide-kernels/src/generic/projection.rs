//! Bodies of [`crate::api::projection`]: sixteen projections in a vector.

use core::mem::MaybeUninit;

use super::simhash::pack;
use super::{Compress, LANES, prefetch};
use crate::api::hash::MAX_VALUES;
use crate::api::projection::SignedProjection;
use crate::tuning::SIGNS_AHEAD;
use crate::{Matrix, RowIds};

/// 16-bit words for the bits of all projections, in whole words of signs, and one to read past their end.
const MAX_WORDS: usize = MAX_VALUES.next_multiple_of(32) / LANES + 1;

/// `WORDS` is how many words of signs are worked on at once: each takes two vectors of sums.
///
/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
pub(crate) unsafe fn projection_codes<L: Compress, const WORDS: usize>(
    functions: &SignedProjection<'_>,
    vectors: Matrix<'_>,
    out: &mut [u32],
) {
    for (v, codes) in out.chunks_exact_mut(functions.tables()).enumerate() {
        // SAFETY: as above; coordinates are less than the width.
        unsafe { codes_of::<L, WORDS>(functions, vectors.row(v), |i| i, codes) }
    }
}

/// # Safety
/// The instruction set of `L` is available; the shapes fit; the ids are less than the width.
#[inline(always)]
pub(crate) unsafe fn projection_codes_sparse<L: Compress, const WORDS: usize>(
    functions: &SignedProjection<'_>,
    ids: RowIds<'_>,
    values: &[f32],
    out: &mut [u32],
) {
    let (ids, words) = (ids.ids(), functions.words());
    let coordinate = |i: usize| {
        if let Some(&later) = ids.get(i + SIGNS_AHEAD) {
            let signs = functions.signs().as_ptr().wrapping_add(later as usize * words);
            prefetch(signs);
            prefetch(signs.wrapping_add(words - 1));
        }
        ids[i] as usize
    };
    // SAFETY: a `Kernels` value proves the level; the public method checked shapes and ids, which index the signs.
    unsafe { codes_of::<L, WORDS>(functions, values, coordinate, out) }
}

/// # Safety
/// The instruction set of `L` is available; `coordinate(i)` is less than the width for each of the values; there is a code
/// for each table.
#[inline(always)]
unsafe fn codes_of<L: Compress, const WORDS: usize>(
    functions: &SignedProjection<'_>,
    values: &[f32],
    coordinate: impl Fn(usize) -> usize,
    codes: &mut [u32],
) {
    let (signs, words) = (functions.signs().as_ptr(), functions.words());
    let mut bits = MaybeUninit::<[u16; MAX_WORDS]>::uninit();
    let bits = bits.as_mut_ptr().cast::<u16>();
    // SAFETY: as above. There are at most MAX_VALUES / 32 words, rounded up; the bits of all of them are written before
    // they are read, and the word after them.
    unsafe {
        let mut word = 0;
        while word + WORDS <= words {
            sums::<L, WORDS>(signs.add(word), words, values, &coordinate, bits.add(2 * word));
            word += WORDS;
        }
        while word < words {
            sums::<L, 1>(signs.add(word), words, values, &coordinate, bits.add(2 * word));
            word += 1;
        }
        bits.add(2 * words).write(0);
        pack::<L>(core::slice::from_raw_parts(bits, 2 * words + 1), functions.bits(), codes);
    }
}

/// Writes where the projections of `N` words of signs are positive.
///
/// # Safety
/// The instruction set of `L` is available; `signs`, with `stride` words to a coordinate, is valid for `N` words of each
/// coordinate that is named; `bits` is valid for writing `2 * N` elements.
#[inline(always)]
unsafe fn sums<L: Compress, const N: usize>(
    signs: *const u32,
    stride: usize,
    values: &[f32],
    coordinate: impl Fn(usize) -> usize,
    bits: *mut u16,
) {
    // SAFETY: the caller has the instruction set, `N` words of signs for each coordinate that is named, and room for
    // the bits.
    unsafe {
        let simd = L::token();
        let mut sums = [[L::zero(simd); 2]; N];
        for (i, &value) in values.iter().enumerate() {
            let x = L::splat(simd, value);
            let signs = signs.add(coordinate(i) * stride);
            for (j, [low, high]) in sums.iter_mut().enumerate() {
                let set = *signs.add(j);
                *low = low.add(x.flip(set));
                *high = high.add(x.flip(set >> LANES));
            }
        }
        for (j, [low, high]) in sums.iter().enumerate() {
            bits.add(2 * j).write(L::mask_to_bits(simd, low.greater(L::zero(simd))) as u16);
            bits.add(2 * j + 1).write(L::mask_to_bits(simd, high.greater(L::zero(simd))) as u16);
        }
    }
}

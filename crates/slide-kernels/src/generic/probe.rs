//! Bodies of [`crate::api::probe`].

use core::hint::black_box;

use super::{LANES, SimdF32x16, SimdU32x16, in_register, prefetch};
use crate::RowIds;
use crate::tuning::ROWS_AHEAD;

/// `CHAINS` independent chains of `step`, all from 1; the number of lanes that each step works on.
#[inline(always)]
fn chains<L: SimdF32x16, const CHAINS: usize>(simd: L::Token, rounds: usize, step: impl Fn(L) -> L) -> (f32, u64) {
    let mut chains: [L; CHAINS] = core::array::from_fn(|_| L::splat(simd, black_box(1.0)));
    for _ in 0..rounds {
        for x in &mut chains {
            *x = step(*x);
        }
    }
    let mut last = [0.0; LANES];
    for x in chains {
        // SAFETY: `last` has 16 elements.
        unsafe { x.store(black_box(&mut last).as_mut_ptr()) };
    }
    (last[0], (rounds * CHAINS * LANES) as u64)
}

/// # Safety
/// The contract of [`crate::api::probe::Table::multiply_adds`].
#[inline(always)]
pub(crate) unsafe fn multiply_adds<L: SimdF32x16, const CHAINS: usize>(rounds: usize) -> (f32, u64) {
    // SAFETY: a `Kernels` value proves the level; nothing else is needed.
    unsafe {
        let simd = L::token();
        // Arm overwrites the addend, so that is what the chain is. The compiler must not see that the product is a constant.
        let (a, b) = (L::splat(simd, black_box(-0.5)), L::splat(simd, black_box(0.25)));
        let (x, steps) = chains::<L, CHAINS>(simd, rounds, |x| a.fma(b, x));
        (x, 2 * steps)
    }
}

/// # Safety
/// The contract of [`crate::api::probe::Table::divisions`].
#[inline(always)]
pub(crate) unsafe fn divisions<L: SimdF32x16, const CHAINS: usize>(rounds: usize) -> (f32, u64) {
    // SAFETY: a `Kernels` value proves the level; nothing else is needed.
    unsafe {
        let simd = L::token();
        let two = L::splat(simd, 2.0);
        chains::<L, CHAINS>(simd, rounds, |x| two.div(x).sqrt())
    }
}

/// # Safety
/// The contract of [`crate::api::probe::Table::read`].
#[inline(always)]
pub(crate) unsafe fn read<L: SimdF32x16>(words: &[u32]) -> u32 {
    let blocks = words.chunks_exact(4 * LANES);
    let rest = blocks.remainder().iter().fold(0, |sum, word| sum ^ word);
    // SAFETY: the instruction set is guaranteed by the caller; a block has 64 elements, `last` 16.
    unsafe {
        let mut sums = [L::U32::splat(L::token(), 0); 4];
        let mut block = words.as_ptr();
        for _ in 0..blocks.len() {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = sum.xor(L::U32::load(block.add(i * LANES)));
            }
            // With an index in each address there were two operations for every load, and not three loads a cycle.
            block = in_register(block.add(4 * LANES));
        }
        let [a, b, c, d] = sums;
        let mut last = [0; LANES];
        a.xor(b).xor(c.xor(d)).store(last.as_mut_ptr());
        last.iter().fold(rest, |sum, word| sum ^ word)
    }
}

/// # Safety
/// The contract of [`crate::api::probe::Table::read_rows`].
#[inline(always)]
pub(crate) unsafe fn read_rows<L: SimdF32x16>(words: &[u32], stride: usize, width: usize, rows: RowIds<'_>) -> u32 {
    let ids = rows.ids();
    let Some(last) = ids.len().checked_sub(1) else { return 0 };
    // SAFETY: the index is at most `last`; the row lies in `words` as guaranteed by the caller.
    let row = |i: usize| unsafe { words.as_ptr().add(*ids.get_unchecked(i.min(last)) as usize * stride) };
    let mut rest = 0;
    // SAFETY: the instruction set is guaranteed by the caller, and that a row has `width` words: a load is of the words
    // `k..k + 16 <= width`, the others are read one by one.
    unsafe {
        let mut sums = L::U32::splat(L::token(), 0);
        for i in 0..ids.len() {
            let (row, ahead) = (row(i), row(i + ROWS_AHEAD));
            let mut k = 0;
            while k + LANES <= width {
                prefetch(ahead.wrapping_add(k));
                sums = sums.xor(L::U32::load(row.add(k)));
                k += LANES;
            }
            prefetch(ahead.wrapping_add(k));
            for k in k..width {
                rest ^= *row.add(k);
            }
        }
        let mut last = [0; LANES];
        sums.store(last.as_mut_ptr());
        last.iter().fold(rest, |sum, word| sum ^ word)
    }
}

/// # Safety
/// The contract of [`crate::api::probe::Table::update`].
#[inline(always)]
pub(crate) unsafe fn update<L: SimdF32x16>(a: &mut [f32], b: &mut [f32], c: &mut [f32], factor: f32) {
    let n = a.len();
    let mut slices = [a.as_mut_ptr(), b.as_mut_ptr(), c.as_mut_ptr()];
    // SAFETY: the instruction set and the equal lengths are guaranteed by the caller; an access is of the elements
    // `i..i + 16 <= n`, or of the `n - i` that are left.
    unsafe {
        let factor = L::splat(L::token(), factor);
        let mut i = 0;
        while i + LANES <= n {
            for slice in &mut slices {
                L::load(*slice).mul(factor).store(*slice);
                *slice = in_register(slice.add(LANES).cast_const()).cast_mut();
            }
            i += LANES;
        }
        let mask = L::first(n - i);
        for slice in slices {
            L::load_masked(slice, mask).mul(factor).store_masked(slice, mask);
        }
    }
}

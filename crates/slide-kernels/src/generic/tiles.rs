//! Splits rows into tiles of a few vectors that fit the registers.

use super::{LANES, SimdF32x16};

/// Work on part of a row.
pub(crate) trait Tiled<L> {
    /// Elements `k..k + T * 16`, or, if `MASKED` (then `T` is 1), `k..k + count` with `count < 16`.
    ///
    /// # Safety
    /// The instruction set of `L` is available; the tile lies in the row.
    unsafe fn tile<const T: usize, const MASKED: bool>(&mut self, k: usize, count: usize);
}

/// Tiles of `MAX` vectors (1, 2, 4 or 8), then of the smaller powers of two, then what is less than a vector.
///
/// # Safety
/// The instruction set of `L` is available; `work` is good for rows of `width` elements.
#[inline(always)]
pub(crate) unsafe fn for_tiles<L: SimdF32x16, const MAX: usize>(width: usize, work: &mut impl Tiled<L>) {
    let mut k = 0;
    // SAFETY: the instruction set is guaranteed by the caller; every tile ends at `width` at most.
    unsafe {
        while k + MAX * LANES <= width {
            work.tile::<MAX, false>(k, LANES);
            k += MAX * LANES;
        }
        if MAX > 4 && k + 4 * LANES <= width {
            work.tile::<4, false>(k, LANES);
            k += 4 * LANES;
        }
        if MAX > 2 && k + 2 * LANES <= width {
            work.tile::<2, false>(k, LANES);
            k += 2 * LANES;
        }
        if MAX > 1 && k + LANES <= width {
            work.tile::<1, false>(k, LANES);
            k += LANES;
        }
        if k < width {
            work.tile::<1, true>(k, width - k);
        }
    }
}

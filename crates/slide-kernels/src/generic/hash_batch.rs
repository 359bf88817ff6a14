//! Body of [`crate::api::hash`] for sixteen vectors at a time: bins of coordinates.
//!
//! The keys of a bin's position are a column, so taking them is a load, wherever they are. For each position there are left
//! one comparison, one maximum and one selection for sixteen vectors.

use super::columns::{Transpose, write_codes, write_columns};
use super::hash::{Family, SCRATCH};
use super::{Compare, LANES, SimdU32x16};
use crate::Matrix;
use crate::api::hash::Bins;
use crate::scalar::hash::source;

/// Whether a batch has room: its keys in one scratch space, its codes and sets of empty bins in the other.
#[inline(always)]
pub(crate) fn fits(functions: &Bins) -> bool {
    functions.padded_width() * LANES <= SCRATCH && functions.tables() * LANES + functions.bins().div_ceil(2) <= SCRATCH
}

/// Codes of the rows from `first` on, as many as `out` has room for, at most 16.
///
/// # Safety
/// The instruction set of `L` is available; the shapes fit, and [`fits`] says so too; `keys` and `scratch` are valid for
/// writing `SCRATCH` elements.
#[inline(always)]
pub(crate) unsafe fn codes<L: Compare + Transpose, F: Family>(
    functions: &Bins,
    vectors: Matrix<'_>,
    first: usize,
    out: &mut [u32],
    keys: *mut f32,
    scratch: *mut u32,
) {
    let (tables, padded) = (functions.tables(), functions.padded_width());
    // SAFETY: as above. The codes take `16 * tables` words of the scratch space, the sets half a word for each bin.
    unsafe {
        write_columns::<L>(vectors, first, out.len() / tables, f32::NAN, padded, keys);
        for c in 0..padded {
            let column = keys.add(c * LANES);
            F::key(L::load(column)).store(column);
        }
        let empty = scratch.add(tables * LANES).cast::<u16>();
        match functions.bin_bits() {
            2 => winners::<L, F, 4>(functions, keys, scratch, empty),
            3 => winners::<L, F, 8>(functions, keys, scratch, empty),
            _ => winners::<L, F, 0>(functions, keys, scratch, empty),
        }
        if F::DENSIFY {
            densify(functions, core::slice::from_raw_parts(empty, functions.bins()), scratch);
        }
        write_codes::<L>(scratch, tables, out);
    }
}

/// Writes the codes side by side, with 0 for empty bins, and the set of vectors for which a bin is empty. Bins have `SIZE`
/// positions, or, where that is 0, as many as the functions say.
///
/// # Safety
/// The instruction set of `L` is available; the keys of all padded coordinates are there; `codes` is valid for
/// `16 * tables` elements, and `empty` for one per bin.
#[inline(always)]
unsafe fn winners<L: Compare, F: Family, const SIZE: usize>(
    functions: &Bins,
    keys: *const f32,
    codes: *mut u32,
    empty: *mut u16,
) {
    let (bin_bits, tables) = (functions.bin_bits(), functions.tables());
    let size = if SIZE == 0 { 1 << bin_bits } else { SIZE };
    let modulo = functions.padded_width() - 1;
    let positions = functions.positions().as_ptr();
    // SAFETY: as above; position `j` of bin `b` is at `(b / 16 * size + j) * 16 + b % 16`; modulo the padded width it is a
    // column of the keys.
    unsafe {
        let simd = L::token();
        for k in 0..functions.values() {
            // What the positions are worth at the place of value `k` of a code.
            let one = L::U32::splat(simd, 1 << (k * bin_bits));
            let mut worth = [L::U32::splat(simd, 0); 8];
            for j in 1..SIZE.min(8) {
                worth[j] = worth[j - 1].add(one);
            }
            for t in 0..tables {
                let bin = k * tables + t;
                let positions = positions.add(bin / LANES * size * LANES + bin % LANES);
                let column = |j: usize| L::load(keys.add((*positions.add(j * LANES) as usize & modulo) * LANES));
                let mut best = column(0);
                let mut winner = L::U32::splat(simd, 0);
                if SIZE == 0 {
                    let mut position = winner;
                    for j in 1..size {
                        position = position.add(one);
                        enter(column(j), position, &mut best, &mut winner);
                    }
                } else {
                    for (j, &position) in worth.iter().enumerate().take(SIZE).skip(1) {
                        enter(column(j), position, &mut best, &mut winner);
                    }
                }
                if F::DENSIFY {
                    let none = best.at_most(L::splat(simd, f32::NEG_INFINITY));
                    empty.add(bin).write(L::mask_to_bits(simd, none) as u16);
                }
                let code = codes.add(t * LANES);
                if k > 0 {
                    winner = winner.or(L::U32::load(code));
                }
                winner.store(code);
            }
        }
    }
}

#[inline(always)]
fn enter<L: Compare>(key: L, position: L::U32, best: &mut L, winner: &mut L::U32) {
    *winner = position.select(key.greater(*best), *winner);
    *best = key.larger(*best);
}

/// Gives every empty bin the value of one that is not.
///
/// # Safety
/// `codes` is valid for `16 * tables` elements.
#[inline(always)]
unsafe fn densify(functions: &Bins, empty: &[u16], codes: *mut u32) {
    let (bins, bin_bits, tables) = (functions.bins(), functions.bin_bits(), functions.tables());
    // A vector without any value keeps its zeros.
    let some = !empty.iter().fold(u16::MAX, |all, empty| all & empty);
    for (bin, &vectors) in empty.iter().enumerate() {
        let mut vectors = vectors & some;
        while vectors != 0 {
            let v = vectors.trailing_zeros() as usize;
            vectors &= vectors - 1;
            let Some(other) = source(bins, bin, |other| empty[other] >> v & 1 == 0) else { continue };
            // SAFETY: as above; bins are less than `values * tables`.
            unsafe {
                let value =
                    *codes.add(other % tables * LANES + v) >> (other / tables * bin_bits) & ((1 << bin_bits) - 1);
                *codes.add(bin % tables * LANES + v) |= value << (bin / tables * bin_bits);
            }
        }
    }
}

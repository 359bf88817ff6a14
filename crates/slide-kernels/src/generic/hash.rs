//! Bodies of [`crate::api::hash`]: bins of coordinates. SimHash is in [`super::simhash`].

use super::columns::Room;
use super::{Compare, Gather, LANES, SimdU32x16, Transpose, hash_batch};
use crate::Matrix;
use crate::api::hash::{Bins, MAX_VALUES, MAX_WIDTH};
use crate::scalar::hash::{EMPTY, densify, pack};
use crate::tuning::BINS_BATCH;

/// What a family compares of a coordinate.
pub(crate) trait Family {
    /// Whether an empty bin takes the value of another.
    const DENSIFY: bool;

    fn key<L: Compare>(x: L) -> L;
}

struct Wta;
struct Dwta;
struct MinHash;

impl Family for Wta {
    const DENSIFY: bool = false;

    #[inline(always)]
    fn key<L: Compare>(x: L) -> L {
        let simd = x.proof();
        x.select(x.at_most(L::splat(simd, f32::INFINITY)), L::splat(simd, f32::NEG_INFINITY))
    }
}

impl Family for Dwta {
    const DENSIFY: bool = true;

    #[inline(always)]
    fn key<L: Compare>(x: L) -> L {
        let simd = x.proof();
        let magnitude = x.bitcast_u32().and(L::U32::splat(simd, 0x7fff_ffff)).bitcast_f32();
        x.select(magnitude.greater(L::zero(simd)), L::splat(simd, f32::NEG_INFINITY))
    }
}

impl Family for MinHash {
    const DENSIFY: bool = true;

    #[inline(always)]
    fn key<L: Compare>(x: L) -> L {
        let simd = x.proof();
        L::splat(simd, 1.0).select(x.greater(L::zero(simd)), L::splat(simd, f32::NEG_INFINITY))
    }
}

/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
pub(crate) unsafe fn wta_codes<L: Compare + Gather + Transpose>(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    // SAFETY: a `Kernels` value proves the level; `Kernels::wta_codes` checked the shapes.
    unsafe { codes::<L, Wta>(functions, vectors, out) }
}

/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
pub(crate) unsafe fn dwta_codes<L: Compare + Gather + Transpose>(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    // SAFETY: a `Kernels` value proves the level; `Kernels::dwta_codes` checked the shapes.
    unsafe { codes::<L, Dwta>(functions, vectors, out) }
}

/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
pub(crate) unsafe fn minhash_codes<L: Compare + Gather + Transpose>(
    functions: &Bins,
    vectors: Matrix,
    out: &mut [u32],
) {
    // SAFETY: a `Kernels` value proves the level; `Kernels::minhash_codes` checked the shapes.
    unsafe { codes::<L, MinHash>(functions, vectors, out) }
}

/// Elements of each of the two scratch spaces: keys, and values.
pub(crate) const SCRATCH: usize = MAX_WIDTH;
const _: () = assert!(MAX_VALUES * size_of::<u16>() <= SCRATCH * size_of::<u32>());

/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
unsafe fn codes<L: Compare + Gather + Transpose, F: Family>(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    let (padded, tables) = (functions.padded_width(), functions.tables());
    let (mut keys, mut scratch) = (Room::<f32, SCRATCH>::new(), Room::<u32, SCRATCH>::new());
    let (keys, scratch) = (keys.start(), scratch.start());
    let batches = hash_batch::fits(functions);
    for (batch, out) in out.chunks_mut(LANES * tables).enumerate() {
        // SAFETY: the instruction set and the shapes are guaranteed by the caller. `Bins` has at most MAX_WIDTH padded
        // coordinates and MAX_VALUES bins rounded up to 16: both buffers are large enough. The keys of all
        // padded coordinates are written before they are read, and the values of all bins.
        unsafe {
            if batches && out.len() >= BINS_BATCH * tables {
                hash_batch::codes::<L, F>(functions, vectors, batch * LANES, out, keys, scratch);
                continue;
            }
            for (v, codes) in out.chunks_exact_mut(tables).enumerate() {
                write_keys::<L, F>(vectors.row(batch * LANES + v), padded, keys);
                single::<L, F>(functions, keys, scratch.cast(), codes);
            }
        }
    }
}

/// Codes of one vector.
///
/// # Safety
/// The instruction set of `L` is available; the keys of all padded coordinates are there; `values` is valid for writing
/// MAX_VALUES elements; `codes` has one for each table.
#[inline(always)]
unsafe fn single<L: Compare + Gather, F: Family>(
    functions: &Bins,
    keys: *const f32,
    values: *mut u16,
    codes: &mut [u32],
) {
    let (bin_bits, padded) = (functions.bin_bits(), functions.padded_width());
    let positions = functions.positions();
    // SAFETY: as above; there are at most MAX_VALUES bins, rounded up to 16.
    unsafe {
        // The common shape by itself, so that its loop is unrolled and the table stays in registers.
        let empty = if padded == 128 && bin_bits == 3 {
            winners_128::<L, 8>(positions, keys, values)
        } else {
            winners::<L>(positions, 1 << bin_bits, keys, padded, values)
        };
        let values = core::slice::from_raw_parts_mut(values, functions.bins());
        if F::DENSIFY && empty {
            densify(values);
        }
        pack(values, bin_bits, codes);
    }
}

/// Writes the keys of a vector; those past its width are `-inf`.
///
/// # Safety
/// The instruction set of `L` is available; `keys` is valid for writing `padded` elements.
#[inline(always)]
unsafe fn write_keys<L: Compare, F: Family>(vector: &[f32], padded: usize, keys: *mut f32) {
    let width = vector.len();
    // SAFETY: as above; each load is of elements `i..i + 16 <= width`, or of the `width - i` that are left.
    unsafe {
        let none = L::splat(L::token(), f32::NEG_INFINITY);
        for i in (0..padded).step_by(LANES) {
            let key = if i + LANES <= width {
                F::key(L::load(vector.as_ptr().add(i)))
            } else if i < width {
                let mask = L::first(width - i);
                F::key(L::load_masked(vector.as_ptr().add(i), mask)).select(mask, none)
            } else {
                none
            };
            key.store(keys.add(i));
        }
    }
}

/// Writes the first position of the largest key of each bin, or `EMPTY`. Says whether a bin is empty.
///
/// # Safety
/// The instruction set of `L` is available; `positions` has 16 bins of `size` at a time; `keys` is valid for
/// `padded` elements, a power of two; `values` is valid for writing a value per bin.
#[inline(always)]
unsafe fn winners<L: Compare + Gather>(
    positions: &[u32],
    size: usize,
    keys: *const f32,
    padded: usize,
    values: *mut u16,
) -> bool {
    // SAFETY: as above; `position & (padded - 1)` is an element of the keys.
    unsafe {
        let simd = L::token();
        let modulo = L::U32::splat(simd, padded as u32 - 1);
        let mut all = L::U32::splat(simd, 0);
        for (group, positions) in positions.chunks_exact(size * LANES).enumerate() {
            let mut race = Race::<L>::start(simd);
            for position in positions.chunks_exact(LANES) {
                race.enter(L::gather(keys, L::U32::load(position.as_ptr()).and(modulo)));
            }
            race.winner.store_low_halves(values.add(group * LANES));
            all = all.or(race.winner);
        }
        has_empty::<L>(all)
    }
}

/// [`winners`] for keys that fit in a table of 128.
///
/// # Safety
/// As that of [`winners`], with a `size` of `SIZE` and keys that are valid for 128 elements.
#[inline(always)]
unsafe fn winners_128<L: Compare + Gather, const SIZE: usize>(
    positions: &[u32],
    keys: *const f32,
    values: *mut u16,
) -> bool {
    // SAFETY: the caller has the instruction set, 128 keys, whole groups of positions, and room for a value per bin.
    unsafe {
        let simd = L::token();
        let table = L::table_128(keys);
        let mut all = L::U32::splat(simd, 0);
        for (group, positions) in positions.chunks_exact(SIZE * LANES).enumerate() {
            let mut race = Race::<L>::start(simd);
            for j in 0..SIZE {
                race.enter(L::look_up_128(table, L::U32::load(positions.as_ptr().add(j * LANES))));
            }
            race.winner.store_low_halves(values.add(group * LANES));
            all = all.or(race.winner);
        }
        has_empty::<L>(all)
    }
}

/// Whether `EMPTY` is in one of the lanes of values that were combined by `or`.
#[inline(always)]
fn has_empty<L: Compare>(all: L::U32) -> bool {
    let simd = all.proof();
    L::mask_to_bits(simd, all.greater_signed(L::U32::splat(simd, u32::from(EMPTY) - 1))) != 0
}

/// Sixteen bins, into which keys are entered position by position.
struct Race<L: Compare> {
    best: L,
    winner: L::U32,
    position: L::U32,
}

impl<L: Compare> Race<L> {
    #[inline(always)]
    fn start(simd: L::Token) -> Self {
        Race {
            best: L::splat(simd, f32::NEG_INFINITY),
            winner: L::U32::splat(simd, u32::from(EMPTY)),
            position: L::U32::splat(simd, 0),
        }
    }

    #[inline(always)]
    fn enter(&mut self, key: L) {
        let wins = key.greater(self.best);
        self.best = key.select(wins, self.best);
        self.winner = self.position.select(wins, self.winner);
        self.position = self.position.add(L::U32::splat(key.proof(), 1));
    }
}

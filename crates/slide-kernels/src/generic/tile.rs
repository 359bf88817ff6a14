//! The inner kernel of the dense products: a tile of output that stays in registers.
#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are numbered everywhere at once")]

use super::{LANES, SimdF32x16, Storage};

/// The most rows that a tile has.
pub(crate) const MOST_ROWS: usize = 12;

/// `out[j][lane] += sum_i left(j, i) * panel[i][lane]`, as a chain over ascending `i`, for a few rows `j` and the lanes
/// of a few vectors.
pub(crate) struct Tile {
    /// Element `i` of row `j` is at `left[j] + i * left_step`.
    pub(crate) left: [*const f32; MOST_ROWS],
    pub(crate) left_step: usize,
    /// Packed: `depth` times as many vectors as the tile has, without gaps. (For pairs a vector has two elements of the depth
    /// for each lane, and `depth` counts these; other functions say what it is to them.)
    pub(crate) panel: *mut f32,
    pub(crate) depth: usize,
    pub(crate) out: *mut f32,
    pub(crate) out_stride: usize,
    /// Lanes of the last vector that exist: 1 to 16.
    pub(crate) last_lanes: usize,
    /// Where the chains start, instead of at what `out` holds.
    pub(crate) start: Option<[f32; MOST_ROWS]>,
    /// For a function that packs the panel on the way: where its lanes of row 0 start, bytes from row to row, and `depth` row
    /// numbers.
    pub(crate) source: *const u8,
    pub(crate) source_step: usize,
    pub(crate) ids: *const u32,
}

/// A function that computes a tile of a fixed shape.
///
/// Safety: its instruction set is available; the pointers of the tile are valid for the shape, and the rows of `out`
/// are not accessed by anything else.
pub(crate) type TileFunction = unsafe fn(&Tile);

/// Tile functions for one number of vectors.
pub(crate) struct TileList {
    /// Rows of the tile, most first, down to 1.
    pub(crate) functions: &'static [(usize, TileFunction)],
    /// For the backward product.
    pub(crate) packing: Option<PackingTiles>,
}

/// The first function of a list as one that packs the panel from rows of `f32` or `bf16`. Their lanes all exist.
pub(crate) struct PackingTiles {
    pub(crate) of_f32: TileFunction,
    pub(crate) of_bf16: TileFunction,
}

/// How a tile multiplies: single elements or pairs.
pub(crate) trait Multiply<L: SimdF32x16> {
    /// What a row of the left factor is multiplied by in one step, for all lanes.
    type Left: Copy;

    /// # Safety
    /// The instruction set of `L` is available; `from` is valid for reading what a step takes of a row: four bytes, which may
    /// lie at any address if they are no `f32`.
    unsafe fn left(from: *const f32) -> Self::Left;

    /// # Safety
    /// The instruction set of the implementation is available.
    unsafe fn add(left: Self::Left, right: L, sum: L) -> L;
}

/// `f32`, by fused multiply-adds.
pub(crate) struct Singles;

impl<L: SimdF32x16> Multiply<L> for Singles {
    type Left = L;

    #[inline(always)]
    unsafe fn left(from: *const f32) -> L {
        // SAFETY: the caller has the instruction set and an element to read.
        unsafe { L::splat(L::token(), *from) }
    }
    #[inline(always)]
    unsafe fn add(left: L, right: L, sum: L) -> L {
        left.fma(right, sum)
    }
}

/// The body of every tile function: `ROWS` rows of `VECTORS` vectors; `PACKING` from rows of `S`.
///
/// Packing separately would take five cycles per cache line, which here overlap with the products.
///
/// # Safety
/// The contract of [`TileFunction`]; the instruction set of `M` is available.
#[inline(always)]
pub(crate) unsafe fn work<
    L: SimdF32x16,
    M: Multiply<L>,
    S: Storage,
    const ROWS: usize,
    const VECTORS: usize,
    const PACKING: bool,
>(
    tile: &Tile,
) {
    // SAFETY: guaranteed by the caller: rows of `left` and the panel have `depth` elements, rows of `out` the vectors of the
    // tile, the last one with `last_lanes` lanes.
    unsafe {
        let simd = L::token();
        let last = L::first(tile.last_lanes);
        let mut sums = [[L::zero(simd); VECTORS]; ROWS];
        for j in 0..ROWS {
            for n in 0..VECTORS {
                let out = tile.out.add(j * tile.out_stride + n * LANES);
                sums[j][n] = match &tile.start {
                    Some(start) => L::splat(simd, start[j]),
                    None if n + 1 < VECTORS => L::load(out),
                    None => L::load_masked(out, last),
                };
            }
        }
        // No other instructions: address computations would use the ports of the products.
        let (step, mut panel, mut offset) = (tile.left_step, tile.panel, 0);
        for i in 0..tile.depth {
            let mut right = [L::zero(simd); VECTORS];
            if PACKING {
                let row = tile.source.add(*tile.ids.add(i) as usize * tile.source_step).cast::<S>();
                for (n, right) in right.iter_mut().enumerate() {
                    *right = S::load(row.add(n * LANES));
                    right.store(panel.add(n * LANES));
                }
            } else {
                for (n, right) in right.iter_mut().enumerate() {
                    *right = L::load(panel.add(n * LANES));
                }
            }
            for j in 0..ROWS {
                let factor = M::left(tile.left[j].add(offset));
                for n in 0..VECTORS {
                    sums[j][n] = M::add(factor, right[n], sums[j][n]);
                }
            }
            panel = panel.add(VECTORS * LANES);
            offset += step;
        }
        for j in 0..ROWS {
            for n in 0..VECTORS {
                let out = tile.out.add(j * tile.out_stride + n * LANES);
                if n + 1 < VECTORS {
                    sums[j][n].store(out);
                } else {
                    sums[j][n].store_masked(out, last);
                }
            }
        }
    }
}

//! The inner kernel of the dense products: a tile of output that stays in registers.
#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are numbered everywhere at once")]

use super::lanes::prefetch_l2;
use super::{LANES, Lanes};

/// The most rows that a tile has.
pub(crate) const MOST_ROWS: usize = 12;

/// Elements that are multiplied between two prefetches.
pub(crate) const STEP: usize = 32;

/// `out[j][lane] += sum_i left(j, i) * panel[i][lane]`, as a chain over ascending `i`, for a few rows `j` and the lanes
/// of a few vectors.
pub(crate) struct Tile {
    /// Element `i` of row `j` is at `left[j] + i * left_step`.
    pub(crate) left: [*const f32; MOST_ROWS],
    pub(crate) left_step: usize,
    /// Packed: `depth` times as many vectors as the tile has, without gaps.
    pub(crate) panel: *const f32,
    pub(crate) depth: usize,
    pub(crate) out: *mut f32,
    pub(crate) out_stride: usize,
    /// Lanes of the last vector that exist: 1 to 16.
    pub(crate) last_lanes: usize,
    /// Where the chains start, instead of at what `out` holds.
    pub(crate) start: Option<[f32; MOST_ROWS]>,
    /// What will be needed next.
    pub(crate) ahead: Ahead,
}

/// A function that works a tile of a fixed shape.
///
/// Safety: its instruction set is available; the pointers of the tile are valid for the shape, and the rows of `out`
/// are used by nobody else.
pub(crate) type TileFunction = unsafe fn(&mut Tile);

/// Tile functions for one number of vectors: rows of the tile, most first, down to 1.
pub(crate) type TileList = &'static [(usize, TileFunction)];

/// Cache lines of scattered rows, in order, that are asked for a few at a time.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    /// Where the wanted part of row 0 starts.
    start: *const u8,
    row_bytes: usize,
    ids: *const u32,
    ids_end: *const u32,
    /// Of the wanted part of a row.
    bytes: usize,
    /// In the row that is next in `ids`.
    offset: usize,
    /// Lines at a time.
    pub(crate) lines: usize,
}

impl Ahead {
    /// Nothing to ask for.
    pub(crate) const NOTHING: Ahead = Ahead {
        start: core::ptr::null(),
        row_bytes: 0,
        ids: core::ptr::null(),
        ids_end: core::ptr::null(),
        bytes: 0,
        offset: 0,
        lines: 0,
    };

    /// Elements `first..first + count` of the rows `ids` of a table, `lines` lines at a time.
    #[inline(always)]
    pub(crate) fn new<S>(
        table: *const S,
        stride: usize,
        ids: &[u32],
        first: usize,
        count: usize,
        lines: usize,
    ) -> Self {
        let ids = ids.as_ptr_range();
        Ahead {
            start: table.wrapping_add(first).cast(),
            row_bytes: stride * size_of::<S>(),
            ids: ids.start,
            ids_end: ids.end,
            bytes: count * size_of::<S>(),
            offset: 0,
            lines,
        }
    }

    /// Asks for the next few lines.
    #[inline(always)]
    pub(crate) fn advance(&mut self) {
        for _ in 0..self.lines {
            if self.ids == self.ids_end {
                return;
            }
            // SAFETY: `ids` is before the end of the list that it was made from, which outlives the product.
            let id = unsafe { *self.ids } as usize;
            prefetch_l2(self.start.wrapping_add(id * self.row_bytes + self.offset));
            // Without a branch, which would be mispredicted at the end of most rows.
            self.offset += 64;
            let row_done = usize::from(self.offset >= self.bytes);
            self.offset &= row_done.wrapping_sub(1);
            self.ids = self.ids.wrapping_add(row_done);
        }
    }
}

/// The body of every tile function: `ROWS` rows of `VECTORS` vectors.
///
/// # Safety
/// The contract of [`TileFunction`].
#[inline(always)]
pub(crate) unsafe fn work<L: Lanes, const ROWS: usize, const VECTORS: usize>(tile: &mut Tile) {
    // SAFETY: the caller's word: rows of `left` and the panel have `depth` elements, rows of `out` the vectors of the
    // tile, the last one with `last_lanes` lanes.
    unsafe {
        let last = L::first(tile.last_lanes);
        let mut sums = [[L::zero(); VECTORS]; ROWS];
        for j in 0..ROWS {
            for n in 0..VECTORS {
                let out = tile.out.add(j * tile.out_stride + n * LANES);
                sums[j][n] = match &tile.start {
                    Some(start) => L::splat(start[j]),
                    None if n + 1 < VECTORS => L::load(out),
                    None => L::load_part(out, last),
                };
            }
        }
        let (step, mut panel, mut offset, mut left) = (tile.left_step, tile.panel, 0, tile.depth);
        while left > 0 {
            let run = left.min(STEP);
            tile.ahead.advance();
            for _ in 0..run {
                let mut right = [L::zero(); VECTORS];
                for (n, right) in right.iter_mut().enumerate() {
                    *right = L::load(panel.add(n * LANES));
                }
                for j in 0..ROWS {
                    let factor = L::splat(*tile.left[j].add(offset));
                    for n in 0..VECTORS {
                        sums[j][n] = factor.fma(right[n], sums[j][n]);
                    }
                }
                panel = panel.add(VECTORS * LANES);
                offset += step;
            }
            left -= run;
        }
        for j in 0..ROWS {
            for n in 0..VECTORS {
                let out = tile.out.add(j * tile.out_stride + n * LANES);
                if n + 1 < VECTORS {
                    sums[j][n].store(out);
                } else {
                    sums[j][n].store_part(out, last);
                }
            }
        }
    }
}

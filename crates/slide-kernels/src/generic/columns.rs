//! Sixteen vectors side by side: lane `v` of column `c` is coordinate `c` of vector `v`.
//!
//! Permuting coordinates is free in this layout: reading one is a load.

use core::mem::MaybeUninit;

use super::{LANES, SimdF32x16};
use crate::Matrix;

/// Sixteen rows to sixteen columns.
pub(crate) trait Transpose: SimdF32x16 {
    /// `to[c * to_stride + r] = from[r * from_stride + c]` for `r` and `c` below 16.
    ///
    /// # Safety
    /// The instruction set is available; those elements are valid for reading and writing.
    unsafe fn transpose_16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
}

/// Room on the stack for columns, each of which then lies within one cache line.
#[repr(align(64))]
pub(crate) struct Room<T, const N: usize>(MaybeUninit<[T; N]>);

impl<T, const N: usize> Room<T, N> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Room(MaybeUninit::uninit())
    }

    #[inline(always)]
    pub(crate) fn start(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

/// Writes columns `0..padded` of the rows `first..first + count`; `filler` is what lies beyond the width and the rows.
///
/// # Safety
/// The instruction set of `L` is available; `columns` is valid for writing `16 * padded` elements; `padded` is a multiple of
/// 16, at least the width; `count` is at most 16, and there are that many rows.
#[inline(always)]
pub(crate) unsafe fn write_columns<L: Transpose>(
    vectors: Matrix<'_>,
    first: usize,
    count: usize,
    filler: f32,
    padded: usize,
    columns: *mut f32,
) {
    let (width, stride) = (vectors.width(), vectors.stride());
    for c in (0..padded).step_by(LANES) {
        // SAFETY: as above; the block is read where all of it lies within the rows, else what does is copied.
        unsafe {
            let to = columns.add(c * LANES);
            if count == LANES && c + LANES <= width {
                L::transpose_16(vectors.data().as_ptr().add(first * stride + c), stride, to, LANES);
                continue;
            }
            let mut block = [filler; LANES * LANES];
            for (v, row) in block.chunks_exact_mut(LANES).enumerate().take(count) {
                let part = vectors.row(first + v).get(c..).unwrap_or(&[]);
                let part = &part[..part.len().min(LANES)];
                row[..part.len()].copy_from_slice(part);
            }
            L::transpose_16(block.as_ptr(), LANES, to, LANES);
        }
    }
}

/// Writes codes that lie side by side, `codes[t * 16 + v]`, one vector after the other: `out[v * tables + t]`.
///
/// # Safety
/// The instruction set of `L` is available; `codes` is valid for reading `16 * tables` elements; `out` has `tables`
/// elements for each of at most 16 vectors.
#[inline(always)]
pub(crate) unsafe fn write_codes<L: Transpose>(codes: *const u32, tables: usize, out: &mut [u32]) {
    let count = out.len() / tables;
    // SAFETY: as above; a block of 16 tables lies within all 16 vectors of `out`. The back ends move lanes without a
    // look at what they hold.
    unsafe {
        if count == LANES && tables >= LANES {
            let out = out.as_mut_ptr();
            for t in (0..tables).step_by(LANES) {
                // The last block overlaps the one before it.
                let t = t.min(tables - LANES);
                L::transpose_16(codes.add(t * LANES).cast(), LANES, out.add(t).cast(), tables);
            }
            return;
        }
        for (v, out) in out.chunks_exact_mut(tables).enumerate() {
            for (t, code) in out.iter_mut().enumerate() {
                *code = *codes.add(t * LANES + v);
            }
        }
    }
}

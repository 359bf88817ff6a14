//! One query against rows of short codes in blocks of sixteen.

use slide_kernels::CodeBlocks;

use crate::arguments::{elements, slice, slice_mut};
use crate::level::{Invalid, SlideKernels, SlideStatus, call, resolve};

/// Rows of codes of four bits or of one, in blocks of sixteen rows. With `c` columns a line, 8 for four bits and 32 for one, the
/// code of row `i` and column `k` is in byte `64 (i / 16 * (width / c) + k / c) + 4 (i % 16) + k % 4`, and its lowest bit there
/// is bit `k % c / 4 * 32 / c`. Code `c` of four bits represents `scales[i] * (c - 8)`; a bit 1 represents `scales[i]`, 0 its negative.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideCodeBlocks {
    /// `rows * width / 2` bytes for codes of four bits, `rows * width / 8` for those of one.
    pub codes: *const u8,
    /// The scale of each row.
    pub scales: *const f32,
    /// What is added to the score of each row.
    pub offsets: *const f32,
    /// Number of rows, a multiple of 16.
    pub rows: usize,
    /// Codes per row: a positive multiple of 8 for four bits, of 32 for one.
    pub width: usize,
}

impl SlideCodeBlocks {
    /// # Safety
    /// The pointers are valid for what the shape says.
    unsafe fn view<'a, const BITS: usize>(self) -> Result<CodeBlocks<'a, BITS>, Invalid> {
        // Of rows or columns that do not fill blocks no byte is read: the view refuses them.
        let bytes = elements(self.rows / 16 * (2 * BITS), self.width)?;
        // SAFETY: upheld by the caller.
        unsafe {
            let (scales, offsets) = (slice(self.scales, self.rows)?, slice(self.offsets, self.rows)?);
            Ok(CodeBlocks::new(slice(self.codes, bytes)?, scales, offsets, self.width)?)
        }
    }
}

/// `out[i] = d * blocks.scales[i] * scale + blocks.offsets[i] + base` for all rows, with one fused multiply-add, where `d` is the
/// sum of `(code - 8) * query[k]`, in integers; codes have four bits. `query` has `blocks.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_score_nibble_blocks(
    kernels: *const SlideKernels,
    blocks: SlideCodeBlocks,
    query: *const i8,
    scale: f32,
    base: f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (query, out) = (slice(query, blocks.width)?, slice_mut(out, blocks.rows)?);
        resolve(kernels)?.score_nibble_blocks(blocks.view()?, query, scale, base, out);
        Ok(())
    })
}

/// `out[i] = d * blocks.scales[i] * scale + blocks.offsets[i] + base` for all rows, with one fused multiply-add, where `d` is the
/// sum of `query[k]` where the bit is 1 and of `-query[k]` where it is 0. `query` has `blocks.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_score_bit_blocks(
    kernels: *const SlideKernels,
    blocks: SlideCodeBlocks,
    query: *const i8,
    scale: f32,
    base: f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (query, out) = (slice(query, blocks.width)?, slice_mut(out, blocks.rows)?);
        resolve(kernels)?.score_bit_blocks(blocks.view()?, query, scale, base, out);
        Ok(())
    })
}

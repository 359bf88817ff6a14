//! Sampled dense-dense matrix products, and the conversion from CSR to CSC that makes their patterns.

use slide_kernels::{CscMut, CscPattern, CsrView};

use crate::arguments::{SlideMatrix, SlideMatrixMut, SlideTable, SlideTableMut, result, slice, slice_mut};
use crate::level::{Invalid, SlideKernels, SlideStatus, call, resolve};
use crate::update::{SlideOptimiser, SlideRounding};

/// The sparsity pattern of a batch in CSC: entry `e` is the pair of row `rows[i]` and example `examples[e]`, for `e` from
/// `starts[i]` to `starts[i + 1] - 1`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideCscPattern {
    /// The active rows, strictly ascending.
    pub rows: *const u32,
    /// `row_count + 1` elements that ascend from 0 to `entry_count`.
    pub starts: *const u32,
    /// The examples of each row, strictly ascending within a row.
    pub examples: *const u32,
    /// How many rows are active.
    pub row_count: usize,
    /// How many entries there are.
    pub entry_count: usize,
}

impl SlideCscPattern {
    /// # Safety
    /// The pointers are valid for their lengths.
    unsafe fn view<'a>(self, row_bound: usize, example_bound: usize) -> Result<CscPattern<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        let (rows, starts, examples) = unsafe {
            (
                slice(self.rows, self.row_count)?,
                slice(self.starts, self.row_count.saturating_add(1))?,
                slice(self.examples, self.entry_count)?,
            )
        };
        Ok(CscPattern::new(rows, starts, examples, row_bound, example_bound)?)
    }
}

/// `out[e] = bias[n] + <table[n], vectors[s]>` for each entry `e` of row `n` and example `s`. `bias` has `table.rows`
/// elements, `out` one for each entry.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sddmm_forward(
    kernels: *const SlideKernels,
    table: SlideTable,
    bias: *const f32,
    pattern: SlideCscPattern,
    vectors: SlideMatrix,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (bias, out) = (slice(bias, table.rows)?, slice_mut(out, pattern.entry_count)?);
        let pattern = pattern.view(table.rows, vectors.rows)?;
        resolve(kernels)?.sddmm_forward(table.view()?, bias, &pattern, vectors.view()?, out);
        Ok(())
    })
}

/// For each active row `n` and its entries `e` of examples `s`: `input_gradient[s] += coefficients[e] * weights[n]`,
/// unless `input_gradient` is NULL; then the step of the optimiser on row `n` with the gradient
/// `sum_e coefficients[e] * vectors[s]`. `states` as for `slide_update_rows`; a decay is that of an active row.
///
/// # Safety
/// Pointers are valid for their lengths; weights, states and `input_gradient` do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sddmm_backward(
    kernels: *const SlideKernels,
    weights: SlideTableMut,
    optimiser: SlideOptimiser,
    states: *const SlideTableMut,
    pattern: SlideCscPattern,
    coefficients: *const f32,
    vectors: SlideMatrix,
    input_gradient: *const SlideMatrixMut,
    rounding: SlideRounding,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let optimiser = optimiser.with_tables(pattern.row_count, states)?;
        let coefficients = slice(coefficients, pattern.entry_count)?;
        let pattern = pattern.view(weights.rows, vectors.rows)?;
        let input_gradient = input_gradient.as_ref().map(|gradient| gradient.view()).transpose()?;
        resolve(kernels)?.sddmm_backward(
            weights.view()?,
            optimiser,
            &pattern,
            coefficients,
            vectors.view()?,
            input_gradient,
            rounding.value()?,
        );
        Ok(())
    })
}

/// What consecutive examples list: row indices, ascending within an example, and perhaps a value with each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideCsrView {
    /// Row indices, of one example after the other.
    pub rows: *const u32,
    /// The value of each row index, or NULL.
    pub values: *const f32,
    /// How many row indices there are.
    pub length: usize,
    /// Example `s` has the places `bounds[s * stride]` to `bounds[s * stride + 1] - 1` of `rows`.
    pub bounds: *const u32,
    /// How many bounds there are.
    pub bound_count: usize,
    /// 1 if every list ends where the next begins; more if each example has as many bounds, of which two matter.
    pub stride: usize,
}

impl SlideCsrView {
    /// # Safety
    /// The pointers are valid for their lengths.
    unsafe fn view<'a>(self) -> Result<CsrView<'a>, Invalid> {
        let values = if self.values.is_null() { 0 } else { self.length };
        // SAFETY: upheld by the caller.
        unsafe {
            Ok(CsrView {
                rows: slice(self.rows, self.length)?,
                values: slice(self.values, values)?,
                bounds: slice(self.bounds, self.bound_count)?,
                stride: self.stride,
            })
        }
    }
}

/// Where `slide_csr_to_csc` writes: the parts of a `SlideCscPattern`, and the values. What lies behind the lists
/// that come out holds anything.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideCscMut {
    /// Has room for `row_capacity` elements.
    pub rows: *mut u32,
    /// Has room for `row_capacity + 1` elements.
    pub starts: *mut u32,
    /// Has room for `entry_capacity` elements.
    pub examples: *mut u32,
    /// Has room for `entry_capacity` elements; NULL if the examples list no values.
    pub values: *mut f32,
    /// As many as there are rows in the range, or entries if they are fewer.
    pub row_capacity: usize,
    /// As many as there are entries.
    pub entry_capacity: usize,
}

impl SlideCscMut {
    /// # Safety
    /// The pointers are valid for their lengths, and nothing else refers to what they point to.
    unsafe fn view<'a>(self) -> Result<CscMut<'a>, Invalid> {
        let values = if self.values.is_null() { 0 } else { self.entry_capacity };
        // SAFETY: upheld by the caller.
        unsafe {
            Ok(CscMut {
                rows: slice_mut(self.rows, self.row_capacity)?,
                starts: slice_mut(self.starts, self.row_capacity.saturating_add(1))?,
                examples: slice_mut(self.examples, self.entry_capacity)?,
                values: slice_mut(self.values, values)?,
            })
        }
    }
}

/// Lists the rows from `first_row` to `end_row - 1` that at least one example of `block_count` blocks lists, ascending
/// and counted from `first_row`, and for each the examples that list it, ascending, with their values. Examples are
/// numbered through all blocks; `*row_count` and `*entry_count` say how much came out.
///
/// `counters` (8192 are good) and `places`, one for each example, are scratch. If the blocks turn out not to be as they
/// should while they are sorted, `out` holds anything.
///
/// # Safety
/// Pointers are valid for their lengths; what is written does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_csr_to_csc(
    kernels: *const SlideKernels,
    blocks: *const SlideCsrView,
    block_count: usize,
    first_row: u32,
    end_row: u32,
    counters: *mut u32,
    counter_count: usize,
    places: *mut u32,
    place_count: usize,
    out: SlideCscMut,
    row_count: *mut usize,
    entry_count: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let blocks = slice(blocks, block_count)?;
        for block in blocks {
            block.view()?;
        }
        // All are valid by the loop above.
        let blocks = blocks.iter().filter_map(|block| block.view().ok());
        let (counters, places) = (slice_mut(counters, counter_count)?, slice_mut(places, place_count)?);
        let (row_count, entry_count) = (result(row_count)?, result(entry_count)?);
        let sorted = resolve(kernels)?.csr_to_csc(blocks, first_row..end_row, counters, places, out.view()?);
        (*row_count, *entry_count) = (sorted.rows, sorted.entries);
        Ok(())
    })
}

//! Products with sparse vectors.

use crate::arguments::{SlideMatrixMut, SlideSparseVector, SlideTable, SlideValues, result, row_ids, slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// `*out = sum_i a.values[i] * dense[a.ids[i]]`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sparse_dot(
    kernels: *const SlideKernels,
    a: SlideSparseVector,
    dense: SlideValues,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.sparse_dot(a.view(dense.length)?, dense.view()?);
        Ok(())
    })
}

/// `*out` is the sum of `a.values[i] * b.values[j]` over all pairs with `a.ids[i] == b.ids[j]`; the ids of each ascend
/// strictly.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sparse_sparse_dot(
    kernels: *const SlideKernels,
    a: SlideSparseVector,
    b: SlideSparseVector,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        // The two greatest numbers fill up blocks in the kernels.
        let bound = u32::MAX as usize - 1;
        *result(out)? = resolve(kernels)?.sparse_sparse_dot(a.view(bound)?, b.view(bound)?);
        Ok(())
    })
}

/// `out = bias + sum_i values[i] * table[rows[i]]` for `count` rows; `bias` and `out` have `table.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_embedding_forward(
    kernels: *const SlideKernels,
    table: SlideTable,
    rows: *const u32,
    values: *const f32,
    count: usize,
    bias: *const f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (rows, values) = (row_ids(rows, count, table.rows)?, slice(values, count)?);
        let (bias, out) = (slice(bias, table.width)?, slice_mut(out, table.width)?);
        resolve(kernels)?.embedding_forward(table.view()?, rows, values, bias, out);
        Ok(())
    })
}

/// `gradient[rows[i]] += values[i] * out_gradient` for `count` rows, in order; one may come twice. `out_gradient` has
/// `gradient.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `gradient` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_embedding_backward(
    kernels: *const SlideKernels,
    out_gradient: *const f32,
    rows: *const u32,
    values: *const f32,
    count: usize,
    gradient: SlideMatrixMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (rows, values) = (row_ids(rows, count, gradient.rows)?, slice(values, count)?);
        let out_gradient = slice(out_gradient, gradient.width)?;
        resolve(kernels)?.embedding_backward(out_gradient, rows, values, gradient.view()?);
        Ok(())
    })
}

//! Dot products, and products of chosen rows.

use crate::arguments::{SlideMatrix, SlideMatrixMut, SlideTable, result, row_ids, slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// `*out = sum_i a[i] * b[i]`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dot(
    kernels: *const SlideKernels,
    a: *const f32,
    b: *const f32,
    length: usize,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: passed on to the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot(slice(a, length)?, slice(b, length)?);
        Ok(())
    })
}

/// `out[i] = <table[rows[i]], vector>` for `count` rows; `vector` has `table.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot(
    kernels: *const SlideKernels,
    table: SlideTable,
    rows: *const u32,
    count: usize,
    vector: *const f32,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: passed on to the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        let (vector, out) = (slice(vector, table.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot(table.view()?, rows, vector, out);
        Ok(())
    })
}

/// `out[i][s] = bias[rows[i]] + <table[rows[i]], inputs[.][s]>` for `count` rows: `inputs` is transposed, one column a
/// sample; `bias` has `table.rows` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_gemm_forward(
    kernels: *const SlideKernels,
    table: SlideTable,
    rows: *const u32,
    count: usize,
    bias: *const f32,
    inputs: SlideMatrix,
    out: SlideMatrixMut,
) -> SlideStatus {
    // SAFETY: passed on to the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        let bias = slice(bias, table.rows)?;
        resolve(kernels)?.gemm_forward(table.view()?, rows, bias, inputs.view()?, out.view()?);
        Ok(())
    })
}

//! Products of vectors, of chosen rows, and of small matrices.

use crate::arguments::{SlideMatrix, SlideMatrixMut, SlideTable, SlideValues, result, row_ids, slice, slice_mut};
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
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot(slice(a, length)?, slice(b, length)?);
        Ok(())
    })
}

/// `*out = sum_i a[i] * b[i]` of `bf16`, in `float`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dot_bf16(
    kernels: *const SlideKernels,
    a: *const u16,
    b: *const u16,
    length: usize,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot_bf16(slice(a.cast(), length)?, slice(b.cast(), length)?);
        Ok(())
    })
}

/// `*out = sum_i a[i] * b[i]`, where `a` is stored as `bf16`.
///
/// # Safety
/// Pointers are valid for their lengths, and `out` for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dot_bf16_f32(
    kernels: *const SlideKernels,
    a: *const u16,
    b: *const f32,
    length: usize,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.dot_bf16_f32(slice(a.cast(), length)?, slice(b, length)?);
        Ok(())
    })
}

/// `y[i] += a * x[i]`, rounded once; `y` has `x.length` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `y` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_axpy(kernels: *const SlideKernels, a: f32, x: SlideValues, y: *mut f32) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.axpy(a, x.view()?, slice_mut(y, x.length)?);
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
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        let (vector, out) = (slice(vector, table.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot(table.view()?, rows, vector, out);
        Ok(())
    })
}

/// `out[i] = <table[rows[i]], vector>` for `count` rows of a table of `bf16`; `vector` has `table.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_rows_dot_bf16(
    kernels: *const SlideKernels,
    table: SlideTable,
    rows: *const u32,
    count: usize,
    vector: *const u16,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        let (vector, out) = (slice(vector.cast(), table.width)?, slice_mut(out, count)?);
        resolve(kernels)?.rows_dot_bf16(table.view_bf16()?, rows, vector, out);
        Ok(())
    })
}

/// `out[i] = <row, vectors[ids[i]]>` for `count` vectors; `row` has `vectors.width` elements.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_vectors_dot(
    kernels: *const SlideKernels,
    row: *const f32,
    vectors: SlideMatrix,
    ids: *const u32,
    count: usize,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let ids = row_ids(ids, count, vectors.rows)?;
        let (row, out) = (slice(row, vectors.width)?, slice_mut(out, count)?);
        resolve(kernels)?.vectors_dot(row, vectors.view()?, ids, out);
        Ok(())
    })
}

/// `out[i][s] = bias[rows[i]] + <table[rows[i]], inputs[.][s]>` for `count` rows: `inputs` is transposed, one column per
/// example; `bias` has `table.rows` elements.
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
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        let bias = slice(bias, table.rows)?;
        resolve(kernels)?.gemm_forward(table.view()?, rows, bias, inputs.view()?, out.view()?);
        Ok(())
    })
}

/// `input_gradient[s][k] += sum_r deltas[r][s] * table[rows[r]][k]` for `count` rows.
///
/// # Safety
/// Pointers are valid for their lengths; `input_gradient` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_gemm_backward(
    kernels: *const SlideKernels,
    table: SlideTable,
    rows: *const u32,
    count: usize,
    deltas: SlideMatrix,
    input_gradient: SlideMatrixMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let rows = row_ids(rows, count, table.rows)?;
        resolve(kernels)?.gemm_backward(table.view()?, rows, deltas.view()?, input_gradient.view()?);
        Ok(())
    })
}

/// `gradient[r][k] += sum_s deltas[r][s] * inputs[s][k]`.
///
/// # Safety
/// Pointers are valid for their lengths; `gradient` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_gemm_gradient(
    kernels: *const SlideKernels,
    deltas: SlideMatrix,
    inputs: SlideMatrix,
    gradient: SlideMatrixMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.gemm_gradient(deltas.view()?, inputs.view()?, gradient.view()?);
        Ok(())
    })
}

/// `destination[c][r] = source[r][c]`.
///
/// # Safety
/// Pointers are valid for their lengths; `destination` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_transpose(
    kernels: *const SlideKernels,
    source: SlideMatrix,
    destination: SlideMatrixMut,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.transpose(source.view()?, destination.view()?);
        Ok(())
    })
}

/// Replaces each row by its Walsh-Hadamard transform, without a factor; the width is a power of two.
///
/// # Safety
/// `vectors` is valid for its shape, and does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_hadamard(kernels: *const SlideKernels, vectors: SlideMatrixMut) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.hadamard(vectors.view()?);
        Ok(())
    })
}

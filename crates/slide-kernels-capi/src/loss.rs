//! Softmax, sigmoid, and their cross-entropies.

use crate::arguments::{SlideMatrix, SlideMatrixMut, result, slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// `*max` is the greatest of the values, `*sum` the sum of `e^(values[i] - max)`; without values `-inf` and 0.
///
/// # Safety
/// `values` is valid for `length` elements, `max` and `sum` for one each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_max_sum(
    kernels: *const SlideKernels,
    values: *const f32,
    length: usize,
    max: *mut f32,
    sum: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (max, sum) = (result(max)?, result(sum)?);
        (*max, *sum) = resolve(kernels)?.max_sum(slice(values, length)?);
        Ok(())
    })
}

/// `*out = ln sum_i e^values[i]`.
///
/// # Safety
/// `values` is valid for `length` elements, `out` for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_log_sum_exp(
    kernels: *const SlideKernels,
    values: *const f32,
    length: usize,
    out: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(out)? = resolve(kernels)?.log_sum_exp(slice(values, length)?);
        Ok(())
    })
}

/// `z[i] = e^(z[i] - max) / sum`, with the two of `slide_max_sum`.
///
/// # Safety
/// `z` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_softmax(kernels: *const SlideKernels, z: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.softmax(slice_mut(z, length)?);
        Ok(())
    })
}

/// `slide_max_sum` of each column of `z`; `max` and `sum` have one element for each. `z.width` is a multiple of 16.
///
/// # Safety
/// Pointers are valid for their lengths; `max` and `sum` do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_column_max_sum(
    kernels: *const SlideKernels,
    z: SlideMatrix,
    max: *mut f32,
    sum: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (max, sum) = (slice_mut(max, z.width)?, slice_mut(sum, z.width)?);
        resolve(kernels)?.column_max_sum(z.view()?, max, sum);
        Ok(())
    })
}

/// `z = e^(z - max) * inverse_sum`, with `max` and `inverse_sum` of the column. `z.width` is a multiple of 16.
///
/// # Safety
/// Pointers are valid for their lengths; `z` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_softmax_columns(
    kernels: *const SlideKernels,
    z: SlideMatrixMut,
    max: *const f32,
    inverse_sum: *const f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (max, inverse_sum) = (slice(max, z.width)?, slice(inverse_sum, z.width)?);
        resolve(kernels)?.softmax_columns(z.view()?, max, inverse_sum);
        Ok(())
    })
}

/// `z[e] = e^(z[e] - max[s]) * inverse_sum[s]`, with `s = examples[e]`, for `count` entries of `example_count` examples.
///
/// # Safety
/// `z` and `examples` are valid for `count` elements, `max` and `inverse_sum` for `example_count`; `z` does not overlap
/// with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_softmax_entries(
    kernels: *const SlideKernels,
    z: *mut f32,
    examples: *const u32,
    count: usize,
    max: *const f32,
    inverse_sum: *const f32,
    example_count: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (max, inverse_sum) = (slice(max, example_count)?, slice(inverse_sum, example_count)?);
        resolve(kernels)?.softmax_entries(slice_mut(z, count)?, slice(examples, count)?, max, inverse_sum);
        Ok(())
    })
}

/// `*loss = -sum_e targets[e] ln p[labels[e]]` with `p = softmax(z)`, for `count` labels; then `z` is its gradient,
/// `sum(targets) p` less the targets.
///
/// # Safety
/// `z` is valid for `length` elements, `labels` and `targets` for `count`, `loss` for one; what is written does not
/// overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_softmax_cross_entropy(
    kernels: *const SlideKernels,
    z: *mut f32,
    length: usize,
    labels: *const u32,
    targets: *const f32,
    count: usize,
    loss: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (labels, targets, loss) = (slice(labels, count)?, slice(targets, count)?, result(loss)?);
        *loss = resolve(kernels)?.softmax_cross_entropy(slice_mut(z, length)?, labels, targets);
        Ok(())
    })
}

/// `*loss = sum_i -y ln sigmoid(z[i]) - (1 - y) ln(1 - sigmoid(z[i]))` with `y = targets[i]`; then `z` is its gradient,
/// `sigmoid(z[i]) - y`.
///
/// # Safety
/// `z` and `targets` are valid for `length` elements, `loss` for one; what is written does not overlap with anything
/// else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_binary_cross_entropy(
    kernels: *const SlideKernels,
    z: *mut f32,
    targets: *const f32,
    length: usize,
    loss: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (targets, loss) = (slice(targets, length)?, result(loss)?);
        *loss = resolve(kernels)?.binary_cross_entropy(slice_mut(z, length)?, targets);
        Ok(())
    })
}

/// `slide_binary_cross_entropy` with targets of 0 except at `count` labels.
///
/// # Safety
/// `z` is valid for `length` elements, `labels` and `targets` for `count`, `loss` for one; what is written does not
/// overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_binary_cross_entropy_sparse(
    kernels: *const SlideKernels,
    z: *mut f32,
    length: usize,
    labels: *const u32,
    targets: *const f32,
    count: usize,
    loss: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (labels, targets, loss) = (slice(labels, count)?, slice(targets, count)?, result(loss)?);
        *loss = resolve(kernels)?.binary_cross_entropy_sparse(slice_mut(z, length)?, labels, targets);
        Ok(())
    })
}

/// For each column, `loss += sum_r ln(1 + e^z[r])`; then `z = sigmoid(z)`. `loss` has `z.width` elements, a multiple
/// of 16.
///
/// # Safety
/// Pointers are valid for their lengths; `z` and `loss` do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sigmoid_columns(
    kernels: *const SlideKernels,
    z: SlideMatrixMut,
    loss: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.sigmoid_columns(z.view()?, slice_mut(loss, z.width)?);
        Ok(())
    })
}

/// `*loss = sum_i ln(1 + e^z[i])`; then `z = sigmoid(z)`.
///
/// # Safety
/// `z` is valid for `length` elements, `loss` for one; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sigmoid_entries(
    kernels: *const SlideKernels,
    z: *mut f32,
    length: usize,
    loss: *mut f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let loss = result(loss)?;
        *loss = resolve(kernels)?.sigmoid_entries(slice_mut(z, length)?);
        Ok(())
    })
}

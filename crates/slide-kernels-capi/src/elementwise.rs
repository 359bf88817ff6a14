//! Elementwise functions, in place; and random words.

use slide_kernels::RngKey;

use crate::arguments::{slice, slice_mut};
use crate::level::{SlideKernels, SlideStatus, call, resolve};

/// `x[i] = max(x[i], 0)`; NaN stays.
///
/// # Safety
/// `x` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_relu(kernels: *const SlideKernels, x: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.relu(slice_mut(x, length)?);
        Ok(())
    })
}

/// `delta[i] = 0` where `activation[i] <= 0`; `activation` may be the input or the output of `slide_relu`.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_relu_backward(
    kernels: *const SlideKernels,
    delta: *mut f32,
    activation: *const f32,
    length: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.relu_backward(slice_mut(delta, length)?, slice(activation, length)?);
        Ok(())
    })
}

/// `x[i] = 0` where `random[i] < threshold`, else `x[i] * scale`: for a probability `p` of dropping, `threshold` is
/// `p * 2^32` and `scale` is `1 / (1 - p)`.
///
/// # Safety
/// Pointers are valid for `length` elements, and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dropout(
    kernels: *const SlideKernels,
    x: *mut f32,
    random: *const u32,
    length: usize,
    threshold: u32,
    scale: f32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.dropout(slice_mut(x, length)?, slice(random, length)?, threshold, scale);
        Ok(())
    })
}

/// `x[i] = e^x[i]`.
///
/// # Safety
/// `x` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_exp(kernels: *const SlideKernels, x: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.exp(slice_mut(x, length)?);
        Ok(())
    })
}

/// `x[i] = ln x[i]`.
///
/// # Safety
/// `x` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_ln(kernels: *const SlideKernels, x: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.ln(slice_mut(x, length)?);
        Ok(())
    })
}

/// `x[i] = 1 / (1 + e^-x[i])`.
///
/// # Safety
/// `x` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_sigmoid(kernels: *const SlideKernels, x: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.sigmoid(slice_mut(x, length)?);
        Ok(())
    })
}

/// `x[i] = ln(1 + e^x[i])`.
///
/// # Safety
/// `x` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_softplus(kernels: *const SlideKernels, x: *mut f32, length: usize) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        resolve(kernels)?.softplus(slice_mut(x, length)?);
        Ok(())
    })
}

/// Identifies a sequence of random words. Sequences differ as long as `stream < 2^16` and `step < 2^48`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideRngKey {
    /// The seed.
    pub seed: u64,
    /// The time of the draw: a batch, an epoch.
    pub step: u64,
    /// The purpose of the draw.
    pub stream: u32,
    /// The object of the draw: an example, a row, a hash table.
    pub item: u32,
}

/// `out[i]` is word `first + i` of the key (Philox 4x32-10), modulo `2^34`.
///
/// # Safety
/// `out` is valid for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_random_words(
    kernels: *const SlideKernels,
    key: SlideRngKey,
    first: u64,
    out: *mut u32,
    length: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let key = RngKey::new(key.seed, key.stream, key.step, key.item);
        resolve(kernels)?.random_words(key, first, slice_mut(out, length)?);
        Ok(())
    })
}

//! The specification: plain Rust, one element at a time, in the order that the public documentation states.
//!
//! Every other back end gives the same bits. These functions are written for readability; only the reductions keep their
//! virtual lanes in an array.

use half::bf16;

use crate::{Isa, Kernels, Precision, Quirks};

pub(crate) mod axpy;
pub(crate) mod blocks;
pub(crate) mod byte_gemm;
pub(crate) mod codes;
pub(crate) mod convert;
pub(crate) mod csr_to_csc;
pub(crate) mod dot;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod gemm;
pub(crate) mod hadamard;
pub(crate) mod hash;
pub(crate) mod loss;
pub(crate) mod optimiser;
pub(crate) mod probe;
pub(crate) mod projection;
pub(crate) mod quant;
pub(crate) mod random;
pub(crate) mod row_dot;
pub(crate) mod row_update;
pub(crate) mod sddmm;
pub(crate) mod softmax;
pub(crate) mod sparse_dot;
pub(crate) mod sparse_hash;
pub(crate) mod topk;
pub(crate) mod transpose;

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Scalar,
    precision: Precision::Reproducible,
    quirks: Quirks { slow_gather: false, slow_bf16_pairs: false },
    axpy: axpy::TABLE,
    blocks: blocks::TABLE,
    byte_gemm: byte_gemm::TABLE,
    codes: codes::TABLE,
    convert: convert::TABLE,
    csr_to_csc: csr_to_csc::TABLE,
    dot: dot::TABLE,
    elementwise: elementwise::TABLE,
    embedding: embedding::TABLE,
    gemm: gemm::TABLE,
    hadamard: hadamard::TABLE,
    hash: hash::TABLE,
    loss: loss::TABLE,
    probe: probe::TABLE,
    quant: quant::TABLE,
    projection: projection::TABLE,
    random: random::TABLE,
    row_dot: row_dot::TABLE,
    row_update: row_update::TABLE,
    sddmm: sddmm::TABLE,
    softmax: softmax::TABLE,
    sparse_dot: sparse_dot::TABLE,
    sparse_hash: sparse_hash::TABLE,
    topk: topk::TABLE,
    transpose: transpose::TABLE,
};

/// `a * b + c`, rounded once.
#[inline(always)]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(feature = "std")]
    return a.mul_add(b, c);
    #[cfg(not(feature = "std"))]
    return libm::fmaf(a, b, c);
}

/// The square root, rounded as IEEE 754 says.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    #[cfg(feature = "std")]
    return x.sqrt();
    #[cfg(not(feature = "std"))]
    return libm::sqrtf(x);
}

/// Adds the upper half of the lanes to the lower half until one is left: `+ LANES / 2`, ..., `+ 2`, `+ 1`.
pub(crate) fn reduce_sum<const LANES: usize>(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The dot product in `LANES` virtual lanes: lane `j` takes the elements `i = j (mod LANES)`, ascending.
pub(crate) fn dot_in_lanes<const LANES: usize>(a: impl Iterator<Item = f32>, b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (i, (a, &b)) in a.zip(b).enumerate() {
        lanes[i % LANES] = fma(a, b, lanes[i % LANES]);
    }
    reduce_sum(lanes)
}

/// The dot product in `LANES` virtual lanes that take pairs: lane `j` takes the elements `i` with `i / 2 = j (mod LANES)`,
/// ascending.
pub(crate) fn dot_in_lanes_of_pairs<const LANES: usize>(a: &[bf16], b: &[bf16]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
        let lane = &mut lanes[i / 2 % LANES];
        *lane = fma(widen(a), widen(b), *lane);
    }
    reduce_sum(lanes)
}

/// The same number: a `bf16` is the upper half of an `f32`.
pub(crate) fn widen(value: bf16) -> f32 {
    f32::from_bits(u32::from(value.to_bits()) << 16)
}

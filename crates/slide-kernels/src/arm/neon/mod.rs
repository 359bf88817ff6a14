//! NEON, which every 64-bit Arm processor has: four registers for sixteen lanes.

back_end! {
    features: "neon",
    embedding: [4, 4],
    // 32 registers: 24 sums, 4 for the vector, the rest for factors.
    gemm: [[6 5 4 3 2 1] x 1],
    simhash_batch: crate::generic::simhash::NEVER,
    multiply_adds: 6,
    projection: 2,
    random: [U64x4, 3],
    row_dot: [0, 4, 0, 4],
    sddmm: [4, 2, 2],
}

pub(in crate::arm) mod blocks;
mod byte_gemm;
mod compare;
mod convert;
mod csr_to_csc;
pub(super) mod lanes;
mod masked;
pub(in crate::arm) mod quant;
mod sparse_dot;
mod transpose;

use pulp::core_arch;

use crate::{Isa, Kernels};
pub(super) use lanes::{F32x16, U32x16};

/// The token of the level.
pub(in crate::arm) const TOKEN: pulp::aarch64::Neon = {
    assert!(cfg!(target_feature = "neon"));
    // SAFETY: NEON belongs to the target.
    unsafe { pulp::aarch64::Neon::new_unchecked() }
};

/// Its intrinsics: those without a pointer are safe.
pub(in crate::arm) const NEON: core_arch::aarch64::Neon = TOKEN.neon;

#[allow(clippy::needless_update, reason = "a kernel that is not written for this level is that of the level below")]
pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Neon,
    codes: codes::TABLE,
    axpy: axpy::TABLE,
    blocks: blocks::TABLE,
    byte_gemm: byte_gemm::TABLE,
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
    projection: projection::TABLE,
    quant: quant::TABLE,
    random: random::TABLE,
    row_dot: row_dot::TABLE,
    row_update: row_update::TABLE,
    sddmm: sddmm::TABLE,
    softmax: softmax::TABLE,
    sparse_dot: sparse_dot::TABLE,
    topk: topk::TABLE,
    transpose: transpose::TABLE,
    ..crate::scalar::KERNELS
};

//! AVX2 + FMA + F16C.

back_end! {
    features: "avx,avx2,fma,f16c",
    embedding: [4, 8],
    // 16 registers: 12 sums, 2 for the vector, the rest for factors.
    gemm: [[6 5 4 3 2 1] x 1],
    simhash_batch: crate::generic::simhash::NEVER,
    multiply_adds: 5,
    projection: 2,
    random: [U64x4, 4],
    row_dot: [0, 4, 0, 4],
    sddmm: [4, 2, 2],
}

mod blocks;
mod byte_gemm;
mod compare;
mod convert;
mod csr_to_csc;
mod lanes;
mod quant;
mod sparse_dot;
mod transpose;

use crate::{Isa, Kernels};
use lanes::{F32x16, U32x16};

#[allow(clippy::needless_update, reason = "a kernel that is not written for this level is that of the level below")]
pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Avx2,
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

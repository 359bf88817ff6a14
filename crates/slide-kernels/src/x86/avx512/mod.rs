//! AVX-512 F, BW, DQ, VL, CD.

back_end! {
    features: "avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd",
    embedding: [8, 8],
    // 32 registers: up to 24 sums, the vectors, and the factors (or as operands from memory).
    gemm: [[12 6 4 2 1] x 1, [12 6 4 2 1] x 2, [8 6 4 2 1] x 3, [6 5 4 3 2 1] x 4],
    simhash_batch: crate::tuning::SIMHASH_BATCH,
    multiply_adds: 12,
    projection: 4,
    random: [U64x8, 4],
    row_dot: [8, 8, 4, 4],
    sddmm: [8, 4, 8],
}

mod blocks;
mod byte_gemm;
mod compare;
mod convert;
mod csr_to_csc;
mod lanes;
pub(in crate::x86) mod quant;
mod sparse_dot;

use super::avx2;
use crate::{Isa, Kernels};
pub(super) use lanes::{F32x16, U32x16};

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Avx512,
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
    ..avx2::KERNELS
};

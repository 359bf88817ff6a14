//! AVX-512 F, BW, DQ, VL, CD.

mod axpy;
mod blocks;
mod byte_gemm;
mod codes;
mod compare;
mod convert;
mod csr_to_csc;
mod dot;
mod elementwise;
mod embedding;
mod gemm;
mod hadamard;
mod hash;
mod lanes;
mod loss;
mod probe;
mod projection;
pub(in crate::x86) mod quant;
mod random;
mod row_dot;
mod row_update;
mod sddmm;
mod softmax;
mod sparse_dot;
mod topk;

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

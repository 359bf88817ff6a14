//! Kernel bodies written once over sixteen lanes ([`SimdF32x16`]) and instantiated per instruction set.
//!
//! Everything here is `#[inline(always)]` and has no target feature: the thin wrappers of the back ends
//! have it. A body that is not inlined into its wrapper would turn every intrinsic into a call.
#![cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]

mod columns;
mod compare;
pub(crate) mod factors;
pub(crate) mod lanes;
pub(crate) mod pairs;
mod storage;
mod tiles;

pub(crate) mod axpy;
pub(crate) mod blocks;
pub(crate) mod byte_dot;
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
mod hash_batch;
pub(crate) mod loss;
mod numerics;
pub(crate) mod optimiser;
pub(crate) mod probe;
pub(crate) mod projection;
pub(crate) mod quant;
pub(crate) mod random;
pub(crate) mod row_dot;
pub(crate) mod row_update;
pub(crate) mod sddmm;
pub(crate) mod simhash;
mod simhash_batch;
pub(crate) mod softmax;
pub(crate) mod sparse_dot;
pub(crate) mod sparse_merge;
pub(crate) mod tile;
pub(crate) mod topk;
pub(crate) mod transpose;

pub(crate) use columns::Transpose;
pub(crate) use compare::{Compare, Compress, Gather, ONES, Swap};
pub(crate) use lanes::{LANES, SimdF32x16, SimdU32x16, in_register, prefetch};
pub(crate) use storage::Storage;

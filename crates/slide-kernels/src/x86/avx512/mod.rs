//! AVX-512 F, BW, DQ, VL, CD.

mod dot;
mod lanes;

use super::avx2;
use crate::{Isa, Kernels};
use lanes::{F32x16, U32x16};

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Avx512,
    dot: dot::TABLE,
    ..avx2::KERNELS
};

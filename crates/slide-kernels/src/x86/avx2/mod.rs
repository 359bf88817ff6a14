//! AVX2 + FMA + F16C.

mod dot;
mod lanes;

use crate::{Isa, Kernels, scalar};
use lanes::{F32x16, U32x16};

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Avx2,
    dot: dot::TABLE,
    ..scalar::KERNELS
};

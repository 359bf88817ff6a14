//! AVX-512 BF16 (Cooper Lake, Sapphire Rapids, Zen 4). Everything else is that of [`super::avx512vnni`].

use super::avx512vnni;
use crate::{Isa, Kernels, Precision};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Avx512Bf16, ..avx512vnni::KERNELS };

/// With the instructions that round in their own way.
pub(crate) const NATIVE: Kernels = Kernels { precision: Precision::Native, ..KERNELS };

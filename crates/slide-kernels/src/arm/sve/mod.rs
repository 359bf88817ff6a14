//! SVE with vectors of 256 bits (Graviton3), where it is faster than NEON. Everything else is that of
//! [`super::neonbf16`].

use super::neonbf16;
use crate::{Isa, Kernels, Precision};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Sve, ..neonbf16::KERNELS };

/// With the instructions that round in their own way.
pub(crate) const NATIVE: Kernels = Kernels { precision: Precision::Native, ..KERNELS };

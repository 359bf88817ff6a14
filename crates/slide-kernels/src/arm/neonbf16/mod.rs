//! NEON with the dot products of Armv8.6 (Graviton3): `dotprod`, `i8mm`, `bf16`. The instructions are written as `asm!`,
//! because their intrinsics are not stable. Everything else is that of [`super::neon`].

use super::neon;
use crate::{Isa, Kernels, Precision};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::NeonBf16, ..neon::KERNELS };

/// With the instructions that round in their own way.
pub(crate) const NATIVE: Kernels = Kernels { precision: Precision::Native, ..KERNELS };

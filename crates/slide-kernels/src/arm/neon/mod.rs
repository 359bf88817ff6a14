//! NEON, which every 64-bit Arm processor has.

use crate::{Isa, Kernels, scalar};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Neon, ..scalar::KERNELS };

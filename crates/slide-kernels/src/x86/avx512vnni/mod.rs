//! AVX-512 VNNI (Ice Lake): integer dot products. Everything else is that of [`super::avx512`].

mod quant;

use super::avx512;
use crate::{Isa, Kernels};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Avx512Vnni, quant: quant::TABLE, ..avx512::KERNELS };

//! AVX-512 VNNI (Ice Lake): integer dot products. Everything else is that of [`super::avx512`].

mod blocks;
mod byte_gemm;
mod quant;

use super::avx512;
use crate::{Isa, Kernels};

pub(crate) const KERNELS: Kernels = Kernels {
    isa: Isa::Avx512Vnni,
    blocks: blocks::TABLE,
    byte_gemm: byte_gemm::TABLE,
    quant: quant::TABLE,
    ..avx512::KERNELS
};

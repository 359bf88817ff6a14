//! AVX-512 with population counts of vectors (Ice Lake, Zen 4). Everything else is that of [`super::avx512vnni`].

mod codes;

use super::avx512vnni;
use crate::{Isa, Kernels};

pub(crate) const KERNELS: Kernels = Kernels { isa: Isa::Avx512Popcnt, codes: codes::TABLE, ..avx512vnni::KERNELS };

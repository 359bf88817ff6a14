//! The table of functions of a back end.

use crate::isa::{Isa, IsaError};
use crate::{api, scalar};

/// The kernels of one instruction-set level.
///
/// A `&'static Kernels` is chosen once and passed around; its methods are the kernels.
/// A value of this type is the proof that its level is available on this machine: no other way leads to one than
/// [`best`](Kernels::best), [`for_isa`](Kernels::for_isa) and [`from_env`](Kernels::from_env), which check.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub(crate) isa: Isa,
    pub(crate) active: api::active::Table,
    pub(crate) dot: api::dot::Table,
    pub(crate) elementwise: api::elementwise::Table,
    pub(crate) embedding: api::embedding::Table,
    pub(crate) gemm: api::gemm::Table,
    pub(crate) hash: api::hash::Table,
    pub(crate) loss: api::loss::Table,
    pub(crate) random: api::random::Table,
    pub(crate) row_dot: api::row_dot::Table,
    pub(crate) row_update: api::row_update::Table,
    pub(crate) softmax: api::softmax::Table,
    pub(crate) topk: api::topk::Table,
    pub(crate) transpose: api::transpose::Table,
}

static SCALAR: Kernels = scalar::KERNELS;
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = crate::x86::avx2::KERNELS;
#[cfg(target_arch = "x86_64")]
static AVX512: Kernels = crate::x86::avx512::KERNELS;

impl Kernels {
    /// The kernels of the most capable level that this machine has.
    pub fn best() -> &'static Kernels {
        Kernels::for_isa(Isa::detect()).unwrap_or(&SCALAR)
    }

    /// The kernels of one level.
    ///
    /// # Errors
    /// [`IsaError::Unavailable`] if this machine lacks the level.
    pub fn for_isa(isa: Isa) -> Result<&'static Kernels, IsaError> {
        if !isa.is_available() {
            return Err(IsaError::Unavailable(isa));
        }
        match isa {
            Isa::Scalar => Ok(&SCALAR),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Ok(&AVX2),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Ok(&AVX512),
            #[cfg(not(target_arch = "x86_64"))]
            _ => Err(IsaError::Unavailable(isa)),
        }
    }

    /// The kernels of the level named by the environment variable `SLIDE_ISA`, or the best ones if it is not set or
    /// empty.
    ///
    /// # Errors
    /// If the variable names no level, or one that this machine lacks.
    #[cfg(feature = "std")]
    pub fn from_env() -> Result<&'static Kernels, IsaError> {
        match std::env::var_os("SLIDE_ISA") {
            None => Ok(Kernels::best()),
            Some(value) if value.is_empty() => Ok(Kernels::best()),
            Some(value) => {
                let value = value.to_string_lossy();
                let isa = value.parse().map_err(|_| IsaError::Environment(value.into_owned()))?;
                Kernels::for_isa(isa)
            }
        }
    }

    /// The level of these kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

impl core::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Kernels").field("isa", &self.isa).finish_non_exhaustive()
    }
}

//! The table of functions of a back end.

use crate::isa::{Isa, IsaError, Quirks};
use crate::{Precision, api, scalar};

/// The kernels of one instruction-set level.
///
/// Choose a `&'static Kernels` once and pass it around; its methods are the kernels.
/// A value of this type proves that its level is available on this machine: the only safe constructors are
/// [`best`](Kernels::best), [`for_isa`](Kernels::for_isa) and [`from_env`](Kernels::from_env), which check.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub(crate) isa: Isa,
    pub(crate) precision: Precision,
    pub(crate) quirks: Quirks,
    pub(crate) axpy: api::axpy::Table,
    pub(crate) blocks: api::blocks::Table,
    pub(crate) byte_gemm: api::byte_gemm::Table,
    pub(crate) codes: api::codes::Table,
    pub(crate) convert: api::convert::Table,
    pub(crate) csr_to_csc: api::csr_to_csc::Table,
    pub(crate) dot: api::dot::Table,
    pub(crate) elementwise: api::elementwise::Table,
    pub(crate) embedding: api::embedding::Table,
    pub(crate) gemm: api::gemm::Table,
    pub(crate) hadamard: api::hadamard::Table,
    pub(crate) hash: api::hash::Table,
    pub(crate) loss: api::loss::Table,
    pub(crate) probe: api::probe::Table,
    pub(crate) quant: api::quant::Table,
    pub(crate) projection: api::projection::Table,
    pub(crate) random: api::random::Table,
    pub(crate) row_dot: api::row_dot::Table,
    pub(crate) row_update: api::row_update::Table,
    pub(crate) sddmm: api::sddmm::Table,
    pub(crate) softmax: api::softmax::Table,
    pub(crate) sparse_dot: api::sparse_dot::Table,
    pub(crate) sparse_hash: api::sparse_hash::Table,
    pub(crate) topk: api::topk::Table,
    pub(crate) transpose: api::transpose::Table,
}

/// A table with quirks that are known when the program runs: one of as many constants as there are combinations.
macro_rules! of {
    ($kernels:expr, $quirks:expr) => {
        match $quirks {
            Quirks { slow_gather: false, slow_bf16_pairs: false } => of!($kernels, false, false),
            Quirks { slow_gather: true, slow_bf16_pairs: false } => of!($kernels, true, false),
            Quirks { slow_gather: false, slow_bf16_pairs: true } => of!($kernels, false, true),
            Quirks { slow_gather: true, slow_bf16_pairs: true } => of!($kernels, true, true),
        }
    };
    ($kernels:expr, $slow_gather:literal, $slow_bf16_pairs:literal) => {
        &const {
            let quirks = Quirks { slow_gather: $slow_gather, slow_bf16_pairs: $slow_bf16_pairs };
            Kernels { quirks, ..$kernels }
        }
    };
}

pub(crate) use of;

/// The table of a level for a processor with these quirks, available on this machine or not; `None` if the level belongs to
/// another architecture.
pub(crate) fn table(isa: Isa, precision: Precision, quirks: Quirks) -> Option<&'static Kernels> {
    if isa == Isa::Scalar {
        return Some(of!(scalar::KERNELS, quirks));
    }
    let is_native = precision == Precision::Native;
    cfg_if::cfg_if! {
        if #[cfg(target_arch = "x86_64")] {
            crate::x86::table(isa, is_native, quirks)
        } else if #[cfg(target_arch = "aarch64")] {
            crate::arm::table(isa, is_native, quirks)
        } else {
            let _ = is_native;
            None
        }
    }
}

impl Kernels {
    /// The kernels of the most capable level that this machine has, for its [`Quirks`].
    pub fn best() -> &'static Kernels {
        Kernels::for_isa(Isa::detect()).unwrap_or(&const { scalar::KERNELS })
    }

    /// The kernels of one level, for the [`Quirks`] of this machine.
    ///
    /// # Errors
    /// [`IsaError::Unavailable`] if this machine lacks the level.
    pub fn for_isa(isa: Isa) -> Result<&'static Kernels, IsaError> {
        if !isa.is_available() {
            return Err(IsaError::Unavailable(isa));
        }
        table(isa, Precision::Reproducible, Quirks::detect()).ok_or(IsaError::Unavailable(isa))
    }

    /// The kernels of one level, without detection: for programs without the standard library that know their processor.
    /// `None` if the level belongs to another architecture.
    ///
    /// # Safety
    /// The processor has every feature of the level, and the operating system saves its registers.
    pub unsafe fn for_isa_unchecked(isa: Isa) -> Option<&'static Kernels> {
        table(isa, Precision::Reproducible, Quirks::detect())
    }

    /// The kernels of the same level with this precision. On a level without native paths both are the same.
    pub fn with_precision(&self, precision: Precision) -> &'static Kernels {
        // A level that has a table has one for each precision.
        table(self.isa, precision, self.quirks).unwrap_or(&const { scalar::KERNELS })
    }

    /// The same kernels for a processor with other quirks. Reproducible kernels give the same results, at another speed.
    pub fn with_quirks(&self, quirks: Quirks) -> &'static Kernels {
        table(self.isa, self.precision, quirks).unwrap_or(&const { scalar::KERNELS })
    }

    /// The kernels of the level named by the environment variable `SLIDE_ISA`, or [`best`](Kernels::best) if it is unset or
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

    /// Family, name and address of each function, for the test that holds the list of kernels against the tables.
    #[doc(hidden)]
    pub fn visit_functions(&self, visit: &mut dyn FnMut(&'static str, &'static str, usize)) {
        self.axpy.visit("axpy", visit);
        self.blocks.visit("blocks", visit);
        self.byte_gemm.visit("byte_gemm", visit);
        self.codes.visit("codes", visit);
        self.convert.visit("convert", visit);
        self.csr_to_csc.visit("csr_to_csc", visit);
        self.dot.visit("dot", visit);
        self.elementwise.visit("elementwise", visit);
        self.embedding.visit("embedding", visit);
        self.gemm.visit("gemm", visit);
        self.hadamard.visit("hadamard", visit);
        self.hash.visit("hash", visit);
        self.loss.visit("loss", visit);
        self.probe.visit("probe", visit);
        self.projection.visit("projection", visit);
        self.quant.visit("quant", visit);
        self.random.visit("random", visit);
        self.row_dot.visit("row_dot", visit);
        self.row_update.visit("row_update", visit);
        self.sddmm.visit("sddmm", visit);
        self.softmax.visit("softmax", visit);
        self.sparse_dot.visit("sparse_dot", visit);
        self.sparse_hash.visit("sparse_hash", visit);
        self.topk.visit("topk", visit);
        self.transpose.visit("transpose", visit);
    }

    /// The level of these kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The quirks that these kernels avoid.
    pub fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// Whether these kernels are reproducible or native.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

impl core::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Kernels").field("isa", &self.isa).field("precision", &self.precision).finish_non_exhaustive()
    }
}

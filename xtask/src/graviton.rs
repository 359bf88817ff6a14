//! The generations of Graviton: the cores that model one, and the processor that it is emulated as.

use std::fmt;

use clap::ValueEnum;
use slide_kernels::Isa;

use crate::cross::DEFAULT_CPU;

/// A generation, by the name that `--target` has for it. The third is the one that is meant where none is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Graviton {
    /// Graviton3: neoverse-v1, on `sve`
    #[value(name = "graviton")]
    Third,
    /// neoverse-n1, on `neon`
    #[value(name = "graviton2")]
    Second,
    /// neoverse-n2, the nearest that qemu has, on `neonbf16`: its SVE registers have 128 bits
    #[value(name = "graviton4")]
    Fourth,
}

impl Graviton {
    /// As `--target` calls it.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::Second => "graviton2",
            Self::Third => "graviton",
            Self::Fourth => "graviton4",
        }
    }

    /// The folder of its records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Second => "graviton2",
            Self::Third => "graviton3",
            Self::Fourth => "graviton4",
        }
    }

    /// LLVM's name of its cores.
    pub(crate) fn cores(self) -> &'static str {
        match self {
            Self::Second => "neoverse-n1",
            Self::Third => "neoverse-v1",
            Self::Fourth => "neoverse-v2",
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Second => "Graviton2 (Neoverse N1: NEON, two vectors of 128 bits a cycle)",
            Self::Third => {
                "Graviton3 (Neoverse V1: NEON, four vectors of 128 bits a cycle, or two of 256 bits with SVE)"
            }
            Self::Fourth => "Graviton4 (Neoverse V2: NEON, four vectors of 128 bits a cycle)",
        }
    }

    /// The processor that it is emulated as, by qemu's name, and the best level that this has.
    pub(crate) fn emulated(self) -> (&'static str, Isa) {
        match self {
            Self::Second => ("neoverse-n1", Isa::Neon),
            Self::Third => (DEFAULT_CPU, Isa::Sve),
            Self::Fourth => ("neoverse-n2", Isa::NeonBf16),
        }
    }
}

impl fmt::Display for Graviton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_read() {
        for &graviton in Graviton::value_variants() {
            assert_eq!(Graviton::from_str(graviton.target(), false), Ok(graviton));
        }
    }
}

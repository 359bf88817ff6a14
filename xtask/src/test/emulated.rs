//! Tests of a 64-bit Arm processor that this machine is not: cross-built, and run in an emulator.
//!
//! An emulated instruction takes hundreds of times as long as a real one, so these are the tests of the kernels with fewer
//! random cases, and some of the golden models of slide-core, whose sums a real machine has given.

use anyhow::Result;
use clap::ValueEnum;
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use crate::cross::{DEFAULT_CPU, TARGET, Toolchain};

/// How many cases of each random test are tried where nobody says otherwise, and how many golden models.
pub(crate) const CASES: u32 = 8;

/// Generations of Amazon's processors, by the names that `bench` has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Graviton {
    /// neoverse-n1, on `neon`
    #[value(name = "graviton2")]
    Second,
    /// Graviton3: neoverse-v1, on `sve`
    #[value(name = "graviton")]
    Third,
    /// neoverse-n2, the nearest that qemu has, on `neonbf16`: its SVE registers have 128 bits
    #[value(name = "graviton4")]
    Fourth,
}

impl Graviton {
    /// The processor, by qemu's name, and the best level that it has.
    fn cpu_and_isa(self) -> (&'static str, Isa) {
        match self {
            Self::Second => ("neoverse-n1", Isa::Neon),
            Self::Third => (DEFAULT_CPU, Isa::Sve),
            Self::Fourth => ("neoverse-n2", Isa::NeonBf16),
        }
    }
}

/// A run of the tests.
pub(crate) struct Emulation<'a> {
    /// The processor, by qemu's name.
    cpu: &'a str,
    /// The level that programs are to choose.
    isa: Isa,
    /// Levels that the processor must have: a skipped one is a failure.
    required: Vec<Isa>,
    /// `SLIDE_TEST_CASES`
    cases: u32,
    /// Passed on to `cargo test`.
    rest: &'a [String],
}

/// Whether the level can run here in an emulator only.
pub(crate) fn is_needed(isa: Isa) -> bool {
    is_arm(isa) && !cfg!(target_arch = "aarch64")
}

/// The levels of 64-bit Arm that `isa` contains.
fn up_to(isa: Isa) -> Vec<Isa> {
    Isa::ALL.iter().copied().filter(|&level| is_arm(level) && level <= isa).collect()
}

fn is_arm(isa: Isa) -> bool {
    matches!(isa, Isa::Neon | Isa::NeonBf16 | Isa::Sve)
}

impl<'a> Emulation<'a> {
    /// On a level, and with all levels below it required.
    pub(crate) fn new(cpu: &'a str, isa: Isa, cases: u32, rest: &'a [String]) -> Self {
        Self { cpu, isa, required: up_to(isa), cases, rest }
    }

    pub(crate) fn of(graviton: Graviton, cases: u32, rest: &'a [String]) -> Self {
        let (cpu, isa) = graviton.cpu_and_isa();
        Self::new(cpu, isa, cases, rest)
    }

    /// Builds and runs the tests of the kernels, and the golden models.
    pub(crate) fn test(&self, shell: &Shell, toolchain: &Toolchain) -> Result<()> {
        self.kernels(shell, toolchain, &[])?;
        self.golden(shell, toolchain)
    }

    /// The tests of slide-kernels, or of it only the `chosen` ones (as `cargo test` takes them).
    pub(crate) fn kernels(&self, shell: &Shell, toolchain: &Toolchain, chosen: &[&str]) -> Result<()> {
        let _environment = self.enter(shell, toolchain);
        let rest = self.rest;
        Ok(cmd!(shell, "cargo test --target {TARGET} --package slide-kernels --tests {chosen...} {rest...}").run()?)
    }

    /// As many of the pinned models of slide-core as there are cases.
    pub(crate) fn golden(&self, shell: &Shell, toolchain: &Toolchain) -> Result<()> {
        let _environment = self.enter(shell, toolchain);
        let rest = self.rest;
        Ok(cmd!(shell, "cargo test --target {TARGET} --package slide-core --test golden {rest...}").run()?)
    }

    fn enter<'s>(&self, shell: &'s Shell, toolchain: &Toolchain) -> Vec<xshell::PushEnv<'s>> {
        let required: Vec<_> = self.required.iter().map(|isa| isa.name()).collect();
        println!("== emulated {}: SLIDE_ISA={}, {} cases", self.cpu, self.isa, self.cases);
        let mut pushed = toolchain.enter(shell, self.cpu);
        pushed.push(shell.push_env("SLIDE_ISA", self.isa.name()));
        pushed.push(shell.push_env("SLIDE_REQUIRE_ISA", required.join(",")));
        pushed.push(shell.push_env("SLIDE_TEST_CASES", self.cases.to_string()));
        pushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_arm() {
        assert_eq!(up_to(Isa::Sve), [Isa::Neon, Isa::NeonBf16, Isa::Sve]);
        assert_eq!(up_to(Isa::Neon), [Isa::Neon]);
        assert!(!is_needed(Isa::Scalar) && !is_needed(Isa::Avx2));
    }
}

//! Tests of a 64-bit Arm processor that this machine is not: cross-built, and run in an emulator.
//!
//! An emulated instruction takes hundreds of times as long as a real one, so these are the tests of the kernels with fewer
//! random cases, and some of the golden models of slide-core, whose sums a real machine has given.

use anyhow::Result;
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use crate::cross::{TARGET, Toolchain};
use crate::graviton::Graviton;

/// How many cases of each random test are tried where nobody says otherwise, and how many golden models.
pub(crate) const CASES: u32 = 8;

/// A run of the tests.
pub(crate) struct Emulation<'a> {
    /// The processor, by qemu's name.
    pub(crate) cpu: &'a str,
    /// The level that programs are to choose. The processor must have those below it: a skipped one is a failure.
    pub(crate) isa: Isa,
    /// `SLIDE_TEST_CASES`
    pub(crate) cases: u32,
    /// Passed on to `cargo test`.
    pub(crate) rest: &'a [String],
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
    pub(crate) fn of(graviton: Graviton, cases: u32, rest: &'a [String]) -> Self {
        let (cpu, isa) = graviton.emulated();
        Self { cpu, isa, cases, rest }
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

    /// The tests of these names, of any package, without debug assertions: what they test is built as for `cargo xtask count`.
    /// `--workspace` gives dependencies the same features as there, so that they need not be built again.
    pub(crate) fn release(&self, shell: &Shell, toolchain: &Toolchain, tests: &[&str]) -> Result<()> {
        let _environment = self.enter(shell, toolchain);
        let (tests, rest) = (tests.iter().flat_map(|name| ["--test", name]), self.rest);
        Ok(cmd!(shell, "cargo test --release --workspace --target {TARGET} {tests...} {rest...}").run()?)
    }

    fn enter<'s>(&self, shell: &'s Shell, toolchain: &Toolchain) -> Vec<xshell::PushEnv<'s>> {
        let required: Vec<_> = up_to(self.isa).into_iter().map(Isa::name).collect();
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

//! Building for 64-bit Arm, running that without an Arm machine, and the LLVM tools that model its cores.

mod folder;
mod toolchain;

pub(crate) use toolchain::{DEFAULT_CPU, TARGET, Toolchain, chosen_cpu};

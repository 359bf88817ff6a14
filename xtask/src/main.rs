//! `cargo xtask`: the workspace's own tasks, so that no step of development lives in somebody's shell history.
#![forbid(unsafe_code)]

mod artifacts;
mod asm_check;
mod bench;
mod check_model_python;
mod ci;
mod cli;
mod count;
mod cross;
mod data;
mod deb822;
mod debian_packages;
mod disassembly;
mod docs;
mod gate;
mod graviton;
mod hwloc;
mod load;
mod loops;
mod mca;
mod numa_vm;
mod package;
mod process;
mod program;
mod python;
mod python_package;
mod sanitise;
mod test;
mod text_table;
mod ulp;
mod versus;
mod workspace;

use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    match cli::Arguments::parse().task {
        cli::Task::Ci(arguments) => ci::run(&arguments),
        cli::Task::Test(arguments) => test::run(&arguments),
        cli::Task::AsmCheck(arguments) => asm_check::run(&arguments),
        cli::Task::Bench(arguments) => bench::run(&arguments),
        cli::Task::SetupCross => cross::set_up(),
        cli::Task::SetupNumaVm => numa_vm::set_up(),
        cli::Task::Ulp(arguments) => ulp::run(&arguments),
        cli::Task::Count(arguments) => count::run(&arguments),
        cli::Task::Gate(arguments) => gate::run(&arguments),
        cli::Task::Mca(arguments) => mca::run(&arguments),
        cli::Task::Data { set: cli::DataSet::Debian(arguments) } => data::debian::run(&arguments),
        cli::Task::Data { set: cli::DataSet::Synth(arguments) } => data::synth::run(&arguments),
        cli::Task::Versus(arguments) => versus::run(&arguments),
        cli::Task::Load(arguments) => load::run(&arguments),
        cli::Task::Docs(arguments) => docs::run(&arguments),
        cli::Task::Package => package::run(),
        cli::Task::CheckModelPython(arguments) => check_model_python::run(&arguments),
    }
}

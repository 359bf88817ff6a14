//! Tests of memory placement on emulated machines with several NUMA nodes.
//!
//! The machine of the developer has one node as a rule, where all placements are one. Here the tests of slide-mem, and some of
//! the golden models of slide-core, run on machines of several shapes, and what they may otherwise skip is required.

use anyhow::{Context as _, Result, ensure};
use slide_kernels::Isa;
use xshell::{Shell, cmd};

use crate::artifacts::{Artifact, Artifacts};
use crate::numa_vm::{Machine, Node, NumaVm, Step};

/// How many golden models are trained where nobody says otherwise: one for each policy.
pub(crate) const CASES: u32 = 4;

/// Enough for the largest tables of the tests; touched by the emulator only as far as the machine touches it.
const MEMORY_MIB: u32 = 768;

/// Runs everything, or the tests that `rest` chooses (as `cargo test` hands it to each test program).
pub(crate) fn run(shell: &Shell, cases: u32, rest: &[String]) -> Result<()> {
    let vm = NumaVm::find_or_set_up()?;
    let programs = Artifacts::of_tests(shell, &[])?;
    let memory = programs.tests_of("slide-mem", None)?;
    let golden = programs.tests_of("slide-core", Some("golden"))?;
    let tests = Tests { shell, memory, golden, rest };
    let mut failed = Vec::new();
    for (name, machine, steps) in [two_nodes(&tests, cases)?, odd_nodes(&tests)?] {
        if steps.is_empty() {
            continue;
        }
        println!("== emulated: {name}");
        let statuses = vm.run(&machine, &steps).with_context(|| name.to_owned())?;
        let failures = steps.iter().zip(statuses).filter(|&(_, status)| status != 0);
        failed.extend(failures.map(|(step, status)| format!("{}: exit code {status}", step.name)));
    }
    ensure!(failed.is_empty(), "tests on emulated machines failed:\n  {}", failed.join("\n  "));
    Ok(())
}

/// Two processors with memory of their own: everything, and then again what a lack of pages and CPUs may change.
fn two_nodes(tests: &Tests<'_>, cases: u32) -> Result<(&'static str, Machine, Vec<Step>)> {
    let machine = Machine { nodes: vec![Node { cpus: 2, memory_mib: MEMORY_MIB }; 2] };
    let whole = requirements(2, "0 1, 2 3", 32);
    let few_pages = requirements(2, "0 1, 2 3", 18);
    let mut few_cpus = requirements(2, "0 1, 2", 18);
    few_cpus.push(("SLIDE_REQUIRE_OFFLINE".to_owned(), "3".to_owned()));
    let offline = "echo 0 > /sys/devices/system/cpu/cpu3/online".to_owned();
    let steps = [
        tests.memory("two nodes", &[reserve(0, 16), reserve(1, 16)], &whole, &[])?,
        tests.golden("two nodes", &whole, cases)?,
        tests.memory("too few huge pages on node 1", &[reserve(1, 2)], &few_pages, &["reserved"])?,
        tests.memory("CPU 3 offline", &[offline], &few_cpus, &AFFECTED)?,
        tests.golden("CPU 3 offline", &few_cpus, 1)?,
    ];
    Ok(("two nodes", machine, steps.into_iter().flatten().collect()))
}

/// Nodes 0 and 1 are whole, node 2 has no memory, node 3 no CPU. (The kernel counts nodes with CPUs first.)
fn odd_nodes(tests: &Tests<'_>) -> Result<(&'static str, Machine, Vec<Step>)> {
    let shapes = [(1, MEMORY_MIB), (1, MEMORY_MIB), (1, 0), (0, MEMORY_MIB)];
    let machine = Machine { nodes: shapes.map(|(cpus, memory_mib)| Node { cpus, memory_mib }).to_vec() };
    let required = requirements(3, "0, 1, 2, ", 24);
    let reserved = [0, 1, 3].map(|node| reserve(node, 8));
    let steps = [tests.memory("odd nodes", &reserved, &required, &AFFECTED)?, tests.golden("odd nodes", &required, 1)?];
    Ok(("a node without memory and one without CPUs", machine, steps.into_iter().flatten().collect()))
}

/// Names of tests that the shape of the machine may make fail.
const AFFECTED: [&str; 4] = ["node", "owner", "worker", "machine"];

/// The programs that hold the tests.
struct Tests<'a> {
    shell: &'a Shell,
    memory: Vec<&'a Artifact>,
    golden: Vec<&'a Artifact>,
    rest: &'a [String],
}

impl Tests<'_> {
    /// Tests of slide-mem whose names contain one of `filters`, or all; the preparation comes before the first.
    fn memory(
        &self,
        what: &str,
        preparation: &[String],
        required: &[(String, String)],
        filters: &[&str],
    ) -> Result<Vec<Step>> {
        let mut steps = self.steps(what, &self.memory, required, filters)?;
        if let Some(first) = steps.first_mut() {
            first.preparation = preparation.to_vec();
        }
        Ok(steps)
    }

    /// So many trainings of golden models, placed in every way.
    fn golden(&self, what: &str, required: &[(String, String)], cases: u32) -> Result<Vec<Step>> {
        let mut environment = required.to_vec();
        // What the emulator has at most.
        environment
            .extend(["SLIDE_ISA", "SLIDE_REQUIRE_ISA"].map(|name| (name.to_owned(), Isa::Avx2.name().to_owned())));
        environment.push(("SLIDE_TEST_CASES".to_owned(), cases.to_string()));
        self.steps(what, &self.golden, &environment, &["on_every_node"])
    }

    /// Those of the programs that have such tests. That none has is no way to pass, unless the user has chosen others.
    fn steps(
        &self,
        what: &str,
        programs: &[&Artifact],
        environment: &[(String, String)],
        filters: &[&str],
    ) -> Result<Vec<Step>> {
        let filters: Vec<String> = match self.rest {
            [] => filters.iter().map(|&filter| filter.to_owned()).collect(),
            rest => rest.to_vec(),
        };
        let mut steps = Vec::new();
        for program in programs.iter().map(|artifact| &artifact.executable) {
            let (shell, filters) = (self.shell, &filters);
            let listed = cmd!(shell, "{program} --list --format terse {filters...}").quiet().ignore_stderr().read()?;
            if listed.lines().any(|line| line.ends_with(": test")) {
                let file = program.file_name().unwrap_or_default().to_string_lossy();
                // Without the hash behind the name.
                let test = file.rsplit_once('-').map_or(&*file, |(name, _)| name);
                steps.push(Step {
                    name: format!("{what}: {test}"),
                    preparation: Vec::new(),
                    program: program.clone(),
                    arguments: filters.clone(),
                    environment: environment.to_vec(),
                });
            }
        }
        ensure!(!steps.is_empty() || !self.rest.is_empty(), "{what}: no test is called {}", filters.join(" or "));
        Ok(steps)
    }
}

/// The variables that make a skipped test a failure.
fn requirements(nodes: u32, cpus: &str, huge_pages: u32) -> Vec<(String, String)> {
    [
        ("SLIDE_REQUIRE_NODES", nodes.to_string()),
        ("SLIDE_REQUIRE_CPUS", cpus.to_owned()),
        ("SLIDE_REQUIRE_HUGE_PAGES", huge_pages.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// A line of shell that sets how many pages of 2 MiB a node reserves.
fn reserve(node: u32, pages: u32) -> String {
    format!("echo {pages} > /sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages")
}

//! Checks of the machine code of each kernel, so that no change of code or compiler makes one slow unseen.

mod expectations;

use std::fmt::Write as _;

use anyhow::{Result, bail};
use regex::Regex;
use slide_kernels::Isa;
use slide_kernels::list::KERNELS;
use xshell::Shell;

use crate::cli::{AsmCheckArguments, Selection};
use crate::cross::Toolchain;
use crate::disassembly::{Disassembly, Flow, Instruction};
use crate::loops::{Loop, loops};
use crate::program::{Architecture, Function, Program};
use crate::workspace;
use expectations::Expectation;

pub(crate) fn run(arguments: &AsmCheckArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let program = Program::build(&shell, arguments.selection.target)?;
    let reports = reports(&shell, &program, &arguments.selection)?;
    let mut failed = 0;
    for (kernel, report) in &reports {
        let verdict = if report.problems.is_empty() { "ok" } else { "FAILED" };
        println!("{:<40} {verdict:<7} {}", kernel.to_string(), report.summary);
        report.problems.iter().for_each(|problem| println!("  {problem}"));
        if arguments.verbose || !report.problems.is_empty() {
            print!("{}", report.listing);
        }
        failed += usize::from(!report.problems.is_empty());
    }
    match (reports.len(), failed) {
        (0, _) => bail!("--filter matches no kernel of this target"),
        (count, 0) => {
            println!("{count} kernels checked, {} by rustc {}", program.architecture.name(), program.compiler)
        }
        (count, _) => bail!("{failed} of {count} kernels fail; expectations: xtask/src/asm_check/expectations.rs"),
    }
    Ok(())
}

/// What is found in the code of each chosen kernel.
pub(crate) fn reports(shell: &Shell, program: &Program, selection: &Selection) -> Result<Vec<(Kernel, Report)>> {
    let tool = Toolchain::find_or_set_up()?.llvm_objdump;
    let disassembly = Disassembly::of(shell, &tool, program)?;
    let report = |kernel: Kernel| {
        let report = check(&kernel, program, &disassembly)?;
        Ok((kernel, report))
    };
    kernels(program, selection).into_iter().map(report).collect()
}

/// A kernel on a level that has a function of its own for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kernel {
    pub(crate) isa: Isa,
    /// `family::name`.
    pub(crate) name: String,
}

impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<10} {}", self.isa.name(), self.name)
    }
}

/// All of the list, in its order, and any other function that a level keeps in the module of a family.
fn kernels(program: &Program, selection: &Selection) -> Vec<Kernel> {
    let architecture = program.architecture;
    let mut kernels = Vec::new();
    for kernel in KERNELS {
        for &isa in kernel.levels.iter().filter(|isa| architecture.has(**isa)) {
            kernels.push(Kernel { isa, name: format!("{}::{}", kernel.family, kernel.name) });
        }
    }
    for function in &program.symbols.functions {
        let Some(kernel) = kernel_of(&function.name, architecture) else { continue };
        if !kernels.contains(&kernel) && !expectations::PARTS.contains(&kernel.name.as_str()) {
            kernels.push(kernel);
        }
    }
    kernels.retain(|kernel| selection.chooses(&format!("{} {}", kernel.isa.name(), kernel.name)));
    kernels
}

fn symbol(isa: Isa, name: &str, architecture: Architecture) -> String {
    format!("slide_kernels::{}::{}::{name}", architecture.module(), isa.name())
}

/// The kernel whose function has this name: `slide_kernels::x86::avx2::dot::dot` is `dot::dot` on `avx2`.
fn kernel_of(function: &str, architecture: Architecture) -> Option<Kernel> {
    let rest = function.strip_prefix("slide_kernels::")?.strip_prefix(architecture.module())?.strip_prefix("::")?;
    let (level, name) = rest.split_once("::")?;
    let (family, function) = name.split_once("::")?;
    if function.contains("::") || !KERNELS.iter().any(|kernel| kernel.family == family) {
        return None;
    }
    Some(Kernel { isa: level.parse().ok()?, name: name.to_owned() })
}

pub(crate) struct Report {
    summary: String,
    pub(crate) problems: Vec<String>,
    /// The text of the loops that the problems are about; of the hot ones, if there are none.
    listing: String,
}

fn check(kernel: &Kernel, program: &Program, disassembly: &Disassembly) -> Result<Report> {
    let architecture = program.architecture;
    let Some(expectation) = Expectation::of(kernel)? else {
        let problem = "no expectation is listed".to_owned();
        return Ok(Report { summary: String::new(), problems: vec![problem], listing: String::new() });
    };
    let mut found = Found::default();
    let symbol = |name: &str| symbol(kernel.isa, name, architecture);
    let other = expectations::merged_with(kernel).map(symbol);
    let other = other.filter(|other| program.symbols.named(other).next().is_some());
    let own = symbol(&kernel.name);
    let own = if program.symbols.named(&own).next().is_some() { own } else { other.unwrap_or(own) };
    let family = own.rsplit_once("::").map_or("", |(family, _)| family);
    let part = expectation.part.map(|part| format!("{family}::{part}"));
    for name in [Some(&own), part.as_ref()].into_iter().flatten() {
        let is_hot = part.as_ref().is_none_or(|part| part == name);
        let functions: Vec<&Function> = program.symbols.named(name).collect();
        if functions.is_empty() {
            found.problems.push(format!("the program has no function {name}"));
        }
        for function in functions {
            found.look(&function.name, disassembly.range(&function.address), &expectation, architecture, is_hot);
        }
    }
    let spills = if found.most_spills > 0 { format!(", {} spills", found.most_spills) } else { String::new() };
    let summary =
        format!("{} hot loops, {} others, {} instructions{spills}", found.hot, found.others, found.instructions);
    Ok(Report { summary, problems: found.problems, listing: found.listing })
}

#[derive(Default)]
struct Found {
    /// Loops with the expected instructions.
    hot: usize,
    /// Other innermost loops over vectors.
    others: usize,
    instructions: usize,
    /// Of one loop.
    most_spills: usize,
    problems: Vec<String>,
    listing: String,
}

impl Found {
    fn look(
        &mut self,
        name: &str,
        function: &[Instruction],
        expectation: &Expectation,
        architecture: Architecture,
        must_be_hot: bool,
    ) {
        let all = loops(function);
        let body = |one: &Loop| one.instructions.iter().map(|&i| &function[i]).collect::<Vec<_>>();
        for one in &all {
            for instruction in body(one) {
                if let Flow::Call(callee) = &instruction.flow
                    && !expectation.calls.iter().any(|pattern| pattern.is_match(callee))
                {
                    self.problem(format!("a loop of {name} calls {callee}"), &body(one));
                }
            }
        }
        let is_innermost = |one: &&Loop| one.innermost;
        let works = |one: &&Loop| body(one).iter().any(|instruction| expectation.pattern.is_match(&instruction.text));
        let mut hot: Vec<&Loop> = all.iter().filter(is_innermost).filter(works).collect();
        if hot.is_empty() {
            // The loops within may be for the rare cases.
            hot = all.iter().filter(works).collect();
        }
        // Other loops over vectors, for ends or another part of the work, are no less to be free of spills.
        let vector = vector_register(architecture);
        let has_vectors = |one: &&Loop| body(one).iter().any(|instruction| vector.is_match(&instruction.text));
        let others = all.iter().filter(is_innermost).filter(has_vectors).filter(|one| !hot.contains(one));
        let others: Vec<&Loop> = others.collect();
        self.hot += hot.len();
        self.others += others.len();
        for body in hot.iter().map(|one| body(one)) {
            let checks = branches_to_panics(function, &body);
            if checks > expectation.checks {
                self.problem(format!("a hot loop of {name} branches to panics {checks} times"), &body);
            }
            self.look_for_spills(name, function, &body, expectation.spills, architecture);
        }
        for body in others.iter().map(|one| body(one)) {
            self.look_for_spills(name, function, &body, expectation.spills_beside, architecture);
        }
        if must_be_hot && hot.is_empty() {
            self.problems.push(format!("no loop of {name} has an instruction like `{}`", expectation.pattern));
            all.iter().for_each(|one| self.list(&body(one)));
        }
    }

    fn look_for_spills(
        &mut self,
        name: &str,
        function: &[Instruction],
        body: &[&Instruction],
        most: usize,
        architecture: Architecture,
    ) {
        let spills = spills(function, body, architecture);
        self.instructions += body.len();
        self.most_spills = self.most_spills.max(spills);
        if spills > most {
            self.problem(format!("a loop of {name} moves vectors to or from the stack {spills} times"), body);
        } else {
            self.list(body);
        }
    }

    fn problem(&mut self, problem: String, body: &[&Instruction]) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
            self.list(body);
        }
    }

    fn list(&mut self, body: &[&Instruction]) {
        for instruction in body {
            let _ = writeln!(self.listing, "    {:8x}  {}", instruction.address, instruction.text);
        }
        let _ = writeln!(self.listing);
    }
}

/// What an instruction that works on a vector register names.
fn vector_register(architecture: Architecture) -> Regex {
    let pattern = match architecture {
        Architecture::X86 => r"%[xyz]mm\d",
        Architecture::Arm => r"\b(v\d+\.|q\d+\b|z\d+\b)",
    };
    Regex::new(pattern).expect("a regular expression")
}

/// How many branches of a loop lead to nothing but a panic: checks, mostly of bounds.
fn branches_to_panics(function: &[Instruction], body: &[&Instruction]) -> usize {
    let panics = |address: u64| {
        let from = function.partition_point(|instruction| instruction.address < address);
        let end = function[from..].iter().find(|instruction| instruction.flow != Flow::Next);
        // A call that does not come back, not a return.
        end.is_some_and(|end| end.flow == Flow::End && (end.text.starts_with("call") || end.text.starts_with("bl")))
    };
    body.iter().filter(|instruction| matches!(instruction.flow, Flow::Branch(target) if panics(target))).count()
}

/// How many instructions of a loop move a vector between a register and the function's frame.
fn spills(function: &[Instruction], body: &[&Instruction], architecture: Architecture) -> usize {
    let has_frame = |text: &str| function.iter().take(30).any(|instruction| instruction.text.starts_with(text));
    // A frame is addressed without an index; with one, it is an array.
    let pattern = match architecture {
        Architecture::X86 if has_frame("movq %rsp, %rbp") => r"\(%r[sb]p\).*%[xyz]mm|%[xyz]mm.*\(%r[sb]p\)",
        Architecture::X86 => r"\(%rsp\).*%[xyz]mm|%[xyz]mm.*\(%rsp\)",
        Architecture::Arm if has_frame("add x29, sp") || has_frame("mov x29, sp") => {
            r"^(ld|st)\w+ \{? ?[qdsz]\d+.*\[(sp|x29)(, #-?\w+(, mul vl)?)?\]"
        }
        Architecture::Arm => r"^(ld|st)\w+ \{? ?[qdsz]\d+.*\[sp(, #-?\w+(, mul vl)?)?\]",
    };
    let pattern = Regex::new(pattern).expect("a regular expression");
    body.iter().filter(|instruction| pattern.is_match(&instruction.text)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::listing;

    #[test]
    fn functions_are_kernels_by_their_module() {
        let kernel = kernel_of("slide_kernels::x86::avx2::dot::dot", Architecture::X86).unwrap();
        assert_eq!(kernel, Kernel { isa: Isa::Avx2, name: "dot::dot".to_owned() });
        for other in ["slide_kernels::x86::avx2::lanes::load", "slide_kernels::scalar::dot::dot", "main"] {
            assert_eq!(kernel_of(other, Architecture::X86), None, "{other}");
        }
    }

    fn count(text: &str, architecture: Architecture) -> usize {
        let function = listing(text, architecture);
        spills(&function, &function.iter().collect::<Vec<_>>(), architecture)
    }

    #[test]
    fn branches_to_panics_are_found() {
        let function = listing(
            "0:\tincq\t%rax\n1:\tje\t0x4\n2:\tjne\t0x0\n3:\tretq\n4:\tmovq\t%rax, %rdi\n5:\tcallq\t0x100 <core::panicking::panic>",
            Architecture::X86,
        );
        let body: Vec<&Instruction> = function[..3].iter().collect();
        assert_eq!(branches_to_panics(&function, &body), 1);
        assert_eq!(branches_to_panics(&function, &body[2..]), 0);
    }

    #[test]
    fn spills_on_x86() {
        for (text, expected) in [
            ("0:\tvmovaps\t%ymm3, 0x20(%rsp)", 1),
            ("0:\tvfmadd231ps\t-0x20(%rsp), %zmm3, %zmm4\n8:\tvmovaps\t(%rsp), %xmm3", 2),
            ("0:\tmovq\t0x20(%rsp), %rax\n4:\tvmovups\t0x20(%rsp,%rax,4), %ymm0", 0),
            ("0:\tvmovups\t0x20(%rbp), %ymm0", 0),
            ("0:\tmovq\t%rsp, %rbp\n4:\tvmovups\t0x20(%rbp), %ymm0", 1),
        ] {
            assert_eq!(count(text, Architecture::X86), expected, "{text}");
        }
    }

    #[test]
    fn spills_on_arm() {
        for spill in ["str q0, [sp, #0x10]", "ldp q0, q1, [sp]", "ldr z3, [sp, #1, mul vl]"] {
            assert_eq!(count(&format!("0:\t{spill}"), Architecture::Arm), 1, "{spill}");
        }
        for other in ["ldr q0, [x0, #0x10]", "ldr x8, [sp, #0x10]", "ldr q0, [sp, x8, lsl #4]", "ldr q0, [x29, #0x10]"]
        {
            assert_eq!(count(&format!("0:\t{other}"), Architecture::Arm), 0, "{other}");
        }
    }
}

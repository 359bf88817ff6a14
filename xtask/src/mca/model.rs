//! Cycles of the kernels on processors that are not at hand: how often each loop is gone through is counted, how long a round
//! takes is asked of llvm-mca.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use slide_kernels::Isa;
use xshell::Shell;

use super::tool::Tool;
use crate::count::{Counter, Histogram, Run, TooLong};
use crate::cross::Toolchain;
use crate::disassembly::{Disassembly, Flow, Instruction};
use crate::loops::loops;
use crate::program::{Architecture, Program, Target};

/// Loops that execute less than this part of a kernel's instructions are left out.
pub(crate) const LEAST_SHARE: f64 = 0.05;

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// Executed, exactly.
    pub(crate) instructions: u64,
    /// The part of them that the modelled loops execute.
    pub(crate) in_loops: f64,
    /// Of those loops, by processor.
    pub(crate) cycles: BTreeMap<String, Cycles>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cycles {
    /// Of a call.
    Modelled(f64),
    /// The processor has not all of the instructions.
    Lacking,
    /// Nothing to model: no loop executes [`LEAST_SHARE`] of the instructions.
    NoLoop,
}

/// The calls of these runs, in order; none of one that takes too long to be counted.
pub(crate) fn calls(
    shell: &Shell,
    program: &Program,
    target: Target,
    runs: &[Run],
    processors: &[&str],
) -> Result<Vec<Option<Call>>> {
    let tools = Toolchain::find_or_set_up()?;
    let disassembly = Disassembly::of(shell, &tools.llvm_objdump, program)?;
    let mut counted = Vec::new();
    for (run, histogram) in runs.iter().zip(Counter::new(program, target)?.histograms(runs)) {
        counted.push(match histogram {
            Ok(histogram) => Some((histogram.values().sum(), hot_loops(program, &disassembly, &histogram))),
            Err(error) if error.is::<TooLong>() => None,
            Err(error) => return Err(error.context(run.to_string())),
        });
    }
    let tool = Tool { path: tools.llvm_mca, architecture: program.architecture };
    let rounds = rounds(&tool, runs, &counted, processors)?;
    let call = |(run, counted): (&Run, &Option<Counted>)| {
        let (instructions, hot) = counted.as_ref()?;
        let cycles = |processor: &str| {
            if hot.is_empty() {
                return Cycles::NoLoop;
            }
            if lacks(processor, run.isa) {
                return Cycles::Lacking;
            }
            let of_loops = hot.iter().map(|one| Some(rounds[&(processor, one.text.as_str())]? * one.rounds));
            of_loops.sum::<Option<f64>>().map_or(Cycles::Lacking, Cycles::Modelled)
        };
        Some(Call {
            instructions: *instructions,
            in_loops: hot.iter().map(|one| one.executed).sum::<u64>() as f64 / *instructions as f64,
            cycles: processors.iter().map(|&processor| (processor.to_owned(), cycles(processor))).collect(),
        })
    };
    Ok(runs.iter().zip(&counted).map(call).collect())
}

/// Name and version of the tool that models.
pub(crate) fn version() -> Result<String> {
    let tools = Toolchain::find_or_set_up()?;
    Tool { path: tools.llvm_mca, architecture: Architecture::Arm }.version()
}

/// Instructions of a call, and its loops.
type Counted = (u64, Vec<HotLoop>);

/// Cycles of a round by processor and loop, each asked for once; none if a processor has not the instructions.
fn rounds<'a>(
    tool: &Tool,
    runs: &[Run],
    counted: &'a [Option<Counted>],
    processors: &[&'a str],
) -> Result<BTreeMap<(&'a str, &'a str), Option<f64>>> {
    let mut questions = BTreeMap::new();
    for (run, (_, hot)) in runs.iter().zip(counted).filter_map(|(run, counted)| Some((run, counted.as_ref()?))) {
        for &processor in processors.iter().filter(|&&processor| !lacks(processor, run.isa)) {
            questions.extend(hot.iter().map(|one| ((processor, one.text.as_str()), run)));
        }
    }
    let questions: Vec<_> = questions.into_iter().collect();
    let answer = |&((processor, text), run): &((&'a str, &'a str), &Run)| {
        let cycles = tool.cycles_of_round(processor, text).with_context(|| format!("{run}, {processor}"))?;
        Ok(((processor, text), cycles))
    };
    questions.par_iter().map(answer).collect()
}

/// Whether a processor is known to lack a level: llvm-mca models instructions of x86 on processors that do not have them, and
/// takes vectors of SVE for as long as the processor's own, where our kernels of that level ask for 256 bits.
pub(crate) fn lacks(processor: &str, isa: Isa) -> bool {
    let best = match processor {
        "skylake-avx512" => Isa::Avx512,
        "cascadelake" => Isa::Avx512Vnni,
        // It has BF16, but the level asks for VPOPCNTDQ too.
        "cooperlake" => Isa::Avx512Vnni,
        "icelake-server" => Isa::Avx512Popcnt,
        "haswell" | "broadwell" | "skylake" | "znver1" | "znver2" | "znver3" => Isa::Avx2,
        "neoverse-n1" => Isa::Neon,
        "neoverse-n2" | "neoverse-v2" => Isa::NeonBf16,
        _ => return false,
    };
    isa > best
}

/// A loop that executes many of a kernel's instructions.
struct HotLoop {
    /// A round, the usual way.
    text: String,
    /// How often its instructions are executed, on average. What is passed by most of the time is taken to run at their rate.
    rounds: f64,
    executed: u64,
}

fn hot_loops(program: &Program, disassembly: &Disassembly, histogram: &Histogram) -> Vec<HotLoop> {
    let total: u64 = histogram.values().sum();
    let executions = |instruction: &Instruction| histogram.get(&instruction.address).copied().unwrap_or(0);
    let mut functions = BTreeMap::new();
    for function in histogram.keys().filter_map(|&address| program.symbols.at(address)) {
        functions.insert(function.address.start, function);
    }
    let mut hot = Vec::new();
    for function in functions.values() {
        let instructions = disassembly.range(&function.address);
        for one in loops(instructions) {
            let body: Vec<&Instruction> = one.instructions.iter().map(|&i| &instructions[i]).collect();
            let most = body.iter().map(|instruction| executions(instruction)).max().unwrap_or(0);
            let executed: u64 = body.iter().map(|instruction| executions(instruction)).sum();
            if executed as f64 >= LEAST_SHARE * total as f64 {
                // The usual way through the loop.
                let usual: Vec<_> = body.into_iter().filter(|one| 2 * executions(one) >= most).collect();
                let rounds = executed as f64 / usual.len() as f64;
                hot.push(HotLoop { text: assembly(usual.into_iter()), rounds, executed });
            }
        }
    }
    hot
}

/// What an assembler accepts: the targets of jumps are none of its business, and calls are left out.
fn assembly<'a>(instructions: impl Iterator<Item = &'a Instruction>) -> String {
    let mut text = "top:\n".to_owned();
    for instruction in instructions {
        match &instruction.flow {
            Flow::Call(_) | Flow::ComputedJump | Flow::End => {}
            Flow::Next => text.push_str(&instruction.text),
            Flow::Jump(_) | Flow::Branch(_) => {
                let before = instruction.text.rfind("0x").unwrap_or(instruction.text.len());
                text.push_str(&instruction.text[..before]);
                text.push_str("top");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::listing;

    #[test]
    fn a_loop_becomes_what_an_assembler_accepts() {
        let instructions = listing(
            "10:\tfmla\tv0.4s, v1.4s, v2.4s\n14:\tbl\t0x100 <memcpy>\n18:\ttbnz\tw8, #0x0, 0x10 <x>\n1c:\tb.ne\t0x10 <x>",
            Architecture::Arm,
        );
        let text = assembly(instructions.iter());
        assert_eq!(text, "top:\nfmla v0.4s, v1.4s, v2.4s\n\ntbnz w8, #0x0, top\nb.ne top\n");
    }

    #[test]
    fn processors_lack_the_levels_above_their_own() {
        assert!(lacks("icelake-server", Isa::Avx512Bf16) && !lacks("icelake-server", Isa::Avx512Popcnt));
        assert!(lacks("neoverse-n1", Isa::NeonBf16) && !lacks("neoverse-n1", Isa::Neon));
        // Its vectors of SVE have 128 bits.
        assert!(lacks("neoverse-v2", Isa::Sve) && !lacks("neoverse-v1", Isa::Sve));
        assert!(!lacks("sapphirerapids", Isa::Avx512Bf16));
    }
}

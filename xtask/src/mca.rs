//! Modelled speed of the kernels: what llvm-mca says of their hot loops, for processors that are not at hand.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::cli::McaArguments;
use crate::count::{self, Counter, Histogram, Run};
use crate::cross::Toolchain;
use crate::disassembly::{Disassembly, Flow, Instruction};
use crate::loops::loops;
use crate::program::{Architecture, Program};
use crate::workspace;

/// Rounds of a loop that are simulated, so that its start counts for little.
const ROUNDS: u64 = 200;

/// Loops that execute less than this part of a kernel's instructions are left out.
const LEAST_SHARE: f64 = 0.05;

pub(crate) fn run(arguments: &McaArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let selection = &arguments.selection;
    let program = Program::build(&shell, selection.target)?;
    let architecture = program.architecture;
    let tools = Toolchain::find_or_set_up()?;
    let disassembly = Disassembly::of(&shell, &tools.llvm_objdump, &program)?;
    let runs = count::runs(selection, architecture, arguments.every_shape)?;
    let counter = Counter::new(&program, selection.target)?;
    let processors = match (&arguments.cpus[..], architecture) {
        ([], Architecture::Arm) => vec!["neoverse-n1", "neoverse-v1", "neoverse-v2"],
        ([], Architecture::X86) => vec!["icelake-server", "sapphirerapids", "znver4"],
        (chosen, _) => chosen.iter().map(String::as_str).collect(),
    };
    let mut rows = vec![["kernel", "shape", "level", "instructions", "in loops"].map(str::to_owned).to_vec()];
    rows[0].extend(processors.iter().map(|&processor| processor.to_owned()));
    for (run, histogram) in runs.iter().zip(counter.histograms(&runs)) {
        let histogram = histogram.with_context(|| run.to_string())?;
        let hot = hot_loops(&program, &disassembly, &histogram);
        let total = histogram.values().sum::<u64>() as f64;
        let elements = run.elements as f64;
        let share = hot.iter().map(|one| one.executed).sum::<u64>() as f64 / total;
        let mut row = first_cells(run, total / elements, share);
        for processor in &processors {
            let mut cycles = Some(0.0);
            for one in &hot {
                let of_round = cycles_of_round(&shell, &tools.llvm_mca, architecture, processor, &one.text)
                    .with_context(|| format!("{run}, {processor}"))?;
                cycles = cycles.zip(of_round).map(|(sum, of_round)| sum + of_round * one.rounds / elements);
            }
            row.push(match cycles {
                _ if hot.is_empty() => "-".to_owned(),
                Some(cycles) => format!("{cycles:.4}"),
                None => "lacks it".to_owned(),
            });
        }
        rows.push(row);
    }
    print!("{}", if arguments.markdown { markdown(&rows) } else { aligned(&rows) });
    println!(
        "\nInstructions and modelled cycles an element, of the loops that execute the stated part of the instructions; \
         - where no loop executes {:.0} % of them, `lacks it` where a processor has no such instruction.",
        100.0 * LEAST_SHARE
    );
    Ok(())
}

fn first_cells(run: &Run, instructions: f64, share: f64) -> Vec<String> {
    let (instructions, share) = (format!("{instructions:.4}"), format!("{:.0} %", 100.0 * share));
    vec![run.kernel.clone(), run.shape.clone(), run.level(), instructions, share]
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

/// None if the processor has not all of the instructions.
fn cycles_of_round(
    shell: &Shell,
    tool: &Path,
    architecture: Architecture,
    processor: &str,
    text: &str,
) -> Result<Option<f64>> {
    let features = (architecture == Architecture::Arm).then_some("-mattr=+sve,+bf16,+i8mm,+dotprod,+fullfp16");
    let (triple, rounds) = (architecture.name(), ROUNDS.to_string());
    let command = cmd!(shell, "{tool} -mtriple={triple} -mcpu={processor} {features...} -iterations={rounds}");
    let output = command.quiet().ignore_status().stdin(text).output();
    let output = output.with_context(|| format!("{} does not run", tool.display()))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let cycles = cycles(output.status.success(), &stdout, stderr.trim(), processor);
    Ok(cycles.with_context(|| format!("{}, on this loop:\n{text}", tool.display()))?.map(|all| all / ROUNDS as f64))
}

/// What llvm-mca says.
fn cycles(succeeded: bool, stdout: &str, stderr: &str, processor: &str) -> Result<Option<f64>> {
    // It goes on with another model then.
    let is_known = !stderr.contains("is not a recognized processor");
    ensure!(is_known, "it does not know {processor}: is it too old? It says: {stderr}");
    if stderr.contains("found an unsupported instruction") {
        return Ok(None);
    }
    ensure!(succeeded, "it failed: {stderr}");
    total_cycles(stdout).map(Some)
}

/// The number of `Total Cycles:      510`.
fn total_cycles(text: &str) -> Result<f64> {
    let number = text.lines().find_map(|line| line.strip_prefix("Total Cycles:"));
    let number = number.with_context(|| format!("llvm-mca printed no `Total Cycles`, but `{}`", text.trim()))?;
    number.trim().parse().with_context(|| format!("llvm-mca printed `Total Cycles:{number}`"))
}

fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if i == 0 {
            text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    text
}

fn aligned(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::listing;

    #[test]
    fn cycles_are_read() {
        let text = "Iterations:        200\nInstructions:      1600\nTotal Cycles:      510\nTotal uOps:        1600\n";
        assert_eq!(total_cycles(text).unwrap(), 510.0);
        assert!(total_cycles("").unwrap_err().to_string().contains("no `Total Cycles`"));
    }

    #[test]
    fn failures_of_the_tool_are_errors() {
        let shell = Shell::new().unwrap();
        let absent = cycles_of_round(&shell, Path::new("/no/such/llvm-mca"), Architecture::X86, "znver4", "nop\n");
        assert!(absent.unwrap_err().to_string().contains("/no/such/llvm-mca does not run"));
        let failure = |succeeded, stdout, stderr| cycles(succeeded, stdout, stderr, "znver9").unwrap_err().to_string();
        assert!(failure(true, "Total Cycles: 510", "'znver9' is not a recognized processor").contains("too old"));
        assert!(failure(false, "", "error: invalid instruction mnemonic").contains("invalid instruction"));
        assert!(failure(true, "", "").contains("no `Total Cycles`"));
        let lacking = cycles(false, "", "error: found an unsupported instruction in the input", "neoverse-n1");
        assert_eq!(lacking.unwrap(), None);
    }

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
    fn tables() {
        let rows = [["kernel", "v1"], ["dot::dot", "0.1670"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "kernel    v1\ndot::dot  0.1670\n");
        assert_eq!(markdown(&rows), "| kernel | v1 |\n|---|---|\n| dot::dot | 0.1670 |\n");
    }
}

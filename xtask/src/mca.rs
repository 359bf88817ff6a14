//! Modelled speed of the kernels: what llvm-mca says of their hot loops, for processors that are not at hand.

pub(crate) mod model;
mod tool;

use anyhow::Result;

use self::model::{Call, Cycles, LEAST_SHARE};
use crate::cli::McaArguments;
use crate::count::{self, Run};
use crate::program::{Architecture, Program};
use crate::{text_table, workspace};

pub(crate) fn run(arguments: &McaArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let selection = &arguments.selection;
    let program = Program::build(&shell, selection.target)?;
    let runs = count::runs(selection, program.architecture, arguments.every_shape)?;
    let processors = match (&arguments.cpus[..], program.architecture) {
        ([], Architecture::Arm) => vec!["neoverse-n1", "neoverse-v1", "neoverse-v2"],
        ([], Architecture::X86) => vec!["icelake-server", "sapphirerapids", "znver4"],
        (chosen, _) => chosen.iter().map(String::as_str).collect(),
    };
    let calls = model::calls(&shell, &program, selection.target, &runs, &processors)?;
    let mut rows = vec![["kernel", "shape", "level", "instructions", "in loops"].map(str::to_owned).to_vec()];
    rows[0].extend(processors.iter().map(|&processor| processor.to_owned()));
    rows.extend(runs.iter().zip(calls).map(|(run, call)| cells(run, call.as_ref(), &processors)));
    let is_number = |column| column >= 3;
    let table =
        if arguments.markdown { text_table::markdown(&rows, is_number) } else { text_table::aligned(&rows, is_number) };
    print!("{table}");
    println!(
        "\nInstructions and cycles an element; the latter as {} models the loops that execute the stated part of the \
         instructions; - where no loop executes {:.0} % of them, `lacks it` where a processor has no such instruction, \
         `too long` where there are too many to be counted.",
        model::version()?,
        100.0 * LEAST_SHARE
    );
    Ok(())
}

fn cells(run: &Run, call: Option<&Call>, processors: &[&str]) -> Vec<String> {
    let mut row = vec![run.kernel.clone(), run.shape.clone(), run.level()];
    let Some(call) = call else {
        row.push("too long".to_owned());
        return row;
    };
    let elements = run.elements as f64;
    row.push(format!("{:.4}", call.instructions as f64 / elements));
    row.push(format!("{:.0} %", 100.0 * call.in_loops));
    row.extend(processors.iter().map(|&processor| match call.cycles[processor] {
        Cycles::Modelled(cycles) => format!("{:.4}", cycles / elements),
        Cycles::Lacking => "lacks it".to_owned(),
        Cycles::NoLoop => "-".to_owned(),
    }));
    row
}

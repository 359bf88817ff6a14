//! Synthetic sets with the counts of published ones, which are too large to ship: `slide data synth` makes them.

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::cli::SynthArguments;
use crate::program::{self, Target};
use crate::workspace;

pub(crate) fn run(arguments: &SynthArguments) -> Result<()> {
    let shell = workspace::shell()?;
    let slide = program::build(&shell, Target::Native, &workspace::target(), "slide")?;
    let folder = arguments.out.clone().unwrap_or_else(|| workspace::target().join("synth"));
    shell.create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let scale = arguments.scale.to_string();
    for name in &arguments.names {
        for (suffix, options) in [("", &[][..]), ("-clustered", &["--clustered"])] {
            let [train, test] = ["train", "test"].map(|part| folder.join(format!("{name}{suffix}.{part}.txt.zst")));
            cmd!(shell, "{slide} data synth --like {name} --scale {scale} {options...} -o {train} --test {test}")
                .run()?;
        }
    }
    Ok(())
}

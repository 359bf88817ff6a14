//! Short trainings, a process each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use xshell::cmd;

use super::{Builder, Measurement};
use crate::process::{Clock, Time, start_on_one_core};

/// Pairs of trainings. An odd number.
pub(super) const PAIRS: usize = 5;

/// The default, and the one that hashes; about half a second each.
pub(in crate::gate) fn measurements(data: &Path) -> Vec<Measurement> {
    let training = |name: &str, options: &[&str]| Measurement::Training {
        name: format!("training, {name}"),
        arguments: options.iter().map(|&option| option.to_owned()).collect(),
        data: data.to_owned(),
    };
    vec![
        training("shared rows", &["--epochs", "2"]),
        training("rows by SimHash", &["--epochs", "1", "--sampler", "vanilla", "--loss", "softmax"]),
    ]
}

/// Makes it unless it is there: all later builds train on the same.
pub(in crate::gate) fn data(builder: &Builder, slide: &Path) -> Result<PathBuf> {
    let path = builder.folder.join("train.txt");
    if !path.exists() {
        let unfinished = builder.folder.join("unfinished.txt");
        let counts = ["--points", "3000", "--labels", "10000", "--features", "10000", "--clustered"];
        cmd!(builder.shell, "{slide} --quiet data synth {counts...} -o {unfinished}").quiet().run()?;
        std::fs::rename(unfinished, &path)?;
    }
    Ok(path)
}

/// Of one pair of processes, of which the other is first in every other pair.
pub(super) fn log_ratio(programs: [&Path; 2], arguments: &[String], data: &Path, pair: usize) -> Result<f64> {
    let mut times = [0.0; 2];
    for i in [pair % 2, 1 - pair % 2] {
        times[i] = time(programs[i], arguments, data)?;
    }
    Ok((times[1] / times[0]).ln())
}

/// Seconds of processor time, that of starting it included.
fn time(slide: &Path, arguments: &[String], data: &Path) -> Result<f64> {
    let model = data.with_file_name("model.slide");
    let clock = Clock::start();
    let mut command = Command::new(slide);
    command.args(["--quiet", "train"]).arg(data).arg("-o").arg(&model).args(["--threads", "1"]).args(arguments);
    let child = start_on_one_core(command.stdout(Stdio::null()).stderr(Stdio::piped()))?;
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} ended with {}: {}", slide.display(), output.status, errors.trim());
    let Time { wall, processor } = clock.read();
    // Where processor time is not known, what others do is in it.
    Ok(processor.unwrap_or(wall).as_secs_f64())
}

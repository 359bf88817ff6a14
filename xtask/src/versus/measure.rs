//! What a process takes: processor time, memory, time.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::environment::Environment;

/// Libraries that ask these take one thread. (What else can be asked is asked by the script.)
pub(super) const THREADS: [&str; 4] =
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"];

/// What a process has taken, and its children.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Usage {
    /// Of the exit, or the negative number of a signal.
    status: i32,
    /// User and system.
    pub(crate) cpu_seconds: f64,
    pub(crate) wall_seconds: f64,
    /// Resident.
    pub(crate) peak_bytes: u64,
}

/// Runs a command to its end; its standard output goes to a file. An error has what it said last, for which there is `log`.
pub(crate) fn measured(environment: &Environment, command: &[OsString], output: &Path, log: &Path) -> Result<Usage> {
    let [python, script] = environment.measuring();
    let mut measuring = Command::new(python);
    measuring.arg(script).args([output, log]).args(command);
    measuring.envs(THREADS.map(|name| (name, "1")));
    let run = measuring.output().context("cannot start Python")?;
    ensure!(run.status.success(), "cannot measure: {}", String::from_utf8_lossy(&run.stderr).trim());
    let usage: Usage = serde_json::from_slice(&run.stdout).context("cannot read what a process has taken")?;
    if usage.status != 0 {
        let said = fs::read(log).unwrap_or_default();
        bail!("{}", ending(usage.status, &String::from_utf8_lossy(&said)));
    }
    Ok(usage)
}

/// Why a process has failed: how it ended, and its last line.
fn ending(status: i32, said: &str) -> String {
    let ended = match status {
        signal if signal < 0 => format!("ended by signal {}", -signal),
        status => format!("ended with status {status}"),
    };
    match said.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("{ended}: {line}"),
        None => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_the_last_line() {
        assert_eq!(ending(1, "Traceback:\n  x\nMemoryError\n\n"), "ended with status 1: MemoryError");
        assert_eq!(ending(-9, ""), "ended by signal 9");
    }

    #[test]
    fn what_the_script_prints_is_read() {
        let text = r#"{"status": 0, "cpu_seconds": 1.5, "wall_seconds": 2.0, "peak_bytes": 1024}"#;
        let usage = Usage { status: 0, cpu_seconds: 1.5, wall_seconds: 2.0, peak_bytes: 1024 };
        assert_eq!(serde_json::from_str::<Usage>(text).unwrap(), usage);
    }
}

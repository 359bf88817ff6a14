//! llvm-mca, and what it says.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::program::Architecture;

/// Rounds of a loop that are simulated, so that its start counts for little.
const ROUNDS: u64 = 200;

pub(super) struct Tool {
    pub(super) path: PathBuf,
    pub(super) architecture: Architecture,
}

impl Tool {
    /// None if the processor has not all of the instructions.
    pub(super) fn cycles_of_round(&self, processor: &str, text: &str) -> Result<Option<f64>> {
        let mut command = Command::new(&self.path);
        command.arg(format!("-mtriple={}", self.architecture.name())).arg(format!("-mcpu={processor}"));
        command.arg(format!("-iterations={ROUNDS}"));
        if self.architecture == Architecture::Arm {
            command.arg("-mattr=+sve,+bf16,+i8mm,+dotprod,+fullfp16");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} does not run", self.path.display()))?;
        // If it ends before it has read everything, what it says tells why.
        let _ = child.stdin.take().context("a program without input")?.write_all(text.as_bytes());
        let output = child.wait_with_output()?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let cycles = cycles(output.status.success(), &stdout, stderr.trim(), processor);
        let cycles = cycles.with_context(|| format!("{}, on this loop:\n{text}", self.path.display()))?;
        Ok(cycles.map(|all| all / ROUNDS as f64))
    }

    /// As in `llvm-mca 22.1.8`.
    pub(super) fn version(&self) -> Result<String> {
        let output = Command::new(&self.path).arg("--version").output();
        let output = output.with_context(|| format!("{} does not run", self.path.display()))?;
        version(&String::from_utf8_lossy(&output.stdout))
    }
}

/// From the line `  LLVM version 22.1.8`, or that of a distribution, `Debian LLVM version 22.1.8`.
fn version(text: &str) -> Result<String> {
    let number = text.lines().find_map(|line| line.split_once("LLVM version "));
    let (_, number) = number.with_context(|| format!("llvm-mca --version printed `{}`", text.trim()))?;
    Ok(format!("llvm-mca {}", number.trim()))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_read() {
        let text = "Iterations:        200\nInstructions:      1600\nTotal Cycles:      510\nTotal uOps:        1600\n";
        assert_eq!(total_cycles(text).unwrap(), 510.0);
        assert!(total_cycles("").unwrap_err().to_string().contains("no `Total Cycles`"));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version("Debian LLVM version 22.1.8\n  Optimized build.\n").unwrap(), "llvm-mca 22.1.8");
        assert!(version("").is_err());
    }

    #[test]
    fn failures_of_the_tool_are_errors() {
        let absent = Tool { path: "/no/such/llvm-mca".into(), architecture: Architecture::X86 };
        let absent = absent.cycles_of_round("znver4", "nop\n").unwrap_err();
        assert!(absent.to_string().contains("/no/such/llvm-mca does not run"));
        let failure = |succeeded, stdout, stderr| cycles(succeeded, stdout, stderr, "znver9").unwrap_err().to_string();
        assert!(failure(true, "Total Cycles: 510", "'znver9' is not a recognized processor").contains("too old"));
        assert!(failure(false, "", "error: invalid instruction mnemonic").contains("invalid instruction"));
        assert!(failure(true, "", "").contains("no `Total Cycles`"));
        let lacking = cycles(false, "", "error: found an unsupported instruction in the input", "neoverse-n1");
        assert_eq!(lacking.unwrap(), None);
    }
}

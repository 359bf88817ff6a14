//! Counting on an emulated machine: qemu translates each instruction by itself, and prints the address of each that it
//! executes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Counter, Histogram};
use crate::cross::{DEFAULT_CPU, Toolchain};

/// Addresses below this are reserved for the program, which then lies at the same ones in every run.
const RESERVED: &str = "0x4000000000";

/// Functions nearer to each other than this are asked for together: they are aligned, with nothing between.
const NEAR: u64 = 64;

pub(super) struct Emulator {
    toolchain: Toolchain,
}

impl Emulator {
    pub(super) fn new(toolchain: Toolchain) -> Self {
        Self { toolchain }
    }

    /// The program in the emulator, with these options of the latter.
    fn command(&self, counter: &Counter<'_>, options: &[&str]) -> Command {
        let mut command = self.toolchain.emulate(DEFAULT_CPU);
        command.args(["-R", RESERVED]).args(options).arg(&counter.program.path).arg("--marked");
        command
    }

    pub(super) fn histogram(&self, counter: &Counter<'_>, arguments: &[&str]) -> Result<Histogram> {
        // Where the program lies must be known before what it prints can be confined to the functions of interest.
        let output = self.command(counter, &[]).args(arguments).output().context("qemu")?;
        ensure!(output.status.success(), "run-case under emulation: {}", String::from_utf8_lossy(&output.stderr));
        let first = String::from_utf8(output.stdout)?;
        let shift = counter.shift(&first)?;
        let filter = filter(counter, shift)?;
        let options = ["-one-insn-per-tb", "-d", "exec,nochain", "-dfilter", &filter];
        let mut command = self.command(counter, &options);
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("qemu")?;
        let log = BufReader::new(child.stderr.take().context("a program without errors")?);
        let histogram = read(counter, shift, log);
        if histogram.is_err() {
            // It is ended in the middle of its work.
            let _ = child.kill();
        }
        let output = child.wait_with_output()?;
        let histogram = histogram?;
        ensure!(output.status.success(), "run-case under emulation ended with {}", output.status);
        ensure!(output.stdout == first.as_bytes(), "run-case lies elsewhere in each run under emulation");
        Ok(histogram)
    }
}

/// The ranges of addresses that qemu is to speak of.
fn filter(counter: &Counter<'_>, shift: u64) -> Result<String> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mark = counter.mark()?;
    let mut wanted: Vec<_> = counter.counted.iter().chain([&mark]).map(|range| (range.start, range.end)).collect();
    wanted.sort_unstable();
    for (start, end) in wanted {
        match ranges.last_mut() {
            Some(last) if start < last.1 + NEAR => last.1 = last.1.max(end),
            _ => ranges.push((start, end)),
        }
    }
    let range =
        |(start, end): (u64, u64)| format!("{:#x}..{:#x}", start.wrapping_add(shift), (end - 1).wrapping_add(shift));
    Ok(ranges.into_iter().map(range).collect::<Vec<_>>().join(","))
}

/// Counts what is executed between the two calls of `mark`.
fn read(counter: &Counter<'_>, shift: u64, log: impl BufRead) -> Result<Histogram> {
    let mark = counter.mark()?.start;
    let (mut histogram, mut total, mut marks) = (Histogram::new(), 0, 0);
    for line in log.lines() {
        let line = line?;
        let Some(address) = address(&line)? else { bail!("qemu printed `{line}`") };
        let address = address.wrapping_sub(shift);
        if address == mark {
            marks += 1;
        } else if marks == 1 {
            counter.add(&mut histogram, &mut total, address)?;
        }
    }
    ensure!(marks == 2, "`mark` was called {marks} times");
    Ok(histogram)
}

/// The second part of `Trace 0: 0x7f43382712c0 [00001111/0000002aaaaba968/00000001/00000201] main`.
fn address(line: &str) -> Result<Option<u64>> {
    if !line.starts_with("Trace ") {
        return Ok(None);
    }
    let address = line.split('/').nth(1).and_then(|part| u64::from_str_radix(part, 16).ok());
    Ok(Some(address.with_context(|| format!("no address in `{line}`, which qemu printed"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_qemu_are_read() {
        let line = "Trace 0: 0x7f43382712c0 [00001111/0000002aaaaba968/00000001/00000201] main";
        assert_eq!(address(line).unwrap(), Some(0x2a_aaab_a968));
        assert_eq!(address("qemu: uncaught target signal 11").unwrap(), None);
        assert!(address("Trace 0: nothing").is_err());
    }
}

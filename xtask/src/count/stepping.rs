//! Counting on this machine: the parent process lets the program do one instruction at a time.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{Counter, Histogram};
use crate::process::{Running, start};

/// Must be called from the thread that waits for the program, which is the one that started it.
pub(super) fn histogram(counter: &Counter<'_>, arguments: &[&str]) -> Result<Histogram> {
    let mut command = Command::new(&counter.program.path);
    command.arg("--traced").args(arguments).stdout(Stdio::piped());
    let mut child = Running(start(&mut command)?);
    let process = Pid::from_raw(i32::try_from(child.0.id())?);
    // Between two marks it stops itself; it must not be stepped before the first.
    match waitpid(process, None)? {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => {}
        status => bail!("run-case was to stop itself, not to end as {status:?}"),
    }
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().context("a program without output")?).read_line(&mut line)?;
    let shift = counter.shift(&line)?;
    let (mut histogram, mut total) = (Histogram::new(), 0);
    loop {
        ptrace::step(process, None).context("this machine does not let programs be stepped")?;
        match waitpid(process, None)? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {
                let address = next_instruction(process)?.wrapping_sub(shift);
                counter.add(&mut histogram, &mut total, address)?;
            }
            WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(histogram),
            status => bail!("run-case was to stop at its second mark, not with {status:?}"),
        }
    }
}

/// The address of the instruction that comes next.
fn next_instruction(process: Pid) -> Result<u64> {
    let registers = ptrace::getregs(process)?;
    #[cfg(target_arch = "x86_64")]
    return Ok(registers.rip);
    #[cfg(target_arch = "aarch64")]
    return Ok(registers.pc);
}

//! The protocol by which two builds of a program run alternately and their times are compared, as by `cargo xtask gate`: each
//! reads the number of calls to make, makes them, and prints the time they took.

use std::io::{self, BufRead as _, Write as _};
use std::time::Duration;

/// For each line of standard input, a number of calls, lets `work` make them, and prints the nanoseconds they took.
///
/// On Linux these are of processor time: other load on the core is not included.
///
/// # Errors
/// If a line is not a number, or cannot be read or written.
pub fn serve(mut work: impl FnMut(u64)) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let calls = line?.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let start = processor_time()?;
        work(calls);
        writeln!(out, "{}", (processor_time()? - start).as_nanos())?;
        out.flush()?;
    }
    Ok(())
}

/// Processor time of this thread; where the system is not Linux, the time since the first call.
///
/// # Errors
/// If the system has no such clock.
#[cfg(target_os = "linux")]
pub fn processor_time() -> io::Result<Duration> {
    Ok(nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// Processor time of this thread; where the system is not Linux, the time since the first call.
///
/// # Errors
/// None here.
#[cfg(not(target_os = "linux"))]
pub fn processor_time() -> io::Result<Duration> {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    Ok(START.elapsed())
}

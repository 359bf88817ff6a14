//! The processor's own counters: cycles, and misses of the last cache and of the data TLB.
//!
//! Many virtual machines hide them, and `kernel.perf_event_paranoid` above 2 forbids them.

use crate::record::Counters;

/// Counters that this process may read.
#[derive(Debug)]
pub struct Hardware(system::Events);

impl Hardware {
    /// Opens them.
    ///
    /// # Errors
    /// If cycles cannot be counted, and why.
    pub fn open() -> Result<Self, String> {
        system::Events::open().map(Self)
    }

    /// The events of a call of `work`, on average over `calls`; `None` where the system did not count them the whole time.
    pub fn count(&mut self, calls: u64, work: impl FnMut()) -> Option<Counters> {
        self.0.count(calls, work)
    }
}

/// As a note in a record.
#[must_use]
pub fn not_available(reason: &str) -> String {
    format!("hardware counters: not available ({reason})")
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::io;

    use perf_event::events::{Cache, CacheId, CacheOp, CacheResult, Hardware};
    use perf_event::{Builder, Counter, ReadFormat};

    use super::Counters;

    #[derive(Debug)]
    pub(super) struct Events {
        cycles: Counter,
        /// Some processors lack one of them.
        cache_misses: Option<Counter>,
        tlb_misses: Option<Counter>,
    }

    impl Events {
        pub(super) fn open() -> Result<Self, String> {
            let tlb = Cache { which: CacheId::DTLB, operation: CacheOp::READ, result: CacheResult::MISS };
            Ok(Self {
                cycles: open(Builder::new(Hardware::CPU_CYCLES)).map_err(|error| reason(&error))?,
                cache_misses: open(Builder::new(Hardware::CACHE_MISSES)).ok(),
                tlb_misses: open(Builder::new(tlb)).ok(),
            })
        }

        pub(super) fn count(&mut self, calls: u64, mut work: impl FnMut()) -> Option<Counters> {
            self.each(Counter::reset).ok()?;
            self.each(Counter::enable).ok()?;
            (0..calls).for_each(|_| work());
            self.each(Counter::disable).ok()?;
            let of_call = |counter: &mut Counter| Some(read(counter)? / calls as f64);
            Some(Counters {
                cycles: of_call(&mut self.cycles)?,
                cache_misses: self.cache_misses.as_mut().and_then(of_call),
                tlb_misses: self.tlb_misses.as_mut().and_then(of_call),
            })
        }

        fn each(&mut self, does: impl Fn(&mut Counter) -> io::Result<()>) -> io::Result<()> {
            let others = [&mut self.cache_misses, &mut self.tlb_misses].into_iter().flatten();
            std::iter::once(&mut self.cycles).chain(others).try_for_each(does)
        }
    }

    /// Of this thread, outside the kernel.
    fn open(mut builder: Builder<'_>) -> io::Result<Counter> {
        builder.read_format(ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING).build()
    }

    /// Scaled up if the counter was multiplexed with other events.
    fn read(counter: &mut Counter) -> Option<f64> {
        let data = counter.read_full().ok()?;
        let (enabled, running) = (data.time_enabled()?.as_secs_f64(), data.time_running()?.as_secs_f64());
        (running > 0.0).then(|| data.count() as f64 * enabled / running)
    }

    fn reason(error: &io::Error) -> String {
        let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
        match error.kind() {
            io::ErrorKind::PermissionDenied => format!("kernel.perf_event_paranoid is {}", paranoid.trim()),
            io::ErrorKind::NotFound => "the processor, or its virtual machine, shows none".to_owned(),
            _ => error.to_string(),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn reasons_are_in_words() {
            let absent = io::Error::from_raw_os_error(nix::errno::Errno::ENOENT as i32);
            assert_eq!(reason(&absent), "the processor, or its virtual machine, shows none");
            let forbidden = io::Error::from_raw_os_error(nix::errno::Errno::EACCES as i32);
            assert!(reason(&forbidden).starts_with("kernel.perf_event_paranoid is "));
        }

        /// Software events stand in for hardware events, which this machine may not expose.
        #[test]
        fn events_are_counted_by_the_call() {
            let open = || open(Builder::new(perf_event::events::Software::TASK_CLOCK));
            let (Ok(cycles), Ok(tlb)) = (open(), open()) else {
                println!("skipped: this system does not permit event counting");
                return;
            };
            let mut events = Events { cycles, cache_misses: None, tlb_misses: Some(tlb) };
            let mut sum = 0_u64;
            let counted = events.count(1000, || sum = std::hint::black_box((0..1000).fold(sum, |a, b| a ^ b)));
            let counted = counted.expect("nothing else uses them");
            assert!(counted.cycles > 0.0 && counted.cache_misses.is_none(), "{counted:?}");
            assert!(counted.tlb_misses.is_some_and(|misses| misses > 0.0));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Counters;

    #[derive(Debug)]
    pub(super) enum Events {}

    impl Events {
        pub(super) fn open() -> Result<Self, String> {
            Err("they are read on Linux only".to_owned())
        }

        pub(super) fn count(&mut self, _: u64, _: impl FnMut()) -> Option<Counters> {
            match *self {}
        }
    }
}

//! The cost of an empty call of [`Workers::each`]: `cargo run --release -p slide-mem --example dispatch -- 2`.

use std::num::NonZeroUsize;
use std::thread::sleep;
use std::time::{Duration, Instant};

use slide_mem::{Pinning, Topology, Workers};

const CALLS: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads: Option<NonZeroUsize> = std::env::args().nth(1).map(|count| count.parse()).transpose()?;
    let topology = Topology::detect();
    for pinning in [Pinning::All, Pinning::Started, Pinning::None] {
        let workers = Workers::new(threads, pinning, &topology)?;
        let mut items = vec![0u64; workers.count()];
        println!("pinned: {pinning:?}; {} workers on CPUs {:?}", workers.count(), workers.cpus());
        for (pause, name) in [(0, "at once"), (10, "after 10 us"), (100, "after 100 us"), (1000, "after 1 ms asleep")] {
            let mut times: Vec<Duration> = (0..CALLS)
                .map(|_| {
                    let pause = Duration::from_micros(pause);
                    let start = Instant::now();
                    // A serial part of the program: computing when short, waiting for a disk when long.
                    if pause < Duration::from_millis(1) {
                        while start.elapsed() < pause {}
                    } else {
                        sleep(pause);
                    }
                    let start = Instant::now();
                    workers.each(&mut items, |_, item| *item += 1);
                    start.elapsed()
                })
                .collect();
            times.sort_unstable();
            let at = |share: f64| times[(share * (CALLS - 1) as f64) as usize];
            println!("  next call {name}: median {:.1?}, 90 % {:.1?}, 99 % {:.1?}", at(0.5), at(0.9), at(0.99));
        }
    }
    Ok(())
}

//! Shows the machine, and what is granted to a table of so many MiB:
//! `cargo run --release -p slide-mem --example placement -- 343 auto local`
//! (pages: auto, 4k, thp, 2m, 1g; numa: local, node:N, interleave, partition).

use std::error::Error;
use std::time::Instant;

use slide_mem::{Pinning, Placement, Report, RowTable, Topology, Workers};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mebibytes: usize = arguments.next().as_deref().unwrap_or("64").parse()?;
    let pages = arguments.next().as_deref().unwrap_or("auto").parse()?;
    let numa = arguments.next().as_deref().unwrap_or("local").parse()?;

    let topology = Topology::detect();
    println!("{topology}\n");
    let workers = Workers::new(None, Pinning::All, &topology)?;
    println!("{} workers on CPUs {:?}", workers.count(), workers.cpus());
    workers.fallbacks().iter().for_each(|fallback| println!("  not granted: {fallback}"));

    let start = Instant::now();
    let mut table = RowTable::<f32>::zeroed(mebibytes << 11, 128, Placement { pages, numa })?;
    let (rows, count) = (table.rows(), workers.count());
    let bounds: Vec<usize> = (0..=count).map(|worker| worker * rows / count).collect();
    // Each worker touches its own rows first.
    workers.each(&mut table.shards_mut(&bounds), |_, rows| rows.fill(1.0));
    println!("mapped and touched in {:.1?}", start.elapsed());

    let mut report = Report::default();
    report.merge(&table.report());
    println!("{report}");
    Ok(())
}

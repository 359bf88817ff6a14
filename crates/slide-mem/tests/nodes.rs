//! Where pages and workers really are on a machine with several NUMA nodes. Linux only.
//!
//! `cargo xtask test --numa` runs these on emulated machines. There it sets `SLIDE_REQUIRE_NODES=2`, nodes with memory,
//! `SLIDE_REQUIRE_CPUS="0 1, 2 3"`, the CPUs of each node, `SLIDE_REQUIRE_OFFLINE="3"`, those offline, and `SLIDE_REQUIRE_HUGE_PAGES=8`, free reserved pages of 2 MiB:
//! where the machine is another, they fail. Without these variables, tests that need several nodes say that they are skipped.
#![cfg(all(target_os = "linux", not(any(miri, slide_portable))))]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::{env, fs, ptr};

use slide_mem::{NumaPolicy, PagePolicy, Pinning, Placement, Report, RowTable, Topology, Workers};

const MIB: usize = 1 << 20;
const HUGE: usize = 2 * MIB;
/// Bytes of a base page at most: on some Arm systems.
const BASE: usize = 64 << 10;
/// Bytes of a row of the tables here.
const ROW: usize = 512;

/// The machine, if it has more than one node with memory.
struct Machine {
    topology: Topology,
    /// The nodes with memory, ascending.
    nodes: Vec<u32>,
}

impl Machine {
    fn with_several_nodes() -> Option<Self> {
        let topology = Topology::detect();
        let nodes: Vec<u32> = topology.nodes.iter().filter(|node| node.memory_bytes > 0).map(|node| node.id).collect();
        let required = number("SLIDE_REQUIRE_NODES");
        assert!(nodes.len() >= required, "SLIDE_REQUIRE_NODES={required}, but the nodes with memory are {nodes:?}");
        if nodes.len() < 2 {
            eprintln!("skipped: one NUMA node");
            return None;
        }
        Some(Self { topology, nodes })
    }

    fn workers(&self) -> Workers {
        workers(&self.topology, self.topology.cpus.len())
    }

    fn node_of_cpu(&self, id: u32) -> u32 {
        self.topology.cpus.iter().find(|cpu| cpu.id == id).unwrap().node
    }

    /// The nodes that CPUs are on, ascending.
    fn nodes_of_cpus<'a>(&self, ids: impl IntoIterator<Item = &'a u32>) -> Vec<u32> {
        let mut nodes: Vec<u32> = ids.into_iter().map(|&id| self.node_of_cpu(id)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// A partition is as asked for if its owners, on these nodes, are where all memory is; one note says so otherwise.
    fn assert_partitioned(&self, report: &Report, owners: &[u32]) {
        let notes = report.fallbacks.iter().filter(|fallback| fallback.wanted == "numa partition").count();
        assert_eq!(notes, usize::from(owners != self.nodes), "{report}");
        assert_eq!(notes, report.fallbacks.len(), "{report}");
    }

    /// Bytes of a table that has several huge pages for each node and each worker.
    fn bytes(&self) -> usize {
        4 * HUGE * self.nodes.len().max(self.topology.cpus.len())
    }
}

fn number(variable: &str) -> usize {
    env::var(variable).map_or(0, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Pinned ones.
fn workers(topology: &Topology, count: usize) -> Workers {
    let workers = Workers::new(count.try_into().ok(), Pinning::All, topology).unwrap();
    assert_eq!(workers.fallbacks(), []);
    workers
}

/// A table of about `bytes` bytes, not yet touched.
fn table(bytes: usize, pages: PagePolicy, numa: NumaPolicy) -> RowTable<f32> {
    RowTable::zeroed(bytes / ROW, ROW / 4, Placement { pages, numa }).unwrap()
}

/// The same, of which every row is written.
fn filled(bytes: usize, pages: PagePolicy, numa: NumaPolicy) -> RowTable<f32> {
    let mut table = table(bytes, pages, numa);
    table.as_mut_slice().fill(1.0);
    table
}

fn assert_placed(report: &Report) {
    assert!(report.fallbacks.iter().all(|fallback| !fallback.wanted.starts_with("numa")), "{report}");
}

/// The nodes of the base pages that lie in `elements` as a whole, asked of the kernel.
fn nodes_of_pages(elements: &[f32]) -> Vec<u32> {
    let page_bytes = Topology::detect().pages.base_bytes as usize;
    let range = elements.as_ptr_range();
    let first = range.start.addr().next_multiple_of(page_bytes) - range.start.addr();
    let count = (range.end.addr() - range.start.addr()).saturating_sub(first) / page_bytes;
    let pages: Vec<_> = (0..count).map(|page| range.start.wrapping_byte_add(first + page * page_bytes)).collect();
    let mut nodes = vec![0i32; count];
    // While the kernel looks who uses a page (automatic NUMA balancing), it has no node; to read it ends that.
    for _ in 0..100 {
        // SAFETY: the kernel reads `count` addresses and writes as many numbers; without target nodes it moves nothing.
        let status = unsafe {
            let none: *const i32 = ptr::null();
            libc::syscall(libc::SYS_move_pages, 0, count, pages.as_ptr(), none, nodes.as_mut_ptr(), 0)
        };
        assert_eq!(status, 0, "move_pages: {}", std::io::Error::last_os_error());
        let absent: Vec<usize> = (0..count).filter(|&page| nodes[page] < 0).collect();
        if absent.is_empty() {
            break;
        }
        for page in absent {
            std::hint::black_box(elements[(first + page * page_bytes) / 4]);
        }
    }
    nodes.iter().map(|&node| u32::try_from(node).unwrap_or_else(|_| panic!("a page is nowhere: {node}"))).collect()
}

/// `run` of `runs` equal runs of the table's elements, without `margin` bytes on either side, where pages may be shared.
fn run_of(table: &RowTable<f32>, run: usize, runs: usize, margin: usize) -> &[f32] {
    let elements = table.as_slice();
    let bound = |run: usize| run * elements.len() / runs;
    &elements[bound(run) + margin / 4..bound(run + 1) - margin / 4]
}

/// Base pages and transparent huge ones, with what must be left out at the ends of a run.
const KINDS: [(PagePolicy, usize); 2] = [(PagePolicy::Small, 2 * BASE), (PagePolicy::Auto, HUGE + BASE)];

#[test]
fn the_machine_is_what_was_asked_for() {
    let topology = Topology::detect();
    if let Ok(expected) = env::var("SLIDE_REQUIRE_CPUS") {
        let cpus_of = |node: &slide_mem::Node| {
            let cpus = topology.cpus.iter().filter(|cpu| cpu.node == node.id);
            cpus.map(|cpu| cpu.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(topology.nodes.iter().map(cpus_of).collect::<Vec<_>>().join(", "), expected);
    }
    if let Ok(expected) = env::var("SLIDE_REQUIRE_OFFLINE") {
        let offline: Vec<String> = topology.offline_cpus.iter().map(u32::to_string).collect();
        assert_eq!(offline.join(" "), expected);
    }
    for (index, node) in topology.nodes.iter().enumerate() {
        if !node.distances.is_empty() {
            assert_eq!(node.distances.len(), topology.nodes.len());
            let nearest = node.distances.iter().min();
            assert_eq!(nearest, Some(&node.distances[index]), "node {} is far from itself", node.id);
        }
    }
}

#[test]
fn a_table_lies_on_the_node_that_it_asks_for() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    for (pages, _) in KINDS {
        for &node in &machine.nodes {
            let table = filled(8 * MIB, pages, NumaPolicy::Node(node));
            let report = table.report();
            assert_eq!(report.bytes_by_node.keys().collect::<Vec<_>>(), [&node], "{report}");
            assert!(nodes_of_pages(table.as_slice()).iter().all(|&found| found == node));
            assert_placed(&report);
        }
    }
}

/// There may be one of CPUs only.
#[test]
fn a_node_without_memory_is_refused() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    let without = machine.topology.nodes.iter().filter(|node| node.memory_bytes == 0).map(|node| node.id);
    for node in without.chain([99]) {
        let report = filled(MIB, PagePolicy::Small, NumaPolicy::Node(node)).report();
        let expected = format!("numa node:{node}: the nodes with memory are {:?}", machine.nodes);
        assert_eq!(report.fallbacks.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn interleaved_pages_go_round_the_nodes() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    let count = machine.nodes.len();
    let table = filled(8 * MIB, PagePolicy::Small, NumaPolicy::Interleave);
    assert_placed(&table.report());
    for round in nodes_of_pages(table.as_slice()).windows(count) {
        let mut round = round.to_vec();
        round.sort_unstable();
        assert_eq!(round, machine.nodes);
    }
    let report = filled(machine.bytes(), PagePolicy::Auto, NumaPolicy::Interleave).report();
    let share = machine.bytes() / count;
    for node in &machine.nodes {
        let there = report.bytes_by_node.get(node).copied().unwrap_or(0) as usize;
        assert!((share - HUGE..=share + HUGE).contains(&there), "{report}");
    }
    assert_placed(&report);
}

/// Each worker's rows on its node, whoever touches them first; also where there are fewer workers than CPUs, or more CPUs on
/// one node than on another.
#[test]
fn parts_lie_with_their_owners() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    let parts_lie_on = |owners: &[u32]| {
        for (pages, margin) in KINDS {
            let table = filled(machine.bytes(), pages, NumaPolicy::Partition);
            for (part, node) in owners.iter().enumerate().filter(|(_, node)| machine.nodes.contains(node)) {
                let found = nodes_of_pages(run_of(&table, part, owners.len(), margin));
                assert!(
                    !found.is_empty() && found.iter().all(|found| found == node),
                    "part {part}: {}",
                    table.report()
                );
            }
            let mut nodes = owners.to_vec();
            nodes.dedup();
            machine.assert_partitioned(&table.report(), &nodes);
        }
    };
    for count in 1..=machine.topology.cpus.len() {
        let workers = workers(&machine.topology, count);
        parts_lie_on(&workers.cpus().iter().map(|&cpu| machine.node_of_cpu(cpu)).collect::<Vec<_>>());
    }
    // No worker is pinned any more.
    parts_lie_on(&machine.nodes_of_cpus(machine.topology.cpus.iter().map(|cpu| &cpu.id)));
}

#[test]
fn rows_lie_where_their_owner_touches_them_first() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    let workers = machine.workers();
    let count = workers.count();
    for (pages, margin) in KINDS {
        let mut table = table(machine.bytes(), pages, NumaPolicy::Local);
        let bounds: Vec<usize> = (0..=count).map(|worker| worker * table.rows() / count).collect();
        workers.each(&mut table.shards_mut(&bounds), |_, rows| rows.fill(1.0));
        for (worker, &cpu) in workers.cpus().iter().enumerate() {
            let node = machine.node_of_cpu(cpu);
            let found = nodes_of_pages(run_of(&table, worker, count, margin));
            // Where the node has no memory, another stands in.
            let is_near = |found: &u32| *found == node || !machine.nodes.contains(&node);
            assert!(
                !found.is_empty() && found.iter().all(is_near),
                "worker {worker} on node {node}: {}",
                table.report()
            );
        }
    }
}

/// One note for a machine with CPUs offline, and none for a node without memory or CPUs.
#[test]
fn workers_say_which_cpus_are_offline() {
    let topology = Topology::detect();
    let workers = Workers::new(None, Pinning::All, &topology).unwrap();
    let notes: Vec<&str> = workers.fallbacks().iter().map(|note| note.wanted.as_str()).collect();
    // Whoever has restricted the process to some CPUs does not miss those that are offline.
    let missed = !topology.offline_cpus.is_empty() && topology.forbidden_cpus.is_empty();
    let expected = if missed { &["a worker for each core"][..] } else { &[] };
    assert_eq!(notes, expected);
    assert_eq!(workers.cpus().len(), workers.count());
}

#[test]
fn workers_are_grouped_by_node() {
    let topology = Topology::detect();
    let node_of = |id: u32| topology.cpus.iter().find(|cpu| cpu.id == id).unwrap().node;
    let workers = workers(&topology, topology.cpus.len());
    let found = Mutex::new(vec![(0, 0); workers.count()]);
    workers.broadcast(|worker| {
        let (mut cpu, mut node) = (0u32, 0u32);
        // SAFETY: the kernel writes two numbers.
        assert_eq!(unsafe { libc::syscall(libc::SYS_getcpu, &raw mut cpu, &raw mut node, ptr::null::<u8>()) }, 0);
        found.lock().unwrap()[worker] = (cpu, node);
    });
    let found = found.into_inner().unwrap();
    assert_eq!(found, workers.cpus().iter().map(|&cpu| (cpu, node_of(cpu))).collect::<Vec<_>>());
    assert!(found.is_sorted_by_key(|&(_, node)| node), "{found:?}");
}

#[test]
fn few_workers_are_spread_over_the_nodes() {
    let topology = Topology::detect();
    let mut nodes: Vec<u32> = topology.cpus.iter().map(|cpu| cpu.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let workers = workers(&topology, nodes.len());
    let node_of = |id: &u32| topology.cpus.iter().find(|cpu| cpu.id == *id).unwrap().node;
    assert_eq!(workers.cpus().iter().map(node_of).collect::<Vec<_>>(), nodes);
}

/// Reserved pages come from the node that was asked for as long as it has some, and from others after that. The only test of
/// this program that uses any: it counts them.
#[test]
fn reserved_pages_come_from_the_node_that_has_them() {
    let Some(machine) = Machine::with_several_nodes() else { return };
    let free = |node: u32| -> usize {
        let path = format!("/sys/devices/system/node/node{node}/hugepages/hugepages-{}kB/free_hugepages", HUGE >> 10);
        fs::read_to_string(path).map_or(0, |text| text.trim().parse().unwrap())
    };
    let all: usize = machine.nodes.iter().map(|&node| free(node)).sum();
    let required = number("SLIDE_REQUIRE_HUGE_PAGES");
    assert!(all >= required, "SLIDE_REQUIRE_HUGE_PAGES={required}, but there are {all}");
    let count = 4 * machine.nodes.len();
    if all < count {
        eprintln!("skipped: {all} free huge pages of 2 MiB, fewer than {count}");
        return;
    }
    // Less than whole pages: the table does not start at the start of its first.
    let table = |numa| filled(count * HUGE - MIB, PagePolicy::Huge2M, numa);
    for &node in &machine.nodes {
        let there = free(node).min(count);
        let report = table(NumaPolicy::Node(node)).report();
        assert_eq!(report.bytes_by_page, BTreeMap::from([(HUGE as u64, (count * HUGE) as u64)]), "{report}");
        assert_eq!(report.bytes_by_node.get(&node).copied().unwrap_or(0), (there * HUGE) as u64, "{report}");
        assert_eq!(report.bytes_by_node.values().sum::<u64>(), (count * HUGE) as u64, "{report}");
        assert_eq!(report.fallbacks, [], "{report}");
    }
    let owners = machine.nodes_of_cpus(machine.topology.cpus.iter().map(|cpu| &cpu.id));
    for numa in [NumaPolicy::Interleave, NumaPolicy::Partition, NumaPolicy::Local] {
        let report = table(numa).report();
        assert_eq!(report.bytes_by_page, BTreeMap::from([(HUGE as u64, (count * HUGE) as u64)]), "{report}");
        let sharing: &[u32] = match numa {
            NumaPolicy::Interleave => &machine.nodes,
            NumaPolicy::Partition => &owners,
            _ => &[],
        };
        match numa {
            NumaPolicy::Partition => machine.assert_partitioned(&report, &owners),
            _ => assert_eq!(report.fallbacks, [], "{report}"),
        }
        for &node in sharing.iter().filter(|node| machine.nodes.contains(node)) {
            // An equal share, less what the node lacks, or more where others lack it.
            let there = report.bytes_by_node.get(&node).copied().unwrap_or(0) as usize / HUGE;
            assert!(there >= free(node).min(4), "{report}");
        }
    }
}

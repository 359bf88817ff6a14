//! hwloc's view of machines: described ones, and this one, as the reader of `/sys` sees it.
#![cfg(all(feature = "hwloc", target_os = "linux", not(any(miri, slide_portable))))]

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use slide_mem::{CacheKind, MemError, Pinning, Synthetic, Topology, Workers};

fn cpus(topology: &Topology) -> Vec<(u32, u32, u32, u32, u32)> {
    topology.cpus.iter().map(|cpu| (cpu.id, cpu.core, cpu.sibling, cpu.package, cpu.node)).collect()
}

#[test]
fn nodes_and_cores_as_described() {
    let topology = Topology::from_description("NUMANode:2 L3:1 Core:2 PU:1").unwrap();
    assert_eq!(cpus(&topology), [(0, 0, 0, 0, 0), (1, 1, 0, 0, 0), (2, 2, 0, 0, 1), (3, 3, 0, 0, 1)]);
    assert_eq!((topology.cores(), topology.packages()), (4, 1));
    assert_eq!(topology.nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [0, 1]);
    assert!(topology.nodes.iter().all(|node| node.memory_bytes > 0));
    assert_eq!(topology.memory_bytes, Some(topology.nodes.iter().map(|node| node.memory_bytes).sum()));
    let caches = topology.caches.iter().map(|cache| (cache.level, cache.kind, cache.cpus.clone()));
    assert_eq!(caches.collect::<Vec<_>>(), [(3, CacheKind::Unified, vec![0, 1]), (3, CacheKind::Unified, vec![2, 3])]);
}

#[test]
fn siblings_packages_and_sizes_as_described() {
    let description = "Package:2 [NUMANode(memory=1073741824)] L3:1(size=33554432) Core:2 L1d:1(size=49152) PU:2";
    let topology = Topology::from_description(description).unwrap();
    let expected: Vec<_> = (0..8).map(|id| (id, id / 2 * 2, id % 2, id / 4, id / 4)).collect();
    assert_eq!(cpus(&topology), expected);
    assert_eq!((topology.cores(), topology.packages()), (4, 2));
    assert!(topology.nodes.iter().all(|node| node.memory_bytes == 1 << 30));
    let caches: Vec<_> = topology.caches.iter().map(|cache| (cache.level, cache.bytes, cache.cpus.len())).collect();
    assert_eq!(caches, [[(1, 48 << 10, 2); 4].as_slice(), &[(3, 32 << 20, 4); 2]].concat());
    // Workers: first one of each core, round the nodes.
    assert_eq!(Workers::new(None, Pinning::None, &topology).unwrap().count().min(4), topology.cores().min(available()));
}

fn available() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Described by hwloc and by ourselves, one machine is the same, but for the numbers of SMT siblings and caches.
#[test]
fn the_synthetic_machines_of_both_agree() {
    let ours =
        Synthetic { nodes: 3, cores_per_node: 4, threads_per_core: 1, memory_bytes_per_node: 5 << 30 }.topology();
    let mut hwlocs = Topology::from_description("Package:3 [NUMANode(memory=5368709120)] Core:4 PU:1").unwrap();
    for node in &mut hwlocs.nodes {
        assert_eq!(node.distances, []);
    }
    hwlocs.caches.clear();
    assert_eq!(hwlocs, ours);
}

#[test]
fn nonsense_is_an_error_that_quotes_it() {
    for nonsense in ["", "Core", "Core:0 PU:1", "Tree:3"] {
        let error = Topology::from_description(nonsense).unwrap_err();
        assert!(matches!(error, MemError::Description { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("found {nonsense:?}: ")), "{error}");
    }
}

/// In processes of their own, since hwloc reads the environment: `HWLOC_SYNTHETIC` replaces this machine.
#[test]
fn the_environment_replaces_the_machine() {
    const CHILD: &str = "SLIDE_MEM_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let topology = Topology::detect();
        assert_eq!((topology.nodes.len(), topology.cpus.len(), topology.cores()), (2, 4, 4));
        assert_eq!(topology.memory_limit_bytes, None);
        assert!(topology.pages.base_bytes >= 4096);
        // CPUs that this machine may not have: workers run all the same.
        let workers = Workers::new(NonZeroUsize::new(3), Pinning::All, &topology).unwrap();
        let mut items = [0; 7];
        workers.each(&mut items, |_, item| *item += 1);
        assert_eq!(items, [1; 7]);
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_environment_replaces_the_machine"]).env(CHILD, "1");
    let output = child.env("HWLOC_SYNTHETIC", "NUMANode:2 L3:1 Core:2 PU:1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// All that `/sys` tells, hwloc tells too, but that it may give nodes without CPUs to the CPUs next to them.
#[test]
fn this_machine_as_sysfs_sees_it() {
    if std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("HWLOC_")) {
        eprintln!("skipped: the environment tells hwloc of another machine");
        return;
    }
    let allowed: Vec<u32> = Topology::detect().cpus.iter().map(|cpu| cpu.id).collect();
    for allowed in [&allowed[..], &allowed[allowed.len() - 1..]] {
        // Pinned, so that `detect` sees the CPUs of one worker only.
        let pinned = Topology::from_root(Path::new("/"), Some(allowed));
        let pinning = if allowed.len() == 1 { Pinning::All } else { Pinning::None };
        let workers = Workers::new(NonZeroUsize::new(pinned.cpus.len()), pinning, &pinned).unwrap();
        assert_eq!(workers.fallbacks(), []);
        let (mut hwloc, mut sysfs) = (Topology::detect(), pinned);
        // Free pages come and go.
        for topology in [&mut hwloc, &mut sysfs] {
            topology.pages.huge.iter_mut().for_each(|pool| pool.free = 0);
        }
        assert_eq!(hwloc, sysfs);
    }
}

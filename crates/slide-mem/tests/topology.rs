//! Topology from trees of files that look like `/sys` and `/proc`, and of this machine.
#![cfg(not(miri))]

use std::fs;
use std::num::NonZeroUsize;

use slide_mem::{CacheKind, Pinning, Synthetic, Topology, TransparentMode, Workers};
use tempfile::TempDir;

/// A directory with these files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }
    root
}

/// Two packages of one node, two cores and four CPUs each, CPU 5 offline; node 2 has memory only.
fn two_nodes() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = [
        ("sys/devices/system/cpu/online", "0-4,6-7"),
        ("sys/devices/system/cpu/possible", "0-9"),
        ("sys/devices/system/cpu/present", "0-7"),
        ("sys/devices/system/node/node0/cpulist", "0-1,4"),
        ("sys/devices/system/node/node1/cpulist", "2-3,6-7"),
        ("sys/devices/system/node/node2/cpulist", ""),
        ("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:       1000 kB\nNode 0 MemFree:  10 kB"),
        ("sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:       2000 kB"),
        ("sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:       500 kB"),
        ("sys/devices/system/node/node3/meminfo", "Node 3 MemTotal:       0 kB"),
        ("sys/devices/system/node/node0/distance", "10 21 30 40"),
        ("sys/devices/system/node/node1/distance", "21 10 31 41"),
        ("sys/devices/system/node/node2/distance", "30 31 10 42"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]"),
        ("sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152"),
        ("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "1"),
        ("sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "0"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "20"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "13"),
        ("proc/meminfo", "MemTotal:        3500 kB\nMemFree: 5 kB\nHugepagesize:       2048 kB"),
        ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Example 9000\n\nprocessor\t: 1\nmodel name\t: Other"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec();
    for cpu in [0, 1, 2, 3, 4, 6, 7] {
        let core = cpu % 4;
        // The sibling of CPU 1 is offline, and so not listed.
        let siblings = if core == 1 { "1".to_owned() } else { format!("{core},{}", core + 4) };
        let path = |name: &str| format!("sys/devices/system/cpu/cpu{cpu}/{name}");
        files.push((path("topology/thread_siblings_list"), siblings.clone()));
        files.push((path("topology/physical_package_id"), (core / 2).to_string()));
        let shared = if core < 2 { "0-1,4" } else { "2-3,6-7" };
        for (index, level, kind, size, cpus) in [
            (0, 1, "Data", "48K", siblings.as_str()),
            (1, 1, "Instruction", "32K", siblings.as_str()),
            (3, 3, "Unified", "105M", shared),
        ] {
            files.push((path(&format!("cache/index{index}/level")), level.to_string()));
            files.push((path(&format!("cache/index{index}/type")), kind.to_owned()));
            files.push((path(&format!("cache/index{index}/size")), size.to_owned()));
            files.push((path(&format!("cache/index{index}/coherency_line_size")), "64".to_owned()));
            files.push((path(&format!("cache/index{index}/shared_cpu_list")), cpus.to_owned()));
        }
    }
    files
}

fn two_nodes_tree() -> TempDir {
    let files = two_nodes();
    tree(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

#[test]
fn two_nodes_with_siblings_and_an_offline_cpu() {
    let root = two_nodes_tree();
    let topology = Topology::from_root(root.path(), None);
    let cpus = topology.cpus.iter().map(|cpu| (cpu.id, cpu.core, cpu.sibling, cpu.package, cpu.node));
    assert_eq!(
        cpus.collect::<Vec<_>>(),
        [
            (0, 0, 0, 0, 0),
            (1, 1, 0, 0, 0),
            (2, 2, 0, 1, 1),
            (3, 3, 0, 1, 1),
            (4, 0, 1, 0, 0),
            (6, 2, 1, 1, 1),
            (7, 3, 1, 1, 1)
        ]
    );
    assert_eq!((topology.cores(), topology.packages()), (4, 2));
    let nodes = topology.nodes.iter().map(|node| (node.id, node.memory_bytes, node.distances.clone()));
    assert_eq!(
        nodes.collect::<Vec<_>>(),
        [(0, 1000 << 10, vec![10, 21, 30]), (1, 2000 << 10, vec![21, 10, 31]), (2, 500 << 10, vec![30, 31, 10]),]
    );
    let caches = topology.caches.iter().map(|cache| (cache.level, cache.kind, cache.bytes, cache.cpus.clone()));
    assert_eq!(
        caches.filter(|cache| cache.1 != CacheKind::Instruction).collect::<Vec<_>>(),
        [
            (1, CacheKind::Data, 48 << 10, vec![0, 4]),
            (1, CacheKind::Data, 48 << 10, vec![1]),
            (1, CacheKind::Data, 48 << 10, vec![2, 6]),
            (1, CacheKind::Data, 48 << 10, vec![3, 7]),
            (3, CacheKind::Unified, 105 << 20, vec![0, 1, 4]),
            (3, CacheKind::Unified, 105 << 20, vec![2, 3, 6, 7]),
        ]
    );
    assert_eq!(topology.pages.transparent, Some(TransparentMode::Never));
    assert_eq!(topology.pages.transparent_bytes, Some(2 << 20));
    let pools = topology.pages.huge.iter().map(|pool| (pool.page_bytes, pool.total, pool.free));
    assert_eq!(pools.collect::<Vec<_>>(), [(2 << 20, 20, 13), (1 << 30, 1, 0)]);
    assert_eq!((topology.memory_bytes, topology.memory_limit_bytes), (Some(3500 << 10), None));
    assert_eq!(topology.model, "Example 9000");
    let text = topology.to_string();
    let expected =
        "Example 9000: 2 package(s), 4 core(s), 7 CPU(s)\nCPUs not used: 5 (offline)\nL1 cache: 4 x 48 KiB\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("transparent 2 MiB (never), reserved 2 MiB: 13 of 20 free, reserved 1 GiB: 0 of 1 free"));
}

#[test]
fn only_allowed_cpus_count() {
    let root = two_nodes_tree();
    // 5 is offline, 90 does not exist; 4 is now the first of its core.
    let topology = Topology::from_root(root.path(), Some(&[3, 4, 5, 7, 90]));
    let cpus = topology.cpus.iter().map(|cpu| (cpu.id, cpu.core, cpu.sibling, cpu.node));
    assert_eq!(cpus.collect::<Vec<_>>(), [(3, 3, 0, 1), (4, 0, 0, 0), (7, 3, 1, 1)]);
    assert_eq!(topology.cores(), 2);
    assert_eq!((&topology.offline_cpus[..], &topology.forbidden_cpus[..]), (&[5][..], &[0, 1, 2, 6][..]));
    let text = topology.to_string();
    assert!(text.contains("\nCPUs not used: 5 (offline), 0-2,6 (not allowed to this process)\n"), "{text}");
    assert!(topology.caches.iter().all(|cache| cache.cpus.iter().all(|cpu| [3, 4, 7].contains(cpu))));
    assert_eq!(topology.nodes.len(), 3);
}

/// One CPU a core on purpose: nothing is missing.
#[test]
fn smt_that_is_off_is_no_lack() {
    let root = two_nodes_tree();
    fs::create_dir_all(root.path().join("sys/devices/system/cpu/smt")).unwrap();
    for (control, offline) in [("on", &[5][..]), ("off", &[]), ("forceoff", &[]), ("notsupported", &[5])] {
        fs::write(root.path().join("sys/devices/system/cpu/smt/control"), control).unwrap();
        assert_eq!(Topology::from_root(root.path(), None).offline_cpus, offline, "{control}");
    }
}

#[test]
fn workers_say_once_which_cpus_are_offline() {
    let root = two_nodes_tree();
    let notes = |allowed: &[u32], threads: usize, pinning| {
        let topology = Topology::from_root(root.path(), Some(allowed));
        let workers = Workers::new(NonZeroUsize::new(threads), pinning, &topology).unwrap();
        workers.fallbacks().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = [0, 1, 2, 3, 4, 6, 7];
    assert_eq!(notes(&all, 0, Pinning::None), ["a worker for each core: CPUs not used: 5 (offline)"]);
    assert_eq!(
        notes(&all, 8, Pinning::All),
        ["pinned workers: 8 workers on 7 allowed CPUs; CPUs not used: 5 (offline)"]
    );
    // Who asks for three gets three, and who is given six CPUs has them.
    assert_eq!(notes(&all, 3, Pinning::None), [""; 0]);
    assert_eq!(notes(&all[..6], 0, Pinning::None), [""; 0]);
    let unused = "CPUs not used: 5 (offline), 7 (not allowed to this process)";
    assert_eq!(
        notes(&all[..6], 7, Pinning::Started),
        [format!("pinned workers: 7 workers on 6 allowed CPUs; {unused}")]
    );
}

#[test]
fn nothing_to_read_is_a_plain_machine() {
    let root = tempfile::tempdir().unwrap();
    let topology = Topology::from_root(root.path(), Some(&[2, 5]));
    assert_eq!(topology.cpus.iter().map(|cpu| (cpu.id, cpu.sibling)).collect::<Vec<_>>(), [(2, 0), (5, 0)]);
    assert_eq!(topology.nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [0]);
    assert_eq!((topology.memory_bytes, topology.usable_memory_bytes()), (None, None));
    assert!(topology.to_string().starts_with("unknown processor"));
    for allowed in [None, Some(&[][..])] {
        assert!(!Topology::from_root(root.path(), allowed).cpus.is_empty());
    }
}

#[test]
fn garbage_is_like_nothing() {
    for garbage in ["", "-", "x", "0-", "3-x", "99999999999", "-1", "0-4294967295", "\u{fffd}"] {
        let files: Vec<(String, String)> = two_nodes().into_iter().map(|(path, _)| (path, garbage.into())).collect();
        let root = tree(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
        let topology = Topology::from_root(root.path(), Some(&[0, 1]));
        assert_eq!(topology.cpus.len(), 2, "{garbage:?}");
        assert_eq!(topology.nodes.len(), 1, "{garbage:?}");
        assert_eq!(topology.memory_bytes, None, "{garbage:?}");
    }
}

#[test]
fn the_least_limit_of_the_control_groups_counts() {
    let limit = |files: &[(&str, &str)]| Topology::from_root(tree(files).path(), None).memory_limit_bytes;
    let version_2 = ("proc/self/cgroup", "0::/outer/inner");
    assert_eq!(limit(&[version_2]), None);
    assert_eq!(limit(&[version_2, ("sys/fs/cgroup/outer/inner/memory.max", "max")]), None);
    assert_eq!(
        limit(&[
            version_2,
            ("sys/fs/cgroup/outer/inner/memory.max", "5000"),
            ("sys/fs/cgroup/outer/memory.max", "3000"),
            ("sys/fs/cgroup/memory.max", "max"),
        ]),
        Some(3000)
    );
    let version_1 = ("proc/self/cgroup", "9:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/");
    let unlimited = "9223372036854771712";
    assert_eq!(limit(&[version_1, ("sys/fs/cgroup/memory/memory.limit_in_bytes", unlimited)]), None);
    // Inside a container the group's own path is not there; its root is.
    assert_eq!(limit(&[version_1, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "7000")]), Some(7000));
}

#[test]
fn the_lesser_of_memory_and_limit_is_usable() {
    let root = tree(&[
        ("proc/meminfo", "MemTotal: 100 kB"),
        ("proc/self/cgroup", "0::/"),
        ("sys/fs/cgroup/memory.max", "5000"),
    ]);
    assert_eq!(Topology::from_root(root.path(), None).usable_memory_bytes(), Some(5000));
}

#[test]
fn this_machine() {
    let topology = Topology::detect();
    assert!(!topology.cpus.is_empty() && !topology.nodes.is_empty());
    assert!(topology.cpus.is_sorted_by(|a, b| a.id < b.id));
    assert!((1..=topology.cpus.len()).contains(&topology.cores()));
    assert!(topology.cpus.iter().all(|cpu| topology.nodes.iter().any(|node| node.id == cpu.node)));
    assert!(topology.pages.base_bytes.is_power_of_two());
    if cfg!(target_os = "linux") {
        let granted = std::thread::available_parallelism().unwrap().get();
        assert!(topology.cpus.len() >= granted);
        assert!(topology.memory_bytes.unwrap() > 1 << 20);
    }
}

#[test]
fn synthetic_machines() {
    let machine = Synthetic { nodes: 2, cores_per_node: 3, threads_per_core: 2, memory_bytes_per_node: 1 << 30 };
    let topology = machine.topology();
    assert_eq!((topology.cpus.len(), topology.cores(), topology.packages()), (12, 6, 2));
    let cpu = topology.cpus[10];
    assert_eq!((cpu.id, cpu.core, cpu.sibling, cpu.node), (10, 4, 1, 1));
    assert_eq!(topology.memory_bytes, Some(2 << 30));
}

/// Pinned to the CPUs of a machine that is not this one: whatever is refused is a note.
#[cfg(target_os = "linux")]
#[test]
fn cpus_that_do_not_exist_leave_workers_unpinned() {
    let root = tempfile::tempdir().unwrap();
    let topology = Topology::from_root(root.path(), Some(&[9998, 9999]));
    let before = Topology::detect().cpus;
    let workers = Workers::new(NonZeroUsize::new(2), Pinning::All, &topology).unwrap();
    assert_eq!(workers.cpus(), []);
    assert!(workers.fallbacks()[0].to_string().starts_with("pinned workers: "));
    assert_eq!(Topology::detect().cpus, before);
}

/// Each worker on its own CPU, which is seen from inside; the caller is released afterwards.
#[cfg(all(target_os = "linux", not(slide_portable)))]
#[test]
fn pinned_workers_run_on_their_cpus() {
    let topology = Topology::detect();
    let count = topology.cpus.len();
    let workers = Workers::new(NonZeroUsize::new(count), Pinning::All, &topology).unwrap();
    assert_eq!(workers.fallbacks(), []);
    let mut cpus = workers.cpus().to_vec();
    let mut seen = vec![Vec::new(); count];
    workers.each(&mut seen, |_, seen| *seen = Topology::detect().cpus.iter().map(|cpu| cpu.id).collect());
    assert!(seen.iter().flatten().eq(&cpus), "{seen:?} {cpus:?}");
    cpus.sort_unstable();
    cpus.dedup();
    assert_eq!(cpus.len(), count);
    drop(workers);
    assert_eq!(Topology::detect().cpus, topology.cpus);
}

/// A library does not change the affinity of its caller unless told to: not by default, and not when only the threads of the
/// pool are pinned.
#[cfg(all(target_os = "linux", not(slide_portable)))]
#[test]
fn the_calling_thread_is_pinned_on_request_only() {
    let topology = Topology::detect();
    let count = topology.cpus.len();
    let allowed = || Topology::detect().cpus.iter().map(|cpu| cpu.id).collect::<Vec<_>>();
    let all = allowed();
    assert_eq!(Pinning::default(), Pinning::None);
    for pinning in [Pinning::None, Pinning::Started, Pinning::All] {
        let workers = Workers::new(NonZeroUsize::new(count), pinning, &topology).unwrap();
        assert_eq!(workers.fallbacks(), []);
        assert_eq!(workers.cpus().len(), if pinning == Pinning::None { 0 } else { count });
        let mut seen = vec![Vec::new(); count];
        workers.each(&mut seen, |_, seen| *seen = allowed());
        for (worker, seen) in seen.iter().enumerate() {
            let is_pinned = pinning == Pinning::All || pinning == Pinning::Started && worker > 0;
            let expected = if is_pinned { &workers.cpus()[worker..=worker] } else { &all[..] };
            assert_eq!(seen, expected, "{pinning:?}, worker {worker}");
        }
        drop(workers);
        assert_eq!(allowed(), all, "{pinning:?}");
    }
}

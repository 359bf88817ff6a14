//! What the kernel gives, and what is said where it gives something else. Linux only.
#![cfg(all(target_os = "linux", not(any(miri, slide_portable))))]

use slide_mem::{
    Arena, MemError, NumaPolicy, PagePolicy, Placement, Remedy, Report, RowTable, Topology, TransparentMode,
};

const MIB: usize = 1 << 20;

/// A table of about `bytes` bytes, of which every row is written.
fn filled(bytes: usize, placement: Placement) -> RowTable<f32> {
    let mut table = RowTable::<f32>::zeroed(bytes / 512, 128, placement).unwrap();
    assert!(table.as_slice().iter().all(|&element| element == 0.0), "{placement}");
    table.as_mut_slice().fill(1.0);
    table
}

fn pages(pages: PagePolicy) -> Placement {
    Placement { pages, numa: NumaPolicy::Local }
}

/// Bytes of a base page: 64 KiB on some Arm systems.
fn base_page() -> usize {
    Topology::detect().pages.base_bytes as usize
}

fn said(report: &Report) -> String {
    report.fallbacks.iter().map(|fallback| format!("{fallback}\n")).collect()
}

#[test]
fn small_pages_are_small_even_if_the_kernel_would_give_others() {
    let report = filled(8 * MIB, pages(PagePolicy::Small)).report();
    assert_eq!(report.bytes_by_page.keys().collect::<Vec<_>>(), [&(base_page() as u64)]);
    // All of the table and at most the two pages of its ends, and nothing of its neighbours.
    let resident = report.resident_bytes() as usize;
    assert!((8 * MIB..8 * MIB + 2 * base_page()).contains(&resident), "{report}");
    assert_eq!(report.huge_share(), 0.0);
    assert_eq!(report.fallbacks, []);
    assert_eq!(report.asked, [pages(PagePolicy::Small)]);
}

#[test]
fn neighbouring_mappings_are_told_apart() {
    let tables: Vec<_> = (1..=8).map(|size| filled(size * MIB, pages(PagePolicy::Small))).collect();
    for (size, table) in (1..).zip(&tables) {
        let resident = table.report().resident_bytes() as usize;
        assert!((size * MIB..size * MIB + 2 * base_page()).contains(&resident), "{}", table.report());
    }
}

#[test]
fn transparent_huge_pages_or_the_reason_why_not() {
    let topology = Topology::detect();
    for policy in [PagePolicy::Auto, PagePolicy::Transparent] {
        let report = filled(16 * MIB, pages(policy)).report();
        assert!(report.resident_bytes() as usize >= 16 * MIB, "{report}");
        match topology.pages.transparent {
            None => assert!(said(&report).starts_with("transparent huge pages: "), "{report}"),
            Some(TransparentMode::Never) => {
                let command = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
                assert!(said(&report).contains(command), "{report}");
            }
            // With base pages of 64 KiB a huge one has 512 MiB.
            Some(_) if topology.pages.transparent_bytes > Some(16 << 20) => assert_eq!(said(&report), "", "{report}"),
            // Memory may be too fragmented, but then the report says so.
            Some(_) => assert!(report.huge_share() > 0.5 || !report.fallbacks.is_empty(), "{report}"),
        }
    }
}

#[test]
fn below_one_huge_page_tables_do_not_grow() {
    if Topology::detect().pages.transparent_bytes.is_some_and(|bytes| bytes <= MIB as u64) {
        eprintln!("skipped: huge pages are small here");
        return;
    }
    let report = filled(MIB, pages(PagePolicy::Auto)).report();
    assert!((report.mapped_bytes as usize) < MIB + 4 * base_page(), "{report}");
    assert_eq!(report.fallbacks, []);
}

/// More reserved pages than the machine has: the next best is used, and the command stands there.
#[test]
fn missing_reserved_pages_fall_back() {
    let topology = Topology::detect();
    for (policy, bytes, name) in [(PagePolicy::Huge2M, 2 * MIB, "2 MiB"), (PagePolicy::Huge1G, 1 << 30, "1 GiB")] {
        let pool = topology.pages.huge.iter().find(|pool| pool.page_bytes == bytes as u64);
        let total = pool.map_or(0, |pool| pool.total as usize);
        let overcommit = format!("/sys/kernel/mm/hugepages/hugepages-{}kB/nr_overcommit_hugepages", bytes >> 10);
        if std::fs::read_to_string(overcommit).is_ok_and(|pages| pages.trim() != "0") {
            eprintln!("skipped: the kernel may reserve more huge pages of {name} on demand");
            continue;
        }
        let mut table = RowTable::<f32>::zeroed((total + 1) * bytes / 512, 128, pages(policy)).unwrap();
        table.row_mut(7)[3] = 1.0;
        assert_eq!(table.row(7)[..5], [0.0, 0.0, 0.0, 1.0, 0.0]);
        let report = table.report();
        let fallback = &report.fallbacks[0];
        assert_eq!(fallback.wanted, format!("{name} huge pages"));
        match (&fallback.remedy, pool) {
            (Some(Remedy::Command(command)), None) => assert!(command.starts_with("boot with hugepagesz="), "{report}"),
            (Some(Remedy::ReservePages { page_bytes, reserved, missing, .. }), Some(pool)) => {
                assert!(fallback.reason.contains("os error 12"), "{report}");
                assert_eq!((*page_bytes, *reserved), (bytes as u64, pool.total), "{report}");
                // One more than was asked for, as the table does not start at the start of a page;
                // and those that other tests hold.
                assert!(*missing >= 2, "{report}");
            }
            _ => panic!("{report}"),
        }
        assert!(!report.bytes_by_page.is_empty(), "{report}");
    }
}

#[test]
fn reserved_pages_are_for_large_tables() {
    for policy in [PagePolicy::Huge2M, PagePolicy::Huge1G] {
        let report = filled(MIB / 2, pages(policy)).report();
        assert!(report.mapped_bytes < MIB as u64, "{report}");
        assert!(said(&report).ends_with("huge pages: used only for tables of at least half a page\n"), "{report}");
    }
}

/// Needs reserved pages, as by `sysctl vm.nr_hugepages=16`; says so where there are none.
#[test]
fn reserved_pages_are_used() {
    let topology = Topology::detect();
    if !topology.pages.huge.iter().any(|pool| pool.page_bytes == 2 << 20 && pool.free >= 8) {
        eprintln!("skipped: fewer than 8 free huge pages of 2 MiB");
        return;
    }
    let node = topology.nodes.iter().find(|node| node.memory_bytes > 0).map_or(0, |node| node.id);
    for numa in [NumaPolicy::Local, NumaPolicy::Node(node), NumaPolicy::Partition] {
        let table = filled(7 * MIB, Placement { pages: PagePolicy::Huge2M, numa });
        let report = table.report();
        assert_eq!(report.bytes_by_page.keys().collect::<Vec<_>>(), [&(2 << 20)], "{report}");
        assert_eq!(report.resident_bytes(), 8 << 20, "{report}");
        assert_eq!(report.huge_share(), 1.0);
    }
}

#[test]
fn sizes_that_no_machine_has_are_errors() {
    for policy in PagePolicy::ALL {
        for bytes in [1 << 48, 1 << 62, usize::MAX - (1 << 31)] {
            let error = Arena::new(bytes, pages(policy)).unwrap_err();
            assert!(matches!(error, MemError::OutOfMemory { .. }), "{error:?}");
            assert!(error.to_string().contains("annot allocate memory") || error.to_string().contains("out of memory"));
        }
    }
}

#[test]
fn nodes_on_a_machine_with_one() {
    let topology = Topology::detect();
    if topology.nodes.iter().filter(|node| node.memory_bytes > 0).count() > 1 {
        return; // The tests in `nodes.rs` are for those.
    }
    let report = |numa| filled(3 * MIB, Placement { pages: PagePolicy::Small, numa }).report();
    let notes = said(&report(NumaPolicy::Node(topology.nodes[0].id)));
    // Of a kernel without NUMA, nodes are unknown.
    assert!(notes.is_empty() || notes == "numa node:0: the NUMA nodes of this system are unknown\n", "{notes}");
    for numa in [NumaPolicy::Interleave, NumaPolicy::Partition, NumaPolicy::Node(99)] {
        assert!(said(&report(numa)).starts_with(&format!("numa {numa}: ")));
    }
}

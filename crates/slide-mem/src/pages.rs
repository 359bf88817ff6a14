//! One mapping: the pages and nodes that were asked for, or the next best that the system grants.

use std::fs;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use crate::report::Bytes;
use crate::sys::{self, BindMode, Memory};
use crate::topology::sysfs;
use crate::workers::nodes_of_pinned_workers;
use crate::{Fallback, MemError, NumaPolicy, PagePolicy, Placement, Remedy, Report};

const TRANSPARENT: &str = "transparent huge pages";

/// Ids of NUMA nodes, ascending unless said otherwise; empty if unknown.
struct Nodes {
    with_memory: Vec<u32>,
    with_cpus: Vec<u32>,
    /// The node of each worker that owns a part, in their order; empty if workers are not pinned.
    of_workers: Vec<u32>,
}

impl Nodes {
    fn detect() -> Self {
        Self {
            with_memory: sysfs::nodes_with_memory(),
            with_cpus: sysfs::nodes_with_cpus(),
            of_workers: nodes_of_pinned_workers(),
        }
    }

    /// The nodes of the owners of equal parts of a table.
    fn of_owners(&self) -> &[u32] {
        let known = [&self.of_workers, &self.with_cpus].into_iter().find(|nodes| !nodes.is_empty());
        known.unwrap_or(&self.with_memory)
    }
}

/// A zeroed mapping with a placement, unmapped on drop. Only reserved huge pages are touched ([`map_reserved`]): others are left
/// for their owners to touch first.
pub(crate) struct Region {
    memory: Memory,
    asked: Placement,
    /// Bytes of the pages that were asked for: parts are aligned to this, so that no page is split.
    granule: usize,
    fallbacks: Vec<Fallback>,
}

impl Region {
    /// Maps at least `bytes` bytes, aligned to a base page or more.
    pub(crate) fn map(bytes: usize, asked: Placement) -> Result<Self, MemError> {
        let nodes = Nodes::detect();
        let mut fallbacks = Vec::new();
        if let Some(page) = asked.pages.reserved_page_bytes() {
            let wanted = format!("{} huge pages", Bytes(page as u64));
            // A page of 1 GiB for each small table would waste most of the memory.
            if bytes < page / 2 {
                fallbacks.push(Fallback::new(wanted, "used only for tables of at least half a page"));
            } else {
                match map_reserved(bytes, page, asked, &nodes) {
                    Ok(region) => return Ok(region),
                    Err(error) => fallbacks.push(lack_of_pages(wanted, bytes, page, &error)),
                }
            }
        }
        let huge = sys::transparent_page_bytes().filter(|&page| page <= bytes);
        let (memory, granule) = match (asked.pages, huge) {
            (PagePolicy::Small, _) => {
                let memory = map_plain(bytes, sys::page_bytes())?;
                // Fails only on a kernel without transparent huge pages, where there is nothing to disable.
                let _ = memory.advise_transparent(false);
                (memory, sys::page_bytes())
            }
            (_, Some(page)) => {
                let memory = map_plain(bytes, page)?;
                fallbacks.extend(advise_transparent(&memory));
                (memory, page)
            }
            (_, None) => (map_plain(bytes, sys::page_bytes())?, sys::page_bytes()),
        };
        let mut region = Self { memory, asked, granule, fallbacks };
        region.bind_whole(&nodes);
        Ok(region)
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.memory.start()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// Binds the whole mapping to nodes, as its placement says.
    fn bind_whole(&mut self, nodes: &Nodes) {
        let bind = |range, mode, nodes: &[u32]| self.memory.bind(range, mode, nodes);
        self.fallbacks.extend(bind_pages(self.asked.numa, nodes, self.memory.bytes(), self.granule, bind).err());
    }

    pub(crate) fn report(&self) -> Report {
        let mut report = Report {
            asked: vec![self.asked],
            mapped_bytes: self.bytes() as u64,
            fallbacks: self.fallbacks.clone(),
            ..Report::default()
        };
        let start = self.start().as_ptr().addr();
        let range = start..start + self.bytes();
        if cfg!(all(target_os = "linux", not(any(miri, slide_portable)))) {
            if let Ok(smaps) = fs::read_to_string("/proc/self/smaps") {
                report.add_smaps(&smaps, &range);
            }
            if let Ok(numa_maps) = fs::read_to_string("/proc/self/numa_maps") {
                report.add_numa_maps(&numa_maps, &range);
            }
            report.add_unseen_huge_pages();
        }
        self.note_shortfall(&mut report);
        report
    }

    /// Notes that the kernel accepted the advice but gave base pages. It is not asked to replace them afterwards
    /// (`MADV_COLLAPSE`): that copies the table, takes longer than filling it, and fails if memory is still fragmented.
    fn note_shortfall(&self, report: &mut Report) {
        let page = sys::page_bytes();
        let base = report.bytes_by_page.get(&(page as u64)).copied().unwrap_or(0);
        let expected = self.granule > page && self.fallbacks.iter().all(|known| known.wanted != TRANSPARENT);
        // With less than one huge page, the table may not have been touched yet.
        if expected && base >= self.granule as u64 && report.huge_share() < 0.5 {
            let reason = "the kernel gave mostly base pages (fragmented memory, or disabled for this process)";
            report.fallbacks.push(Fallback::new(TRANSPARENT, reason));
        }
    }
}

fn map_plain(bytes: usize, align: usize) -> Result<Memory, MemError> {
    let rounded = bytes
        .max(1)
        .checked_next_multiple_of(align)
        .ok_or_else(|| MemError::TooLarge { what: format!("a mapping of {bytes} bytes") })?;
    Memory::plain(rounded, align).map_err(|source| MemError::OutOfMemory { bytes: rounded, source })
}

/// Reserved huge pages: mapped, bound to nodes, and touched if the node does not depend on which thread does.
fn map_reserved(bytes: usize, page: usize, asked: Placement, nodes: &Nodes) -> io::Result<Region> {
    let memory = Memory::reserved(bytes, page)?;
    let mut region = Region { memory, asked, granule: page, fallbacks: Vec::new() };
    region.bind_whole(nodes);
    // The reservation counts pages of the whole machine. If a cpuset, a control group or a node has too few of them, touching
    // one raises SIGBUS. So they are touched here, where it is an error, unless the first thread to touch a page decides its
    // node. Kernels before 5.14 do not have this advice (EINVAL).
    if asked.numa != NumaPolicy::Local || nodes.with_memory.len() <= 1 {
        match region.memory.populate() {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => return Err(error),
            _ => {}
        }
    }
    Ok(region)
}

fn lack_of_pages(wanted: String, bytes: usize, page: usize, error: &io::Error) -> Fallback {
    let fallback = Fallback::new(wanted, error);
    let needed = bytes.div_ceil(page) as u64;
    let pool = sysfs::huge_pages().into_iter().find(|pool| pool.page_bytes == page as u64);
    match pool {
        None => {
            fallback.with_remedy(Remedy::Command(format!("boot with hugepagesz={}K hugepages={needed}", page >> 10)))
        }
        Some(pool) => fallback.with_remedy(Remedy::ReservePages {
            page_bytes: page as u64,
            is_default_size: sysfs::default_huge_page_bytes() == Some(page as u64),
            reserved: pool.total,
            missing: needed.saturating_sub(pool.free).max(1),
        }),
    }
}

fn advise_transparent(memory: &Memory) -> Option<Fallback> {
    if let Err(error) = memory.advise_transparent(true) {
        return Some(Fallback::new(TRANSPARENT, error));
    }
    // The advice is accepted and ignored if they are disabled.
    let off = sysfs::transparent_mode() == Some(crate::TransparentMode::Never);
    off.then(|| {
        Fallback::new(TRANSPARENT, "disabled on this machine")
            .with_remedy(Remedy::Command("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled".into()))
    })
}

/// Binds `bytes` bytes of a mapping by `bind` (a range of byte offsets, a mode, nodes), as `policy` says. Ranges are multiples of
/// `granule` bytes.
fn bind_pages(
    policy: NumaPolicy,
    nodes: &Nodes,
    bytes: usize,
    granule: usize,
    bind: impl Fn(Range<usize>, BindMode, &[u32]) -> io::Result<()>,
) -> Result<(), Fallback> {
    let note = |reason: String| Fallback::new(format!("numa {policy}"), reason);
    let refused = |error: io::Error| note(format!("mbind: {error}"));
    let with_memory = &nodes.with_memory;
    let only_node = with_memory.len() == 1;
    match policy {
        NumaPolicy::Local => Ok(()),
        _ if with_memory.is_empty() => Err(note("the NUMA nodes of this system are unknown".into())),
        NumaPolicy::Node(node) if !with_memory.contains(&node) => {
            Err(note(format!("the nodes with memory are {with_memory:?}")))
        }
        NumaPolicy::Node(_) if only_node => Ok(()),
        _ if only_node => Err(note("this machine has one node with memory".into())),
        NumaPolicy::Node(node) => bind(0..bytes, BindMode::Preferred, &[node]).map_err(refused),
        NumaPolicy::Interleave => bind(0..bytes, BindMode::Interleave, with_memory).map_err(refused),
        NumaPolicy::Partition => {
            let owners = nodes.of_owners();
            for (part, node) in parts(bytes, granule, owners).filter(|(_, node)| with_memory.contains(node)) {
                bind(part, BindMode::Preferred, &[node]).map_err(refused)?;
            }
            let lacking = |of: &[u32], other: &[u32]| -> Vec<u32> {
                let mut nodes: Vec<u32> = of.iter().copied().filter(|node| !other.contains(node)).collect();
                nodes.dedup();
                nodes
            };
            match (lacking(owners, with_memory), lacking(with_memory, owners)) {
                (none, idle) if none.is_empty() && idle.is_empty() => Ok(()),
                (poor, idle) => Err(note(format!(
                    "nodes with workers but no memory, whose rows are placed elsewhere: {poor:?}; nodes with memory but no workers, which get no rows: {idle:?}"
                ))),
            }
        }
    }
}

/// Divides `bytes` at multiples of `granule` into parts of nearly equal size, one for each of the `owners`, which are given by
/// their nodes. Consecutive parts on the same node are joined.
fn parts(bytes: usize, granule: usize, owners: &[u32]) -> impl Iterator<Item = (Range<usize>, u32)> {
    let granules = bytes.div_ceil(granule) as u128;
    let bound = move |owner: usize| {
        let granule_number = (granules * owner as u128 / owners.len() as u128) as usize;
        (granule_number * granule).min(bytes)
    };
    let mut end = 0;
    owners.chunk_by(|a, b| a == b).map(move |same| {
        let start = end;
        end += same.len();
        (bound(start)..bound(end), same[0])
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const GRANULE: usize = 1 << 21;

    type Bound = (Range<usize>, BindMode, Vec<u32>);

    /// What `bind_pages` binds; each call is answered with `answer`.
    fn bound(
        policy: NumaPolicy,
        nodes: &[u32],
        bytes: usize,
        answer: impl Fn() -> io::Result<()>,
    ) -> (Vec<Bound>, Result<(), Fallback>) {
        bound_on(
            policy,
            &Nodes { with_memory: nodes.to_vec(), with_cpus: nodes.to_vec(), of_workers: vec![] },
            bytes,
            answer,
        )
    }

    fn bound_on(
        policy: NumaPolicy,
        nodes: &Nodes,
        bytes: usize,
        answer: impl Fn() -> io::Result<()>,
    ) -> (Vec<Bound>, Result<(), Fallback>) {
        let calls = RefCell::new(Vec::new());
        let result = bind_pages(policy, nodes, bytes, GRANULE, |range, mode, nodes| {
            calls.borrow_mut().push((range, mode, nodes.to_vec()));
            answer()
        });
        (calls.into_inner(), result)
    }

    #[test]
    fn parts_cover_all_bytes_at_granules() {
        for bytes in [1, GRANULE, 3 * GRANULE, 10 * GRANULE + 4096] {
            for owners in [1, 2, 3, 8] {
                let nodes: Vec<u32> = (0..owners).collect();
                let (runs, found): (Vec<_>, Vec<_>) = parts(bytes, GRANULE, &nodes).unzip();
                assert_eq!(found, nodes);
                assert_eq!((runs[0].start, runs[runs.len() - 1].end), (0, bytes));
                for pair in runs.windows(2) {
                    assert_eq!(pair[0].end, pair[1].start);
                    assert!(pair[0].end.is_multiple_of(GRANULE) || pair[0].end == bytes);
                }
                let lengths = runs.iter().map(|run| run.len().div_ceil(GRANULE));
                assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1, "{runs:?}");
            }
        }
    }

    #[test]
    fn nodes_are_bound_as_asked() {
        let (nodes, bytes) = ([0, 2], 4 * GRANULE);
        let ok = || Ok(());
        assert_eq!(bound(NumaPolicy::Local, &nodes, bytes, ok), (vec![], Ok(())));
        let one = vec![(0..bytes, BindMode::Preferred, vec![2])];
        assert_eq!(bound(NumaPolicy::Node(2), &nodes, bytes, ok), (one, Ok(())));
        let all = vec![(0..bytes, BindMode::Interleave, vec![0, 2])];
        assert_eq!(bound(NumaPolicy::Interleave, &nodes, bytes, ok), (all, Ok(())));
        let halves =
            vec![(0..2 * GRANULE, BindMode::Preferred, vec![0]), (2 * GRANULE..bytes, BindMode::Preferred, vec![2])];
        assert_eq!(bound(NumaPolicy::Partition, &nodes, bytes, ok), (halves, Ok(())));
    }

    /// Two workers on node 0 and one on node 1, as on nodes with 2 + 1 CPUs; one worker on one of two nodes.
    #[test]
    fn parts_follow_pinned_workers() {
        let of = |of_workers: &[u32]| {
            let nodes = Nodes { with_memory: vec![0, 1], with_cpus: vec![0, 1], of_workers: of_workers.to_vec() };
            bound_on(NumaPolicy::Partition, &nodes, 6 * GRANULE, || Ok(()))
        };
        let part = |granules: Range<usize>, node| {
            (granules.start * GRANULE..granules.end * GRANULE, BindMode::Preferred, vec![node])
        };
        assert_eq!(of(&[0, 0, 1]), (vec![part(0..4, 0), part(4..6, 1)], Ok(())));
        let (calls, result) = of(&[0]);
        assert_eq!(calls, [part(0..6, 0)]);
        assert!(result.unwrap_err().reason.ends_with("nodes with memory but no workers, which get no rows: [1]"));
        // One on a node without memory: not bound.
        assert_eq!(of(&[0, 1, 7]).0, [part(0..2, 0), part(2..4, 1)]);
    }

    /// Node 1 has CPUs and no memory, node 2 memory and no CPUs: rows follow the CPUs, and one note says both.
    #[test]
    fn nodes_without_memory_or_cpus() {
        let nodes = Nodes { with_memory: vec![0, 2, 3], with_cpus: vec![0, 1, 3], of_workers: vec![] };
        let (calls, result) = bound_on(NumaPolicy::Partition, &nodes, 3 * GRANULE, || Ok(()));
        let expected =
            vec![(0..GRANULE, BindMode::Preferred, vec![0]), (2 * GRANULE..3 * GRANULE, BindMode::Preferred, vec![3])];
        assert_eq!(calls, expected);
        let note = result.unwrap_err().to_string();
        assert!(
            note.starts_with("numa partition: ") && note.contains("elsewhere: [1]") && note.ends_with("no rows: [2]"),
            "{note}"
        );
        // Policies that do not depend on workers use all memory.
        for (policy, on) in [(NumaPolicy::Node(2), vec![2]), (NumaPolicy::Interleave, vec![0, 2, 3])] {
            let (calls, result) = bound_on(policy, &nodes, GRANULE, || Ok(()));
            assert_eq!((&calls[0].2, result), (&on, Ok(())));
        }
        // The nodes of CPUs are unknown.
        let nodes = Nodes { with_memory: vec![0, 1], with_cpus: vec![], of_workers: vec![] };
        assert_eq!(bound_on(NumaPolicy::Partition, &nodes, GRANULE, || Ok(())).1, Ok(()));
    }

    #[test]
    fn nodes_that_cannot_be_had_are_noted() {
        let reason = |policy, nodes: &[u32]| {
            let forbidden = || Err(io::Error::from_raw_os_error(1));
            bound(policy, nodes, GRANULE, forbidden).1.unwrap_err().to_string()
        };
        let policies = [NumaPolicy::Node(0), NumaPolicy::Interleave, NumaPolicy::Partition];
        for policy in policies {
            let forbidden = reason(policy, &[0, 1]);
            assert!(forbidden.starts_with(&format!("numa {policy}: mbind: ")), "{forbidden}");
            assert_eq!(reason(policy, &[]), format!("numa {policy}: the NUMA nodes of this system are unknown"));
        }
        assert_eq!(reason(NumaPolicy::Node(1), &[0, 2]), "numa node:1: the nodes with memory are [0, 2]");
        assert_eq!(reason(NumaPolicy::Interleave, &[0]), "numa interleave: this machine has one node with memory");
        // There is no other node.
        assert_eq!(bound(NumaPolicy::Node(0), &[0], GRANULE, || Ok(())), (vec![], Ok(())));
    }
}

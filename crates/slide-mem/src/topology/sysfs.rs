//! Topology from `/sys` and `/proc`, without a C library. Every file may be missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Cache, CacheKind, Cpu, HugePages, Node, PageSizes, Synthetic, Topology, TransparentMode};
use crate::sys;

/// A directory tree in the form of `/`, with `sys` and `proc`.
struct Tree<'a>(&'a Path);

impl Tree<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    fn number<N: std::str::FromStr>(&self, path: &str) -> Option<N> {
        self.text(path)?.parse().ok()
    }

    /// A list like `0-3,8`.
    fn list(&self, path: &str) -> Option<Vec<u32>> {
        parse_list(&self.text(path)?)
    }

    /// The numbers n of the entries `<prefix>n` of a directory, ascending.
    fn numbered(&self, directory: &str, prefix: &str) -> Vec<u64> {
        let entries = fs::read_dir(self.0.join(directory)).into_iter().flatten().flatten();
        let mut numbers: Vec<u64> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let number = name.to_str()?.strip_prefix(prefix)?;
                number.trim_end_matches("kB").parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// The value of a line `key: 123 kB` of a file, in bytes.
    fn kilobytes(&self, path: &str, key: &str) -> Option<u64> {
        let text = self.text(path)?;
        // The files of nodes say `Node 0 MemTotal: ...`.
        let line = text.lines().find_map(|line| line.split_once(key)?.1.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    }
}

const CPUS: &str = "sys/devices/system/cpu";
const NODES: &str = "sys/devices/system/node";
const TRANSPARENT: &str = "sys/kernel/mm/transparent_hugepage";
const HUGE: &str = "sys/kernel/mm/hugepages";

/// The machine under `root`, of which `allowed` CPUs may be used (`None`: all).
pub(super) fn read(root: &Path, allowed: Option<&[u32]>) -> Topology {
    let tree = Tree(root);
    let nodes = read_nodes(&tree);
    let mut cpus = read_cpus(&tree, allowed, &nodes);
    if cpus.is_empty() {
        cpus = unknown_cpus(allowed);
    }
    let (offline_cpus, forbidden_cpus) = unused_cpus(&tree, allowed);
    let memory_bytes = tree.kilobytes("proc/meminfo", "MemTotal");
    Topology {
        offline_cpus,
        forbidden_cpus,
        model: read_model(&tree),
        caches: read_caches(&tree, &cpus),
        nodes: used_nodes(&tree, &nodes, &cpus, memory_bytes),
        pages: PageSizes {
            base_bytes: sys::page_bytes() as u64,
            transparent_bytes: tree.number(&format!("{TRANSPARENT}/hpage_pmd_size")),
            transparent: read_transparent_mode(&tree),
            huge: read_huge_pages(&tree),
        },
        memory_bytes,
        memory_limit_bytes: read_memory_limit(&tree),
        cpus,
    }
}

/// Ids of the nodes with memory, ascending; empty if unknown.
pub(crate) fn nodes_with_memory() -> Vec<u32> {
    Tree(Path::new("/")).list(&format!("{NODES}/has_memory")).unwrap_or_default()
}

/// Ids of the nodes with CPUs, ascending; empty if unknown.
pub(crate) fn nodes_with_cpus() -> Vec<u32> {
    Tree(Path::new("/")).list(&format!("{NODES}/has_cpu")).unwrap_or_default()
}

pub(crate) fn transparent_mode() -> Option<TransparentMode> {
    read_transparent_mode(&Tree(Path::new("/")))
}

pub(crate) fn huge_pages() -> Vec<HugePages> {
    read_huge_pages(&Tree(Path::new("/")))
}

/// The size of the pages that `vm.nr_hugepages` counts.
pub(crate) fn default_huge_page_bytes() -> Option<u64> {
    Tree(Path::new("/")).kilobytes("proc/meminfo", "Hugepagesize")
}

/// Each node's CPUs.
fn read_nodes(tree: &Tree<'_>) -> Vec<(u32, Vec<u32>)> {
    let ids = tree.numbered(NODES, "node").into_iter().filter_map(|id| u32::try_from(id).ok());
    ids.map(|id| (id, tree.list(&format!("{NODES}/node{id}/cpulist")).unwrap_or_default())).collect()
}

fn read_cpus(tree: &Tree<'_>, allowed: Option<&[u32]>, nodes: &[(u32, Vec<u32>)]) -> Vec<Cpu> {
    let mut ids = tree.list(&format!("{CPUS}/online")).unwrap_or_default();
    if let Some(allowed) = allowed {
        ids.retain(|id| allowed.contains(id));
    }
    let mut cpus: Vec<Cpu> = Vec::with_capacity(ids.len());
    for id in ids {
        let topology = format!("{CPUS}/cpu{id}/topology");
        let siblings = tree
            .list(&format!("{topology}/thread_siblings_list"))
            .or_else(|| tree.list(&format!("{topology}/core_cpus_list")));
        let core = siblings.and_then(|siblings| siblings.first().copied()).unwrap_or(id);
        // A package of -1 is the kernel's "unknown".
        let package = tree.number(&format!("{topology}/physical_package_id")).unwrap_or(0);
        let node = nodes.iter().find(|(_, cpus)| cpus.contains(&id)).map_or(0, |&(node, _)| node);
        let sibling = cpus.iter().filter(|cpu| cpu.core == core).count() as u32;
        cpus.push(Cpu { id, core, sibling, package, node });
    }
    cpus
}

/// The CPUs that are offline, and those that are online and not allowed.
fn unused_cpus(tree: &Tree<'_>, allowed: Option<&[u32]>) -> (Vec<u32>, Vec<u32>) {
    let online = tree.list(&format!("{CPUS}/online")).unwrap_or_default();
    let mut offline = tree.list(&format!("{CPUS}/present")).unwrap_or_default();
    offline.retain(|id| !online.contains(id));
    // Disabled on purpose: SMT siblings are not missing.
    if matches!(tree.text(&format!("{CPUS}/smt/control")).as_deref(), Some("off" | "forceoff")) {
        offline.clear();
    }
    let mut forbidden = online;
    forbidden.retain(|id| allowed.is_some_and(|allowed| !allowed.contains(id)));
    (offline, forbidden)
}

/// Without `/sys`: the CPUs that system calls report, each taken as a core.
fn unknown_cpus(allowed: Option<&[u32]>) -> Vec<Cpu> {
    let core = |id| Cpu { id, core: id, sibling: 0, package: 0, node: 0 };
    match allowed {
        Some(ids) if !ids.is_empty() => ids.iter().map(|&id| core(id)).collect(),
        _ => {
            let count = std::thread::available_parallelism().map_or(1, |count| count.get());
            Synthetic { nodes: 1, cores_per_node: count as u32, threads_per_core: 1, memory_bytes_per_node: 0 }
                .topology()
                .cpus
        }
    }
}

fn used_nodes(tree: &Tree<'_>, nodes: &[(u32, Vec<u32>)], cpus: &[Cpu], memory_bytes: Option<u64>) -> Vec<Node> {
    let all: Vec<u32> = nodes.iter().map(|&(id, _)| id).collect();
    let mut used: Vec<Node> = Vec::new();
    for &id in &all {
        let memory = tree.kilobytes(&format!("{NODES}/node{id}/meminfo"), "MemTotal").unwrap_or(0);
        if memory > 0 || cpus.iter().any(|cpu| cpu.node == id) {
            let distances = tree.text(&format!("{NODES}/node{id}/distance")).unwrap_or_default();
            let distances = distances.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
            used.push(Node { id, memory_bytes: memory, distances });
        }
    }
    // The kernel lists the distances to all nodes; keep those to the nodes that are kept.
    let kept: Vec<bool> = all.iter().map(|id| used.iter().any(|node| node.id == *id)).collect();
    for node in &mut used {
        if node.distances.len() == kept.len() {
            let mut keep = kept.iter();
            node.distances.retain(|_| *keep.next().unwrap_or(&false));
        } else {
            node.distances.clear();
        }
    }
    if used.is_empty() {
        used.push(Node { id: 0, memory_bytes: memory_bytes.unwrap_or(0), distances: Vec::new() });
    }
    used
}

fn read_caches(tree: &Tree<'_>, cpus: &[Cpu]) -> Vec<Cache> {
    let mut caches: Vec<Cache> = Vec::new();
    for cpu in cpus {
        let directory = format!("{CPUS}/cpu{}/cache", cpu.id);
        for index in tree.numbered(&directory, "index") {
            let Some(mut cache) = read_cache(tree, &format!("{directory}/index{index}"), cpu.id) else {
                continue;
            };
            cache.cpus.retain(|id| cpus.iter().any(|cpu| cpu.id == *id));
            if !caches.contains(&cache) {
                caches.push(cache);
            }
        }
    }
    caches.sort_by_key(|cache| (cache.level, cache.kind));
    caches
}

fn read_cache(tree: &Tree<'_>, path: &str, cpu: u32) -> Option<Cache> {
    let kind = match tree.text(&format!("{path}/type"))?.as_str() {
        "Data" => CacheKind::Data,
        "Instruction" => CacheKind::Instruction,
        _ => CacheKind::Unified,
    };
    Some(Cache {
        level: tree.number(&format!("{path}/level"))?,
        kind,
        bytes: parse_size(&tree.text(&format!("{path}/size"))?)?,
        line_bytes: tree.number(&format!("{path}/coherency_line_size")).unwrap_or(0),
        cpus: tree.list(&format!("{path}/shared_cpu_list")).unwrap_or_else(|| vec![cpu]),
    })
}

fn read_model(tree: &Tree<'_>) -> String {
    let text = tree.text("proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found.trim() == key).then(|| value.trim().to_owned())
        })
    };
    // Arm kernels name no model for each CPU.
    value("model name").or_else(|| value("Model")).or_else(|| value("Hardware")).unwrap_or_default()
}

/// The mode in brackets, as in `always [madvise] never`.
fn read_transparent_mode(tree: &Tree<'_>) -> Option<TransparentMode> {
    let text = tree.text(&format!("{TRANSPARENT}/enabled"))?;
    let modes = [TransparentMode::Always, TransparentMode::Madvise, TransparentMode::Never];
    modes.into_iter().find(|mode| text.contains(&format!("[{}]", mode.name())))
}

fn read_huge_pages(tree: &Tree<'_>) -> Vec<HugePages> {
    let sizes = tree.numbered(HUGE, "hugepages-").into_iter();
    sizes
        .filter_map(|kilobytes| {
            let pool = format!("{HUGE}/hugepages-{kilobytes}kB");
            Some(HugePages {
                page_bytes: kilobytes.checked_mul(1024)?,
                total: tree.number(&format!("{pool}/nr_hugepages"))?,
                free: tree.number(&format!("{pool}/free_hugepages"))?,
            })
        })
        .collect()
}

/// The least limit of this process's control group and its ancestors, in either version of the hierarchy. In a container the path
/// may be that of the host; then only the root exists.
fn read_memory_limit(tree: &Tree<'_>) -> Option<u64> {
    // In version 1 the largest multiple of a page means "no limit".
    const UNLIMITED: u64 = 1 << 62;
    let groups = tree.text("proc/self/cgroup").unwrap_or_default();
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = PathBuf::from(path.trim_start_matches('/'));
        for group in path.ancestors() {
            let file = Path::new(root).join(group).join(file);
            limits.extend(file.to_str().and_then(|file| tree.number::<u64>(file)));
        }
    }
    limits.into_iter().filter(|&limit| limit < UNLIMITED).min()
}

/// `0-3,8,10-11` as numbers; `None` if the text has another form. An empty text is an empty list.
fn parse_list(text: &str) -> Option<Vec<u32>> {
    /// More CPUs than any kernel supports; larger numbers are invalid.
    const MOST: u32 = 1 << 20;
    let mut list = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= MOST {
            return None;
        }
        list.extend(first..=last);
    }
    list.sort_unstable();
    list.dedup();
    Some(list)
}

/// `48K` in bytes.
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let scale = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

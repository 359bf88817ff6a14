//! The part of the machine that this process may use.

#[cfg(feature = "hwloc")]
mod hwloc;
mod synthetic;
pub(crate) mod sysfs;

use std::fmt;
use std::path::Path;

pub use synthetic::Synthetic;

use crate::report::Bytes;
use crate::sys;

/// CPUs, NUMA nodes, caches, page sizes and memory limits. What is unknown is left out or assumed to be the simplest case (one
/// node, no SMT); detection never fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topology {
    /// The processor's name; empty if unknown.
    pub model: String,
    /// The CPUs (hardware threads) that are online and that the calling thread may use, ascending
    /// by id. At least one.
    pub cpus: Vec<Cpu>,
    /// Ids of the CPUs that are offline, ascending; without SMT siblings if SMT is disabled.
    pub offline_cpus: Vec<u32>,
    /// Ids of the CPUs that are online and that the calling thread may not use, ascending.
    pub forbidden_cpus: Vec<u32>,
    /// NUMA nodes that have memory or allowed CPUs, ascending by id. At least one.
    pub nodes: Vec<Node>,
    /// Caches that an allowed CPU uses, each once, by level.
    pub caches: Vec<Cache>,
    /// Page sizes.
    pub pages: PageSizes,
    /// Bytes of memory of the machine, if known.
    pub memory_bytes: Option<u64>,
    /// The memory limit of the control group in bytes, if there is one.
    pub memory_limit_bytes: Option<u64>,
}

/// A hardware thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cpu {
    /// The number that the system gives it.
    pub id: u32,
    /// The id of the first CPU of its core.
    pub core: u32,
    /// Its index among the CPUs of its core that the process may use: 0, then 1, ... for SMT siblings.
    pub sibling: u32,
    /// Its package (socket).
    pub package: u32,
    /// Its NUMA node.
    pub node: u32,
}

/// A NUMA node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// The number that the system gives it.
    pub id: u32,
    /// Bytes of memory; 0 for a node of CPUs only.
    pub memory_bytes: u64,
    /// Relative distance to each node of [`Topology::nodes`], itself included (10 is local); empty if unknown.
    pub distances: Vec<u32>,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKind {
    /// Data only.
    Data,
    /// Instructions only.
    Instruction,
    /// Both.
    Unified,
}

/// A cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cache {
    /// 1 is nearest to the core.
    pub level: u32,
    /// What it holds.
    pub kind: CacheKind,
    /// Its size.
    pub bytes: u64,
    /// Bytes of a line; 0 if unknown.
    pub line_bytes: u64,
    /// The allowed CPUs that share it, ascending.
    pub cpus: Vec<u32>,
}

/// Page sizes, and which of them are available.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageSizes {
    /// Bytes of a base page.
    pub base_bytes: u64,
    /// Bytes of a transparent huge page; `None` if the kernel has none.
    pub transparent_bytes: Option<u64>,
    /// When the kernel uses transparent huge pages; `None` if it has none.
    pub transparent: Option<TransparentMode>,
    /// Pools of reserved huge pages, ascending by page size.
    pub huge: Vec<HugePages>,
}

/// When the kernel uses transparent huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransparentMode {
    /// For every mapping.
    Always,
    /// For mappings that ask for them, as this crate does.
    Madvise,
    /// Never.
    Never,
}

/// A pool of reserved huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HugePages {
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Pages reserved.
    pub total: u64,
    /// Pages not in use.
    pub free: u64,
}

impl Topology {
    /// The part of this machine that the calling thread may use: from hwloc with the feature `hwloc`; from `/sys` and `/proc` without
    /// it, or if hwloc fails.
    pub fn detect() -> Self {
        let allowed = sys::allowed_cpus().ok();
        let sysfs = Self::from_root(Path::new("/"), allowed.as_deref());
        #[cfg(feature = "hwloc")]
        if let Some(topology) = hwloc::detect(&sysfs, allowed.as_deref()) {
            return topology;
        }
        sysfs
    }

    /// The machine of a synthetic description of hwloc, like `NUMANode:2 L3:1 Core:2 PU:1`; it need not exist. The environment
    /// variable `HWLOC_SYNTHETIC` takes the same for [`detect`](Self::detect).
    ///
    /// # Errors
    /// [`MemError::Description`](crate::MemError::Description) if hwloc does not accept it.
    #[cfg(feature = "hwloc")]
    pub fn from_description(description: &str) -> Result<Self, crate::MemError> {
        hwloc::synthetic(description)
    }

    /// The machine that the directories `sys` and `proc` under `root` describe; `allowed` are the CPUs that may be used (`None`:
    /// all).
    pub fn from_root(root: &Path, allowed: Option<&[u32]>) -> Self {
        sysfs::read(root, allowed)
    }

    /// Number of cores with an allowed CPU.
    pub fn cores(&self) -> usize {
        self.cpus.iter().filter(|cpu| cpu.sibling == 0).count()
    }

    /// Number of packages with an allowed CPU.
    pub fn packages(&self) -> usize {
        let mut packages: Vec<u32> = self.cpus.iter().map(|cpu| cpu.package).collect();
        packages.sort_unstable();
        packages.dedup();
        packages.len()
    }

    /// The most memory that this process can get, in bytes: that of the machine, or the limit of the control group if that is
    /// less. `None` if neither is known.
    pub fn usable_memory_bytes(&self) -> Option<u64> {
        [self.memory_bytes, self.memory_limit_bytes].into_iter().flatten().min()
    }

    /// The CPUs that are not used and why, as text; `None` if there are none.
    pub(crate) fn unused_cpus(&self) -> Option<String> {
        let kinds = [(&self.offline_cpus, "offline"), (&self.forbidden_cpus, "not allowed to this process")];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|(ids, _)| !ids.is_empty())
            .map(|(ids, why)| format!("{} ({why})", ranges(ids)))
            .collect();
        (!kinds.is_empty()).then(|| format!("CPUs not used: {}", kinds.join(", ")))
    }

    /// The default size of a pool: one worker per core, or fewer if the control group limits processor time to less.
    pub(crate) fn default_workers(&self) -> usize {
        let granted = std::thread::available_parallelism().map_or(usize::MAX, |count| count.get());
        self.cores().min(granted).max(1)
    }

    /// The CPUs of `count` workers; `None` if there are fewer. They are taken from all nodes in turn, so that few workers have the
    /// bandwidth of all nodes, and SMT siblings are taken last. Then they are ordered by node, because consecutive workers own
    /// neighbouring rows.
    pub(crate) fn worker_cpus(&self, count: usize) -> Option<Vec<u32>> {
        let mut cpus = self.cpus.clone();
        cpus.sort_unstable_by_key(|cpu| (cpu.sibling, cpu.node, cpu.id));
        let mut ranked: Vec<(u32, usize, Cpu)> = Vec::with_capacity(cpus.len());
        for cpu in cpus {
            let rank = match ranked.last() {
                Some(&(sibling, rank, last)) if (sibling, last.node) == (cpu.sibling, cpu.node) => rank + 1,
                _ => 0,
            };
            ranked.push((cpu.sibling, rank, cpu));
        }
        ranked.sort_by_key(|&(sibling, rank, cpu)| (sibling, rank, cpu.node));
        let mut chosen: Vec<Cpu> = ranked.get(..count)?.iter().map(|&(_, _, cpu)| cpu).collect();
        chosen.sort_unstable_by_key(|cpu| (cpu.node, cpu.sibling, cpu.id));
        Some(chosen.iter().map(|cpu| cpu.id).collect())
    }
}

/// Ascending numbers as the kernel writes them: `0-3,8`.
fn ranges(ids: &[u32]) -> String {
    let runs = ids.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [.., last] if run.len() > 1 => format!("{}-{last}", run[0]),
        _ => run[0].to_string(),
    });
    runs.collect::<Vec<_>>().join(",")
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = if self.model.is_empty() { "unknown processor" } else { &self.model };
        writeln!(f, "{model}: {} package(s), {} core(s), {} CPU(s)", self.packages(), self.cores(), self.cpus.len())?;
        if let Some(unused) = self.unused_cpus() {
            writeln!(f, "{unused}")?;
        }
        for cache in self.caches.iter().filter(|cache| cache.kind != CacheKind::Instruction) {
            // One line for all caches of a kind, printed for the first.
            let same =
                |other: &&Cache| (other.level, other.kind, other.bytes) == (cache.level, cache.kind, cache.bytes);
            if self.caches.iter().find(same) == Some(cache) {
                let instances = self.caches.iter().filter(same).count();
                writeln!(f, "L{} cache: {} x {}", cache.level, instances, Bytes(cache.bytes))?;
            }
        }
        for node in &self.nodes {
            let cpus = self.cpus.iter().filter(|cpu| cpu.node == node.id).count();
            let memory = match node.memory_bytes {
                0 if self.memory_bytes.is_some() => "no memory".to_owned(),
                bytes => Bytes(bytes).to_string(),
            };
            writeln!(f, "node {}: {memory}, {cpus} CPU(s)", node.id)?;
        }
        if let Some(bytes) = self.memory_bytes {
            write!(f, "memory: {}", Bytes(bytes))?;
            match self.memory_limit_bytes {
                Some(limit) => writeln!(f, ", limited to {}", Bytes(limit))?,
                None => writeln!(f)?,
            }
        }
        write!(f, "pages: {}", Bytes(self.pages.base_bytes))?;
        if let (Some(bytes), Some(mode)) = (self.pages.transparent_bytes, self.pages.transparent) {
            write!(f, ", transparent {} ({})", Bytes(bytes), mode.name())?;
        }
        for pool in &self.pages.huge {
            write!(f, ", reserved {}: {} of {} free", Bytes(pool.page_bytes), pool.free, pool.total)?;
        }
        Ok(())
    }
}

impl TransparentMode {
    /// The kernel's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Madvise => "madvise",
            Self::Never => "never",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_spread_over_nodes_and_grouped_by_them() {
        let machine = Synthetic { nodes: 2, cores_per_node: 2, threads_per_core: 2, memory_bytes_per_node: 0 };
        let topology = machine.topology();
        // Cores 0, 1 are on node 0; CPUs 4.. are the siblings of 0..
        let cases: [(usize, &[u32]); 6] = [
            (1, &[0]),
            (2, &[0, 2]),
            (3, &[0, 1, 2]),
            (4, &[0, 1, 2, 3]),
            (5, &[0, 1, 4, 2, 3]),
            (8, &[0, 1, 4, 5, 2, 3, 6, 7]),
        ];
        for (count, cpus) in cases {
            assert_eq!(topology.worker_cpus(count).as_deref(), Some(cpus), "{count}");
        }
        assert_eq!(topology.worker_cpus(9), None);
    }

    #[test]
    fn unequal_nodes() {
        let mut topology =
            Synthetic { nodes: 2, cores_per_node: 3, threads_per_core: 1, memory_bytes_per_node: 0 }.topology();
        topology.cpus.retain(|cpu| cpu.id != 1 && cpu.id != 0);
        assert_eq!(topology.worker_cpus(3), Some(vec![2, 3, 4]));
        assert_eq!(topology.worker_cpus(4), Some(vec![2, 3, 4, 5]));
    }
}

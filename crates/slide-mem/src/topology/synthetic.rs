//! Topologies of regular machines that need not exist: for tests, and as a fallback.

use super::{Cpu, Node, PageSizes, Topology};
use crate::sys;

/// A description of a machine with equal nodes, one per package.
///
/// CPUs are numbered as Linux numbers them: one of each core first, then the SMT siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// NUMA nodes; at least 1.
    pub nodes: u32,
    /// Cores of each node; at least 1.
    pub cores_per_node: u32,
    /// CPUs of each core; at least 1.
    pub threads_per_core: u32,
    /// Bytes of memory of each node.
    pub memory_bytes_per_node: u64,
}

impl Synthetic {
    /// The machine as a topology, with base pages only and no caches.
    ///
    /// # Panics
    /// If a count is 0, or there are more than `u32::MAX` CPUs.
    pub fn topology(&self) -> Topology {
        assert!(
            self.nodes > 0 && self.cores_per_node > 0 && self.threads_per_core > 0,
            "a machine without CPUs: {self:?}"
        );
        let cores = self.nodes.checked_mul(self.cores_per_node);
        let count = cores.and_then(|cores| cores.checked_mul(self.threads_per_core));
        let (Some(cores), Some(count)) = (cores, count) else {
            panic!("too many CPUs: {self:?}");
        };
        let cpu = |id| {
            let core = id % cores;
            let node = core / self.cores_per_node;
            Cpu { id, core, sibling: id / cores, package: node, node }
        };
        let node = |id| Node { id, memory_bytes: self.memory_bytes_per_node, distances: Vec::new() };
        let memory_bytes = self.memory_bytes_per_node.saturating_mul(u64::from(self.nodes));
        Topology {
            cpus: (0..count).map(cpu).collect(),
            nodes: (0..self.nodes).map(node).collect(),
            pages: PageSizes { base_bytes: sys::page_bytes() as u64, ..PageSizes::default() },
            memory_bytes: Some(memory_bytes).filter(|&bytes| bytes > 0),
            ..Topology::default()
        }
    }
}

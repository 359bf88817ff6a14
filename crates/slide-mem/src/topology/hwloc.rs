//! Topology from the C library hwloc, with the feature `hwloc`: of this machine, or of a synthetic description.
//!
//! CPUs, nodes and caches are those of hwloc. What it does not provide (limits of control groups, huge pages) is what `sysfs.rs`
//! has read.
//!
//! On the same machine the two may differ: hwloc assigns a node that has memory only (HBM, CXL) to the CPUs next to it, sysfs to
//! none. This matters if the number of such a node is lower than that of the CPUs' own node. The environment variables
//! `HWLOC_SYNTHETIC` and `HWLOC_XMLFILE` make hwloc describe another machine.

use hwlocality::Topology as Hwloc;
use hwlocality::object::TopologyObject;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::distance::DistancesKind;
use hwlocality::object::types::{CacheType, ObjectType};
use hwlocality::topology::builder::{BuildFlags, TopologyBuilder, TypeFilter};

use super::{Cache, CacheKind, Cpu, Node, PageSizes, Topology};
use crate::MemError;

/// This machine; `sysfs` is what was read from `/sys`, `allowed` are the CPUs that may be used. `None` if hwloc fails.
pub(super) fn detect(sysfs: &Topology, allowed: Option<&[u32]>) -> Option<Topology> {
    let hwloc = build(Hwloc::builder()).ok()?;
    let topology = if hwloc.is_this_system() {
        let mut topology = Topology { pages: sysfs.pages.clone(), ..read(&hwloc, allowed) };
        topology.model.clone_from(&sysfs.model);
        topology.offline_cpus.clone_from(&sysfs.offline_cpus);
        topology.forbidden_cpus.clone_from(&sysfs.forbidden_cpus);
        topology.memory_bytes = sysfs.memory_bytes;
        topology.memory_limit_bytes = sysfs.memory_limit_bytes;
        // hwloc stores no distances for a single node.
        if topology.nodes.iter().map(|node| node.id).eq(sysfs.nodes.iter().map(|node| node.id)) {
            for (node, known) in topology.nodes.iter_mut().zip(&sysfs.nodes) {
                if node.distances.is_empty() {
                    node.distances.clone_from(&known.distances);
                }
            }
        }
        topology
    } else {
        let pages = PageSizes { base_bytes: sysfs.pages.base_bytes, ..PageSizes::default() };
        Topology { pages, ..read(&hwloc, None) }
    };
    Some(topology).filter(|topology| !topology.cpus.is_empty() && !topology.nodes.is_empty())
}

/// The machine of a description like `NUMANode:2 L3:1 Core:2 PU:1`.
pub(super) fn synthetic(description: &str) -> Result<Topology, MemError> {
    let refused = |reason: String| MemError::Description { description: description.to_owned(), reason };
    let builder = Hwloc::builder().from_synthetic(description).map_err(|error| refused(error.to_string()))?;
    let hwloc = build(builder).map_err(|error| refused(error.to_string()))?;
    let pages = PageSizes { base_bytes: crate::sys::page_bytes() as u64, ..PageSizes::default() };
    Ok(Topology { pages, ..read(&hwloc, None) })
}

fn build(builder: TopologyBuilder) -> Result<Hwloc, Box<dyn std::error::Error>> {
    // CPUs that the process may not use are included, because a core is identified by its first CPU; `read` leaves them out. The
    // calling thread is not moved from CPU to CPU to query each: the kernel has the information.
    let flags = BuildFlags::INCLUDE_DISALLOWED | BuildFlags::DONT_CHANGE_BINDING;
    Ok(builder.with_flags(flags)?.with_cpu_icache_type_filter(TypeFilter::KeepAll)?.build()?)
}

/// All but page sizes.
fn read(hwloc: &Hwloc, allowed: Option<&[u32]>) -> Topology {
    let mut places: Vec<(u32, &TopologyObject)> = numbered(hwloc, ObjectType::NUMANode);
    places.sort_unstable_by_key(|&(id, _)| id);
    let mut cpus: Vec<Cpu> = Vec::new();
    let mut units = numbered(hwloc, ObjectType::PU);
    units.retain(|(id, _)| allowed.is_none_or(|allowed| allowed.contains(id)));
    units.sort_unstable_by_key(|&(id, _)| id);
    for (id, unit) in units {
        let core = unit.first_ancestor_with_type(ObjectType::Core);
        let core = core.and_then(|core| members(core).next()).unwrap_or(id);
        let package = unit.first_ancestor_with_type(ObjectType::Package).and_then(number).unwrap_or(0);
        let node = places.iter().find(|(_, node)| members(node).any(|cpu| cpu == id)).map_or(0, |&(node, _)| node);
        let sibling = cpus.iter().filter(|cpu| cpu.core == core).count() as u32;
        cpus.push(Cpu { id, core, sibling, package, node });
    }
    places.retain(|&(id, node)| memory(node) > 0 || cpus.iter().any(|cpu| cpu.node == id));
    let package = hwloc.objects_with_type(ObjectType::Package).next();
    let model = package.and_then(|package| package.info("CPUModel"));
    Topology {
        model: model.map(|model| model.to_string_lossy().into_owned()).unwrap_or_default(),
        caches: read_caches(hwloc, &cpus),
        memory_bytes: Some(places.iter().map(|(_, node)| memory(node)).sum()).filter(|&bytes| bytes > 0),
        nodes: read_nodes(hwloc, &places),
        cpus,
        ..Topology::default()
    }
}

/// The objects of a type, with the numbers that the system gives them.
fn numbered(hwloc: &Hwloc, kind: ObjectType) -> Vec<(u32, &TopologyObject)> {
    hwloc.objects_with_type(kind).filter_map(|object| Some((number(object)?, object))).collect()
}

fn number(object: &TopologyObject) -> Option<u32> {
    u32::try_from(object.os_index()?).ok()
}

/// The CPUs that belong to an object and are online, ascending.
fn members(object: &TopologyObject) -> impl Iterator<Item = u32> {
    let cpus: Vec<u32> = object
        .cpuset()
        .map(|set| set.iter_set().filter_map(|cpu| u32::try_from(usize::from(cpu)).ok()).collect())
        .unwrap_or_default();
    cpus.into_iter()
}

fn memory(node: &TopologyObject) -> u64 {
    match node.attributes() {
        Some(ObjectAttributes::NUMANode(node)) => node.local_memory().map_or(0, u64::from),
        _ => 0,
    }
}

fn read_nodes(hwloc: &Hwloc, places: &[(u32, &TopologyObject)]) -> Vec<Node> {
    let latencies =
        hwloc.distances_with_type(Some(DistancesKind::MEANS_LATENCY), ObjectType::NUMANode).unwrap_or_default();
    let distances = |from: &TopologyObject| {
        latencies.iter().find_map(|matrix| {
            let to = places.iter().map(|(_, to)| matrix.object_pair_distance((from, to)));
            to.map(|pair| u32::try_from(pair?.0).ok()).collect::<Option<Vec<u32>>>()
        })
    };
    let node = |&(id, node): &(u32, &TopologyObject)| Node {
        id,
        memory_bytes: memory(node),
        distances: distances(node).unwrap_or_default(),
    };
    places.iter().map(node).collect()
}

fn read_caches(hwloc: &Hwloc, cpus: &[Cpu]) -> Vec<Cache> {
    let cache = |object: &TopologyObject| {
        let Some(ObjectAttributes::Cache(cache)) = object.attributes() else {
            return None;
        };
        let users: Vec<u32> = members(object).filter(|id| cpus.iter().any(|cpu| cpu.id == *id)).collect();
        let kind = match cache.cache_type() {
            CacheType::Data => CacheKind::Data,
            CacheType::Instruction => CacheKind::Instruction,
            _ => CacheKind::Unified,
        };
        (!users.is_empty()).then(|| Cache {
            level: cache.depth() as u32,
            kind,
            bytes: cache.size().map_or(0, u64::from),
            line_bytes: cache.line_size().map_or(0, |bytes| bytes.get() as u64),
            cpus: users,
        })
    };
    let mut caches: Vec<Cache> =
        hwloc.normal_objects().filter(|object| object.object_type().is_cpu_cache()).filter_map(cache).collect();
    caches.sort_by_key(|cache| (cache.level, cache.kind, cache.cpus[0]));
    caches
}

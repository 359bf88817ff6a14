//! What the kernel has granted to a mapping, and why that is not what was asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::Placement;

/// What was asked for one or several mappings ([`Report::merge`]), what was granted, and why the two differ.
///
/// Only memory that has been touched is resident: make the report after a table is filled. The kernel walks the page tables of
/// the process for it, which takes milliseconds per gigabyte of base pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The placements asked for, each once, ascending.
    pub asked: Vec<Placement>,
    /// Bytes of address space mapped, touched or not.
    pub mapped_bytes: u64,
    /// Resident bytes by page size in bytes. Empty if unknown.
    pub bytes_by_page: BTreeMap<u64, u64>,
    /// Resident bytes by NUMA node. Empty if unknown.
    pub bytes_by_node: BTreeMap<u32, u64>,
    /// What was not granted.
    pub fallbacks: Vec<Fallback>,
}

/// Something that was asked for and not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallback {
    /// What was asked for, as in "2 MiB huge pages".
    pub wanted: String,
    /// The reason, as text.
    pub reason: String,
    /// How to make it available, if that is possible.
    pub remedy: Option<Remedy>,
}

/// How the administrator of the machine can make something available; displayed as a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Reserve more huge pages.
    ReservePages {
        /// Bytes of one page.
        page_bytes: u64,
        /// Whether `vm.nr_hugepages` counts pages of this size.
        is_default_size: bool,
        /// Pages that are reserved now.
        reserved: u64,
        /// Pages that are missing, summed over merged reports.
        missing: u64,
    },
    /// A command line.
    Command(String),
}

impl Fallback {
    pub(crate) fn new(wanted: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { wanted: wanted.into(), reason: reason.to_string(), remedy: None }
    }

    pub(crate) fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

impl Report {
    /// Resident bytes, on pages of any size.
    pub fn resident_bytes(&self) -> u64 {
        self.bytes_by_page.values().sum()
    }

    /// The fraction of the resident bytes that are on huge pages, in 0..=1; 0 if nothing is resident.
    pub fn huge_share(&self) -> f64 {
        let huge: u64 = self
            .bytes_by_page
            .iter()
            .filter(|&(&size, _)| size > crate::sys::page_bytes() as u64)
            .map(|(_, bytes)| bytes)
            .sum();
        match self.resident_bytes() {
            0 => 0.0,
            resident => huge as f64 / resident as f64,
        }
    }

    /// Adds the report of another mapping: bytes are summed; equal fallbacks become one, and their missing pages are summed.
    pub fn merge(&mut self, other: &Self) {
        self.asked.extend(&other.asked);
        self.asked.sort_unstable();
        self.asked.dedup();
        self.mapped_bytes += other.mapped_bytes;
        for (&size, bytes) in &other.bytes_by_page {
            *self.bytes_by_page.entry(size).or_default() += bytes;
        }
        for (&node, bytes) in &other.bytes_by_node {
            *self.bytes_by_node.entry(node).or_default() += bytes;
        }
        for fallback in &other.fallbacks {
            self.add_fallback(fallback);
        }
    }

    fn add_fallback(&mut self, new: &Fallback) {
        let same = |old: &&mut Fallback| old.wanted == new.wanted && old.reason == new.reason;
        let Some(old) = self.fallbacks.iter_mut().find(same) else {
            self.fallbacks.push(new.clone());
            return;
        };
        if let (
            Some(Remedy::ReservePages { missing, reserved, .. }),
            Some(Remedy::ReservePages { missing: more, reserved: now, .. }),
        ) = (&mut old.remedy, &new.remedy)
        {
            *missing += more;
            *reserved = *now;
        }
    }

    /// Adds what `/proc/self/smaps` says of the mappings inside `range`.
    pub(crate) fn add_smaps(&mut self, smaps: &str, range: &Range<usize>) {
        let mut inside = false;
        let mut area = Area::default();
        for line in smaps.lines() {
            if let Some(addresses) = area_addresses(line) {
                self.add_area(std::mem::take(&mut area));
                inside = range.start <= addresses.start && addresses.end <= range.end;
            } else if inside {
                area.read(line);
            }
        }
        self.add_area(area);
    }

    fn add_area(&mut self, area: Area) {
        let base = area.resident.saturating_sub(area.transparent);
        let transparent_page = crate::sys::transparent_page_bytes().unwrap_or(2 << 20) as u64;
        for (size, bytes) in
            [(crate::sys::page_bytes() as u64, base), (transparent_page, area.transparent), (area.page, area.reserved)]
        {
            if bytes > 0 {
                *self.bytes_by_page.entry(size).or_default() += bytes;
            }
        }
    }

    /// Adds the transparent huge pages that `numa_maps` counts and `smaps` does not: on kernels before 6.6 those that automatic
    /// NUMA balancing has unmapped to find out which node uses them (on 6.1, half of a table).
    pub(crate) fn add_unseen_huge_pages(&mut self) {
        let by_node: u64 = self.bytes_by_node.values().sum();
        let unseen = by_node.saturating_sub(self.resident_bytes());
        if unseen >= transparent_page() {
            *self.bytes_by_page.entry(transparent_page()).or_default() += unseen;
        }
    }

    /// Adds what `/proc/self/numa_maps` says of the mappings that start inside `range`.
    pub(crate) fn add_numa_maps(&mut self, numa_maps: &str, range: &Range<usize>) {
        for line in numa_maps.lines() {
            let mut fields = line.split_ascii_whitespace();
            let start = fields.next().and_then(|word| usize::from_str_radix(word, 16).ok());
            if !start.is_some_and(|start| range.contains(&start)) {
                continue;
            }
            let mut page = crate::sys::page_bytes() as u64;
            let mut pages = Vec::new();
            for (key, value) in fields.filter_map(|field| field.split_once('=')) {
                let Ok(value) = value.parse::<u64>() else {
                    continue;
                };
                if key == "kernelpagesize_kB" {
                    page = value << 10;
                } else if let Some(node) = key.strip_prefix('N').and_then(|node| node.parse().ok()) {
                    pages.push((node, value));
                }
            }
            for (node, count) in pages {
                *self.bytes_by_node.entry(node).or_default() += count * page;
            }
        }
    }
}

fn transparent_page() -> u64 {
    crate::sys::transparent_page_bytes().unwrap_or(2 << 20) as u64
}

/// The figures of one area of `/proc/self/smaps`, in bytes.
#[derive(Default)]
struct Area {
    resident: u64,
    transparent: u64,
    reserved: u64,
    page: u64,
}

impl Area {
    fn read(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else {
            return;
        };
        let Some(bytes) = value
            .trim()
            .strip_suffix(" kB")
            .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
            .map(|kilobytes| kilobytes << 10)
        else {
            return;
        };
        match key {
            "Rss" => self.resident = bytes,
            "AnonHugePages" => self.transparent = bytes,
            "Private_Hugetlb" | "Shared_Hugetlb" => self.reserved += bytes,
            "KernelPageSize" => self.page = bytes,
            _ => {}
        }
    }
}

/// The addresses in the heading of an area, `7f00-7f10 rw-p ...`; `None` for any other line.
fn area_addresses(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(address(start)?..address(end)?)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: Vec<String>| f.write_str(&items.join(", "));
        write!(f, "{} mapped", Bytes(self.mapped_bytes))?;
        if !self.bytes_by_page.is_empty() {
            write!(f, ", {} resident: ", Bytes(self.resident_bytes()))?;
            let pages = self.bytes_by_page.iter().rev();
            list(f, pages.map(|(&size, &bytes)| format!("{} on {} pages", Bytes(bytes), Bytes(size))).collect())?;
        }
        if !self.bytes_by_node.is_empty() {
            f.write_str("; ")?;
            let nodes = self.bytes_by_node.iter();
            list(f, nodes.map(|(node, &bytes)| format!("node {node}: {}", Bytes(bytes))).collect())?;
        }
        if !self.asked.is_empty() {
            f.write_str("; asked: ")?;
            list(f, self.asked.iter().map(Placement::to_string).collect())?;
        }
        for fallback in &self.fallbacks {
            write!(f, "\n  not granted: {fallback}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.wanted, self.reason)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; remedy: {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => f.write_str(command),
            Self::ReservePages { page_bytes, is_default_size, reserved, missing } => {
                let pages = reserved + missing;
                if *is_default_size {
                    write!(f, "sysctl vm.nr_hugepages={pages}")
                } else {
                    let kilobytes = page_bytes >> 10;
                    write!(f, "echo {pages} > /sys/kernel/mm/hugepages/hugepages-{kilobytes}kB/nr_hugepages")
                }
            }
        }
    }
}

/// A number of bytes with a unit: `4 KiB`, `1.5 GiB`.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let unit = (self.0.max(1).ilog2() as usize / 10).min(UNITS.len() - 1);
        let scale = 1u64 << (10 * unit);
        if self.0.is_multiple_of(scale) {
            write!(f, "{} {}", self.0 / scale, UNITS[unit])
        } else {
            write!(f, "{:.1} {}", self.0 as f64 / scale as f64, UNITS[unit])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NumaPolicy, PagePolicy};

    const SMAPS: &str = "\
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
Size:               4096 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                3000 kB
AnonHugePages:      2048 kB
Private_Hugetlb:       0 kB
VmFlags: rd wr mr mw me ac hg
7f0000400000-7f0000800000 rw-p 00000000 00:0f 1 /anon_hugepage (deleted)
KernelPageSize:     2048 kB
Rss:                   0 kB
Private_Hugetlb:    4096 kB
7f0000800000-7f0000900000 rw-p 00000000 00:00 0
KernelPageSize:        4 kB
Rss:                 512 kB
AnonHugePages:         0 kB
";

    #[test]
    fn smaps_are_summed_inside_the_range_only() {
        let mut report = Report::default();
        report.add_smaps(SMAPS, &(0x7f00_0000_0000..0x7f00_0080_0000));
        let base = crate::sys::page_bytes() as u64;
        assert_eq!(report.bytes_by_page, BTreeMap::from([(base, 952 << 10), (2 << 20, 6 << 20)]));
        assert_eq!(report.resident_bytes(), (952 << 10) + (6 << 20));
        assert!((report.huge_share() - 6144.0 / 7096.0).abs() < 1e-12);
    }

    #[test]
    fn numa_maps_count_pages_of_their_own_size() {
        let text = "\
7f0000000000 default anon=750 dirty=750 active=0 N0=500 N1=250 kernelpagesize_kB=4
7f0000400000 prefer:1 file=/anon_hugepage\\040(deleted) huge anon=2 dirty=2 N1=2 kernelpagesize_kB=2048
7f0000800000 default anon=9 N0=9 kernelpagesize_kB=4
";
        let mut report = Report::default();
        report.add_numa_maps(text, &(0x7f00_0000_0000..0x7f00_0080_0000));
        assert_eq!(report.bytes_by_node, BTreeMap::from([(0, 500 << 12), (1, (250 << 12) + (4 << 20))]));
    }

    #[test]
    fn pages_hidden_by_numa_balancing_are_counted() {
        let mut report = Report { bytes_by_page: BTreeMap::from([(4096, 1 << 20)]), ..Report::default() };
        report.bytes_by_node = BTreeMap::from([(0, 3 << 20), (1, 4 << 20)]);
        report.add_unseen_huge_pages();
        assert_eq!(report.bytes_by_page, BTreeMap::from([(4096, 1 << 20), (transparent_page(), 6 << 20)]));
        // Nothing is unseen any more; a few pages touched between the two readings are no huge page.
        *report.bytes_by_node.entry(0).or_default() += 8192;
        let before = report.clone();
        report.add_unseen_huge_pages();
        assert_eq!(report, before);
    }

    #[test]
    fn foreign_lines_are_ignored() {
        let mut report = Report::default();
        for text in ["", "\n", "zz-yy rw-p", "1-2", "Rss:", "Rss: 5 kB", "1000-2000 x\nRss: many kB\nRss 5 kB"] {
            report.add_smaps(text, &(0..usize::MAX));
            report.add_numa_maps(text, &(0..usize::MAX));
        }
        assert_eq!(report, Report::default());
    }

    fn lacking(missing: u64, is_default_size: bool) -> Report {
        let remedy = Remedy::ReservePages { page_bytes: 2 << 20, is_default_size, reserved: 3, missing };
        Report {
            asked: vec![Placement { pages: PagePolicy::Huge2M, numa: NumaPolicy::Local }],
            mapped_bytes: 1 << 20,
            bytes_by_page: BTreeMap::from([(4096, 1 << 20)]),
            bytes_by_node: BTreeMap::from([(0, 1 << 20)]),
            fallbacks: vec![Fallback::new("2 MiB huge pages", "none left").with_remedy(remedy)],
        }
    }

    #[test]
    fn merged_reports_sum_bytes_and_missing_pages() {
        let mut report = Report::default();
        report.merge(&lacking(10, true));
        report.merge(&lacking(5, true));
        report.merge(&Report { asked: vec![Placement::default()], ..Report::default() });
        assert_eq!(
            report.to_string(),
            "2 MiB mapped, 2 MiB resident: 2 MiB on 4 KiB pages; node 0: 2 MiB; \
             asked: pages auto, numa local, pages 2m, numa local\n  \
             not granted: 2 MiB huge pages: none left; remedy: sysctl vm.nr_hugepages=18"
        );
        let other = lacking(1, false).fallbacks[0].to_string();
        assert!(other.ends_with("echo 4 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "{other}");
    }

    #[test]
    fn bytes_for_people() {
        for (bytes, text) in [(0, "0 B"), (1, "1 B"), (1023, "1023 B"), (4096, "4 KiB"), (1536, "1.5 KiB")] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(Bytes(1 << 30).to_string(), "1 GiB");
        assert_eq!(Bytes(u64::MAX).to_string(), "16777216.0 TiB");
    }
}

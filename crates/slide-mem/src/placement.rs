//! What a table asks for: its page size and its NUMA nodes.

use std::fmt;
use std::str::FromStr;

/// Which pages a mapping asks for. The text forms, for options and configuration files, are
/// `auto`, `4k`, `thp`, `2m` and `1g`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PagePolicy {
    /// The fastest kind that needs no configuration of the machine: at present transparent huge pages.
    #[default]
    Auto,
    /// Base pages only (4 KiB on x86-64), even if the kernel gives huge pages by default.
    Small,
    /// Transparent huge pages by `madvise`, for mappings of at least one huge page.
    Transparent,
    /// Reserved pages of 2 MiB (`vm.nr_hugepages`), for mappings of at least half a page; otherwise transparent huge pages.
    Huge2M,
    /// Reserved pages of 1 GiB, for mappings of at least half a page; otherwise transparent huge pages.
    Huge1G,
}

impl PagePolicy {
    /// All policies.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Small, Self::Transparent, Self::Huge2M, Self::Huge1G];

    /// Its text form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Small => "4k",
            Self::Transparent => "thp",
            Self::Huge2M => "2m",
            Self::Huge1G => "1g",
        }
    }

    /// Bytes of the reserved page that the policy asks for, if it asks for one.
    pub(crate) const fn reserved_page_bytes(self) -> Option<usize> {
        match self {
            Self::Huge2M => Some(2 << 20),
            Self::Huge1G => Some(1 << 30),
            Self::Auto | Self::Small | Self::Transparent => None,
        }
    }
}

/// Which NUMA nodes a mapping asks for. The text forms are `local`, `node:N`, `interleave` and
/// `partition`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumaPolicy {
    /// Each page is placed on the node of the thread that touches it first.
    #[default]
    Local,
    /// Pages are placed on this node while it has free memory, then on others.
    Node(u32),
    /// Pages are distributed over the nodes with memory, one by one.
    Interleave,
    /// Each part of a table is placed on the node of the worker that owns it, whichever thread touches it first. The table is
    /// divided into equal parts, one for each worker of the pinned pool that the calling thread made last
    /// ([`Workers::new`](crate::Workers::new)); part *i* is placed on the node of worker *i* if that has memory. Bounds are
    /// rounded to pages. If the number of workers does not divide that of the shards ([`RowTable`](crate::RowTable)) that they
    /// own, a part may differ from what its worker owns by less than a shard.
    /// Without such a pool there is one part for each node with CPUs.
    Partition,
}

/// The pages and nodes that a mapping asks for. The default is `auto` and `local`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// Kind of pages.
    pub pages: PagePolicy,
    /// Nodes.
    pub numa: NumaPolicy,
}

/// The error for a text that is not the name of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct ParsePolicyError {
    expected: &'static str,
    found: String,
}

impl FromStr for PagePolicy {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| ParsePolicyError { expected: "one of auto, 4k, thp, 2m, 1g", found: text.to_owned() })
    }
}

impl FromStr for NumaPolicy {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let node = |number: &str| {
            // `parse` alone would also take "+1".
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits).map(Self::Node)
        };
        match text {
            "local" => Some(Self::Local),
            "interleave" => Some(Self::Interleave),
            "partition" => Some(Self::Partition),
            _ => text.strip_prefix("node:").and_then(node),
        }
        .ok_or_else(|| ParsePolicyError {
            expected: "one of local, node:N, interleave, partition",
            found: text.to_owned(),
        })
    }
}

impl fmt::Display for PagePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for NumaPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.pad("local"),
            Self::Node(node) => write!(f, "node:{node}"),
            Self::Interleave => f.pad("interleave"),
            Self::Partition => f.pad("partition"),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pages {}, numa {}", self.pages, self.numa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for policy in PagePolicy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for policy in [
            NumaPolicy::Local,
            NumaPolicy::Node(0),
            NumaPolicy::Node(17),
            NumaPolicy::Interleave,
            NumaPolicy::Partition,
        ] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
    }

    #[test]
    fn unknown_texts_say_what_was_expected() {
        for text in ["", "AUTO", "4K", "huge"] {
            let error = text.parse::<PagePolicy>().unwrap_err().to_string();
            assert_eq!(error, format!("expected one of auto, 4k, thp, 2m, 1g, found {text:?}"));
        }
        for text in ["", "node", "node:", "node:-1", "node:+1", "node:1x", "node:4294967296"] {
            let error = text.parse::<NumaPolicy>().unwrap_err().to_string();
            assert!(error.contains("node:N") && error.contains(&format!("{text:?}")), "{error}");
        }
    }
}

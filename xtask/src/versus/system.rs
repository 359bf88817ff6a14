//! The systems that are compared, and what each is asked for.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Calls the systems through their Python interfaces.
pub(super) const PEERS: &str = include_str!("peers.py");

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum System {
    /// This workspace's program
    #[value(skip)]
    Slide,
    /// Parabel as omikuji has it
    Parabel,
    /// Bonsai as omikuji has it
    Bonsai,
    /// XR-Linear of PECOS
    Pecos,
    /// Probabilistic label trees of napkinXC
    Napkinxc,
    /// Bags of words of fastText
    Fasttext,
    /// The layers of slide in PyTorch, with all labels in each step (only if named)
    Pytorch,
}

impl System {
    /// Those that slide is compared with if none are named: PyTorch takes long, and gigabytes of packages.
    pub(crate) const PEERS: [Self; 5] = [Self::Parabel, Self::Bonsai, Self::Pecos, Self::Napkinxc, Self::Fasttext];

    /// As in `--peers`, in the scripts and in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Slide => "slide",
            Self::Parabel => "parabel",
            Self::Bonsai => "bonsai",
            Self::Pecos => "pecos",
            Self::Napkinxc => "napkinxc",
            Self::Fasttext => "fasttext",
            Self::Pytorch => "pytorch",
        }
    }

    /// As in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Slide => "slide",
            Self::Parabel => "Parabel (omikuji)",
            Self::Bonsai => "Bonsai (omikuji)",
            Self::Pecos => "XR-Linear (PECOS)",
            Self::Napkinxc => "PLT (napkinXC)",
            Self::Fasttext => "fastText",
            Self::Pytorch => "PyTorch",
        }
    }

    /// The settings, in words. They are those of `peers.py`.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Slide => "defaults",
            Self::Parabel => "defaults: 3 trees, balanced, of two branches",
            Self::Bonsai => "3 trees, unbalanced, 100 branches, depth 3, as its documentation names for Bonsai",
            Self::Pecos => "defaults: a hierarchy by PIFA, 16 branches; rows of length 1, as its own tf-idf has them",
            Self::Napkinxc => "defaults: a tree by balanced 2-means, LIBLINEAR",
            Self::Fasttext => {
                "a word for each feature, without its value; 100 dimensions; as its tutorial has for several labels: 25 epochs, \
                 rate 0.5 (0.1, the default, where that diverges), one sigmoid per label (a tree of labels where there are more \
                 than 10,000)"
            }
            Self::Pytorch => "the network of slide and the defaults of its training, but with all labels in each step",
        }
    }

    /// What pip is asked for, after [`COMMON`].
    pub(crate) fn requirements(self) -> &'static [&'static str] {
        match self {
            Self::Slide => &[],
            Self::Parabel | Self::Bonsai => &["omikuji"],
            // Its models of text need PyTorch, five gigabytes; XR-Linear needs nothing but `COMMON`.
            Self::Pecos => &["--no-deps", "libpecos"],
            Self::Napkinxc => &["napkinxc"],
            Self::Fasttext => &["fasttext-wheel"],
            Self::Pytorch => &["torch"],
        }
    }
}

/// What the others need: the newest versions for which PECOS and fastText are built.
pub(crate) const COMMON: [&str; 3] = ["numpy<2", "scipy<1.14", "scikit-learn"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line_and_of_records() {
        for system in System::value_variants() {
            assert_eq!(serde_json::to_value(system).unwrap(), system.name());
            if *system != System::Slide {
                assert_eq!(system.to_possible_value().unwrap().get_name(), system.name());
                let entry = format!("    \"{}\": ", system.name());
                assert!(super::PEERS.contains(&entry), "peers.py has no {entry}");
            }
        }
    }
}

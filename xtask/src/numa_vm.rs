//! An emulated x86-64 machine with several NUMA nodes: a real kernel with real page placement, on any machine.
//!
//! The emulator translates instructions (it never uses hardware virtualisation), has AVX2 but no AVX-512, and its times mean
//! nothing. What nodes, CPUs, pages and exit codes say is true.

mod console;
mod debian;
mod guest;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use self::guest::{Machine, Node, Step};
use crate::debian_packages::{Folder, Purpose};

const FOLDER: Purpose = Purpose {
    task: "setup-numa-vm",
    content: "the emulated NUMA machine",
    name: "slide-numa-vm",
    variable: "SLIDE_NUMA_VM_DIR",
    revision: "1",
};

/// What a machine is started with.
#[derive(Debug)]
pub(crate) struct NumaVm {
    /// The root of the emulator's packages.
    root: PathBuf,
    kernel: PathBuf,
    /// Statically linked.
    busybox: PathBuf,
}

impl NumaVm {
    /// The one of the cache folder, which is filled first if need be.
    pub(crate) fn find_or_set_up() -> Result<Self> {
        let folder = Folder::chosen(&FOLDER)?;
        debian::provide(&folder)?;
        Ok(Self::unpacked(&folder))
    }

    /// What [`debian::provide`] has left in `folder`.
    fn unpacked(folder: &Folder) -> Self {
        let root = folder.root();
        Self { kernel: folder.path().join("kernel"), busybox: root.join("bin/busybox"), root }
    }
}

/// `cargo xtask setup-numa-vm`.
pub(crate) fn set_up() -> Result<()> {
    NumaVm::find_or_set_up()?;
    println!("setup-numa-vm: {} is ready", Folder::chosen(&FOLDER)?.path().display());
    Ok(())
}

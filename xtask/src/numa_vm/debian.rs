//! Emulator, kernel and shell from Debian's packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::NumaVm;
use super::guest::{Machine, Node, Step};
use crate::debian_packages::output::{first_dependency, installations};
use crate::debian_packages::{self, Apt, Folder};
use crate::workspace;

/// The small kernel for virtual machines; its name depends on the release.
const KERNEL: &str = "linux-image-cloud-amd64";

/// Packages that are started or read from the folder, and so are fetched even where the system has them.
const OWN: [&str; 5] = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios", "busybox-static"];

/// Makes the machine in `folder`, unless it is there, and boots it once.
pub(super) fn provide(folder: &Folder) -> Result<()> {
    let shell = workspace::shell()?;
    let finish = |new: &Folder, ()| {
        let root = new.root();
        fs::rename(image(&root.join("boot"))?, new.path().join("kernel"))?;
        // What is large and not needed: the kernel's modules and the emulators of other machines.
        for path in ["lib/modules", "usr/lib/modules", "usr/bin/qemu-system-i386", "usr/bin/qemu-system-x86_64-microvm"]
        {
            shell.remove_path(root.join(path))?;
        }
        self_test(&NumaVm::unpacked(new))
    };
    folder.provide(&shell, &["amd64"], |apt| Ok((packages(apt)?, ())), finish)
}

/// What is unpacked, with versions. The emulator is that of the backports: older ones have errors in AVX2.
fn packages(apt: &Apt<'_>) -> Result<Vec<String>> {
    let show = apt.command("apt-cache").args(["show", "--no-all-versions", KERNEL]).read()?;
    let image =
        first_dependency(&show, "linux-image-").with_context(|| format!("{KERNEL} names no kernel:\n{show}"))?;
    let release = format!("--target-release={}", debian_packages::backports()?);
    let simulate = apt.command("apt-get").args(["-qq", "--simulate", &release, "install"]).args(OWN);
    let simulated = simulate.read().context("apt cannot work out what the emulator needs; its own words are above")?;
    let lacking = installations(&simulated);
    let mut packages: Vec<String> = lacking.iter().map(|(name, version)| format!("{name}={version}")).collect();
    for name in OWN {
        if lacking.iter().all(|&(lacking, _)| lacking != name) {
            packages.push(debian_packages::newest(apt, name)?);
        }
    }
    packages.push(image.to_owned());
    Ok(packages)
}

/// The kernel among the files of `boot`.
fn image(boot: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(boot)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_image =
        |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"));
    files.iter().find(is_image).cloned().with_context(|| format!("no kernel in {}", boot.display()))
}

/// Proof that it boots, has its nodes, and passes on what a program exits with.
fn self_test(vm: &NumaVm) -> Result<()> {
    println!("setup-numa-vm: booting it once");
    let nodes = vec![Node { cpus: 1, memory_mib: 128 }; 2];
    let look = |pattern: &str| Step {
        name: format!("nodes with a CPU: {pattern}?"),
        program: vm.busybox.clone(),
        arguments: ["grep", "-qx", pattern, "/sys/devices/system/node/has_cpu"].map(str::to_owned).to_vec(),
        ..Step::default()
    };
    let statuses = vm.run(&Machine { nodes }, &[look("0-1"), look("0")])?;
    ensure!(
        statuses == [0, 1],
        "self-test: a machine of two nodes has others, or its exit codes are lost: {statuses:?}"
    );
    Ok(())
}

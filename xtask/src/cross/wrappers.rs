//! The small programs that make a tool chain of unpacked packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::debian_packages::Folder;
use crate::workspace::make_executable;

/// A tool of the host that works on the target's files.
pub(super) fn tool(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join("bin").join(name)
}

/// `rustc` and what belongs to it. Not in one folder with the tools, so that these can be put on `PATH` without it.
pub(super) fn rust_tool(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join("toolchain/bin").join(name)
}

/// Writes the programs of `bin` and `toolchain/bin`, which find what they start by their own place.
pub(super) fn write(folder: &Folder, llvm: u32) -> Result<()> {
    const LIBRARIES: &str = "LD_LIBRARY_PATH=\"$root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"";
    for name in ["rustc", "rustdoc"] {
        let start = format!("{LIBRARIES} exec \"$root/usr/bin/{name}\" --sysroot \"$root/usr\"");
        write_wrapper(&rust_tool(folder, name), "../../root", &start)?;
    }
    // Its first argument is the compiler in whose place it stands, so the option cannot come before it.
    let start = format!("SYSROOT=\"$root/usr\" {LIBRARIES} exec \"$root/usr/bin/clippy-driver\"");
    write_wrapper(&rust_tool(folder, "clippy-driver"), "../../root", &start)?;
    for name in ["gcc", "ar", "objdump", "nm", "readelf", "strip"] {
        let system_root = if name == "gcc" { " --sysroot=\"$root\"" } else { "" };
        let name = format!("aarch64-linux-gnu-{name}");
        let start = format!("{LIBRARIES} exec \"$root/usr/bin/{name}\"{system_root}");
        write_wrapper(&tool(folder, &name), "../root", &start)?;
    }
    for name in ["llvm-mca", "llvm-mc", "llvm-objdump", "llc", "opt"] {
        let start = format!("{LIBRARIES} exec \"$root/usr/lib/llvm-{llvm}/bin/{name}\"");
        write_wrapper(&tool(folder, name), "../root", &start)?;
    }
    let start = "exec \"$root/usr/bin/qemu-aarch64\" -L \"$root/usr/aarch64-linux-gnu\" -cpu \"${SLIDE_QEMU_CPU:-neoverse-v1}\"";
    write_wrapper(&tool(folder, "qemu-aarch64"), "../root", start)
}

fn write_wrapper(path: &Path, root: &str, start: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a wrapper lies in a folder")?)?;
    let script =
        format!("#!/bin/sh\nroot=$(cd \"$(dirname \"$(readlink -f \"$0\")\")/{root}\" && pwd)\n{start} \"$@\"\n");
    fs::write(path, script)?;
    make_executable(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn wrappers_find_the_root_from_anywhere() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(&super::super::FOLDER, temporary.path().join("a b"));
        write(&folder, 22).unwrap();
        let program = folder.root().join("usr/bin/aarch64-linux-gnu-gcc");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "#!/bin/sh\nfor argument; do echo \"<$argument>\"; done\n").unwrap();
        make_executable(&program).unwrap();
        let link = temporary.path().join("cc");
        std::os::unix::fs::symlink(tool(&folder, "aarch64-linux-gnu-gcc"), &link).unwrap();
        let output = std::process::Command::new(&link).args(["x y", "z"]).output().unwrap();
        let expected = format!("<--sysroot={}>\n<x y>\n<z>\n", folder.root().canonicalize().unwrap().display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

//! The folder that holds an unpacked tool chain: its layout, and the small programs that make one of what was unpacked.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Goes up with each change of what a set-up leaves behind, so that older folders are made anew.
const REVISION: &str = "1";

/// Holds the revision of a set-up that was completed; its presence tells our folders from others.
const STAMP: &str = ".done";

/// Paths in the folder of a tool chain.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `$SLIDE_CROSS_DIR`, or `slide-cross` in the user's cache.
    pub(crate) fn chosen() -> Result<Self> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = variable("SLIDE_CROSS_DIR") {
            return Ok(Self(std::path::absolute(folder)?));
        }
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let cache = cache.context("neither HOME nor XDG_CACHE_HOME is set; SLIDE_CROSS_DIR names a folder to use")?;
        Ok(Self(std::path::absolute(cache)?.join("slide-cross")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether a set-up of this revision was completed here.
    pub(crate) fn is_ready(&self) -> bool {
        fs::read_to_string(self.0.join(STAMP)).is_ok_and(|revision| revision.trim() == REVISION)
    }

    /// A tool of the host that works on the target's files.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// `rustc` and what belongs to it. Not in one folder with the tools, so that these can be put on `PATH` without it.
    pub(crate) fn rust_tool(&self, name: &str) -> PathBuf {
        self.0.join("toolchain/bin").join(name)
    }

    /// The root of the unpacked packages.
    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// A folder next to this one, empty, in which the next is made. The lock keeps other set-ups out until it is dropped.
    pub(crate) fn begin(&self) -> Result<(Self, File)> {
        let foreign = !self.0.join(STAMP).exists() && fs::read_dir(&self.0).is_ok_and(|mut all| all.next().is_some());
        let advice = "remove it, or name another folder in SLIDE_CROSS_DIR";
        ensure!(!foreign, "{} holds other things than a tool chain: {advice}", self.0.display());
        let parent = self.0.parent().context("SLIDE_CROSS_DIR is the root folder")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let lock = File::open(parent)?;
        lock.lock().with_context(|| format!("cannot lock {}", parent.display()))?;
        let mut new = self.0.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        if new.exists() {
            fs::remove_dir_all(&new).with_context(|| format!("cannot remove {}", new.display()))?;
        }
        fs::create_dir(&new).with_context(|| format!("cannot create {}", new.display()))?;
        Ok((Self(new), lock))
    }

    /// Puts the finished tool chain in the place of `destination`.
    pub(crate) fn finish(&self, destination: &Self) -> Result<()> {
        fs::write(self.0.join(STAMP), REVISION)?;
        if destination.0.exists() {
            fs::remove_dir_all(&destination.0)?;
        }
        fs::rename(&self.0, &destination.0)
            .with_context(|| format!("cannot rename {} to {}", self.0.display(), destination.0.display()))
    }

    /// Writes the programs of `bin` and `toolchain/bin`, which find what they start by their own place.
    pub(crate) fn write_wrappers(&self, llvm: u32) -> Result<()> {
        const LIBRARIES: &str =
            "LD_LIBRARY_PATH=\"$root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"";
        for tool in ["rustc", "rustdoc"] {
            let start = format!("{LIBRARIES} exec \"$root/usr/bin/{tool}\" --sysroot \"$root/usr\"");
            write_wrapper(&self.rust_tool(tool), "../../root", &start)?;
        }
        // Its first argument is the compiler in whose place it stands, so the option cannot come before it.
        let start = format!("SYSROOT=\"$root/usr\" {LIBRARIES} exec \"$root/usr/bin/clippy-driver\"");
        write_wrapper(&self.rust_tool("clippy-driver"), "../../root", &start)?;
        for tool in ["gcc", "ar", "objdump", "nm", "readelf", "strip"] {
            let name = format!("aarch64-linux-gnu-{tool}");
            let system_root = if tool == "gcc" { " --sysroot=\"$root\"" } else { "" };
            let start = format!("{LIBRARIES} exec \"$root/usr/bin/{name}\"{system_root}");
            write_wrapper(&self.tool(&name), "../root", &start)?;
        }
        for tool in ["llvm-mca", "llvm-mc", "llvm-objdump", "llc", "opt"] {
            let start = format!("{LIBRARIES} exec \"$root/usr/lib/llvm-{llvm}/bin/{tool}\"");
            write_wrapper(&self.tool(tool), "../root", &start)?;
        }
        let start = "exec \"$root/usr/bin/qemu-aarch64\" -L \"$root/usr/aarch64-linux-gnu\" -cpu \"${SLIDE_QEMU_CPU:-neoverse-v1}\"";
        write_wrapper(&self.tool("qemu-aarch64"), "../root", start)
    }
}

fn write_wrapper(path: &Path, root: &str, start: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a wrapper lies in a folder")?)?;
    let script =
        format!("#!/bin/sh\nroot=$(cd \"$(dirname \"$(readlink -f \"$0\")\")/{root}\" && pwd)\n{start} \"$@\"\n");
    fs::write(path, script)?;
    make_executable(path)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    anyhow::bail!("a tool chain can be unpacked on Debian only")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn inside(temporary: &tempfile::TempDir) -> Folder {
        Folder(temporary.path().join("deep/slide-cross"))
    }

    #[test]
    fn only_a_finished_folder_is_ready() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = inside(&temporary);
        let (new, lock) = folder.begin().unwrap();
        fs::write(new.path().join("half"), "").unwrap();
        assert!(!folder.is_ready() && !new.is_ready());
        drop(lock);
        // The next one finds nothing of it.
        let (new, lock) = folder.begin().unwrap();
        assert!(!new.path().join("half").exists());
        new.finish(&folder).unwrap();
        assert!(folder.is_ready() && !new.path().exists());
        drop(lock);
        fs::write(folder.path().join(STAMP), "0").unwrap();
        assert!(!folder.is_ready());
        folder.begin().expect("a folder of an older revision is replaced");
    }

    #[test]
    fn a_folder_with_other_things_stays() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = inside(&temporary);
        fs::create_dir_all(folder.path()).unwrap();
        folder.begin().expect("an empty one is taken");
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        let error = folder.begin().unwrap_err().to_string();
        assert!(error.contains("other things"), "{error}");
    }

    #[test]
    fn wrappers_find_the_root_from_anywhere() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder(temporary.path().join("a b"));
        folder.write_wrappers(22).unwrap();
        let program = folder.root().join("usr/bin/aarch64-linux-gnu-gcc");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "#!/bin/sh\nfor argument; do echo \"<$argument>\"; done\n").unwrap();
        make_executable(&program).unwrap();
        let link = temporary.path().join("cc");
        std::os::unix::fs::symlink(folder.tool("aarch64-linux-gnu-gcc"), &link).unwrap();
        let output = std::process::Command::new(&link).args(["x y", "z"]).output().unwrap();
        let expected = format!("<--sysroot={}>\n<x y>\n<z>\n", folder.root().canonicalize().unwrap().display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

//! The Python package: installed as README says, tested with the oldest and the newest libraries that it supports, and for 64-bit Arm.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::cross::{DEFAULT_CPU, TARGET, Toolchain};
use crate::debian_packages::output::first_dependency;
use crate::debian_packages::{self, Apt, Folder, Purpose};
use crate::python::{environment, install};
use crate::workspace;

/// Of the workspace.
const PACKAGE: &str = "crates/slide-python";

/// Most bytes of a wheel.
const LARGEST_WHEEL: u64 = 15_000_000;

/// Installs the package and runs its tests, with the newest and the oldest libraries, and mypy. `program` is what models are compared
/// with, bit for bit.
pub(crate) fn check(shell: &Shell, program: &Path) -> Result<()> {
    let folder = workspace::scratch("python-package");
    let newest = environment(shell, &folder.join("newest"))?;
    let oldest = environment(shell, &folder.join("oldest"))?;
    install(shell, &newest, &["--upgrade", "mypy", "tqdm", "pandas"])?;
    install(shell, &newest, &["--upgrade", &format!("./{PACKAGE}[test]")])?;
    install(shell, &oldest, &["--requirement", &format!("{PACKAGE}/tests/oldest.txt")])?;
    install(shell, &oldest, &[&format!("./{PACKAGE}[test]"), "--constraint", &format!("{PACKAGE}/tests/oldest.txt")])?;
    let _folder = shell.push_dir(PACKAGE);
    let _program = shell.push_env("SLIDE_PROGRAM", program);
    for python in [&newest, &oldest] {
        cmd!(shell, "{python} -m pytest --quiet tests").run().context("the tests of the Python package fail")?;
    }
    let _folder = shell.push_dir("python");
    Ok(cmd!(shell, "{newest} -m mypy --config-file ../pyproject.toml --package slide").run()?)
}

/// Builds a source distribution, a wheel for this machine and one for 64-bit Arm, which Python imports in the emulator, to train and
/// measure with it.
pub(crate) fn wheels(shell: &Shell) -> Result<()> {
    let folder = workspace::scratch("python-package");
    let python = environment(shell, &folder.join("newest"))?;
    install(shell, &python, &["--upgrade", "maturin>=1.9.4,<2"])?;
    let wheels = folder.join("wheels");
    let _ = fs::remove_dir_all(&wheels);
    let _package = shell.push_dir(PACKAGE);
    cmd!(shell, "{python} -m maturin sdist --out {wheels}").run()?;
    cmd!(shell, "{python} -m maturin build --release --out {wheels}").run()?;
    let toolchain = Toolchain::find_or_set_up()?;
    let _cross = toolchain.enter(shell, DEFAULT_CPU);
    // Libraries of the compiler's own packages are of no named standard of wheels.
    cmd!(shell, "{python} -m maturin build --release --target {TARGET} --compatibility linux --out {wheels}").run()?;
    let mut arm = None;
    for entry in fs::read_dir(&wheels)? {
        let path = entry?.path();
        let (bytes, name) = (fs::metadata(&path)?.len(), path.to_string_lossy());
        println!("{name}: {:.1} MB", bytes as f64 / 1e6);
        ensure!(bytes <= LARGEST_WHEEL, "{name}: {bytes} bytes, expected at most {LARGEST_WHEEL}");
        if name.ends_with("aarch64.whl") {
            arm = Some(path);
        }
    }
    use_on_arm(shell, &python, &toolchain, &arm.context("maturin has built no wheel for 64-bit Arm")?)
}

/// Trains on a file and measures, which needs no numpy.
const ARM: &str = r#"
import slide, sys
with open("train.txt", "w") as file:
    file.write("40 4 2\n" + "0 0:1 2:1\n1 1:1 3:1\n" * 20)
data = slide.Dataset.read("train.txt")
model = slide.train(data, epochs=2)
assert slide.evaluate(model, data).precision[1] == 1
print("Python", sys.version, "uses", slide.machine())
"#;

static ARM_PYTHON: Purpose = Purpose {
    task: "wheels",
    content: "Python for 64-bit Arm",
    name: "slide-arm-python",
    variable: "SLIDE_ARM_PYTHON_DIR",
    revision: "1",
};

fn use_on_arm(shell: &Shell, python: &Path, toolchain: &Toolchain, wheel: &Path) -> Result<()> {
    let folder = Folder::chosen(&ARM_PYTHON)?;
    if let Some(obstacle) = debian_packages::obstacle().filter(|_| !folder.is_ready()) {
        println!("{}: the wheel for 64-bit Arm is built, but not used: {obstacle}", ARM_PYTHON.task);
        return Ok(());
    }
    let choose = |apt: &Apt<'_>| {
        let show = apt.command("apt-cache").args(["show", "python3:arm64"]).read()?;
        let version = first_dependency(&show, "python3.").context("python3 depends on no Python")?.to_owned();
        let own = [format!("{version}-minimal"), format!("lib{version}-minimal"), format!("lib{version}-stdlib")];
        let names = own.into_iter().chain(["libexpat1", "zlib1g"].map(str::to_owned));
        Ok((names.map(|name| format!("{name}:arm64")).collect(), version))
    };
    folder.provide(shell, &["amd64", "arm64"], choose, |new, version| {
        Ok(fs::write(new.root().join("version"), version)?)
    })?;
    let root = folder.root();
    let program = root.join("usr/bin").join(fs::read_to_string(root.join("version"))?);
    let unpacked = workspace::scratch("python-package").join("arm");
    let _ = fs::remove_dir_all(&unpacked);
    cmd!(shell, "{python} -m zipfile --extract {wheel} {unpacked}").run()?;
    let _folder = shell.push_dir(&unpacked);
    // The emulator itself needs this machine's libraries.
    let libraries = ["usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu"].map(|name| root.join(name));
    let libraries = format!("LD_LIBRARY_PATH={}:{}", libraries[0].display(), libraries[1].display());
    let _home = shell.push_env("PYTHONHOME", root.join("usr"));
    let _path = shell.push_env("PYTHONPATH", &unpacked);
    let qemu = &toolchain.qemu;
    cmd!(shell, "{qemu} -E {libraries} {program} -").stdin(ARM).run().context("64-bit Arm cannot use the wheel")
}

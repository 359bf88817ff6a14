//! The Python package: installed as README says, tested with the oldest and the newest libraries that it supports, and for 64-bit Arm.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::cross::{TARGET, Toolchain};
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
    pip(shell, &newest, &["--upgrade", "mypy", "tqdm"])?;
    pip(shell, &newest, &["--upgrade", &format!("./{PACKAGE}[test]")])?;
    pip(shell, &oldest, &["--requirement", &format!("{PACKAGE}/tests/oldest.txt")])?;
    pip(shell, &oldest, &[&format!("./{PACKAGE}[test]"), "--constraint", &format!("{PACKAGE}/tests/oldest.txt")])?;
    let _folder = shell.push_dir(PACKAGE);
    let _program = shell.push_env("SLIDE_PROGRAM", program);
    for python in [&newest, &oldest] {
        cmd!(shell, "{python} -m pytest --quiet tests").run().context("the tests of the Python package fail")?;
    }
    let _folder = shell.push_dir("python");
    Ok(cmd!(shell, "{newest} -m mypy --config-file ../pyproject.toml --package slide").run()?)
}

/// Builds a source distribution and a wheel for this machine and for 64-bit Arm; where `SLIDE_ARM_PYTHON` names a Python for that
/// (`bin/python3` of an unpacked one), it imports the wheel in the emulator, trains and predicts.
pub(crate) fn wheels(shell: &Shell) -> Result<()> {
    let folder = workspace::scratch("python-package");
    let python = environment(shell, &folder.join("newest"))?;
    pip(shell, &python, &["--upgrade", "maturin>=1.9.4,<2"])?;
    let wheels = folder.join("wheels");
    let _ = fs::remove_dir_all(&wheels);
    let _package = shell.push_dir(PACKAGE);
    cmd!(shell, "{python} -m maturin sdist --out {wheels}").run()?;
    cmd!(shell, "{python} -m maturin build --release --out {wheels}").run()?;
    let toolchain = Toolchain::find_or_set_up()?;
    let _cross = toolchain.enter(shell, crate::cross::DEFAULT_CPU);
    let options = ["--compatibility", "linux", "--interpreter", "python3.9"];
    cmd!(shell, "{python} -m maturin build --release --target {TARGET} {options...} --out {wheels}").run()?;
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
    import_on_arm(shell, &python, &toolchain, &arm.context("maturin has built no wheel for 64-bit Arm")?)
}

/// Trains on a file and measures, which needs no numpy.
const ARM: &str = r#"
import slide, sys
with open("train.txt", "w") as file:
    file.write("40 4 2\n" + "0 0:1 2:1\n1 1:1 3:1\n" * 20)
data = slide.Dataset.read("train.txt")
model = slide.train(data, epochs=2)
assert slide.evaluate(model, data).precision[1] == 1
print(sys.version, slide.machine())
"#;

fn import_on_arm(shell: &Shell, python: &Path, toolchain: &Toolchain, wheel: &Path) -> Result<()> {
    let Some(arm_python) = std::env::var_os("SLIDE_ARM_PYTHON").map(PathBuf::from) else {
        println!("SLIDE_ARM_PYTHON names no Python for 64-bit Arm: the wheel is built, but its import is not tested");
        return Ok(());
    };
    let unpacked = workspace::scratch("python-package").join("arm");
    let _ = fs::remove_dir_all(&unpacked);
    cmd!(shell, "{python} -m zipfile --extract {wheel} {unpacked}").run()?;
    let _folder = shell.push_dir(&unpacked);
    let _path = shell.push_env("PYTHONPATH", &unpacked);
    let qemu = &toolchain.qemu;
    cmd!(shell, "{qemu} {arm_python} -").stdin(ARM).run().context("64-bit Arm cannot use the wheel")
}

/// The Python of a virtual environment in `folder`, which is made if need be.
fn environment(shell: &Shell, folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if cmd!(shell, "{python} -m pip --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(shell, "python3 -m venv --clear {folder}")
            .run()
            .context("cannot make a virtual environment (Debian: python3-venv)")?;
    }
    Ok(python)
}

fn pip(shell: &Shell, python: &Path, arguments: &[&str]) -> Result<()> {
    let options = ["install", "--quiet", "--disable-pip-version-check", "--prefer-binary"];
    Ok(cmd!(shell, "{python} -m pip {options...} {arguments...}").run()?)
}

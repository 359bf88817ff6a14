//! What other programs get: the packages of the library crates, and an example that is built against them.

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::workspace;

/// The crates that stand alone.
const LIBRARIES: [&str; 2] = ["slide-kernels", "slide-mem"];

/// Packages the libraries as for a registry, unpacks what came of it, and builds and runs the example against that: a
/// file that the package lacks, or a dependency that only the workspace has, is found here.
pub(crate) fn run() -> Result<()> {
    let shell = workspace::shell()?;
    let folder = workspace::scratch("package");
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    let packages = LIBRARIES.iter().flat_map(|name| ["--package", name]);
    // Local changes are allowed, because this is also for trying them.
    cmd!(shell, "cargo package {packages...} --no-verify --allow-dirty --target-dir {folder}").run()?;
    let version = env!("CARGO_PKG_VERSION");
    let mut patches = Vec::new();
    for name in LIBRARIES {
        let archive = folder.join(format!("package/{name}-{version}.crate"));
        cmd!(shell, "tar --extract --gzip --file {archive} --directory {folder}").run()?;
        let unpacked = folder.join(format!("{name}-{version}"));
        let unpacked = unpacked.to_str().context("the target folder's path is not Unicode")?;
        patches.extend(["--config".to_owned(), format!("patch.crates-io.{name}.path={unpacked:?}")]);
    }
    // A copy, so that no lock file is left in the source.
    let example = folder.join("nearest-rows");
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = shell.read_file(workspace::root().join("examples/nearest-rows").join(file))?;
        shell.write_file(example.join(file), text)?;
    }
    let manifest = example.join("Cargo.toml");
    let build = folder.join("build");
    cmd!(shell, "cargo run --manifest-path {manifest} --target-dir {build} {patches...}").run()?;
    Ok(())
}

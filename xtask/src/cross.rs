//! Building for 64-bit Arm, running that without an Arm machine, and the LLVM tools that model its cores.

mod debian;
mod installed;
mod self_test;
mod toolchain;
mod wrappers;

pub(crate) use toolchain::{DEFAULT_CPU, TARGET, Toolchain, chosen_cpu};

use anyhow::{Result, bail};

use crate::debian_packages::{Folder, Purpose, obstacle};
use crate::workspace;

const FOLDER: Purpose = Purpose {
    task: "setup-cross",
    content: "the tool chain",
    name: "slide-cross",
    variable: "SLIDE_CROSS_DIR",
    revision: "1",
};

/// `cargo xtask setup-cross`.
pub(crate) fn set_up() -> Result<()> {
    let folder = Folder::chosen(&FOLDER)?;
    let shell = workspace::shell()?;
    if folder.is_ready() {
        println!("setup-cross: {} is ready", folder.path().display());
        return Ok(());
    }
    let Some(obstacle) = obstacle() else {
        debian::set_up(&folder)?;
        let path = folder.path().display();
        println!("setup-cross: {path} is ready; `. {path}/env` lets a plain cargo use it");
        return Ok(());
    };
    println!("setup-cross: {obstacle}; looking for the system's own tools");
    match installed::find(&shell) {
        Ok(toolchain) => {
            self_test::run(&shell, &toolchain)?;
            println!("setup-cross: the system has all that is needed:\n{toolchain:#?}");
            Ok(())
        }
        Err(missing) => bail!("for {TARGET} this is missing:\n  {}", missing.join("\n  ")),
    }
}

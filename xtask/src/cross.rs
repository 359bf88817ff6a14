//! Building for 64-bit Arm, running that without an Arm machine, and the LLVM tools that model its cores.

mod debian;
mod folder;
mod installed;
mod packages;
mod self_test;
mod toolchain;

pub(crate) use toolchain::{DEFAULT_CPU, TARGET, Toolchain, chosen_cpu};

use anyhow::{Result, bail};

use self::folder::Folder;
use crate::workspace;

/// `cargo xtask setup-cross`.
pub(crate) fn set_up() -> Result<()> {
    let folder = Folder::chosen()?;
    let shell = workspace::shell()?;
    if folder.is_ready() {
        println!("setup-cross: {} is ready", folder.path().display());
        return Ok(());
    }
    let Some(obstacle) = debian::obstacle() else {
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

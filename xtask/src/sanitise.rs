//! The crate of the unsafe memory code under tools that watch each access.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::workspace;

/// What the tool cannot bear: it maps terabytes for its own use, and asks for the CPUs of each thread that starts.
const NOT_UNDER_ADDRESS_SANITIZER: [&str; 2] =
    ["a_limit_on_address_space_is_an_error", "topology_is_detected_all_the_same"];

pub(crate) fn run(shell: &Shell) -> Result<()> {
    let host = workspace::host(shell)?;
    if ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"].contains(&&*host) {
        address_sanitizer(shell, &host)?;
    } else {
        println!("skipped: AddressSanitizer is not set up for {host} here");
    }
    miri(shell)
}

fn address_sanitizer(shell: &Shell, host: &str) -> Result<()> {
    // The stable compiler has the tool, and the option behind this door.
    let _door = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let _flags = shell.push_env("RUSTFLAGS", "-Zsanitizer=address");
    let what = ["--package=slide-mem", "--lib", "--tests", "--target", host];
    let skip = NOT_UNDER_ADDRESS_SANITIZER.iter().flat_map(|test| ["--skip", test]);
    println!("skipped: {}, which AddressSanitizer cannot bear", NOT_UNDER_ADDRESS_SANITIZER.join(" and "));
    Ok(cmd!(shell, "cargo test {what...} -- {skip...}").run()?)
}

/// Needs a nightly tool chain with the component `miri`. It knows no system calls of ours: what it runs is the code for
/// other systems, and the pool of workers.
fn miri(shell: &Shell) -> Result<()> {
    let installed = cmd!(shell, "cargo +nightly miri --version").quiet().ignore_stdout().ignore_stderr();
    if installed.run().is_err() {
        println!("skipped: Miri is not installed (`rustup +nightly component add miri` brings it)");
        return Ok(());
    }
    let _folder = shell.push_env("CARGO_TARGET_DIR", workspace::target().join("miri"));
    // The topology is read from files.
    let _files = shell.push_env("MIRIFLAGS", "-Zmiri-disable-isolation");
    Ok(cmd!(shell, "cargo +nightly miri test --package slide-mem --lib --tests").run()?)
}

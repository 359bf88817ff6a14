//! The folder that holds an unpacked tool chain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Goes up with each change of what a set-up leaves behind, so that older folders are made anew.
const REVISION: &str = "1";

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
        fs::read_to_string(self.0.join(".done")).is_ok_and(|revision| revision.trim() == REVISION)
    }

    /// A tool of the host that works on the target's files.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// `rustc` and what belongs to it.
    pub(crate) fn rust_tool(&self, name: &str) -> PathBuf {
        self.0.join("toolchain/bin").join(name)
    }

    /// The root of the unpacked packages.
    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

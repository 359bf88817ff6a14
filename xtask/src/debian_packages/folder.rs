//! A folder in the user's cache that holds unpacked packages: where it lies, and how it comes to be there as a whole or not at all.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Holds the revision of a set-up that was completed; its presence tells our folders from others.
const STAMP: &str = ".done";

/// What a folder is for.
#[derive(Debug)]
pub(crate) struct Purpose {
    /// The task that fills it, to begin its messages with.
    pub(crate) task: &'static str,
    /// What it holds, such as `a tool chain`.
    pub(crate) content: &'static str,
    /// The folder's name in the user's cache.
    pub(crate) name: &'static str,
    /// The environment variable that names another folder.
    pub(crate) variable: &'static str,
    /// Goes up with each change of what a set-up leaves behind, so that older folders are made anew.
    pub(crate) revision: &'static str,
}

/// A folder of packages, filled or still to be.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) purpose: &'static Purpose,
    path: PathBuf,
}

impl Folder {
    /// The folder that the purpose's variable names, or else the one of its name in the user's cache.
    pub(crate) fn chosen(purpose: &'static Purpose) -> Result<Self> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = variable(purpose.variable) {
            return Ok(Self { purpose, path: std::path::absolute(folder)? });
        }
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let cache = cache.with_context(|| {
            format!("neither HOME nor XDG_CACHE_HOME is set; {} names a folder to use", purpose.variable)
        })?;
        Ok(Self { purpose, path: std::path::absolute(cache)?.join(purpose.name) })
    }

    #[cfg(test)]
    pub(crate) fn at(purpose: &'static Purpose, path: PathBuf) -> Self {
        Self { purpose, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The root of the unpacked packages.
    pub(crate) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// Whether a set-up of this revision was completed here.
    pub(crate) fn is_ready(&self) -> bool {
        fs::read_to_string(self.path.join(STAMP)).is_ok_and(|revision| revision.trim() == self.purpose.revision)
    }

    /// Puts what `make` leaves in a new folder into the place of this one. Of a set-up that fails or is interrupted nothing is
    /// left, at the latest when the next begins; other set-ups wait for this one, and then find its work done.
    pub(super) fn fill(&self, make: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let (new, _lock) = self.begin()?;
        if self.is_ready() {
            return Ok(()); // Another set-up held the lock until now.
        }
        let made = make(&new).and_then(|()| new.finish(self));
        if made.is_err() {
            // What failed is the news, not whether its remains could be removed.
            let _ = fs::remove_dir_all(new.path());
        }
        made.with_context(|| format!("cannot set up {} in {}", self.purpose.content, self.path.display()))
    }

    /// A folder next to this one, empty, in which the next is made. The lock keeps other set-ups out until it is dropped.
    fn begin(&self) -> Result<(Self, File)> {
        let Purpose { content, variable, .. } = self.purpose;
        let foreign =
            !self.path.join(STAMP).exists() && fs::read_dir(&self.path).is_ok_and(|mut all| all.next().is_some());
        let advice = format!("remove it, or name another folder in {variable}");
        ensure!(!foreign, "{} holds other things than {content}: {advice}", self.path.display());
        let parent = self.path.parent().with_context(|| format!("{variable} is the root folder"))?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let lock = File::open(parent)?;
        lock.lock().with_context(|| format!("cannot lock {}", parent.display()))?;
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = Self { purpose: self.purpose, path: new.into() };
        if new.path.exists() {
            fs::remove_dir_all(&new.path).with_context(|| format!("cannot remove {}", new.path.display()))?;
        }
        fs::create_dir(&new.path).with_context(|| format!("cannot create {}", new.path.display()))?;
        Ok((new, lock))
    }

    /// Puts the finished folder in the place of `destination`.
    fn finish(&self, destination: &Self) -> Result<()> {
        fs::write(self.path.join(STAMP), self.purpose.revision)?;
        if destination.path.exists() {
            fs::remove_dir_all(&destination.path)?;
        }
        fs::rename(&self.path, &destination.path)
            .with_context(|| format!("cannot rename {} to {}", self.path.display(), destination.path.display()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose {
        task: "setup-test",
        content: "a test",
        name: "slide-test",
        variable: "SLIDE_TEST_DIR",
        revision: "1",
    };

    fn inside(temporary: &tempfile::TempDir) -> Folder {
        Folder::at(&PURPOSE, temporary.path().join("deep/slide-test"))
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
        let check = |new: &Folder| {
            assert!(!new.path().join("half").exists());
            Ok(())
        };
        folder.fill(check).unwrap();
        assert!(folder.is_ready());
        folder.fill(|_| panic!("it is there")).unwrap();
        fs::write(folder.path().join(STAMP), "0").unwrap();
        assert!(!folder.is_ready());
        folder.fill(|_| Ok(())).expect("a folder of an older revision is replaced");
        assert!(folder.is_ready());
    }

    #[test]
    fn of_a_failure_nothing_is_left() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = inside(&temporary);
        let error = folder
            .fill(|new| fs::create_dir(new.root()).map_err(Into::into).and_then(|()| anyhow::bail!("no")))
            .unwrap_err();
        assert_eq!(format!("{error:#}"), format!("cannot set up a test in {}: no", folder.path().display()));
        assert_eq!(fs::read_dir(folder.path().parent().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_with_other_things_stays() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = inside(&temporary);
        fs::create_dir_all(folder.path()).unwrap();
        folder.begin().expect("an empty one is taken");
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        let error = folder.begin().unwrap_err().to_string();
        assert!(
            error.ends_with("holds other things than a test: remove it, or name another folder in SLIDE_TEST_DIR"),
            "{error}"
        );
    }
}

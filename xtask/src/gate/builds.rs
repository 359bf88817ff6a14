//! The programs of a revision. Every one is checked out into the same folder and built into the same target folder, so cargo
//! compiles only what differs, and equal sources give equal programs; these are copied away and kept.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{PushEnv, Shell, cmd};

use crate::program::{self, Program, Target};
use crate::workspace;

/// The word for the files as they are, committed or not.
pub(super) const WORKING_TREE: &str = "worktree";

/// Content of the repository.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    /// What the user calls it, with the commit's number.
    pub(super) name: String,
    /// Git's number of the files.
    pub(super) tree: String,
}

/// Kernels and shapes.
pub(super) type Cases = BTreeSet<(String, String)>;

/// Functions begin on cache lines, so that what does not change does not get slower by lying elsewhere. It adds no instruction.
const FLAGS: &str = "-C llvm-args=-align-all-functions=6";

/// The folder of the gate, which no other gate uses as long as this lives.
pub(super) struct Builder {
    pub(super) shell: Shell,
    pub(super) folder: PathBuf,
    _lock: File,
}

/// A program that no build touches any more.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub(super) path: PathBuf,
    /// The same for the same bytes.
    pub(super) hash: String,
}

/// `run-case` of a revision.
pub(super) struct Build {
    pub(super) binary: Binary,
    pub(super) program: Program,
}

impl Builder {
    pub(super) fn new() -> Result<Self> {
        let folder = workspace::target().join("gate");
        fs::create_dir_all(folder.join("source")).with_context(|| format!("{}", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_err() {
            eprintln!("gate: another one is at work in {}; waiting for it", folder.display());
            lock.lock()?;
        }
        let builder = Self { shell: workspace::shell()?, folder, _lock: lock };
        builder.clear_up()?;
        Ok(builder)
    }

    /// Removes what one that was interrupted has left half done.
    fn clear_up(&self) -> Result<()> {
        if self.half_checked_out().exists() {
            self.shell.remove_path(self.source())?;
            fs::create_dir(self.source())?;
            self.shell.remove_path(self.folder.join("index-source"))?;
            self.shell.remove_path(self.half_checked_out())?;
        }
        // Nobody else works with these indices.
        for name in ["source", "worktree", "edited"] {
            self.shell.remove_path(self.folder.join(format!("index-{name}.lock")))?;
        }
        Ok(())
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// There as long as it is so.
    fn half_checked_out(&self) -> PathBuf {
        self.folder.join("half-checked-out")
    }

    /// Whatever git understands, or [`WORKING_TREE`].
    pub(super) fn revision(&self, name: &str) -> Result<Revision> {
        let shell = &self.shell;
        if name == WORKING_TREE {
            let _index = self.index("worktree");
            cmd!(shell, "git read-tree HEAD").quiet().run()?;
            cmd!(shell, "git add --all").quiet().run()?;
            let tree = cmd!(shell, "git write-tree").quiet().read()?;
            return Ok(Revision { name: "the working tree".to_owned(), tree });
        }
        let commit = format!("{name}^{{commit}}");
        let commit = cmd!(shell, "git rev-parse --verify --quiet {commit}").quiet().ignore_status().read()?;
        if commit.is_empty() {
            let shallow = cmd!(shell, "git rev-parse --is-shallow-repository").quiet().read()?;
            let remedy =
                if shallow == "true" { ": the clone is shallow; `git fetch --unshallow` completes it" } else { "" };
            bail!("git knows no commit `{name}`{remedy}");
        }
        let tree = format!("{commit}^{{tree}}");
        let tree = cmd!(shell, "git rev-parse {tree}").quiet().read()?;
        let short = cmd!(shell, "git rev-parse --short {commit}").quiet().read()?;
        let name = if commit.starts_with(name) { short } else { format!("{name} ({short})") };
        Ok(Revision { name, tree })
    }

    /// A revision with one file changed: `from`, which stands there once, is `to`.
    pub(super) fn edited(&self, revision: &Revision, path: &str, from: &str, to: &str) -> Result<Revision> {
        let text = self.file(revision, path)?;
        ensure!(text.matches(from).count() == 1, "`{from}` does not stand once in {path}");
        let (shell, tree) = (&self.shell, &revision.tree);
        let object = cmd!(shell, "git hash-object -w --stdin").stdin(text.replace(from, to)).quiet().read()?;
        let _index = self.index("edited");
        cmd!(shell, "git read-tree {tree}").quiet().run()?;
        cmd!(shell, "git update-index --cacheinfo 100644,{object},{path}").quiet().run()?;
        let tree = cmd!(shell, "git write-tree").quiet().read()?;
        Ok(Revision { name: format!("{}, changed", revision.name), tree })
    }

    /// The text of a file of a revision.
    pub(super) fn file(&self, revision: &Revision, path: &str) -> Result<String> {
        let (shell, object) = (&self.shell, format!("{}:{path}", revision.tree));
        Ok(cmd!(shell, "git cat-file blob {object}").quiet().read()?)
    }

    /// Git works with another index than the user's.
    fn index(&self, name: &str) -> PushEnv<'_> {
        self.shell.push_env("GIT_INDEX_FILE", self.folder.join(format!("index-{name}")))
    }

    /// `run-case`.
    pub(super) fn build(&self, revision: &Revision, target: Target) -> Result<Build> {
        let binary = self.binary(revision, target, "run-case")?;
        let compiler = program::compiler(&self.shell, target)?;
        let program = Program::open(binary.path.clone(), target.architecture()?, compiler)?;
        Ok(Build { binary, program })
    }

    /// Any program, which is built unless it has been before.
    pub(super) fn binary(&self, revision: &Revision, target: Target, name: &str) -> Result<Binary> {
        let (shell, architecture) = (&self.shell, target.architecture()?.name());
        let compiler = program::compiler(shell, target)?;
        let flags = format!("{} {FLAGS}", env::var("RUSTFLAGS").unwrap_or_default());
        let kept = self.folder.join("builds");
        let key = format!("{}-{architecture}-{compiler}-{}-{name}", &revision.tree[..16], short_hash(flags.as_bytes()));
        let path = kept.join(key);
        if !path.exists() {
            eprintln!("gate: building {name} of {} for {architecture}", revision.name);
            self.check_out(revision)?;
            let _source = shell.push_dir(self.source());
            let _flags = shell.push_env("RUSTFLAGS", flags.trim());
            let built = program::build(shell, target, &self.folder.join("target"), name)
                .with_context(|| format!("{} does not build for {architecture}", revision.name))?;
            fs::create_dir_all(&kept)?;
            let unfinished = kept.join("unfinished");
            fs::copy(built, &unfinished)?;
            fs::rename(unfinished, &path)?;
        }
        Binary::open(path)
    }

    /// Files that are the same in both revisions keep their times, so cargo does not look at them again.
    fn check_out(&self, revision: &Revision) -> Result<()> {
        let (shell, tree) = (&self.shell, &revision.tree);
        let _index = self.index("source");
        let _source = shell.push_env("GIT_WORK_TREE", self.source());
        File::create(self.half_checked_out())?;
        cmd!(shell, "git read-tree --reset -u {tree}").quiet().run()?;
        Ok(shell.remove_path(self.half_checked_out())?)
    }
}

impl Binary {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let bytes = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        Ok(Self { path, hash: short_hash(&bytes) })
    }
}

impl Build {
    /// Kernel and shape of its cases. It must be for this machine.
    pub(super) fn cases(&self, shell: &Shell) -> Result<Cases> {
        let run_case = &self.binary.path;
        let text = cmd!(shell, "{run_case} --list").quiet().read()?;
        text.lines().map(|line| parse_case(line).with_context(|| format!("run-case lists `{line}`"))).collect()
    }
}

fn short_hash(bytes: &[u8]) -> String {
    workspace::sha256(bytes)[..16].to_owned()
}

/// `dot::dot`, `f32 1024` and the elements, with tabs between.
fn parse_case(line: &str) -> Option<(String, String)> {
    let mut parts = line.split('\t');
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read() {
        assert_eq!(parse_case("dot::dot\tf32 1024\t1024"), Some(("dot::dot".to_owned(), "f32 1024".to_owned())));
        assert_eq!(parse_case("error"), None);
    }

    #[test]
    fn equal_programs_have_equal_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let binary = |name: &str, content: &str| {
            fs::write(folder.path().join(name), content).unwrap();
            Binary::open(folder.path().join(name)).unwrap().hash
        };
        assert_eq!(binary("old", "a program"), binary("new", "a program"));
        assert_ne!(binary("old", "a program"), binary("new", "another"));
        assert!(Binary::open(folder.path().join("none")).unwrap_err().to_string().ends_with("none"));
    }

    #[test]
    fn commits_that_git_does_not_know_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let shell = workspace::shell().unwrap();
        let builder = Builder { shell, folder: folder.path().to_owned(), _lock: tempfile::tempfile().unwrap() };
        let error = builder.revision("no-such-commit").unwrap_err();
        assert!(error.to_string().contains("git knows no commit `no-such-commit`"), "{error}");
    }

    #[test]
    fn what_was_interrupted_is_cleared_up() {
        let folder = tempfile::tempdir().unwrap();
        let shell = workspace::shell().unwrap();
        let builder = Builder { shell, folder: folder.path().to_owned(), _lock: tempfile::tempfile().unwrap() };
        fs::create_dir(builder.source()).unwrap();
        let [half, lock] = ["source/half", "index-source.lock"].map(|name| folder.path().join(name));
        fs::write(&half, "a file of another revision").unwrap();
        fs::write(&lock, "").unwrap();
        builder.clear_up().unwrap();
        assert!(half.exists() && !lock.exists(), "a whole revision stays");
        File::create(builder.half_checked_out()).unwrap();
        builder.clear_up().unwrap();
        assert!(!half.exists() && builder.source().exists() && !builder.half_checked_out().exists());
    }
}

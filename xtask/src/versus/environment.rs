//! Python with the peers: a virtual environment of the task's own, and the scripts that run in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use super::system::{COMMON, System};
use crate::workspace;

/// Calls the systems through their Python interfaces.
pub(super) const PEERS: &str = include_str!("peers.py");
/// Measures a process.
const MEASURE: &str = include_str!("measure.py");

/// Versions by package.
pub(crate) type Versions = BTreeMap<String, String>;

pub(crate) struct Environment {
    python: PathBuf,
    peers: PathBuf,
    measure: PathBuf,
}

impl Environment {
    /// The one in this folder, which is made if need be.
    pub(crate) fn open(shell: &Shell, folder: &Path) -> Result<Self> {
        let environment = folder.join("venv");
        let python = environment.join("bin/python");
        if cmd!(shell, "{python} --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
            cmd!(shell, "python3 -m venv --clear {environment}")
                .quiet()
                .run()
                .context("cannot make a virtual environment (Debian: python3-venv)")?;
        }
        let [peers, measure] = [("peers.py", PEERS), ("measure.py", MEASURE)].map(|(name, text)| {
            let path = folder.join(name);
            workspace::write_whole(&path, text).map(|()| path)
        });
        Ok(Self { python, peers: peers?, measure: measure? })
    }

    /// Installs what a system needs, unless it is there, and says which versions it has.
    pub(crate) fn provide(&self, shell: &Shell, system: System) -> Result<Versions> {
        if let Ok(versions) = self.versions(system) {
            return Ok(versions);
        }
        eprintln!("versus: installing {}", system.name());
        let python = &self.python;
        let options = ["--quiet", "--disable-pip-version-check", "--prefer-binary"];
        for requirements in [&COMMON[..], system.requirements()] {
            cmd!(shell, "{python} -m pip install {options...} {requirements...}").quiet().ignore_stdout().run()?;
        }
        self.versions(system)
    }

    fn versions(&self, system: System) -> Result<Versions> {
        let mut command = std::process::Command::new(&self.python);
        let output = command.args(self.script(system, "check", &[])).output().context("cannot start Python")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{}", errors.trim_end().lines().last().unwrap_or("Python fails without a word"));
        }
        serde_json::from_slice(&output.stdout).context("the script prints no versions")
    }

    /// The command that asks a peer for something.
    pub(crate) fn ask(&self, system: System, verb: &str, arguments: &[&Path]) -> Vec<OsString> {
        let mut command = vec![self.python.clone().into_os_string()];
        command.extend(self.script(system, verb, arguments));
        command
    }

    fn script(&self, system: System, verb: &str, arguments: &[&Path]) -> Vec<OsString> {
        // Isolated from the user's own packages.
        let mut words: Vec<OsString> = vec!["-I".into(), self.peers.clone().into()];
        words.extend([verb.into(), system.name().into()]);
        words.extend(arguments.iter().map(|path| path.as_os_str().to_owned()));
        words
    }

    /// The command that measures another one, up to that one's words.
    pub(super) fn measuring(&self) -> [&Path; 2] {
        [&self.python, &self.measure]
    }
}

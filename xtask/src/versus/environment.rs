//! Python with the peers: a virtual environment of the task's own, and the scripts that run in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use xshell::Shell;

use crate::python::{self, PIP};
use crate::workspace;

/// Measures a process.
const MEASURE: &str = include_str!("measure.py");

/// Versions by package.
pub(crate) type Versions = BTreeMap<String, String>;

pub(crate) struct Environment {
    python: PathBuf,
    script: PathBuf,
    measure: PathBuf,
}

impl Environment {
    /// The one in this folder, which is made if need be, for a script that calls systems through their Python interfaces. The script has
    /// a verb `check`, which prints the versions of a system's packages.
    pub(crate) fn open(shell: &Shell, folder: &Path, script: &str) -> Result<Self> {
        let python = python::environment(shell, &folder.join("venv"))?;
        let [script, measure] = [("peers.py", script), ("measure.py", MEASURE)].map(|(name, text)| {
            let path = folder.join(name);
            workspace::write_whole(&path, text).map(|()| path)
        });
        Ok(Self { python, script: script?, measure: measure? })
    }

    /// Installs what a system needs, unless it is there, and says which versions it has.
    pub(crate) fn provide(&self, system: &str, requirements: &[&[&str]]) -> Result<Versions> {
        if let Ok(versions) = self.versions(system) {
            return Ok(versions);
        }
        eprintln!("versus: installing {system}");
        for requirements in requirements {
            let words = PIP.iter().chain(&["--prefer-binary"]).chain(*requirements).map(OsString::from);
            // What pip says of packages that are there, but incomplete on purpose, is no news.
            self.python(&words.collect::<Vec<_>>())
                .with_context(|| format!("pip install {}", requirements.join(" ")))?;
        }
        self.versions(system)
    }

    fn versions(&self, system: &str) -> Result<Versions> {
        self.answer(system, "check", &[])
    }

    /// What the script prints.
    pub(crate) fn run(&self, system: &str, verb: &str, arguments: &[&Path]) -> Result<Vec<u8>> {
        self.python(&self.script(system, verb, arguments))
    }

    /// The same, as JSON.
    pub(crate) fn answer<T: DeserializeOwned>(&self, system: &str, verb: &str, arguments: &[&Path]) -> Result<T> {
        let printed = self.run(system, verb, arguments)?;
        serde_json::from_slice(&printed).with_context(|| format!("the script prints no answer to `{verb} {system}`"))
    }

    /// What Python prints. An error is the last line of those that it prints.
    fn python(&self, words: &[OsString]) -> Result<Vec<u8>> {
        let output = Command::new(&self.python).args(words).output().context("cannot start Python")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{}", errors.trim_end().lines().last().unwrap_or("Python fails without a word"));
        }
        Ok(output.stdout)
    }

    /// The command that asks a peer for something.
    pub(crate) fn ask(&self, system: &str, verb: &str, arguments: &[&Path]) -> Vec<OsString> {
        let mut command = vec![self.python.clone().into_os_string()];
        command.extend(self.script(system, verb, arguments));
        command
    }

    fn script(&self, system: &str, verb: &str, arguments: &[&Path]) -> Vec<OsString> {
        // Isolated from the user's own packages.
        let mut words: Vec<OsString> = vec!["-I".into(), self.script.clone().into()];
        words.extend([verb.into(), system.into()]);
        words.extend(arguments.iter().map(|path| path.as_os_str().to_owned()));
        words
    }

    /// The command that measures another one, up to that one's words.
    pub(super) fn measuring(&self) -> [&Path; 2] {
        [&self.python, &self.measure]
    }
}

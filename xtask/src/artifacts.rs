//! What cargo says it has built.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

/// The programs among what has been built, or was found built.
pub(crate) struct Artifacts(Vec<Artifact>);

/// A program, and what it was built from.
#[derive(Debug, Deserialize)]
pub(crate) struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    pub(crate) executable: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

impl Artifacts {
    /// Builds the tests of the whole workspace, or what the options choose of them. Whoever needs some of the programs takes
    /// these: packages that are chosen one by one have other features, and so would be built again.
    pub(crate) fn of_tests(shell: &Shell, options: &[&str]) -> Result<Self> {
        let format = "--message-format=json-render-diagnostics";
        Self::parse(&cmd!(shell, "cargo test --workspace --no-run {format} {options...}").read()?)
    }

    /// Reads the messages of cargo, in JSON.
    pub(crate) fn parse(messages: &str) -> Result<Self> {
        let mut artifacts = Vec::new();
        for line in messages.lines() {
            let message: serde_json::Value =
                serde_json::from_str(line).with_context(|| format!("cargo prints: {line}"))?;
            if message["executable"].is_string() {
                artifacts.push(serde_json::from_value(message).with_context(|| format!("cargo prints: {line}"))?);
            }
        }
        Ok(Self(artifacts))
    }

    /// The tests or benchmarks of a package that lies in this folder: all, or the one of that name. That there is none is an error.
    pub(crate) fn tests_of(&self, package: &str, name: Option<&str>) -> Result<Vec<&Artifact>> {
        let of_package = |artifact: &&Artifact| artifact.profile.test && artifact.folder().ends_with(package);
        let is_chosen = |artifact: &&Artifact| name.is_none_or(|name| artifact.target.name == name);
        let tests: Vec<&Artifact> = self.0.iter().filter(of_package).filter(is_chosen).collect();
        ensure!(!tests.is_empty(), "cargo has built no test or benchmark {} of {package}", name.unwrap_or_default());
        Ok(tests)
    }

    /// The program of this name.
    pub(crate) fn program(&self, name: &str) -> Result<&Path> {
        let found = self.0.iter().find(|artifact| !artifact.profile.test && artifact.target.name == name);
        Ok(&found.with_context(|| format!("cargo has built no program {name}"))?.executable)
    }
}

impl Artifact {
    /// Of the library, program or test.
    pub(crate) fn name(&self) -> &str {
        &self.target.name
    }

    /// Runs it where cargo would.
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let (_folder, program) = (shell.push_dir(self.folder()), &self.executable);
        Ok(cmd!(shell, "{program}").run()?)
    }

    /// Of its package.
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_tests_are_told_apart() {
        let artifact = |package: &str, name: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/{package}/Cargo.toml","target":{{"name":"{name}"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let messages = [
            artifact("slide-cli", "slide", false, r#""/t/debug/slide""#),
            artifact("slide-cli", "slide", true, r#""/t/debug/deps/slide-1""#),
            artifact("slide-mem", "nodes", true, r#""/t/debug/deps/nodes-1""#),
            artifact("slide-mem", "slide_mem", false, "null"),
            r#"{"reason":"build-script-executed","package_id":"x"}"#.to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let programs = Artifacts::parse(&messages.join("\n")).unwrap();
        assert_eq!(programs.program("slide").unwrap(), Path::new("/t/debug/slide"));
        assert!(programs.program("slide_mem").is_err(), "a library");
        let test = |package: &str, name| programs.tests_of(package, name).unwrap()[0].executable.clone();
        assert_eq!(test("slide-mem", None), Path::new("/t/debug/deps/nodes-1"));
        assert_eq!(test("slide-cli", Some("slide")), Path::new("/t/debug/deps/slide-1"));
        assert!(programs.tests_of("slide-mem", Some("golden")).is_err());
        assert!(Artifacts::parse("warning: unused").is_err());
    }
}

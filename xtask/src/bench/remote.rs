//! Suites that run on another machine: the program goes there, runs in a temporary folder, and its lines come back.

pub(crate) mod loopback;

use std::env::{self, consts};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use slide_benches::record::{self as lines, Line, Request};

use super::measured::pass_on;
use crate::process::{quoted, start};
use crate::program::Target;

/// The environment variable that holds the command for ssh, its words with spaces between.
const SSH: &str = "SLIDE_SSH";

/// Runs on the other machine. The program comes through standard input; the folder goes, however the shell ends.
const SCRIPT: &str = r#"dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" && cat > suite && chmod +x suite || exit
CRITERION_HOME="$dir/criterion" ./suite --bench < /dev/null > /dev/null || exit
cat record"#;

/// A machine that ssh reaches.
pub(super) struct Remote<'a> {
    host: &'a str,
    ssh: Vec<String>,
}

impl<'a> Remote<'a> {
    pub(super) fn new(host: &'a str) -> Self {
        let command = env::var(SSH).ok().filter(|words| !words.trim().is_empty());
        let ssh = command.as_deref().unwrap_or("ssh").split_whitespace().map(str::to_owned).collect();
        Self { host, ssh }
    }

    /// What its programs are to be built for.
    pub(super) fn target(&self) -> Result<Target> {
        let system = self.run("uname -sm", None)?;
        target_of(system.trim(), consts::ARCH).with_context(|| format!("{} is no machine for this", self.host))
    }

    /// Runs a suite there.
    pub(super) fn measure(&self, program: &Path, request: Request) -> Result<Vec<Line>> {
        let request = Request { record: Some("record".into()), ..request };
        let request = quoted(&serde_json::to_string(&request)?);
        eprintln!("bench: running on {}", self.host);
        let text = self.run(&format!("export {}={request}\n{SCRIPT}", lines::REQUEST), Some(program))?;
        lines::parse(&text).with_context(|| format!("{} sent back what is no record", self.host))
    }

    /// What a script prints there. What it says on standard error is passed on as it comes.
    fn run(&self, script: &str, input: Option<&Path>) -> Result<String> {
        let (ssh, arguments) = self.ssh.split_first().context("a command")?;
        let mut command = Command::new(ssh);
        // Whatever the user's shell there is, this is for `sh`.
        command.args(arguments).arg(self.host).arg(format!("sh -c {}", quoted(script)));
        command.stdin(match input {
            Some(path) => File::open(path).with_context(|| format!("cannot open {}", path.display()))?.into(),
            None => Stdio::null(),
        });
        let mut child = start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let errors = child.stderr.take().context("a pipe")?;
        let errors = thread::spawn(move || pass_on(errors));
        let mut output = String::new();
        child.stdout.take().context("a pipe")?.read_to_string(&mut output)?;
        let status = child.wait()?;
        let said = errors.join().unwrap_or_default();
        ensure!(status.success(), "{}", explanation(self.host, status.code(), &said));
        Ok(output)
    }
}

/// What to build on a machine of architecture `here` for one that says this of itself.
fn target_of(uname: &str, here: &str) -> Result<Target> {
    match (uname.split_once(' '), here) {
        (Some(("Linux", there)), _) if there == here => Ok(Target::Native),
        (Some(("Linux", "aarch64")), "x86_64") => Ok(Target::Graviton),
        (Some(("Linux", there)), _) => bail!("it is {there}, which is not built for on {here}"),
        _ => bail!("it runs no Linux: `uname -sm` says `{uname}`"),
    }
}

/// Why ssh, or the suite, has failed.
fn explanation(host: &str, status: Option<i32>, said: &str) -> String {
    let last = said.lines().last().unwrap_or("it says nothing");
    if said.contains("GLIBC_") && said.contains("not found") {
        return format!(
            "the C library of {host} is older than the one that programs are built for here ({last}): \
             build on a system as old as that one, or run `cargo xtask bench` there"
        );
    }
    if said.contains("Exec format error") || said.contains("cannot execute") {
        return format!("{host} cannot run the program that was built for it: {last}");
    }
    match status {
        Some(255) => format!("ssh does not get through to {host}: {last}"),
        Some(126) => {
            format!("the temporary folder of {host} does not let programs run ({last}); its TMPDIR may name another")
        }
        Some(status) => format!("it failed on {host}, with status {status}: {last}"),
        None => format!("ssh to {host} was ended by a signal: {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_known() {
        assert_eq!(target_of("Linux x86_64", "x86_64").unwrap(), Target::Native);
        assert_eq!(target_of("Linux aarch64", "aarch64").unwrap(), Target::Native);
        assert_eq!(target_of("Linux aarch64", "x86_64").unwrap(), Target::Graviton);
        let error = |uname, here| target_of(uname, here).unwrap_err().to_string();
        assert_eq!(error("Linux x86_64", "aarch64"), "it is x86_64, which is not built for on aarch64");
        assert!(error("Darwin arm64", "x86_64").contains("no Linux"));
        assert!(error("", "x86_64").contains("no Linux"));
    }

    #[test]
    fn words_are_quoted() {
        let output = Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted("a 'b' $c \\ \"d\""))).output();
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "a 'b' $c \\ \"d\"");
    }

    #[test]
    fn failures_are_explained() {
        let refused = explanation("h", Some(255), "ssh: connect to host h port 22: Connection refused");
        assert!(refused.starts_with("ssh does not get through to h: ssh: connect"), "{refused}");
        let old = "./suite: /lib/libc.so.6: version `GLIBC_2.38' not found (required by ./suite)";
        assert!(explanation("h", Some(1), old).contains("older"));
        assert!(explanation("h", Some(126), "sh: 6: ./suite: Exec format error").contains("cannot run"));
        assert!(explanation("h", Some(126), "sh: 6: ./suite: Permission denied").contains("TMPDIR"));
        assert_eq!(explanation("h", Some(3), ""), "it failed on h, with status 3: it says nothing");
    }

    /// Instead of ssh, a program that runs the command here.
    #[cfg(unix)]
    fn here(folder: &Path) -> Remote<'static> {
        let ssh = folder.join("ssh");
        let temporary = folder.join("temporary");
        std::fs::create_dir(&temporary).unwrap();
        let script = format!("#!/bin/sh\nexport TMPDIR='{}'\nshift\nexec sh -c \"$1\"\n", temporary.display());
        std::fs::write(&ssh, script).unwrap();
        crate::workspace::make_executable(&ssh).unwrap();
        Remote { host: "host", ssh: vec![ssh.display().to_string()] }
    }

    #[cfg(unix)]
    fn suite(folder: &Path, text: &str) -> std::path::PathBuf {
        let path = folder.join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        path
    }

    #[test]
    #[cfg(unix)]
    fn the_lines_come_back_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let remote = here(folder.path());
        let left = || std::fs::read_dir(folder.path().join("temporary")).unwrap().count();
        assert_eq!(remote.target().unwrap(), Target::Native);
        // The request is where the suite looks for it, quotes and all.
        let program =
            suite(folder.path(), r#"printf '{"note":"%s"}' "$(printf %s "$SLIDE_BENCH" | tr -d '\\"')" > record"#);
        let request = || Request { filter: Some("it's".to_owned()), ..Request::default() };
        let lines = remote.measure(&program, request()).unwrap();
        let [Line::Note(note)] = &lines[..] else { panic!("{lines:?}") };
        assert!(note.contains("filter:it's") && note.contains("record:record"), "{note}");
        assert_eq!(left(), 0);
        let program = suite(folder.path(), "echo out of memory >&2; exit 7");
        let error = remote.measure(&program, request()).unwrap_err().to_string();
        assert_eq!((error.as_str(), left()), ("it failed on host, with status 7: out of memory", 0));
        let program = suite(folder.path(), "echo nonsense > record");
        let error = remote.measure(&program, request()).unwrap_err();
        assert!(format!("{error:#}").contains("`nonsense`"), "{error:#}");
        assert_eq!(left(), 0);
    }
}

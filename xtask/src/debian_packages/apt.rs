//! apt with a state of its own: the system's lists, cache and installed packages stay as they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

/// What sets one private apt apart from another.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// Debian's names; the first is that of the host.
    pub(crate) architectures: &'a [&'a str],
    /// The list of installed packages; `/dev/null` for none.
    pub(crate) status: &'a Path,
    /// Language of the long descriptions to fetch, or `none`.
    pub(crate) language: &'a str,
}

/// An apt whose every file lies in one folder.
#[derive(Debug)]
pub(crate) struct Apt<'a> {
    shell: &'a Shell,
    state: PathBuf,
}

impl<'a> Apt<'a> {
    /// Prepares `state`, which may be one of an earlier run. Sources are still to be added.
    pub(crate) fn new(shell: &'a Shell, state: &Path, settings: &Settings<'_>) -> Result<Self> {
        for path in ["lists/partial", "cache/archives/partial", "sources", "preferences"] {
            fs::create_dir_all(state.join(path)).with_context(|| format!("cannot create {}", state.display()))?;
        }
        let apt = Self { shell, state: state.to_owned() };
        let architectures: String = settings.architectures.iter().map(|name| format!("\"{name}\"; ")).collect();
        // Read after the system's configuration, which may name a proxy. Everything that writes points into `state`; hooks,
        // which some systems use to empty the system's cache, are off.
        let configuration = format!(
            "APT::Architecture \"{native}\";\n#clear APT::Architectures;\nAPT::Architectures {{ {architectures}}};\n\
             APT::Install-Recommends \"false\";\nAPT::Sandbox::User \"root\";\n\
             #clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n\
             Dir::State \"{state}\";\nDir::State::status \"{status}\";\nDir::State::lists \"{state}/lists\";\n\
             Dir::Cache \"{state}/cache\";\nDir::Cache::pkgcache \"pkgcache.bin\";\nDir::Cache::srcpkgcache \"srcpkgcache.bin\";\n\
             Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{state}/sources\";\n\
             Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"{state}/preferences\";\n\
             Acquire::Retries \"3\";\nAcquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
             #clear Acquire::Languages;\nAcquire::Languages \"{language}\";\n",
            native = settings.architectures[0],
            state = state.display(),
            status = settings.status.display(),
            language = settings.language,
        );
        fs::write(apt.configuration(), configuration)?;
        Ok(apt)
    }

    /// Adds the file `name` (`*.sources` or `*.list`) to the sources.
    pub(crate) fn add_source(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.state.join("sources").join(name), text)?)
    }

    /// `apt-get`, `apt-cache` or another of apt's programs, with this state.
    pub(crate) fn command(&self, program: &str) -> Cmd<'a> {
        let configuration = self.configuration();
        cmd!(self.shell, "{program} --config-file {configuration}").quiet()
    }

    /// Fetches the lists of all sources and checks their signatures.
    pub(crate) fn update(&self) -> Result<()> {
        let update = self.command("apt-get").args(["-qq", "--error-on=any", "update"]);
        update.run().context(
            "apt cannot fetch the package lists; what it says above names the reason \
             (a machine without network? a proxy is set in /etc/apt/apt.conf.d or http_proxy)",
        )
    }

    /// The folder of the fetched lists.
    pub(crate) fn lists(&self) -> PathBuf {
        self.state.join("lists")
    }

    fn configuration(&self) -> PathBuf {
        self.state.join("apt.conf")
    }
}
